"""What an answer document tells the network to do, in whatever vendor's words it stands."""

from dataclasses import dataclass
from xml.etree import ElementTree

from voiceera.rules.audio import AudioFormat


class BadAnswer(ValueError):
    """An answer document that the vendor would not play."""


@dataclass(frozen=True)
class Stream:
    """`keep_call_alive`: what follows waits for the stream's end; else it runs beside."""

    url: str
    audio_format: AudioFormat
    bidirectional: bool = True
    keep_call_alive: bool = True
    stream_timeout: int = 86400
    extra_headers: str = ""


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Hangup:
    """`rejects`: before it is answered, it is turned down rather than picked up and dropped."""

    rejects: bool = False
    busy: bool = False


@dataclass(frozen=True)
class Transfer:
    """Lead the person to another telephone."""

    number: str
    caller_id: str = ""


@dataclass(frozen=True)
class Keys:
    """Play these keys to the person; `w` is a pause."""

    digits: str


Instruction = Stream | Wait | Hangup | Transfer | Keys


def response_of(body: bytes, *, most_kilobytes: int) -> ElementTree.Element:
    """The root of an answer in XML. Raises BadAnswer."""
    if len(body) > most_kilobytes * 1000:
        raise BadAnswer(f"longer than {most_kilobytes} KB")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadAnswer("document types are not taken")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise BadAnswer(str(error)) from error
    if root.tag != "Response":
        raise BadAnswer(f"the root is {root.tag!r}, not Response")
    return root
