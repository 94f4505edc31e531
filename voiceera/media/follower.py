"""Follows one call: its turns into the book as they complete, all of it to those who watch."""

import asyncio
from collections import deque

from voiceera.engine.line import CallObserver
from voiceera.log import get_logger
from voiceera.media.book import CallBook
from voiceera.media.live_view import LiveView
from voiceera.rules.calls import CallBrief, ToolUse, TurnRecord
from voiceera.rules.private_speech import redacted_at_once, redacted_use
from voiceera.rules.turn_state import Floor

log = get_logger("media")


class Follower:
    """Implements `CallObserver`. Turns are written one after the other, in a task that lives only while there are."""

    def __init__(
        self, brief: CallBrief, book: CallBook, view: LiveView | None, beside: CallObserver | None = None
    ) -> None:
        """`beside`: who is told the same."""
        self._brief = brief
        self._book = book
        self._view = view
        self._beside = beside
        self._turns: deque[tuple[int, TurnRecord]] = deque()
        self._writing: asyncio.Task[None] | None = None

    def turn(self, index: int, turn: TurnRecord) -> None:
        turn = redacted_at_once(turn, self._brief.agent.redaction, self._brief.variables.get("name"))
        if self._view is not None:
            self._view.turn(self._brief, index, turn)
        if self._beside is not None:
            self._beside.turn(index, turn)
        self._turns.append((index, turn))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    def partial(self, text: str) -> None:
        if self._view is not None:
            self._view.partial(self._brief, text)
        if self._beside is not None:
            self._beside.partial(text)

    def speaking(self, text: str) -> None:
        if self._view is not None:
            self._view.speaking(self._brief, text)
        if self._beside is not None:
            self._beside.speaking(text)

    def floor(self, floor: Floor) -> None:
        if self._view is not None:
            self._view.floor(self._brief, floor)
        if self._beside is not None:
            self._beside.floor(floor)

    def tool(self, use: ToolUse) -> None:
        use = redacted_use(use, self._brief.agent.redaction, self._brief.variables.get("name"))
        if self._view is not None:
            self._view.tool(self._brief, use)
        if self._beside is not None:
            self._beside.tool(use)

    async def finish(self) -> None:
        """Returns when no turn is on its way to the book any more."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._turns:
            index, turn = self._turns.popleft()
            try:
                await self._book.record_turn(self._brief, index, turn)
            except Exception:  # a turn that is lost here comes again with the result
                log.exception("turn_not_recorded", call_id=str(self._brief.call_id), index=index)
