"""Somebody rang us and nobody could answer: they are rung back, through the same gate as everybody."""

from datetime import datetime
from uuid import UUID

from voiceera.errors import VoiceEraError
from voiceera.log import get_logger
from voiceera.rules.campaigns import WEEKDAYS, CampaignConfig, Interval
from voiceera.services import calls
from voiceera.store import attempts
from voiceera.store.base import Connection
from voiceera.store.phone_numbers import MissedCall, PhoneNumber

log = get_logger("missed_calls")

_DAYTIME = (Interval(start="08:00", end="21:00"),)
CALL_BACK = CampaignConfig(timezone="UTC", calling_windows=dict.fromkeys(WEEKDAYS, _DAYTIME))
"""Any day between 8 and 21 on the person's clock, within what their country allows; each person six times a day."""


async def call_back(
    connection: Connection, number: PhoneNumber, person: str | None, variables: dict[str, str], now: datetime
) -> UUID | None:
    """Ask for a call to `person` (E.164; None: withheld) from the number that they rang, by its agent.

    None: the number is not set so, they are rung or wait already, or may not be rung.
    """
    if number.missed_call is not MissedCall.CALLBACK or person is None or number.agent_id is None:
        return None
    if await attempts.is_waiting(connection, number.organization_id, person):
        return None
    try:
        call_id = await calls.place(
            connection,
            number.organization_id,
            agent_id=number.agent_id,
            to=person,
            now=now,
            variables=variables,
            config=CALL_BACK,
            caller_id=number.phone_number if number.is_caller_id else None,
        )
    except VoiceEraError as refused:
        log.warning("not_called_back", organization_id=str(number.organization_id), reason=refused.message)
        return None
    log.info("called_back", call_id=str(call_id))
    return call_id
