"""What the answer URL's XML tells the network to do. Elements of the voice dialect that the lab plays: Stream, Wait,
Hangup (https://www.plivo.com/docs/voice/xml/overview)."""

from dataclasses import dataclass
from xml.etree import ElementTree

from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K, AudioFormat

CONTENT_TYPES = {
    "audio/x-l16;rate=8000": L16_8K,
    "audio/x-l16;rate=16000": L16_16K,
    "audio/x-mulaw;rate=8000": ULAW_8K,
}


class BadXml(ValueError):
    """The answer is not XML that the vendor would play; the call ends as "Invalid Answer XML"."""


@dataclass(frozen=True)
class Stream:
    url: str
    audio_format: AudioFormat
    bidirectional: bool
    keep_call_alive: bool
    stream_timeout: int
    extra_headers: str


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Hangup:
    pass


Element = Stream | Wait | Hangup


def parse_answer(body: bytes) -> list[Element]:
    """The document's elements in order. Raises BadXml."""
    if len(body) > 100_000:
        raise BadXml("longer than 100 KB")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadXml("document types are not taken")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise BadXml(str(error)) from error
    if root.tag != "Response":
        raise BadXml(f"the root is {root.tag!r}, not Response")
    return [_element(child) for child in root]


def _element(node: ElementTree.Element) -> Element:
    match node.tag:
        case "Stream":
            return _stream(node)
        case "Wait":
            return Wait(float(node.get("length", "1")))
        case "Hangup":
            return Hangup()
    raise BadXml(f"the lab does not play {node.tag!r}")


def _stream(node: ElementTree.Element) -> Stream:
    url = (node.text or "").strip()
    if not url.startswith(("ws://", "wss://")):
        raise BadXml("a Stream holds a ws:// or wss:// URL")
    content_type = node.get("contentType", "audio/x-l16;rate=8000").replace(" ", "")
    if content_type not in CONTENT_TYPES:
        raise BadXml(f"contentType {content_type!r}")
    return Stream(
        url=url,
        audio_format=CONTENT_TYPES[content_type],
        bidirectional=node.get("bidirectional", "false") == "true",
        keep_call_alive=node.get("keepCallAlive", "false") == "true",
        stream_timeout=int(node.get("streamTimeout", "86400")),
        extra_headers=node.get("extraHeaders", ""),
    )
