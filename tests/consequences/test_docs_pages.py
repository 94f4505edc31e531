"""The documentation's pages in a real browser that can reach nothing but the API."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from voiceera.config import Settings
from voiceera.roles.api import serve_api
from voiceera.roles.ports import bound_socket
from voiceera.store.base import Database
from voiceera.store.bus import Bus

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120

needs_browser = pytest.mark.usefixtures("_browser")


@pytest.fixture
def _browser() -> None:
    if BROWSER is None:
        pytest.skip("no Chromium on this machine")


@pytest.fixture
async def url(settings: Settings, database: Database, bus: Bus) -> AsyncIterator[str]:
    listener, stop, listening = bound_socket("127.0.0.1", 0, ""), asyncio.Event(), asyncio.Event()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    running = asyncio.create_task(serve_api(settings, database, bus, stop, lambda _port: listening.set(), listener))
    await asyncio.wait_for(listening.wait(), PATIENCE)
    yield address
    stop.set()
    await running


async def seen(url: str, folder: Path) -> str:
    """The page as it stands once its scripts have run; every name but the loopback's address leads nowhere."""
    command = [BROWSER or "", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--no-first-run", "--disable-background-networking", f"--user-data-dir={folder}"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=20000"]
    process = await asyncio.create_subprocess_exec(
        *command, "--dump-dom", url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        page, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return page.decode()


@needs_browser
@pytest.mark.slow
@pytest.mark.consequence("GET /docs")
async def test_swagger_ui_draws_every_group_without_a_network(url: str, tmp_path: Path) -> None:
    page = await seen(f"{url}/docs", tmp_path)
    assert page.count('class="opblock-tag') >= 11
    assert "/agents/{" in page.replace("\u200b", "").replace("<wbr>", "")


@needs_browser
@pytest.mark.slow
@pytest.mark.consequence("GET /redoc")
async def test_redoc_draws_every_group_without_a_network(url: str, tmp_path: Path) -> None:
    page = await seen(f"{url}/redoc", tmp_path)
    assert 'data-section-id="tag/Agents"' in page or "tag/Agents" in page
    assert "Health &amp; Status" in page
