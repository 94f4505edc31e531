"""Pictures of the console's pages, with what a small campaign leaves behind. Started by scripts/screenshots."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Page
from rich.console import Console

from tests.api.conftest import PASSWORD
from tests.console.stage import ADMIN, ROOT, Stage, settled, sign_in, staged
from voiceera.demo.api_client import ApiClient
from voiceera.demo.board import Board
from voiceera.demo.follow import follow
from voiceera.demo.screen import screen_for
from voiceera.demo.stage import EMAIL, Person, set_stage
from voiceera.lab.callees.cast import PATTERN, WIDEBAND_PREFIX

PAGES = {
    "overview": "",
    "calls": "/calls",
    "call": "/calls/{call}",
    "campaigns": "/campaigns",
    "board": "/campaigns/{campaign}/board",
    "contacts": "/campaigns/{campaign}/contacts",
    "campaign-log": "/campaigns/{campaign}/log",
    "campaign-settings": "/campaigns/{campaign}/settings",
    "agents": "/agents",
    "agent": "/agents/{agent}",
    "agent-try": "/agents/{agent}/try",
    "analytics": "/analytics?days=7",
    "integrations": "/integrations",
    "numbers": "/numbers",
    "unclear": "/unclear",
    "recordings": "/recordings",
    "prices": "/prices",
    "organization": "/organization",
    "do-not-call": "/do-not-call",
    "webhooks": "/webhooks",
    "people": "/people",
    "api-keys": "/api-keys",
    "profile": "/profile",
}
ADMINS = {"everybody": "/admin/users", "system": "/admin/system", "logs": "/admin/logs"}
LOOKS: dict[str, dict[str, Any]] = {"": {}, "-dark": {"dark": True}, "-phone": {"phone": True}}
KEPT = {"call-dark": "console-call", "calls-phone": "console-phone"}
"""Of all, those that the documentation shows."""
TRIAL_SECONDS = 240


OF_THE_DOCS = ROOT / "docs/pictures/console"
"""Every page in light colours, as docs/console-pages.md shows it."""


async def main(directory: Path, *, keep: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    async with staged(PATTERN) as stage:
        ids = await campaign_of(stage)
        for look, options in LOOKS.items():
            async with stage.page(**options) as page:
                await sign_in(stage, page, EMAIL)
                await take(stage, page, PAGES, ids, directory, look, keep=keep)
        async with stage.page() as page:
            await sign_in(stage, page, ADMIN)
            await take(stage, page, ADMINS, ids, directory, "", keep=keep)
    for name, kept in KEPT.items() if keep else ():
        shutil.copy(directory / f"{name}.png", ROOT / f"docs/pictures/{kept}.png")


async def take(
    stage: Stage, page: Page, paths: dict[str, str], ids: dict[str, Any], directory: Path, look: str, *, keep: bool
) -> None:
    for name, path in paths.items():
        await page.goto(stage.url + path.format(**ids))
        await settled(page)
        await drawn(page)
        await page.screenshot(path=directory / f"{name}{look}.png")
        if keep and not look:
            await page.screenshot(path=OF_THE_DOCS / f"{name}.jpg", type="jpeg", quality=72)


async def drawn(page: Page) -> None:
    """What comes after the page itself: plots, waveforms, fonts."""
    await page.evaluate("document.fonts.ready")
    await page.wait_for_timeout(600)


async def campaign_of(stage: Stage) -> dict[str, Any]:
    """Rings everybody once; the ids that pages are reached by."""
    api = ApiClient(stage.platform.api_url)
    people = [
        Person(each.name, each.number, each.role, {"name": each.name.split()[0], "day": each.day, "time": each.time})
        for each in stage.people
    ]
    made = await set_stage(api, stage.lab, people, PASSWORD, [WIDEBAND_PREFIX])
    board = Board([(each.name, each.number) for each in stage.people])
    await follow(api, f"/campaigns/{made.campaign_id}", board, screen_for(Console(quiet=True), board))
    calls = await api.get("/call-logs", search="appointment", disposition="rescheduled")
    agent = (await api.get("/agents"))["items"][0]["id"]
    await furnish(api, agent)
    await api.close()
    return {"campaign": made.campaign_id, "agent": agent, "call": calls["items"][0]["id"]}


async def furnish(api: ApiClient, agent: str) -> None:
    """What an organization of some weeks has besides: a trial, a webhook, colleagues, a list of its own."""
    callees = (await api.get(f"/agents/{agent}/trial-callees"))[:3]
    trial = await api.post(f"/agents/{agent}/trials", {"callees": callees})
    await api.post("/webhooks", {"url": "https://crm.example.com/calls", "description": "Outcomes for the CRM"})
    await api.post("/invitations", {"email": "sam@example.com", "role": "viewer"})
    await api.post("/api-keys", {"name": "Nightly export", "scope": "read"})
    for _ in range(TRIAL_SECONDS):
        if (await api.get(f"/trials/{trial['id']}"))["finished_at"]:
            return
        await asyncio.sleep(1)


if __name__ == "__main__":
    names = [each for each in sys.argv[1:] if not each.startswith("-")]
    asyncio.run(main(Path(names[0] if names else "build/screenshots"), keep="--keep" in sys.argv))
