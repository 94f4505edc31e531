"""What the carriers' JSON streams have in common: sound in base64, keys, marks, and one start before all of it."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from voiceera.media.dialects.dialect import Digit, Garbage, Played

_DIGITS = frozenset("0123456789*#ABCD")
_LONGEST_ID = 128

M = TypeVar("M")


class Media(msgspec.Struct):
    payload: bytes
    track: str = "inbound"


class Dtmf(msgspec.Struct):
    digit: str


class Mark(msgspec.Struct):
    name: str = ""


def parsed(decode: Callable[[bytes | memoryview], M], message: bytes | memoryview) -> M:
    """Raises Garbage."""
    try:
        return decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Garbage("not a message of this dialect") from error


def sound_of(media: Media | None, *, is_started: bool, sample_bytes: int = 1) -> bytes | None:
    """The caller's sound, if it is any. Raises Garbage."""
    if not is_started:
        raise Garbage("media before start")
    if media is None:
        raise Garbage("media without a payload")
    if media.track != "inbound" or not media.payload:
        return None
    if len(media.payload) % sample_bytes:
        raise Garbage("half a sample")
    return media.payload


def key_of(dtmf: Dtmf | None) -> Digit:
    """Raises Garbage."""
    if dtmf is None or dtmf.digit not in _DIGITS:
        raise Garbage("dtmf without a key")
    return Digit(dtmf.digit)


def mark_of(mark: Mark | None) -> Played | None:
    return Played(mark.name) if mark and mark.name else None


def is_stream_id(stream_id: str) -> bool:
    return 0 < len(stream_id) <= _LONGEST_ID
