"""What watchers see of live calls: published on the bus, only while somebody watches.

Who watches says so on the channel `watch` every 10 s: {"channel": "campaign:<id>"} or {"channel": "call:<id>"}.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from voiceera.clock import monotonic
from voiceera.log import get_logger
from voiceera.rules.calls import CallBrief, ToolUse, TurnRecord
from voiceera.rules.turn_state import Floor
from voiceera.services.live import WATCH
from voiceera.store.bus import Bus

WATCHED_SECONDS = 25.0
LONGEST_TEXT = 1000
"""Characters, of up to six bytes each in JSON; a message on the bus has at most 7 kB."""
_WAITING = 1000

log = get_logger("live_view")


class LiveView:
    """`listen` and `publish` run for as long as the process; the rest never waits."""

    def __init__(self, bus: Bus, clock: Callable[[], float] = monotonic) -> None:
        self._bus = bus
        self._clock = clock
        self._watched_until: dict[str, float] = {}
        self._waiting: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(_WAITING)

    async def listen(self) -> None:
        async with aclosing(self._bus.subscribe(WATCH)) as messages:
            async for message in messages:
                if isinstance(channel := message.get("channel"), str):
                    self.watched(channel)

    async def publish(self) -> None:
        while True:
            channel, message = await self._waiting.get()
            try:
                await self._bus.publish(channel, message)
            except Exception:  # one message that cannot be sent is no reason to stop
                log.exception("not_published", channel=channel)

    def watched(self, channel: str) -> None:
        """Somebody watches this channel now."""
        now = self._clock()
        self._watched_until = {name: until for name, until in self._watched_until.items() if until > now}
        self._watched_until[channel] = now + WATCHED_SECONDS

    def turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
        self._tell(
            brief,
            {
                "kind": "turn",
                "index": index,
                "speaker": turn.speaker,
                "text": turn.text[:LONGEST_TEXT],
                "start_ms": turn.start_ms,
                "end_ms": turn.end_ms,
                "interrupted": turn.interrupted,
                "step": turn.step,
                "result": turn.result,
                "latency_ms": turn.latency and round(turn.latency.total_ms),
            },
        )

    def partial(self, brief: CallBrief, text: str) -> None:
        self._tell(brief, {"kind": "partial", "text": text[:LONGEST_TEXT]})

    def speaking(self, brief: CallBrief, text: str) -> None:
        self._tell(brief, {"kind": "speaking", "text": text[:LONGEST_TEXT]})

    def floor(self, brief: CallBrief, floor: Floor) -> None:
        self._tell(brief, {"kind": "floor", "floor": floor})

    def tool(self, brief: CallBrief, use: ToolUse) -> None:
        self._tell(
            brief,
            {
                "kind": "tool",
                "name": use.name,
                "arguments": use.arguments[:LONGEST_TEXT],
                "answer": use.answer[:LONGEST_TEXT],
                "worked": use.worked,
                "at_ms": use.at_ms,
                "took_ms": use.took_ms,
            },
        )

    def _tell(self, brief: CallBrief, message: dict[str, Any]) -> None:
        if not self._watched_until:
            return
        now = self._clock()
        message["call_id"] = str(brief.call_id)
        message["campaign_id"] = brief.campaign_id and str(brief.campaign_id)
        for channel in (f"call:{brief.call_id}", f"campaign:{brief.campaign_id}"):
            if self._watched_until.get(channel, 0.0) > now and not self._waiting.full():
                self._waiting.put_nowait((channel, message))
