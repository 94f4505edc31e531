"""What crosses the pipes between a recognizer's client and its worker process: length, then MessagePack."""

import struct

import msgspec

LENGTH = struct.Struct("<I")


class Load(msgspec.Struct, tag=True, frozen=True):
    """Be ready for calls in which these phrases are expected, and know them as `key`."""

    key: str
    phrases: tuple[str, ...]


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Utterance `number` starts, in a line's format and a language (BCP 47); `expected` would answer the present
    question."""

    number: int
    key: str
    encoding: str
    sample_rate: int
    expected: tuple[str, ...] = ()
    language: str = ""


class Audio(msgspec.Struct, tag=True, frozen=True):
    number: int
    audio: bytes


class End(msgspec.Struct, tag=True, frozen=True):
    number: int


class Drop(msgspec.Struct, tag=True, frozen=True):
    number: int


Request = Load | Begin | Audio | End | Drop


class Answer(msgspec.Struct, frozen=True):
    """What an utterance was taken for; `number` 0: the worker is ready, or says why it never will be (`rejected`).
    `confidence` from 0 to 1. Not `final`: it goes on."""

    number: int
    text: str = ""
    confidence: float = 0.0
    rejected: bool = False
    final: bool = True


_encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def pack(message: Request | Answer) -> bytes:
    body = _encode(message)
    return LENGTH.pack(len(body)) + body
