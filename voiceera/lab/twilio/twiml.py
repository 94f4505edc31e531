"""What TwiML tells the network to do. The lab plays Connect/Stream, Pause, Hangup, Reject, Dial and Play of digits
(https://www.twilio.com/docs/voice/twiml)."""

from xml.etree import ElementTree

from voiceera.lab.instructions import BadAnswer, Hangup, Instruction, Keys, Stream, Transfer, Wait, response_of
from voiceera.rules.audio import ULAW_8K


def parse_twiml(body: bytes) -> list[Instruction]:
    """The document's verbs in order. Raises BadAnswer."""
    return [_verb(child) for child in response_of(body, most_kilobytes=64)]


def _verb(node: ElementTree.Element) -> Instruction:
    match node.tag:
        case "Connect":
            return _connect(node)
        case "Pause":
            return Wait(float(node.get("length", "1")))
        case "Hangup":
            return Hangup()
        case "Reject":
            return Hangup(rejects=True, busy=node.get("reason") == "busy")
        case "Dial":
            number = (node.findtext("Number") or node.text or "").strip()
            return Transfer(number.lstrip("+"), node.get("callerId", ""))
        case "Play" if node.get("digits"):
            return Keys(node.get("digits", ""))
    raise BadAnswer(f"the lab does not play {node.tag!r}")


def _connect(node: ElementTree.Element) -> Stream:
    stream = node.find("Stream")
    url = "" if stream is None else stream.get("url", "")
    if not url.startswith(("ws://", "wss://")):
        raise BadAnswer("a Connect holds a Stream with a wss:// url")
    if "?" in url:
        raise BadAnswer("a Stream's url takes no query")
    return Stream(url, ULAW_8K)
