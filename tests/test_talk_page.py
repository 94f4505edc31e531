"""The page at /talk in a real browser, whose microphone is a sound file, over the API and a media process."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from tests.api.conftest import PASSWORD, Person, _quiet, ann, anyone, app, bus, join, settings
from tests.browser import Page, browser, needs_browser
from tests.media.test_media_role import Role as MediaRole
from voiceera.config import Settings
from voiceera.lab.callees.script import Manner, VoiceSettings
from voiceera.lab.speech import Speech
from voiceera.roles.api import serve_api
from voiceera.roles.ports import bound_socket
from voiceera.rules.audio import L16_16K
from voiceera.store.base import Database
from voiceera.store.bus import Bus

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "join", "settings"]

FLOW = {
    "start": "ask",
    "steps": {
        "ask": {
            "kind": "ask",
            "text": "Hello {{name | there}}. Can you come tomorrow?",
            "expect": {"type": "yes_no"},
            "branches": {"yes": "fine", "no": "later"},
        },
        "fine": {"kind": "end", "text": "Wonderful, see you then.", "disposition": "coming"},
        "later": {"kind": "end", "text": "Another time, then.", "disposition": "not_coming"},
    },
}
WORDS = "yes I will be there"
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@dataclass
class Site:
    url: str
    person: Person


@pytest.fixture
async def site(settings: Settings, database: Database, bus: Bus, ann: Person) -> AsyncIterator[Site]:
    """The API on a port, and a media process with the embedded recognizer and voice."""
    listener, stop, listening = bound_socket("127.0.0.1", 0, ""), asyncio.Event(), asyncio.Event()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    api = asyncio.create_task(serve_api(settings, database, bus, stop, lambda _port: listening.set(), listener))
    media = MediaRole(database, settings.data_dir)
    media.settings = settings.model_copy(update={"media_port": 0})
    await media.start()
    await asyncio.wait_for(listening.wait(), 60)
    yield Site(address, ann)
    stop.set()
    await api
    await media.end()


async def spoken(path: Path) -> Path:
    """A sound file of somebody who waits for the question, and answers it; the browser plays it over and over."""
    speech = Speech()
    try:
        said = await speech.say(WORDS, VoiceSettings(), Manner(), L16_16K)
    finally:
        await speech.close()
    second = b"\0\0" * L16_16K.sample_rate
    pcm = np.frombuffer(second * 5 + said + second * 3, "<i2")
    soundfile.write(path, pcm, L16_16K.sample_rate, subtype="PCM_16")
    return path


async def sign_in(page: Page, site: Site) -> None:
    await page.write("[name=email]", site.person.email)
    await page.write("[name=password]", PASSWORD)
    await page.click("#sign-in button.main")


FOLLOW = """
window.seen = {floors: new Set(), own: 0, agent: 0};
setInterval(() => {
  seen.floors.add(document.querySelector("#floor").dataset.floor);
  seen.own = Math.max(seen.own, document.querySelector("#own-level").value);
  seen.agent = Math.max(seen.agent, document.querySelector("#agent-level").value);
}, 20);
"""


@needs_browser
@pytest.mark.slow
async def test_an_agent_is_called_from_the_page_and_each_hears_the_other(site: Site, tmp_path: Path) -> None:
    await site.person.post("/agents", name="Anna", flow=FLOW, description="Asks about tomorrow.")
    sound = await spoken(tmp_path / "said.wav")
    async with browser(tmp_path / "profile", *MICROPHONE, f"--use-file-for-fake-audio-capture={sound}") as page:
        await page.open(f"{site.url}/talk")
        await sign_in(page, site)
        await page.until("!document.querySelector('#choose').hidden")
        assert "Asks about tomorrow." in await page.text("#about")
        await page.click("summary")
        await page.write("#name", "Ada")
        await page.run(FOLLOW)
        await page.click("#call-form button.main")
        await page.until("document.querySelector('#transcript .words')?.innerText.includes('Ada')")
        await page.until("!document.querySelector('#after').hidden")
        assert "Outcome: coming" in await page.text("#outcome")
        assert "yes" in (await page.text("#transcript .own .words")).lower()
        assert await page.run(
            "[...document.querySelectorAll('#transcript .agent .words')].map(e => e.innerText)"
        ) == [
            "Hello Ada. Can you come tomorrow?",
            "Wonderful, see you then.",
        ]
        assert "after" in await page.text("#transcript .latency")
        seen: Any = await page.run("({...seen, floors: [...seen.floors]})")
        assert {"connecting", "speaking", "listening", "hearing", "ended"} <= set(seen["floors"])
        assert seen["own"] > 0.05 and seen["agent"] > 0.05, "both were loud"
        assert page.errors == []
    [call] = (await site.person.get("/call-logs", direction="browser"))["items"]
    assert (call["status"], call["disposition"], call["contact_name"]) == ("completed", "coming", "Ada")


@needs_browser
@pytest.mark.slow
async def test_the_page_mutes_hangs_up_and_works_without_a_mouse(site: Site, tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16000, np.int16), 16000, subtype="PCM_16")
    await site.person.post("/agents", name="Anna", flow=FLOW)
    async with browser(tmp_path / "profile", *MICROPHONE, f"--use-file-for-fake-audio-capture={silence}") as page:
        await page.open(f"{site.url}/talk")
        await page.write("[name=email]", site.person.email)
        await page.write("[name=password]", PASSWORD)
        await page.press("Enter", 13)
        await page.run("document.querySelector('#sign-in button').click()")
        await page.until("!document.querySelector('#choose').hidden")
        await page.run("document.querySelector('#call-form button.main').click()")
        await page.until("document.querySelector('#floor').dataset.floor === 'listening'")
        await page.press("m", 77)
        assert await page.run("document.querySelector('#mute').getAttribute('aria-pressed')") == "true"
        await page.press("Escape", 27)
        await page.until("!document.querySelector('#after').hidden")
        assert "You hung up" in await page.text("#outcome")
        assert await page.run("document.activeElement.id") == "again"


@needs_browser
@pytest.mark.slow
async def test_the_page_says_what_is_in_the_way(site: Site, tmp_path: Path, anyone: httpx.AsyncClient) -> None:
    async with browser(tmp_path / "profile", "--deny-permission-prompts") as page:
        await page.open(f"{site.url}/talk")
        await page.write("[name=email]", site.person.email)
        await page.write("[name=password]", "not the password")
        await page.click("#sign-in button.main")
        await page.until("!document.querySelector('#problem').hidden")
        assert "wrong" in await page.text("#problem")
        await page.open(f"{site.url}/talk?")
        await sign_in(page, site)
        await page.until("!document.querySelector('#no-agents').hidden")
        await site.person.post("/agents", name="Anna", flow=FLOW)
        await page.click("#look-again")
        await page.until("!document.querySelector('#call-form').hidden")
        await page.click("#call-form button.main")
        await page.until("!document.querySelector('#problem').hidden")
        assert "microphone" in (await page.text("#problem")).lower()
        assert await page.run("document.querySelector('#live').hidden"), "it is where it was before"


async def test_the_pages_policy_lets_nothing_run_but_its_own_files(anyone: httpx.AsyncClient) -> None:
    page = await anyone.get("/talk")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
    assert "connect-src 'self' ws://127.0.0.1:*;" in policy
    assert "<script>" not in page.text and " onclick" not in page.text and " style=" not in page.text
    for name in ("talk.css", "talk.js", "call.js", "worklets.js"):
        assert (await anyone.get(f"/talk/files/{name}")).status_code == 200
