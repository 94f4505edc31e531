"""Pictures of the console's pages, with what a small campaign leaves behind. Started by scripts/screenshots."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Page
from rich.console import Console

from tests.api.conftest import PASSWORD
from tests.console.stage import ROOT, Stage, settled, sign_in, staged
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
    "campaign-settings": "/campaigns/{campaign}/settings",
    "agents": "/agents",
    "agent": "/agents/{agent}",
    "analytics": "/analytics?days=7",
    "integrations": "/integrations",
    "numbers": "/numbers",
    "do-not-call": "/do-not-call",
    "webhooks": "/webhooks",
    "people": "/people",
    "api-keys": "/api-keys",
    "profile": "/profile",
}
LOOKS: dict[str, dict[str, bool]] = {"": {}, "-dark": {"dark": True}, "-phone": {"phone": True}}
KEPT = {"call-dark": "console-call", "calls-phone": "console-phone"}
"""Of all, those that the documentation shows."""


async def main(directory: Path, *, keep_few: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    async with staged(PATTERN) as stage:
        ids = await campaign_of(stage)
        for look, options in LOOKS.items():
            async with stage.page(**options) as page:
                await sign_in(stage, page, EMAIL)
                for name, path in PAGES.items():
                    await page.goto(stage.url + path.format(**ids))
                    await settled(page)
                    await drawn(page)
                    await page.screenshot(path=directory / f"{name}{look}.png")
    for name, kept in KEPT.items() if keep_few else ():
        shutil.copy(directory / f"{name}.png", ROOT / f"docs/pictures/{kept}.png")


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
    agents = await api.get("/agents")
    await api.close()
    return {
        "campaign": made.campaign_id,
        "agent": agents["items"][0]["id"],
        "call": calls["items"][0]["id"],
    }


if __name__ == "__main__":
    names = [each for each in sys.argv[1:] if not each.startswith("-")]
    asyncio.run(main(Path(names[0] if names else "build/screenshots"), keep_few="--keep-few" in sys.argv))
