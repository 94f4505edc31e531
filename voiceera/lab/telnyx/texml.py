"""What TeXML tells the network to do. The lab plays Connect/Stream, Pause, Hangup, Reject, Dial and Play of digits
(https://developers.telnyx.com/docs/voice/programmable-voice/texml-verbs)."""

from xml.etree import ElementTree

from voiceera.lab.instructions import BadAnswer, Hangup, Instruction, Stream, Transfer, Wait
from voiceera.rules.audio import ULAW_8K


def parse_texml(body: bytes) -> list[Instruction]:
    """Raises BadAnswer."""
    if len(body) > 64_000 or b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadAnswer("longer than 64 KB, or with a document type")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise BadAnswer(str(error)) from error
    if root.tag != "Response":
        raise BadAnswer(f"the root is {root.tag!r}, not Response")
    return [_verb(child) for child in root]


def _verb(node: ElementTree.Element) -> Instruction:
    match node.tag:
        case "Connect":
            return _stream(node.find("Stream"))
        case "Pause":
            return Wait(float(node.get("length", "1")))
        case "Hangup":
            return Hangup()
        case "Reject":
            return Hangup(rejects=True, busy=node.get("reason") == "busy")
        case "Dial":
            return Transfer(
                (node.findtext("Number") or node.text or "").strip().lstrip("+"), node.get("callerId", "")
            )
    raise BadAnswer(f"the lab does not play {node.tag!r}")


def _stream(node: ElementTree.Element | None) -> Stream:
    url = "" if node is None else node.get("url", "")
    if node is None or not url.startswith(("ws://", "wss://")):
        raise BadAnswer("a Connect holds a Stream with a wss:// url")
    if node.get("codec", "default") not in ("default", "PCMU") or node.get("bidirectionalCodec", "PCMU") != "PCMU":
        raise BadAnswer("the lab speaks PCMU")
    return Stream(url, ULAW_8K, bidirectional=node.get("bidirectionalMode", "mp3") == "rtp")
