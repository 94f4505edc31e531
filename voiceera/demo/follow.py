"""Follows a campaign over the API: launches it, feeds the live events to the screen, waits for its end."""

import asyncio
from contextlib import suppress

from voiceera.demo.api_client import ApiClient
from voiceera.demo.board import Board
from voiceera.demo.screen import Screen

_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 0.5
_DONE = ("reached", "exhausted", "suppressed", "invalid", "canceled")


async def follow(api: ApiClient, campaign: str, board: Board, screen: Screen) -> None:
    """`campaign`: its path. Returns when the campaign is over. Raises DemoFailed."""
    listening = asyncio.Event()
    watching = asyncio.create_task(_watch(api, campaign, board, screen, listening))
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(listening.wait(), 3)
        await api.post(f"{campaign}/launch")
        await _until_over(api, campaign, screen)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _until_over(api: ApiClient, campaign: str, screen: Screen) -> None:
    while True:
        stats = await api.get(f"{campaign}/stats")
        screen.progress(sum(stats[state] for state in _DONE))
        if (await api.get(campaign))["status"] in ("completed", "stopped"):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _watch(api: ApiClient, campaign: str, board: Board, screen: Screen, listening: asyncio.Event) -> None:
    """The campaign's event stream, again whenever it ends."""
    while True:
        async for event in api.events(f"{campaign}/events", listening.set):
            if (row := board.on(event)) is not None:
                screen.changed(row)
        await asyncio.sleep(_AGAIN_SECONDS)
