import pytest

from voiceera.rules.sentences import SentenceCutter, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you?", ["Hello.", "How are you?"]),
        ("Dr. Rao will see you. Please come early.", ["Dr. Rao will see you.", "Please come early."]),
        ("It costs 3.50 dollars. Fine?", ["It costs 3.50 dollars.", "Fine?"]),
        ("Come at 9 a.m. tomorrow. Bye.", ["Come at 9 a.m. tomorrow.", "Bye."]),
        ("Come at 9 a.m. Please be early.", ["Come at 9 a.m.", "Please be early."]),
        ("J. R. Smith called. Really!", ["J. R. Smith called.", "Really!"]),
        ("नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("Well... maybe not. Or yes.", ["Well... maybe not.", "Or yes."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("e.g. a call, i.e. this one. Good.", ["e.g. a call, i.e. this one.", "Good."]),
        ("   ", []),
    ],
)
def test_a_text_is_cut_where_its_sentences_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_the_cut_is_the_same_however_the_pieces_come() -> None:
    text = "Dr. Rao is free at 3.30 p.m. today. Shall I book it? Good।अच्छा"
    whole = sentences(text)
    for size in range(1, 9):
        cutter = SentenceCutter()
        found = [s for start in range(0, len(text), size) for s in cutter.feed(text[start : start + size])]
        assert found + cutter.flush() == whole


def test_a_sentence_is_given_away_before_the_next_one_is_written() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("Sure. I") == ["Sure."]


def test_an_endless_sentence_is_cut_at_a_comma() -> None:
    first, *_ = sentences("and then we went, " * 30)
    assert len(first) <= 220
    assert first.endswith(",")
