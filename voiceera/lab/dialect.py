"""What the network needs of a vendor: its callbacks, its answer documents, and the messages on its media sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode

import msgspec

from voiceera.lab.instructions import Instruction, Keys, Stream
from voiceera.lab.phone_call import PhoneCall


class Told(StrEnum):
    """What a vendor calls back about."""

    ANSWER = "answer"
    RINGING = "ringing"
    HANGUP = "hangup"


@dataclass(frozen=True)
class Notice:
    """One request of the vendor's, before it is signed. `form` goes into the body; a GET's into the query."""

    method: str
    url: str
    form: Mapping[str, str] = field(default_factory=dict)
    as_json: bool = False

    @property
    def sent_url(self) -> str:
        if self.method != "GET" or not self.form:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(self.form)}"

    @property
    def body(self) -> bytes:
        if self.method == "GET":
            return b""
        return msgspec.json.encode(dict(self.form)) if self.as_json else urlencode(self.form).encode()

    @property
    def content_type(self) -> str:
        return "application/json" if self.as_json else "application/x-www-form-urlencoded"


# ── media sockets ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Play:
    audio: bytes


@dataclass(frozen=True)
class Mark:
    name: str


@dataclass(frozen=True)
class Clear:
    pass


class BadMessage(ValueError):
    """A message that the vendor would not take."""


Sent = Play | Mark | Clear | Keys


class Wire(Protocol):
    """One socket's messages, both ways."""

    def opening(self) -> list[bytes]: ...

    def media(self, payload: bytes, at_ms: int) -> bytes | None:
        """20 ms of line, in base64. None: it is kept for a longer message."""

    def digit(self, digit: str) -> bytes: ...

    def played(self, name: str) -> bytes: ...

    def cleared(self, marks: list[str]) -> list[bytes]:
        """What follows a clear that dropped these marks."""

    def closing(self) -> bytes | None:
        """What is said before the socket is closed."""

    def read(self, message: memoryview) -> Sent | None:
        """None: nothing is to be done about it. Raises BadMessage."""


class Sockets(Protocol):
    """Who opens media sockets, and what is said on them."""

    def handshake(self, url: str) -> dict[str, str]:
        """Headers of a media socket's upgrade."""

    def wire(self, call: PhoneCall, stream: Stream) -> Wire: ...


class Dialect(Sockets, Protocol):
    name: str
    user_agent: str
    answer_tries: int
    """How often the vendor asks for an answer document that it did not get."""

    def new_call_id(self) -> str: ...

    def notice(self, call: PhoneCall, told: Told) -> Notice | None:
        """None: nobody asked to be told."""

    def signed(self, notice: Notice) -> dict[str, str]:
        """Headers that prove where it comes from, made anew for every sending."""

    def instructions(self, body: bytes) -> list[Instruction]:
        """Raises BadAnswer."""
