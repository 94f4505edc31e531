import pytest

from voiceera.rules.opt_out import OPT_OUT_PHRASES, is_opt_out


@pytest.mark.parametrize("words", OPT_OUT_PHRASES)
def test_every_common_wording_counts(words: str) -> None:
    assert is_opt_out(words)


@pytest.mark.parametrize(
    "words",
    [
        "Look, would you stop calling me, please?",
        "Don’t you ever call this number again!",
        "I'd like to be taken off, so take me off that list",
        "I don't want to receive any more calls",
        "yeah don't call me okay bye",
        "i am on the do not call list",
        "call mat karo bhai",
        "मुझे कॉल मत करो।",
    ],
)
def test_free_wordings_count(words: str) -> None:
    assert is_opt_out(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "yes that works",
        "don't call me before nine",
        "please call me again tomorrow",
        "can you call back later",
        "I can't stop now, call me at six",
        "don't call it off, I will come",
        "no I didn't call you",
        "take my number please",
        "stop by on Tuesday",
    ],
)
def test_what_asks_for_something_else_does_not(words: str) -> None:
    assert not is_opt_out(words)
