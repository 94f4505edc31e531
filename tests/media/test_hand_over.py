"""Whole calls over every carrier: the agent presses keys on the other side's menu, then hands the call over. Real
processes, real sound; the lab's ledger says what arrived at the telephone."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from benchmarks.chaos_stage import Stage, line_of, stage
from voiceera.lab.ledger import Event, Row, read_ledger

CARRIERS = ("plivo", "vobiz", "twilio", "telnyx", "exotel")
WITHOUT_TRANSFER = ("exotel",)
"""Its flow at the vendor's decides what follows a stream: the agent is told, and says so."""
BILLING = "+12025550177"
LONGEST_SECONDS = 40.0
FLOW: dict[str, Any] = {
    "start": "hello",
    "steps": {
        "hello": {"kind": "say", "text": "One moment please.", "next": "press"},
        "press": {"kind": "tool", "tool": "send_dtmf", "arguments": {"digits": "42#"}, "next": "over"},
        "over": {"kind": "tool", "tool": "transfer_call", "arguments": {"to": "billing"}, "next": "bye"},
        "bye": {"kind": "end", "text": "That did not work. Goodbye.", "disposition": "not_handed_over"},
    },
}
TOOLS = [{"kind": "send_dtmf"}, {"kind": "transfer_call", "numbers": {"billing": BILLING}}]


def number(carrier: str) -> str:
    return f"+1202555{CARRIERS.index(carrier) + 1:04d}"


@pytest_asyncio.fixture
async def world() -> AsyncIterator[Stage]:
    listens = {"opening": [{"pause": 25}]}
    with tempfile.TemporaryDirectory(prefix="voiceera-hand-over-", ignore_cleanup_errors=True) as temporary:
        directory = Path(temporary)
        directory.chmod(0o711)  # the database runs as another user
        async with stage(directory, {"default": listens}, workers=1, seed=1, kills=False) as world:
            await world.workers[0].start()
            yield world


async def call_over(world: Stage, carrier: str) -> UUID:
    """An organization with this carrier's line rings somebody; the call's id."""
    await world.api.register(f"{carrier}@example.com", "a long enough password", "Ann", carrier)
    organization_id = (await world.api.get("/auth/me"))["organization_id"]
    answer_url = f"{world.settings.public_url}/carriers/{carrier}/{organization_id}/inbound/answer"
    await world.api.post("/integrations", line_of(world.lab, carrier, answer_url))
    agent = await world.api.post("/agents", {"name": "Desk", "language": "en-US", "flow": FLOW, "tools": TOOLS})
    call = await world.api.post("/calls", {"agent_id": agent["id"], "to": number(carrier)})
    return UUID(call["id"])


async def rows_of(world: Stage, carrier: str) -> list[Row]:
    """What the lab saw of the call, to its end."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            rows = [row for row in read_ledger(world.lab.ledger) if row.number == number(carrier)]
            if any(row.event is Event.HANGUP for row in rows):
                return rows
            await asyncio.sleep(0.2)


async def over(world: Stage, call_id: UUID) -> Any:
    """The call, as the platform tells it in the end."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            call = await world.api.get(f"/call-logs/{call_id}")
            if call["status"] in ("completed", "failed"):
                return call
            await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_keys_and_a_hand_over_arrive_at_the_telephone_over_every_carrier(world: Stage) -> None:
    for carrier in CARRIERS:
        call_id = await call_over(world, carrier)
        rows = await rows_of(world, carrier)
        seen = {event: [row.digits for row in rows if row.event is event] for event in Event}
        log = json.dumps([str(row) for row in rows], indent=1)
        assert "".join(seen[Event.AGENT_PRESSED]) == "42#", (carrier, log)
        can = carrier not in WITHOUT_TRANSFER
        assert seen[Event.TRANSFERRED] == ([BILLING] if can else []), (carrier, log)
        assert len(seen[Event.ANSWERED]) == 1, (carrier, log)
        call = await over(world, call_id)
        assert (call["status"], call["hangup_cause"]) == ("completed", "transferred" if can else "agent_ended"), call
        assert call["disposition"] == ("transferred" if can else "not_handed_over"), call
