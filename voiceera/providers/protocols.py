"""One small Protocol per kind of outside party. A vendor's file implements one; nobody else knows the vendor."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from voiceera.rules.audio import AudioFormat
from voiceera.rules.calls import EndedAs as EndedAs
from voiceera.rules.tools import ToolSpec as ToolSpec

# ── speech to text ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Heard:
    """What a recognizer made of the caller's speech so far (`final=False`) or of a whole utterance.

    `rejected`: there was speech, but nothing that was expected; `text` is then empty.
    """

    text: str
    final: bool
    confidence: float | None = None
    rejected: bool = False


@dataclass(frozen=True)
class Recognition:
    """What a stream is opened for. `phrases`: all that the agent may expect in this call, over all its steps."""

    audio_format: AudioFormat
    language: str
    phrases: tuple[str, ...] = ()


class RecognitionStream(Protocol):
    """One caller's ear, for a whole call.

    The engine brackets each stretch of speech by `begin_utterance` (passing audio from shortly before it) and
    `end_utterance`; `push` takes the line's frames between the two. Nothing here blocks the loop.
    """

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        """A stretch of speech starts; `expected`: the phrases that fit the present question (a hint)."""

    def push(self, audio: bytes) -> None:
        """Audio in the line's own format, any number of frames."""

    async def end_utterance(self) -> Heard:
        """What was said, final. Raises ProviderError."""

    def abandon_utterance(self) -> None:
        """It was no speech after all (a cough): forget it."""

    def partials(self) -> AsyncIterator[Heard]:
        """Partial transcripts of the utterance under way, until `close`."""

    async def close(self) -> None: ...


class SpeechToText(Protocol):
    async def open(self, recognition: Recognition) -> RecognitionStream:
        """Raises ProviderError (permanent for an unknown language)."""

    async def close(self) -> None: ...


# ── text to speech ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Voice:
    language: str
    voice_id: str | None = None
    speed: float = 1.0


class TextToSpeech(Protocol):
    def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        """Audio in the line's own format, streamed; closing the iterator cancels. Raises ProviderError."""

    async def close(self) -> None: ...


# ── language model ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ToolRequest:
    """A model wants to use a tool. `arguments` is JSON as the model wrote it: to be checked before anything."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """`role`: user, assistant, or tool: the answer to the request named `answers`."""

    role: str
    content: str
    requests: tuple[ToolRequest, ...] = ()
    answers: str | None = None


@dataclass(frozen=True)
class TokensUsed:
    """What one reply took, as the vendor counts it."""

    prompt: int
    completion: int


ModelPiece = str | ToolRequest | TokensUsed


class LanguageModel(Protocol):
    def reply(
        self,
        system_prompt: str,
        history: tuple[Message, ...],
        tools: tuple[ToolSpec, ...] = (),
        model: str | None = None,
        answer_schema: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[ModelPiece, None]:
        """Pieces of the reply as the model writes them; a request for a tool comes whole. `model`: the agent's
        choice, None: the integration's. `answer_schema`: the JSON schema that the reply shall fit, where the vendor
        can see to it; whoever asks checks. Closing the iterator cancels. Raises ProviderError."""

    async def close(self) -> None: ...


# ── carrier ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Dial:
    """One outgoing call. The URLs carry our reference; `ring_seconds`: how long to let it ring."""

    reference: str
    to: str
    caller_id: str
    answer_url: str
    ringing_url: str
    hangup_url: str
    ring_seconds: int = 45
    maximum_seconds: int = 600


@dataclass(frozen=True)
class Transfer:
    """Connect an answered call to another number. `caller_id`: one of ours, which the other side sees.

    `instructions_url`: where a carrier that fetches what to do finds `answer_with_transfer`'s.
    """

    to: str
    caller_id: str
    instructions_url: str
    ring_seconds: int = 30


class Placed(StrEnum):
    ACCEPTED = "accepted"
    """The carrier took it; `carrier_call_id` may be its first name for the call."""
    REFUSED = "refused"
    """The carrier answered that it will not, and nothing rings; `permanent` and `invalid_number` say why."""
    BUSY_NOW = "busy_now"
    """429 or 503 before placing: not a failure, the attempt goes back unconsumed."""
    UNKNOWN = "unknown"
    """No answer, or one that proves nothing: never dialled again blind."""


@dataclass(frozen=True)
class DialAnswer:
    placed: Placed
    carrier_call_id: str | None = None
    invalid_number: bool = False
    permanent: bool = False
    retry_after_seconds: float | None = None
    reason: str = ""
    fault: bool = False
    """The line itself is broken: no connection, no answer, an error of the vendor's, credentials that it refuses."""


class CarrierEventKind(StrEnum):
    ANSWERED = "answered"
    RINGING = "ringing"
    ENDED = "ended"


@dataclass(frozen=True)
class CarrierEvent:
    """A callback, parsed. `machine`: what the carrier itself thinks answered, if it says."""

    kind: CarrierEventKind
    carrier_call_id: str | None
    ended_as: EndedAs | None = None
    hangup_cause: str | None = None
    duration_seconds: float | None = None
    cost: str | None = None
    machine: bool | None = None


@dataclass(frozen=True)
class RungIn:
    """Somebody rings a number of ours. `person`: theirs, E.164; None: they withhold it."""

    carrier_call_id: str
    number: str
    person: str | None


@dataclass(frozen=True)
class CarrierCall:
    """A call as the carrier's look-up shows it."""

    carrier_call_id: str
    to: str
    caller_id: str
    live: bool
    started_at: datetime
    ended_as: EndedAs | None = None


@dataclass(frozen=True)
class CallbackRequest:
    """An HTTP request that claims to come from the carrier. `url` as the carrier was told it, query included."""

    method: str
    url: str
    headers: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    """As it came: some vendors sign its bytes."""


@dataclass(frozen=True)
class CarrierTraits:
    """What a carrier declares of itself; pacing and the reconciler go by it."""

    calls_per_second: float
    queues: bool
    reporting_lag_seconds: float
    finds_by_reference: bool
    has_idempotency_key: bool
    signs_body: bool = True
    """False: what a callback says besides its URL is a hint, and an end is believed when the look-up shows it."""


class Carrier(Protocol):
    traits: CarrierTraits
    answer_type: str
    """The media type of its `answer_with_…` documents."""

    async def dial(self, dial: Dial) -> DialAnswer:
        """Never raises for what the network or the carrier does: the answer says what is known."""

    async def hang_up(self, carrier_call_id: str) -> None:
        """End a call, ringing or answered; one that is over already is no error. Raises ProviderError."""

    async def transfer(self, carrier_call_id: str, transfer: Transfer) -> None:
        """Hand an answered call over; its media socket ends with that. Raises ProviderError."""

    async def send_digits(self, carrier_call_id: str, digits: str) -> None:
        """Press keys (0–9, *, #) into an answered call. Raises ProviderError; OnlyAsSound where there is no such
        command."""

    async def find(
        self,
        *,
        to: str,
        caller_id: str,
        placed_after: datetime,
        placed_before: datetime,
        carrier_call_id: str | None = None,
    ) -> list[CarrierCall]:
        """Live, queued and finished calls that match, as far as the vendor can say; by its own name for the call
        where it shows live ones no other way. Raises ProviderError."""

    async def check(self) -> None:
        """One harmless request under our credentials. Raises ProviderError; `details`: as the vendor put it."""

    def is_authentic(self, request: CallbackRequest, now: datetime) -> bool:
        """Whether the callback was signed with our account's secret, and lately where it says when. Fails closed."""

    def parse(self, request: CallbackRequest, kind: CarrierEventKind) -> CarrierEvent:
        """Raises Invalid for a body that is not the vendor's."""

    def fingerprint(self, request: CallbackRequest) -> bytes:
        """What tells an authentic request from every other: the same again is a replay (32 bytes)."""

    def reference(self, request: CallbackRequest) -> str | None:
        """The attempt that a request to a URL which all calls share is about; None: it names none of ours."""

    def shared_url(self, url: str) -> str:
        """A URL that the operator sets at the carrier, with whatever proves that we told it."""

    def rung_in(self, request: CallbackRequest) -> RungIn:
        """Who rings whom. Raises Invalid for a body that is not the vendor's."""

    def answer_with_stream(self, media_url: str, audio_format: AudioFormat) -> str:
        """The XML that makes the carrier open its media socket to us, for as long as the call lives."""

    def answer_with_hangup(self) -> str: ...

    def answer_with_rejection(self, *, busy: bool) -> str:
        """Turns a call away before it is answered, where the vendor can; else it ends at once."""

    def answer_with_transfer(self, transfer: Transfer) -> str:
        """The XML that connects the call to the other number."""

    async def close(self) -> None: ...


# ── storage ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Storage(Protocol):
    """Where files are kept under keys ("org/yyyy/mm/dd/call_id.flac")."""

    async def put(self, key: str, path: Path) -> None:
        """Store a file, and see that all of it arrived. Raises ProviderError."""

    async def open(self, key: str) -> BinaryIO:
        """For reading and seeking. Raises FileNotFoundError, and ProviderError."""

    async def delete(self, key: str) -> None:
        """Also of a file that is not there. Raises ProviderError."""
