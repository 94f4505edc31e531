"""What a carrier's media socket says, whatever its dialect: a handful of events in, a handful of messages out."""

from dataclasses import dataclass
from typing import Protocol

from voiceera.rules.audio import AudioFormat

LARGEST_MESSAGE = 64 * 1024
"""Bytes of one message; a second of 16 kHz L16 in base64 has 43 kB."""


@dataclass(frozen=True)
class Started:
    """The carrier's first message: how the line carries sound, and the carrier's names for stream and call."""

    stream_id: str
    audio_format: AudioFormat
    carrier_call_id: str | None = None


@dataclass(frozen=True)
class Digit:
    digit: str


@dataclass(frozen=True)
class Played:
    """All that was sent before the mark of this name has been played."""

    mark: str


@dataclass(frozen=True)
class Stopped:
    """The carrier says that the stream is over."""


Event = bytes | Started | Digit | Played | Stopped | None
"""`bytes` is the caller's sound in the line's format; None is a message that tells us nothing."""


class Garbage(Exception):
    """A message that no carrier of this dialect would send. The text says what is wrong and quotes nothing of it."""


class Dialect(Protocol):
    """One socket's translator. It does no I/O."""

    def read(self, message: bytes | memoryview) -> Event:
        """Raises Garbage. Sound before `Started` is Garbage, and so is a second start."""

    def audio(self, sound: bytes) -> bytes:
        """The message that plays one frame. The hot path. Only after `Started`, as all that follow. Empty: the frame
        waits for others, since the carrier takes no message so short."""

    def flush(self) -> bytes:
        """The message that plays what still waits, at an utterance's end; empty where nothing does."""

    def clear(self) -> bytes:
        """What still waits is dropped, too."""

    def mark(self, name: str) -> bytes: ...
