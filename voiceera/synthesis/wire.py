"""What crosses the pipes between the client and the process that speaks: requests in, audio out."""

import struct
from enum import IntEnum

import msgspec

REQUEST_LENGTH = struct.Struct("<I")
ANSWER_HEADER = struct.Struct("<IBI")
"""Request number, `Kind`, length of what follows."""

READY = 0
"""The number under which the process says, by an END, that it has loaded; requests count from 1."""


class Kind(IntEnum):
    AUDIO = 0
    END = 1
    REFUSED = 2
    """The payload says why, in words that hold none of the text."""


class Request(msgspec.Struct, frozen=True):
    number: int
    text: str
    voice: str
    words_per_minute: int
    pitch: int
    sample_rate: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Request).decode


def pack_request(request: Request) -> bytes:
    body = _encode(request)
    return REQUEST_LENGTH.pack(len(body)) + body


def unpack_request(body: bytes) -> Request:
    return _decode(body)


def pack_answer(number: int, kind: Kind, payload: bytes = b"") -> bytes:
    return ANSWER_HEADER.pack(number, kind, len(payload)) + payload
