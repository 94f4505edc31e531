"""What Plivo's answer XML tells the network to do. The lab plays Stream, Wait, Hangup, Dial and DTMF
(https://www.plivo.com/docs/voice/xml/overview)."""

from xml.etree import ElementTree

from voiceera.lab.instructions import BadAnswer, Hangup, Instruction, Keys, Stream, Transfer, Wait, response_of
from voiceera.rules.audio import L16_8K, L16_16K, ULAW_8K

CONTENT_TYPES = {
    "audio/x-l16;rate=8000": L16_8K,
    "audio/x-l16;rate=16000": L16_16K,
    "audio/x-mulaw;rate=8000": ULAW_8K,
}


def parse_answer(body: bytes) -> list[Instruction]:
    """The document's elements in order. Raises BadAnswer."""
    return [_element(child) for child in response_of(body, most_kilobytes=100)]


def _element(node: ElementTree.Element) -> Instruction:
    match node.tag:
        case "Stream":
            return _stream(node)
        case "Wait":
            return Wait(float(node.get("length", "1")))
        case "Hangup":
            reason = node.get("reason", "")
            return Hangup(rejects=reason in ("rejected", "busy"), busy=reason == "busy")
        case "Dial":
            return Transfer((node.findtext("Number") or "").strip().lstrip("+"), node.get("callerId", ""))
        case "DTMF":
            return Keys((node.text or "").strip())
    raise BadAnswer(f"the lab does not play {node.tag!r}")


def _stream(node: ElementTree.Element) -> Stream:
    url = (node.text or "").strip()
    if not url.startswith(("ws://", "wss://")):
        raise BadAnswer("a Stream holds a ws:// or wss:// URL")
    content_type = node.get("contentType", "audio/x-l16;rate=8000").replace(" ", "")
    if content_type not in CONTENT_TYPES:
        raise BadAnswer(f"contentType {content_type!r}")
    return Stream(
        url=url,
        audio_format=CONTENT_TYPES[content_type],
        bidirectional=node.get("bidirectional", "false") == "true",
        keep_call_alive=node.get("keepCallAlive", "false") == "true",
        stream_timeout=int(node.get("streamTimeout", "86400")),
        extra_headers=node.get("extraHeaders", ""),
    )
