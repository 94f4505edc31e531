import pytest

from voiceera.rules.language_model import train

PHRASES = [(("yes", "i", "can"), 1.0), (("yes", "please"), 2.0), (("no", "i", "can't"), 1.0)]
BACKGROUND = {"the": 2.0, "order": 1.0}


def test_what_may_follow_any_context_adds_up_to_one() -> None:
    model = train(PHRASES, BACKGROUND, 0.1)
    words = [*model.vocabulary, "</s>"]
    for context in [(), ("yes",), ("<s>", "yes"), ("i",), ("order",)]:
        assert sum(model.probability(word, context) for word in words) == pytest.approx(1.0, abs=1e-6)


def test_an_expected_order_is_likelier_than_a_new_one_and_a_new_one_is_possible() -> None:
    model = train(PHRASES, BACKGROUND, 0.1)
    assert model.probability("i", ("<s>", "yes")) > model.probability("can", ("<s>", "yes")) > 0


def test_the_arpa_text_counts_its_own_lines() -> None:
    text = train(PHRASES, BACKGROUND, 0.1).arpa()
    told = int(text.split("ngram 1=")[1].split()[0])
    section = text.split("\\1-grams:\n")[1].split("\n\n")[0].strip().splitlines()
    assert len(section) == told
