"""A whole platform with the lab's telephones behind it, and a browser that looks at its console."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect
from pydantic import SecretStr

from tests.api.conftest import PASSWORD
from voiceera.config import Settings
from voiceera.demo.lab_process import LabProcess, running_lab
from voiceera.demo.main import fresh_directory
from voiceera.lab.callees.cast import CastMember, Role, demo_cast
from voiceera.lab.callees.directory import dump_directory
from voiceera.roles.serve import Platform, running_platform

ROOT = Path(__file__).parent.parent.parent
BUILT = ROOT / "voiceera/console"
AXE = ROOT / "console/node_modules/axe-core/axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ADMIN = "operator@example.com"

_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    "--autoplay-policy=no-user-gesture-required",
]
# What must never be: something of another's runs, or our own policy stands in our own way.
_WATCH = """
window.faults = [];
addEventListener("securitypolicyviolation", (event) => faults.push(`policy: ${event.violatedDirective}`));
addEventListener("error", (event) => faults.push(`error: ${event.message}`));
addEventListener("unhandledrejection", (event) => faults.push(`rejection: ${event.reason}`));
"""

# A busy machine is no fault of the page; what never comes fails all the same.
expect.set_options(timeout=30_000)


@dataclass
class Stage:
    """`faults`: all that pages complained of, by themselves or through the browser."""

    platform: Platform
    lab: LabProcess
    people: list[CastMember]
    browser: Browser
    faults: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.platform.api_url}/console"

    @asynccontextmanager
    async def page(
        self, *, phone: bool = False, dark: bool = False, signed_in: Any = None, browser: Browser | None = None
    ) -> AsyncIterator[Page]:
        """A new browser profile; `signed_in`: the state of one that has signed in."""
        context = await (browser or self.browser).new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 860},
            color_scheme="dark" if dark else "light",
            storage_state=signed_in,
            locale="en-US",
            timezone_id="America/New_York",
            accept_downloads=True,
        )
        await context.add_init_script(_WATCH)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda problem: self.faults.append(f"{page.url}: {problem}"))
        try:
            yield page
            self.faults += [f"{page.url}: {each}" for each in await page.evaluate("window.faults ?? []")]
        finally:
            await context.close()


@asynccontextmanager
async def staged(roles: tuple[Role, ...] = (Role.CONFIRMS, Role.BUSY)) -> AsyncIterator[Stage]:
    people = demo_cast(len(roles), 7, pattern=roles)
    async with AsyncExitStack() as running:
        directory = running.enter_context(fresh_directory())
        callees = directory / "callees.yaml"
        callees.write_text(dump_directory({each.number: each.script for each in people}))
        lab, lab_is_up = await running.enter_async_context(running_lab(directory, callees, seed=7, scramble=False))
        platform = await running.enter_async_context(
            running_platform(_settings(directory, lab), output=directory / "platform.log")
        )
        await lab_is_up
        playwright = await running.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS)
        running.push_async_callback(browser.close)
        yield Stage(platform, lab, people, browser)


@asynccontextmanager
async def talking_browser(stage: Stage, sound: Path) -> AsyncIterator[Page]:
    """Its microphone hears a sound file, over and over."""
    async with async_playwright() as playwright:
        options = [*_OPTIONS, f"--use-file-for-fake-audio-capture={sound}"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        async with stage.page(browser=browser) as page:
            yield page
        await browser.close()


def _settings(directory: Path, lab: LabProcess) -> Settings:
    return Settings(
        data_dir=directory,
        database_url=None,
        secret_key=None,
        api_host="127.0.0.1",
        api_port=0,
        media_host="127.0.0.1",
        media_port=0,
        media_processes=1,
        public_url="",
        media_url="",
        outbound_allow=f"127.0.0.1/32:{lab.port}",
        drain_seconds=0,
        argon2_memory_kib=64,
        argon2_passes=1,
        rate_limit_requests=2000,
        admin_email=ADMIN,
        admin_password=SecretStr(PASSWORD),
    )


async def register(stage: Stage, page: Page, email: str, organization: str) -> None:
    """By clicking, from the first page on."""
    await page.goto(stage.url)
    await page.get_by_role("link", name="Create an organization").click()
    for label, text in (
        *(("Organization", organization), ("First name", "Ada"), ("Last name", "Fox")),
        *(("E-mail", email), ("Password", PASSWORD)),
    ):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_role("button", name="Create organization").click()
    await expect(page.get_by_role("heading", name=re.compile("^Hello"))).to_be_visible()


async def sign_in(stage: Stage, page: Page, email: str) -> None:
    await page.goto(f"{stage.url}/login")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("main h1").first).to_have_text(re.compile("^Hello"))


async def settled(page: Page) -> None:
    """Its page is there, and nothing is being waited for."""
    await expect(page.locator("main h1").first).to_be_visible()
    await expect(page.locator(".bones")).to_have_count(0)
