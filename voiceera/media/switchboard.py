"""What a call's carrier is asked to do with it: the engine's `Switchboard`, over the organization's own trunk."""

from voiceera.errors import Conflict, ProviderError
from voiceera.log import get_logger
from voiceera.providers.protocols import Transfer
from voiceera.rules.calls import CallBrief
from voiceera.rules.phones import NotANumber, facts
from voiceera.services.trunks import Trunk, TrunkBook
from voiceera.store import calls
from voiceera.store.base import Database

log = get_logger("switchboard")


class CarrierSwitchboard:
    """`public_url`: where carriers reach the API."""

    def __init__(self, database: Database, trunks: TrunkBook, public_url: str) -> None:
        self._database = database
        self._trunks = trunks
        self._public_url = public_url

    async def transfer(self, brief: CallBrief, to: str) -> None:
        trunk, carrier_call_id, caller_id = await self._line_of(brief)
        if (why := forbidden(to, trunk)) is not None:
            raise ProviderError(trunk.provider, why, permanent=True)
        path = f"/carriers/{trunk.provider}/{brief.organization_id}/{brief.call_id}/transfer/{to.removeprefix('+')}"
        await trunk.carrier.transfer(carrier_call_id, Transfer(to, caller_id, self._public_url + path))
        log.info("call_transferred", call_id=str(brief.call_id))

    async def send_digits(self, brief: CallBrief, digits: str) -> None:
        trunk, carrier_call_id, _ = await self._line_of(brief)
        await trunk.carrier.send_digits(carrier_call_id, digits)

    async def _line_of(self, brief: CallBrief) -> tuple[Trunk, str, str]:
        """(trunk, the carrier's name for the call, our number in it). Raises ProviderError for a call without any."""
        async with self._database.organization(brief.organization_id) as connection:
            call = await calls.get(connection, brief.organization_id, brief.call_id)
        if call is None or call.carrier_call_id is None:
            raise ProviderError("carrier", "this call has no telephone line", permanent=True)
        try:
            trunk = await self._trunks.of(brief.organization_id)
        except Conflict as conflict:
            raise ProviderError("carrier", conflict.message, permanent=True) from None
        return trunk, call.carrier_call_id, call.caller_id or next(iter(trunk.caller_ids), "")


def forbidden(to: str, trunk: Trunk) -> str | None:
    """Why the line may not ring this number: a transfer costs money like any other call."""
    try:
        number = facts(to)
    except NotANumber:
        return "the number cannot be dialled"
    if number.is_premium:
        return "premium numbers are not called"
    if number.country not in trunk.allowed_countries:
        return "the line may not call this country"
    return None
