"""The vendors that the lab plays, side by side: one account, each under its own paths."""

from collections.abc import Mapping

from starlette.routing import Route

from voiceera.lab.dialect import Dialect
from voiceera.lab.exotel.api import ExotelApi
from voiceera.lab.exotel.dialect import ExotelDialect
from voiceera.lab.faults import FaultDraw
from voiceera.lab.ledger import Ledger
from voiceera.lab.network import Network
from voiceera.lab.plivo.api import PlivoApi, VobizApi
from voiceera.lab.plivo.dialect import PlivoDialect, VobizDialect
from voiceera.lab.telnyx.api import TelnyxApi
from voiceera.lab.telnyx.dialect import TelnyxDialect
from voiceera.lab.twilio.api import TwilioApi
from voiceera.lab.twilio.dialect import TwilioDialect


def dialects(auth_id: str, auth_token: str) -> Mapping[str, Dialect]:
    spoken: tuple[Dialect, ...] = (
        PlivoDialect(auth_id, auth_token),
        VobizDialect(auth_id, auth_token),
        TwilioDialect(auth_id, auth_token),
        TelnyxDialect(auth_id, auth_token),
        ExotelDialect(auth_id),
    )
    return {dialect.name: dialect for dialect in spoken}


def apis(network: Network, ledger: Ledger, faults: FaultDraw, auth_id: str, auth_token: str) -> list[Route]:
    account = network, ledger, faults, auth_id, auth_token
    vendors = (PlivoApi(*account), VobizApi(*account), TwilioApi(*account), TelnyxApi(*account), ExotelApi(*account))
    return [route for vendor in vendors for route in vendor.routes()]
