import pytest

from voiceera.analysis.basic import Finished, analyse
from voiceera.analysis.compliance import Verdict, checks
from voiceera.analysis.phrases import MOST, key_phrases
from voiceera.analysis.spoken_language import spoken_language
from voiceera.rules.calls import Speaker
from voiceera.rules.transcripts import Segment

AGENT, CALLER = Speaker.AGENT, Speaker.CALLER


def said(*turns: tuple[Speaker, str]) -> list[Segment]:
    return [Segment(who, text, 2_000 * place, 2_000 * place + 1_500) for place, (who, text) in enumerate(turns)]


CROSS = said(
    (AGENT, "Hello, this is Clara. This call is recorded. How can I help?"),
    (CALLER, "My late delivery is still missing. This is the third time I have called, it is outrageous!"),
    (AGENT, "I am sorry."),
    (CALLER, "Fine. Send the late delivery on Monday. Thanks."),
)


def test_a_cross_caller_is_negative_and_the_quote_says_why() -> None:
    found = analyse(Finished(CROSS, disposition="rescheduled", extracted={"day": "Monday"}))
    assert found.sentiment == "negative"
    assert found.emotions is not None and found.emotions[0] == "frustration"
    assert found.language == "en"
    assert "late delivery" in found.key_phrases
    assert found.summary.startswith("Ended as rescheduled. day: Monday.") and "third time" in found.summary
    overall = found.details["sentiment"]["overall"]
    assert overall["score"] < 0 and 0.4 <= overall["confidence"] <= 0.9
    assert overall["evidence"][0]["quote"].startswith("This is the third time")
    assert "third time" in overall["evidence"][0]["cues"]
    first, last = found.details["sentiment"]["over_time"]
    assert first["score"] < 0 < last["score"]
    assert found.details["sentiment"]["by_speaker"]["agent"]["sentiment"] == "neutral"


def test_a_call_without_a_callers_word_has_no_sentiment() -> None:
    for turns in ([], said((AGENT, "Hello?")), said((CALLER, "  "))):
        found = analyse(Finished(turns))
        assert (found.sentiment, found.emotions, found.key_phrases) == (None, None, [])
        assert found.summary == "The caller said nothing."


def test_a_caller_who_says_nothing_special_is_neutral() -> None:
    found = analyse(Finished(said((CALLER, "It is on the second floor."))))
    assert (found.sentiment, found.emotions) == ("neutral", ["neutral"])


def test_hindi_is_read_as_hindi_whatever_the_agent_speaks() -> None:
    found = analyse(Finished(said((CALLER, "मैं बहुत खुश हूँ, धन्यवाद।")), language="en-US"))
    assert (found.language, found.sentiment) == ("hi", "positive")


# ── phrases ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_phrase_comes_out_the_same_wherever_it_stands() -> None:
    for text in ("The billing error again?", "I saw a billing error.", "No, that BILLING error, please!"):
        assert "billing error" in key_phrases([text]), text


def test_names_and_numbers_are_no_key_phrases() -> None:
    found = key_phrases(["Asha Rao here, account 4471 about my broken kettle"], without="Asha Rao")
    assert found == ["broken kettle", "account"]


def test_hindi_phrases_keep_their_vowel_signs() -> None:
    assert key_phrases(["मेरा गैस कनेक्शन बंद है"]) == ["गैस कनेक्शन बंद", "गैस कनेक्शन", "कनेक्शन बंद"]


def test_a_long_call_has_only_so_many_phrases() -> None:
    words = [f"{first}{second}{first}" for first in "bcdfghklmn" for second in "aeiou"]
    assert len(key_phrases([", ".join(words)])) == MOST


@pytest.mark.parametrize(
    ("text", "expected", "language"),
    [
        ("हाँ, ठीक है", "en-US", "hi"),
        ("हो, नक्की", "mr-IN", "mr"),
        ("ஆமாம், சரி", "en-IN", "ta"),
        ("Yes that is the one", "hi-IN", "en"),
        ("Ja, das ist nicht für mich", "en-US", "de"),
        ("Okay.", "de-DE", "de"),
        ("haan theek hai, mujhe nahi chahiye", "en-IN", "hi"),
    ],
)
def test_the_language_is_told_by_script_and_common_words(text: str, expected: str, language: str) -> None:
    assert spoken_language([text], expected) == language


def test_nothing_said_is_no_language() -> None:
    assert spoken_language(["", "…"], "en-US") is None


# ── compliance ───────────────────────────────────────────────────────────────────────────────────────────────────


def verdicts(turns: list[Segment], *, opted_out: bool = False) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in checks(turns, opted_out=opted_out)}


def test_checks_pass_with_their_quote() -> None:
    greeting, recording, opt_out = checks(CROSS, opted_out=False)
    assert greeting.verdict == recording.verdict == "passed"
    assert recording.quote == CROSS[0].text
    assert opt_out.verdict == "not_applicable"


def test_a_recording_that_nobody_announced_fails_the_check() -> None:
    assert (
        verdicts(said((AGENT, "Hello."), (CALLER, "Are you recording this call?")))["recording_announced"] == "failed"
    )
    assert verdicts(said((AGENT, "यह कॉल रिकॉर्ड की जा रही है।")))["recording_announced"] == "passed"


def test_an_opt_out_must_have_been_honoured() -> None:
    turns = said((AGENT, "Hello."), (CALLER, "Please don't call me again."))
    assert verdicts(turns, opted_out=True)["opt_out_honoured"] == "passed"
    assert verdicts(turns)["opt_out_honoured"] == "failed"
