"""Calls a second and at a time of each caller id: asked at the intent, when it is known which a call has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from voiceera.rules.gate import Reason, Refusal
from voiceera.rules.pacing import Limit, has_room_at, with_starts
from voiceera.services.trunks import Trunk
from voiceera.store import dial_queue
from voiceera.store.base import Connection

_AGAIN = timedelta(seconds=1)
_ANY = 100_000


@dataclass(frozen=True)
class Leaving:
    """A call that would go out from `caller_id` at `start_at`."""

    attempt_id: UUID
    caller_id: str
    start_at: datetime


async def refused(
    connection: Connection, organization_id: UUID, leaving: Sequence[Leaving], trunk: Trunk, now: datetime
) -> dict[UUID, Refusal]:
    """By attempt, those whose caller id is busy; the others are booked. Without a limit no statement is made."""
    if trunk.caller_id_calls_per_second is None and trunk.caller_id_max_concurrent_calls is None:
        return {}
    numbers = sorted({each.caller_id for each in leaving})
    if not numbers:
        return {}
    gates = await dial_queue.lock_gates(connection, organization_id, [_key(number) for number in numbers])
    # The claims of this slice hold no number yet: only what was dialled counts.
    taken = await dial_queue.count_by_caller_id(connection, organization_id, numbers)
    limits = {
        number: Limit(
            trunk.caller_id_max_concurrent_calls or _ANY,
            taken.get(number, 0),
            trunk.caller_id_calls_per_second or _ANY,
            gates[_key(number)].starts,
        )
        for number in numbers
    }
    shut: dict[UUID, Refusal] = {}
    for each in sorted(leaving, key=lambda one: one.start_at):
        limit = limits[each.caller_id]
        if not has_room_at(limit, each.start_at):
            shut[each.attempt_id] = Refusal(Reason.CALLER_ID_BUSY, now + _AGAIN)
            continue
        booked = with_starts(limit, [each.start_at], now)
        limits[each.caller_id] = replace(limit, open=limit.open + 1, starts=booked)
    for number, limit in limits.items():
        await dial_queue.set_gate(connection, organization_id, _key(number), limit.starts)
    return shut


def _key(number: str) -> str:
    return f"caller_id:{number}"
