"""What of a language tag tells its language."""

import pytest

from voiceera.rules.languages import short


@pytest.mark.parametrize(
    ("tag", "language"),
    [("hi-IN", "hi"), ("hi_IN", "hi"), ("HI", "hi"), ("brx-Deva-IN", "brx"), ("en", "en"), ("", "")],
)
def test_a_tag_is_cut_to_its_language(tag: str, language: str) -> None:
    assert short(tag) == language
