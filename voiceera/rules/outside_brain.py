"""What is told to a user's own brain, and what it may answer: JSON, a message a turn out, a line a piece in."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from voiceera.rules.calls import CallBrief, Speaker, TurnRecord
from voiceera.rules.turn_events import CallerTurn, Opening, Silence

LONGEST_LINE = 64 * 1024


class BadAnswer(ValueError):
    """What an answer has that it may not have; quotes nothing of it."""


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One piece of a reply. `say`: words, cut anywhere. `tool`: one of the agent's, with its `arguments`. `end`: hang
    up when all is said, with this disposition. `private`: from here on, or no longer, nothing is recorded and the
    caller's words are written down nowhere. `language`: from here on this one is heard and
    spoken. `turn` (over a socket): which turn it answers. `done`: it is whole."""

    say: str = ""
    tool: str | None = None
    arguments: dict[str, Any] = {}
    end: str | None = None
    opt_out: bool = False
    private: bool | None = None
    language: str | None = None
    turn: int | None = None
    done: bool = False


_read = msgspec.json.Decoder(Line).decode


def read_line(line: bytes) -> Line:
    """Raises BadAnswer."""
    if len(line) > LONGEST_LINE:
        raise BadAnswer("a line is too long")
    try:
        return _read(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadAnswer("a line is not what the protocol has") from None


def turn_told(
    brief: CallBrief, number: int, about: Opening | CallerTurn | Silence, turns: Sequence[TurnRecord]
) -> dict[str, Any]:
    """A turn as it is sent. `history`: what was really said and heard before it."""
    return {
        "type": "turn",
        "turn": number,
        "call_id": str(brief.call_id),
        "agent_id": str(brief.agent_id),
        "direction": brief.direction,
        "language": brief.agent.language,
        "variables": dict(brief.variables),
        "about": _about(about),
        "history": [
            {"role": "user" if turn.speaker is Speaker.CALLER else "assistant", "content": turn.text}
            for turn in turns
            if turn.text
        ],
    }


def _about(about: Opening | CallerTurn | Silence) -> Mapping[str, Any]:
    match about:
        case Opening(text=text):
            return {"kind": "opening", "text": text}
        case Silence(count=count, last=last):
            return {"kind": "silence", "count": count, "last": last}
        case CallerTurn():
            said = {"kind": "caller", "text": about.text, "digits": about.digits, "confidence": about.confidence}
            return said | {"not_understood": about.rejected}
