"""What is done with a call that is over: deleted with all that was said and heard, or analyzed again."""

from datetime import datetime
from uuid import UUID

from voiceera.errors import Conflict, NotFound
from voiceera.rules.attempts import OVER
from voiceera.rules.calls import FINISHED
from voiceera.services import analyses, recordings
from voiceera.services.sound_archive import SoundArchive
from voiceera.store import attempts, calls
from voiceera.store.base import Connection


def no_call() -> NotFound:
    return NotFound("CALL_001", "No such call.")


def no_analysis() -> NotFound:
    return NotFound("CALL_003", "Nobody talked in this call: there is no analysis.")


async def erase(
    connection: Connection, organization_id: UUID, call_id: UUID, archive: SoundArchive, now: datetime
) -> None:
    """Delete the call with its transcript and its recording. The attempt stays without its
    variables: the caps on how often a number is rung count it. Raises NotFound, and Conflict for a live call."""
    attempt = await attempts.lock(connection, organization_id, call_id)
    call = await calls.hold(connection, organization_id, call_id)
    if call is None:
        raise no_call()
    if call.status not in FINISHED or (attempt is not None and attempt.state not in OVER):
        raise Conflict("CALL_002", "The call is not over.", f"its status is {call.status}; hang up first")
    await recordings.erase(connection, organization_id, call_id, archive, now)
    await calls.remove(connection, organization_id, call_id)
    if attempt is not None:
        await attempts.change(connection, attempt, variables={})


async def analyse_again(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> None:
    """Have a call analyzed by its newest transcript. Raises NotFound, and Conflict for a live call."""
    call = await calls.hold(connection, organization_id, call_id)
    if call is None:
        raise no_call()
    if call.status not in FINISHED:
        raise Conflict("CALL_002", "The call is not over.", f"its status is {call.status}")
    await analyses.make_due(connection, organization_id, call_id, now)
