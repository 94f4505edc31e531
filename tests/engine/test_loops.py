"""Two machines on one line, and what only looks like it."""

import pytest

from tests.engine.talk import Talk
from voiceera.rules.calls import HangupCause, Speaker, TurnRecord
from voiceera.rules.loops import is_loop

ASK, OTHER = "How can I help you today?", "I'm sorry, could you repeat that please?"


def turns(*texts: str) -> list[TurnRecord]:
    """The agent's and the caller's, alternately."""
    return [TurnRecord((Speaker.AGENT, Speaker.CALLER)[place % 2], text, 0, 0) for place, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ([ASK, OTHER, ASK, OTHER, ASK, OTHER], True),
        (["Welcome.", "hi", ASK, OTHER, ASK, "sorry could you repeat that please", ASK, OTHER], True),
        ([ASK, OTHER, ASK, OTHER], False),
        ([ASK, "the balance", ASK, "the balance of my account", ASK, "an agent"], False),
        (["Your name?", "yes", "Your age?", "yes", "Your town?", "yes"], False),
        ([ASK, "", ASK, "", ASK, ""], False),
        ([], False),
    ],
)
def test_a_loop_is_both_sides_saying_the_same_again_and_again(said: list[str], is_one: bool) -> None:
    assert is_loop(turns(*said)) is is_one


def test_a_call_that_goes_round_is_ended_within_a_minute() -> None:
    talk = Talk(*[[ASK]] * 50)
    for number in range(20):
        talk.caller(3.0 + 6 * number, OTHER, 2.0)
    talk.run()
    assert talk.ended_as is HangupCause.LOOP
    assert talk.turns[-1].end_ms < 60_000
