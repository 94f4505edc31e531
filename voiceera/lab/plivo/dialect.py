"""Plivo's dialect, as the network needs it, and Vobiz', which signs less."""

from voiceera.ids import new_id
from voiceera.lab.dialect import Notice, Told, Wire
from voiceera.lab.instructions import Instruction, Stream
from voiceera.lab.phone_call import PhoneCall
from voiceera.lab.plivo.answer_xml import parse_answer
from voiceera.lab.plivo.notices import notice
from voiceera.lab.plivo.signatures import signed_headers, url_signed_headers
from voiceera.lab.plivo.wire import PlivoWire


class PlivoDialect:
    """Implements `Dialect`."""

    name = "plivo"
    user_agent = "Plivo"
    answer_tries = 3

    def __init__(self, auth_id: str, auth_token: str) -> None:
        self._auth_id = auth_id
        self._auth_token = auth_token

    def new_call_id(self) -> str:
        return str(new_id())

    def notice(self, call: PhoneCall, told: Told) -> Notice | None:
        return notice(call, told, self._auth_id)

    def signed(self, notice: Notice) -> dict[str, str]:
        return signed_headers(self._auth_token, notice.method, notice.url, notice.form)

    def handshake(self, url: str) -> dict[str, str]:
        return signed_headers(self._auth_token, "GET", url)

    def instructions(self, body: bytes) -> list[Instruction]:
        return parse_answer(body)

    def wire(self, call: PhoneCall, stream: Stream) -> Wire:
        return PlivoWire(call.uuid, self._auth_id, stream)


class VobizDialect(PlivoDialect):
    """Signs where a callback goes, not what it says."""

    name = "vobiz"
    user_agent = "Vobiz"

    def signed(self, notice: Notice) -> dict[str, str]:
        return url_signed_headers(self._auth_token, notice.url)

    def handshake(self, url: str) -> dict[str, str]:
        return url_signed_headers(self._auth_token, url)
