"""What the terminal shows while the phones ring: live events in, one row a person out. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from voiceera.rules.calls import FINISHED, CallStatus, Speaker

WAITING = "waiting"


@dataclass(frozen=True)
class Row:
    """One person. `status`: a call's status, or its disposition once it is over; `said`: the line being spoken."""

    name: str
    phone_number: str
    status: str = WAITING
    tries: int = 0
    talking: bool = False
    over: bool = False
    """The last call has ended; another try may follow."""
    speaker: Speaker | None = None
    said: str = ""
    saying: bool = False
    """The caller has not finished: `said` is a guess so far."""
    result: str | None = None
    """What the caller's last answer was taken for."""
    answer: tuple[str, str | None] | None = None
    """The caller's words that decided the call, and what they were taken for: shown when it is over."""


class Board:
    """Rows by name, in the order of the contact list; calls lead to them by id."""

    def __init__(self, people: list[tuple[str, str]]) -> None:
        """`people`: (name, phone number); names are unique."""
        self.rows = {name: Row(name, number) for name, number in people}
        self._names: dict[str, str] = {}

    def on(self, event: dict[str, Any]) -> Row | None:
        """The row that an event of the campaign's stream changed, as it is now; None if it changed nothing."""
        call_id = str(event.get("call_id", ""))
        if event.get("kind") == "call_state":
            self._names[call_id] = str(event.get("name"))
        row = self.rows.get(self._names.get(call_id, ""))
        if row is None:
            return None
        changed = _changed(row, event)
        if changed == row:
            return None
        self.rows[row.name] = changed
        return changed


def _changed(row: Row, event: dict[str, Any]) -> Row:
    match event.get("kind"):
        case "call_state":
            return _moved(row, CallStatus(event["status"]), event.get("disposition"))
        case "speaking":
            return replace(row, speaker=Speaker.AGENT, said=str(event["text"]), saying=False, result=None)
        case "partial":
            return replace(row, speaker=Speaker.CALLER, said=str(event["text"]), saying=True, result=None)
        case "turn":
            speaker, said, result = Speaker(event["speaker"]), str(event["text"]), event.get("result")
            answer = row.answer if speaker is Speaker.AGENT else _deciding(row.answer, said, result)
            return replace(row, speaker=speaker, said=said, saying=False, result=result, answer=answer)
    return row


def _deciding(before: tuple[str, str | None] | None, said: str, result: str | None) -> tuple[str, str | None]:
    """A yes to what was read back tells less than what was said before it."""
    if result == "yes" and before is not None and before[1] is not None:
        return before
    return said, result


def _moved(row: Row, status: CallStatus, disposition: str | None) -> Row:
    if status in FINISHED:
        word = (disposition or "no_answer_given") if status is CallStatus.COMPLETED else str(status)
        row = replace(row, status=word, talking=False, over=True)
        if row.answer is None:
            return row
        said, result = row.answer
        return replace(row, speaker=Speaker.CALLER, said=said, result=result, saying=False)
    begins = status in (CallStatus.QUEUED, CallStatus.DIALING) and (row.over or not row.tries)
    return replace(
        row,
        status=str(status),
        tries=row.tries + 1 if begins else max(1, row.tries),
        talking=status is CallStatus.IN_PROGRESS,
        over=False,
        said="" if begins else row.said,
        answer=None if begins else row.answer,
        speaker=None if begins else row.speaker,
    )


def most_telling(rows: list[Row], room: int) -> list[Row]:
    """At most `room` rows in their own order: who talks, then who rings, then who is done, then who waits."""
    if len(rows) <= room:
        return rows
    rank = {True: 0, False: 1}
    chosen = sorted(rows, key=lambda row: (rank[row.talking], row.over, row.status == WAITING))[: max(1, room)]
    return [row for row in rows if row in chosen]
