"""What is hidden of a conversation: a table of sentences, and what no spelling of a card gets through."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceera.rules.calls import Speaker, TurnRecord
from voiceera.rules.private_speech import (
    Silence,
    passes_luhn,
    redacted,
    redacted_at_once,
    redacted_values,
)
from voiceera.rules.redactions import Private, Redaction

ALL = Redaction(kinds=tuple(Private))
CARD = "4111111111111111"
WORDS = "zero one two three four five six seven eight nine".split()
HINDI = "शून्य एक दो तीन चार पाँच छह सात आठ नौ".split()


def said(*texts: str, speaker: Speaker = Speaker.CALLER) -> list[TurnRecord]:
    return [TurnRecord(speaker, text, index * 2000, index * 2000 + 1500) for index, text in enumerate(texts)]


def kept(*texts: str, kinds: Sequence[Private] = tuple(Private), name: str | None = None) -> list[str]:
    turns, _ = redacted(said(*texts), Redaction(kinds=tuple(kinds)), name)
    return [turn.text for turn in turns]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my card is 4111 1111 1111 1111 thanks", "my card is [card] thanks"),
        ("it's 4111-1111-1111-1111.", "it's [card]."),
        ("four one one one, one one one one, uh, one one one one, one one one one", "[card]"),
        ("three seven eight two eight two two four six three one zero zero zero five", "[card]"),
        ("चार एक एक एक एक एक एक एक एक एक एक एक एक एक एक एक है", "[card] है"),
        ("४१११ ११११ ११११ ११११", "[card]"),
        ("4111 1111 1111 1112 is misheard", "[card] is misheard"),
        ("call me at 202 555 0101 please", "call me at [phone] please"),
        ("my number is nine eight double seven six five four three two one", "my number is [phone]"),
        ("ring +1 (202) 555-0101", "ring [phone]"),
        ("write to ada.b@example.com today", "write to [email] today"),
        ("ada dot b at example dot com", "[email]"),
        ("the code is four two one one", "the code is [digits]"),
        ("at five on the 3rd, for two people", "at five on the 3rd, for two people"),
        ("yes please", "yes please"),
        ("", ""),
    ],
)
def test_what_is_said_and_what_is_kept(text: str, expected: str) -> None:
    assert kept(text) == [expected]


def test_only_what_was_asked_for_is_hidden() -> None:
    text = "4111 1111 1111 1111, 202 555 0101, ada@example.com, Ada"
    assert kept(text, kinds=(), name="Ada") == [text]
    assert kept(text, kinds=[Private.NAME], name="Ada") == [text.replace(", Ada", ", [name]")]
    assert kept(text, kinds=[Private.EMAIL]) == [text.replace("ada@example.com", "[email]")]
    assert kept("my card is 4111 1111 1111 1111 and that's it", kinds=[Private.CARD]) == [
        "my card is [card] and that's it"
    ]


def test_a_card_that_is_spread_over_several_turns_is_found() -> None:
    texts = ["sure it is four one one one", "one one one one", "yes then one one one one", "1111", "in 2031"]
    assert kept(*texts, kinds=[Private.CARD]) == [
        "sure it is [card]",
        "[card]",
        "yes then [card]",
        "[card]",
        "in 2031",
    ]


def test_the_contact_s_name_is_hidden_in_every_spelling() -> None:
    assert kept("Am I speaking with ADA Byron?", "ada's not here", name="Ada Byron") == [
        "Am I speaking with [name]?",
        "[name]'s not here",
    ]


def test_the_turn_is_silenced_on_its_own_channel() -> None:
    turns = said("hello", "4111 1111 1111 1111", "bye")
    _, silences = redacted(turns, ALL, None)
    assert silences == (Silence(Speaker.CALLER, 1600, 3900),)
    assert redacted(turns, Redaction(kinds=(Private.CARD,), audio=False), None)[1] == ()


def test_a_turn_that_is_kept_at_once_holds_no_part_of_a_card() -> None:
    (turn,) = said("it is four one one one")
    assert redacted_at_once(turn, Redaction(kinds=(Private.CARD,)), None).text == "it is [digits]"
    assert redacted_at_once(turn, Redaction(kinds=(Private.EMAIL,)), None).text == turn.text


def test_what_a_flow_saved_is_hidden_too() -> None:
    values = {"card": CARD, "day": "2026-03-04", "who": "ada byron", "none": ""}
    kept_values = redacted_values(values, Redaction(kinds=(Private.CARD, Private.NAME)), "Ada")
    assert kept_values == {"card": "[card]", "day": "2026-03-04", "who": "[name] byron", "none": ""}


@pytest.mark.parametrize("digits", ["4111111111111111", "378282246310005", "6011111111111117", "30569309025904"])
def test_real_cards_pass_luhn(digits: str) -> None:
    assert passes_luhn(digits)
    assert not passes_luhn(digits[:-1] + str((int(digits[-1]) + 1) % 10))


@st.composite
def spoken_card(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A card that passes Luhn, and turns that say it."""
    body = draw(st.text("0123456789", min_size=12, max_size=18))
    digits = next(body + check for check in "0123456789" if passes_luhn(body + check))
    cuts = draw(st.lists(st.sampled_from(range(2, len(digits) - 1, 2)), max_size=3, unique=True).map(sorted))
    pieces = [digits[start:end] for start, end in zip([0, *cuts], [*cuts, len(digits)], strict=True)]
    words = draw(st.sampled_from([WORDS, HINDI, list("0123456789"), list("०१२३४५६७८९")]))
    glue = draw(st.sampled_from([" ", ", ", " uh ", "-", " and "]))
    return digits, [glue.join(words[int(digit)] for digit in piece) for piece in pieces]


@given(spoken_card())
def test_no_way_to_say_a_card_gets_through(card: tuple[str, list[str]]) -> None:
    digits, texts = card
    shown = "".join(kept(*texts, kinds=[Private.CARD]))
    assert not any(each in shown for each in (*WORDS, *HINDI, *digits))
