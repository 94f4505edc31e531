"""The carrier's scripted twin: answers as it is told, records what was dialled, rings nobody.

For the tests of all that dials, and for trying an installation without a carrier.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from voiceera.clock import utc_now
from voiceera.errors import FieldProblem, Invalid
from voiceera.ids import new_id
from voiceera.providers.carriers.trunk import TrunkSettings
from voiceera.providers.outbound import Allowed
from voiceera.providers.protocols import (
    CallbackRequest,
    CarrierCall,
    CarrierEvent,
    CarrierEventKind,
    CarrierTraits,
    Dial,
    DialAnswer,
    EndedAs,
    Placed,
    RungIn,
    Transfer,
)
from voiceera.rules.audio import AudioFormat

Script = Callable[[Dial], DialAnswer]


class ScriptedCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def accept(_dial: Dial) -> DialAnswer:
    """The usual answer: taken, under a new name."""
    return DialAnswer(Placed.ACCEPTED, carrier_call_id=str(new_id()))


class ScriptedCarrier:
    """`answers` are given one by one, then `otherwise` answers. A callback is authentic if it says so in a header."""

    Settings: ClassVar[type[BaseModel]] = TrunkSettings
    Credentials: ClassVar[type[BaseModel]] = ScriptedCredentials
    answer_type = "application/xml"

    def __init__(
        self,
        settings: TrunkSettings | None = None,
        credentials: ScriptedCredentials | None = None,
        allow: tuple[Allowed, ...] = (),
        *,
        answers: Iterable[DialAnswer | Script] = (),
        otherwise: Script = accept,
        traits: CarrierTraits | None = None,
    ) -> None:
        settings = settings or TrunkSettings()
        self.traits = traits or CarrierTraits(
            calls_per_second=settings.calls_per_second,
            queues=False,
            reporting_lag_seconds=0,
            finds_by_reference=False,
            has_idempotency_key=False,
        )
        self.answers = list(answers)
        self.otherwise = otherwise
        self.dialed: list[Dial] = []
        """Every dial that reached the carrier, whatever it answered."""
        self.hung_up: list[str] = []
        self.transferred: list[tuple[str, Transfer]] = []
        self.pressed: list[tuple[str, str]] = []
        self.calls: list[CarrierCall] = []
        """What `find` looks through. A dial that is accepted, or unknown after placing (`place`), stands here."""

    async def dial(self, dial: Dial) -> DialAnswer:
        self.dialed.append(dial)
        answer = self.answers.pop(0) if self.answers else self.otherwise
        if not isinstance(answer, DialAnswer):
            answer = answer(dial)
        if answer.placed is Placed.ACCEPTED:
            answer = replace(answer, carrier_call_id=answer.carrier_call_id or str(new_id()))
            self.place(dial, answer.carrier_call_id or "")
        return answer

    def place(self, dial: Dial, carrier_call_id: str, started_at: datetime | None = None) -> None:
        """Make a call exist at the carrier: with an UNKNOWN answer, the phone that rings all the same."""
        self.calls.append(
            CarrierCall(carrier_call_id, dial.to, dial.caller_id, True, (started_at or utc_now()).astimezone(UTC))
        )

    def end(self, carrier_call_id: str, ended_as: EndedAs) -> None:
        self.calls = [
            replace(call, live=False, ended_as=ended_as) if call.carrier_call_id == carrier_call_id else call
            for call in self.calls
        ]

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)

    async def transfer(self, carrier_call_id: str, transfer: Transfer) -> None:
        self.transferred.append((carrier_call_id, transfer))

    async def send_digits(self, carrier_call_id: str, digits: str) -> None:
        self.pressed.append((carrier_call_id, digits))

    async def find(
        self,
        *,
        to: str,
        caller_id: str,
        placed_after: datetime,
        placed_before: datetime,
        carrier_call_id: str | None = None,
    ) -> list[CarrierCall]:
        return [
            call
            for call in self.calls
            if call.to == to and call.caller_id == caller_id and placed_after <= call.started_at <= placed_before
        ]

    async def check(self) -> None:
        """Always in order."""

    def is_authentic(self, request: CallbackRequest, now: datetime) -> bool:
        return request.headers.get("x-scripted") == "authentic"

    def parse(self, request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
        """The form says it in our own words: call, ended_as, cause, duration."""
        form = request.form
        if "call" not in form:
            raise Invalid("The callback names no call.", FieldProblem("call", "is missing"))
        ended = EndedAs(form.get("ended_as", EndedAs.COMPLETED)) if kind is CarrierEventKind.ENDED else None
        duration = float(form["duration"]) if "duration" in form else None
        return CarrierEvent(kind, form["call"], ended, form.get("cause"), duration)

    def fingerprint(self, request: CallbackRequest) -> bytes:
        """Its "x-nonce" header; without one, every request is new."""
        return sha256((request.headers.get("x-nonce") or str(new_id())).encode()).digest()

    def reference(self, request: CallbackRequest) -> str | None:
        return None

    def shared_url(self, url: str) -> str:
        return url

    def rung_in(self, request: CallbackRequest) -> RungIn:
        return RungIn(request.form["call"], request.form["to"], request.form.get("from"))

    def answer_with_stream(self, media_url: str, audio_format: AudioFormat) -> str:
        return f"<stream to='{media_url}' rate='{audio_format.sample_rate}'/>"

    def answer_with_hangup(self) -> str:
        return "<hangup/>"

    def answer_with_rejection(self, *, busy: bool) -> str:
        return f"<reject reason='{'busy' if busy else 'rejected'}'/>"

    def answer_with_transfer(self, transfer: Transfer) -> str:
        return f"<transfer to='{transfer.to}'/>"

    async def close(self) -> None:
        """Nothing is open."""
