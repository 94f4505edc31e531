"""How the console's files are served, whatever stands in them."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from voiceera.api import console
from voiceera.config import Settings


@pytest.fixture
def built(tmp_path: Path) -> Path:
    directory = tmp_path / "console"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html><title>VoiceERA</title>")
    (directory / "assets" / "index-1a2b.js").write_text("export {};")
    (tmp_path / "secret").write_text("not for you")
    return directory


def client(directory: Path, tmp_path: Path, media_url: str = "") -> httpx.AsyncClient:
    app = FastAPI()
    console.install(app, Settings(data_dir=tmp_path, media_url=media_url), directory)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", follow_redirects=True)


async def test_every_path_that_is_no_file_is_the_page(built: Path, tmp_path: Path) -> None:
    async with client(built, tmp_path) as browser:
        for path in ("/console", "/console/", "/console/calls/01a2?tab=1", "/console/index.html"):
            page = await browser.get(path)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
            assert page.headers["cache-control"] == "no-cache"


async def test_only_our_own_script_runs_and_nothing_inline(built: Path, tmp_path: Path) -> None:
    async with client(built, tmp_path, "wss://media.example.com") as browser:
        for path in ("/console/", "/console/assets/index-1a2b.js"):
            policy = (await browser.get(path)).headers["content-security-policy"]
            assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
            assert "connect-src 'self' wss://media.example.com;" in policy
            assert "unsafe" not in policy
            assert "require-trusted-types-for 'script'" in policy


async def test_a_file_that_is_named_by_its_content_is_kept_for_ever(built: Path, tmp_path: Path) -> None:
    async with client(built, tmp_path) as browser:
        script = await browser.get("/console/assets/index-1a2b.js")
        gone = await browser.get("/console/assets/index-0000.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert gone.status_code == 404, "a page after an update must not take HTML for its script"
    assert "immutable" not in gone.headers.get("cache-control", "")


@pytest.mark.parametrize("path", ["/console/../secret", "/console/%2e%2e/secret", "/console/assets/..%2f..%2fsecret"])
async def test_nothing_outside_is_served(built: Path, tmp_path: Path, path: str) -> None:
    async with client(built, tmp_path) as browser:
        assert "not for you" not in (await browser.get(path)).text


async def test_before_it_is_built_the_page_says_how(tmp_path: Path) -> None:
    directory = tmp_path / "console"
    async with client(directory, tmp_path) as browser:
        before = await browser.get("/console/calls")
        directory.mkdir()
        (directory / "index.html").write_text("<title>VoiceERA</title>")
        after = await browser.get("/console/calls")
    assert before.status_code == 503
    assert "scripts/setup" in before.text
    assert before.headers["cache-control"] == "no-store"
    assert after.status_code == 200
