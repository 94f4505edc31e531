"""What the demo shows while the phones ring."""

import io
from typing import Any

from rich.console import Console

from voiceera.demo.board import Board, Row, most_telling
from voiceera.demo.screen import screen_for
from voiceera.rules.calls import Speaker

PEOPLE = [("Ada", "+12025550101"), ("Ben", "+12025550102")]


def moved(name: str, status: str, call: str = "c", **more: Any) -> dict[str, Any]:
    return {"kind": "call_state", "call_id": call + name, "name": name, "status": status} | more


def said(name: str, speaker: str, text: str, result: str | None = None, call: str = "c") -> dict[str, Any]:
    return {"kind": "turn", "call_id": call + name, "speaker": speaker, "text": text, "result": result}


def after(*events: dict[str, Any]) -> Board:
    board = Board(PEOPLE)
    for event in events:
        board.on(event)
    return board


def test_a_call_moves_through_its_states() -> None:
    board = after(moved("Ada", "dialing"), moved("Ada", "ringing"), moved("Ada", "in_progress"))
    assert (board.rows["Ada"].status, board.rows["Ada"].talking, board.rows["Ada"].tries) == ("in_progress", True, 1)
    assert board.rows["Ben"].status == "waiting"


def test_a_finished_call_shows_its_disposition_and_its_last_line() -> None:
    board = after(
        moved("Ada", "in_progress"),
        said("Ada", "caller", "yes I can come", "confirm"),
        moved("Ada", "completed", disposition="confirmed"),
    )
    row = board.rows["Ada"]
    assert (row.status, row.over, row.said, row.result) == ("confirmed", True, "yes I can come", "confirm")


def test_a_finished_call_shows_what_decided_it() -> None:
    board = after(
        moved("Ada", "in_progress"),
        said("Ada", "caller", "I'd prefer Friday", "friday"),
        said("Ada", "agent", "So that is Friday. Is that right?"),
        said("Ada", "caller", "yes exactly", "yes"),
        said("Ada", "agent", "Your appointment is moved to Friday. Goodbye."),
        moved("Ada", "completed", disposition="rescheduled"),
    )
    row = board.rows["Ada"]
    assert (row.status, row.speaker, row.said, row.result) == (
        "rescheduled",
        Speaker.CALLER,
        "I'd prefer Friday",
        "friday",
    )


def test_a_conversation_that_came_to_nothing_says_so() -> None:
    board = after(moved("Ada", "in_progress"), said("Ada", "caller", "nice weather"), moved("Ada", "completed"))
    assert board.rows["Ada"].status == "no_answer_given"


def test_a_second_try_is_counted_and_begins_with_a_clean_line() -> None:
    board = after(moved("Ada", "dialing"), moved("Ada", "busy"), moved("Ada", "dialing", call="d"))
    row = board.rows["Ada"]
    assert (row.status, row.tries, row.over, row.said) == ("dialing", 2, False, "")


def test_a_try_whose_dialing_was_missed_is_one_all_the_same() -> None:
    assert after(moved("Ada", "in_progress")).rows["Ada"].tries == 1


def test_what_is_told_of_an_unknown_call_changes_nothing() -> None:
    board = Board(PEOPLE)
    assert board.on(said("Ada", "agent", "Hello")) is None
    assert board.on(moved("Zoe", "ringing")) is None
    assert board.on({"kind": "a new kind", "call_id": "c"}) is None


def test_the_caller_is_seen_speaking_before_they_have_finished() -> None:
    board = after(moved("Ada", "in_progress"), {"kind": "partial", "call_id": "cAda", "text": "yes I"})
    assert (board.rows["Ada"].speaker, board.rows["Ada"].saying) == (Speaker.CALLER, True)


def test_a_small_terminal_shows_who_talks_first() -> None:
    rows = [Row(f"p{index}", "") for index in range(20)]
    rows[17] = Row("p17", "", status="in_progress", talking=True)
    rows[18] = Row("p18", "", status="ringing")
    shown = most_telling(rows, 3)
    assert [row.name for row in shown] == ["p17", "p18", "p0"] or {row.name for row in shown} > {"p17", "p18"}
    assert most_telling(rows, 50) == rows


def test_without_a_terminal_each_change_is_a_line() -> None:
    written = io.StringIO()
    board = Board(PEOPLE)
    with screen_for(Console(file=written, width=200), board) as screen:
        for event in (
            moved("Ada", "ringing"),
            moved("Ada", "in_progress"),
            {"kind": "speaking", "call_id": "cAda", "text": "Hello [bold]Ada[/bold]."},
            {"kind": "speaking", "call_id": "cAda", "text": "Can you come?"},
            said("Ada", "agent", "Hello [bold]Ada[/bold]. Can you"),
            {"kind": "partial", "call_id": "cAda", "text": "yes"},
            said("Ada", "caller", "yes I can come", "confirm"),
            moved("Ada", "completed", disposition="confirmed"),
        ):
            row = board.on(event)
            assert row is not None
            screen.changed(row)
    lines = [line.split("s  ", 1)[1] for line in written.getvalue().splitlines()]
    assert lines == [
        "Ada  ringing",
        "Ada  talking",
        "Ada  agent: Hello [bold]Ada[/bold].",
        "Ada  agent: Can you come?",
        "Ada  caller: yes I can come  → confirm",
        "Ada  confirmed",
    ]


def test_with_a_terminal_a_table_is_drawn() -> None:
    written = io.StringIO()
    board = after(moved("Ada", "in_progress"), said("Ada", "caller", "yes I can come", "confirm"))
    with screen_for(Console(file=written, width=120, height=20, force_terminal=True), board) as screen:
        screen.step("Starting …")
        screen.progress(1)
    drawn = written.getvalue()
    for piece in ("Starting …", "Ada", "+12025550102", "“yes I can come”", "→ confirm", "1 of 2 people"):
        assert piece in drawn
