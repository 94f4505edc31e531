"""What may be written down of values and exceptions."""

import json

import pytest

from voiceera.errors import Conflict
from voiceera.ids import new_id, new_secret
from voiceera.redaction import CUT, cleaned, cleaned_text, described

SECRETS = (
    "vk_0123456789abcdef0123456789abcdef.Zq3T9sYx1kQ8b7Vw",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF123",
    "ann.lee+x@example.co.uk",
    "+12025550123",
    "+1 (202) 555-0123",
    "12025550123",
    "202-555-0123",
    f"ws://127.0.0.1:8001/media/plivo/{new_id().hex}.{new_secret()}",
    "postgresql://voiceera:hunter2@db/voiceera",
    "https://api.vendor.test/x?token=swordfish&other=1",
    "Authorization: Bearer swordfish",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_or_a_person_is_cut_out_of_any_string(secret: str) -> None:
    told = cleaned_text(f"before {secret} after")
    assert told.startswith("before ") and told.endswith(" after")
    for part in (secret, "swordfish", "hunter2", "0123456", "5550123", "example.co"):
        assert part not in told


@pytest.mark.parametrize(
    "plain",
    [
        "0192f3a1-7c00-7000-8000-1f2e3d4c5b6a",
        "voiceera/services/close.py:151 in close",
        "status 429 after 3 tries",
        "2026-11-25T22:10:59.123Z",
        "127.0.0.1:8001",
    ],
)
def test_what_an_operator_needs_stays(plain: str) -> None:
    assert cleaned_text(plain) == plain


def test_private_fields_are_cut_by_name_at_any_depth() -> None:
    told = cleaned({"call_id": "c", "result": [{"transcript": "I said so", "turns": 3}], "Password": "x"})
    assert told == {"call_id": "c", "result": [{"transcript": CUT, "turns": 3}], "Password": CUT}


def test_anything_becomes_json_that_can_be_stored() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError("no")

    deep: list[object] = []
    deep.append(deep)
    told = cleaned({"a": Broken(), "b": float("nan"), "c": b"\xff", "d": deep, "e": "a\0b\ud800c", "f": "x" * 9000})
    written = json.dumps(told, allow_nan=False)
    assert "\\u0000" not in written and "\\ud800" not in written
    assert len(written) < 3_000


def test_an_exception_is_told_by_kind_and_place_and_never_by_the_value_it_quotes() -> None:
    def deeper() -> None:
        try:
            int("my own words")
        except ValueError as error:
            raise RuntimeError("swordfish") from error

    with pytest.raises(RuntimeError) as caught:
        deeper()
    told = described(caught.value)
    assert "swordfish" not in told and "my own words" not in told
    assert "RuntimeError" in told and "ValueError" in told
    assert "test_redaction.py" in told and "in deeper" in told


def test_messages_about_code_and_of_our_own_stay() -> None:
    assert described(AttributeError("'NoneType' object has no attribute 'id'")).endswith("has no attribute 'id'")
    assert described(FileNotFoundError(2, "No such file", "/home/ann")) == "FileNotFoundError: No such file"
    assert "AGENT_002 The name is taken." in described(Conflict("AGENT_002", "The name is taken."))


def test_a_group_tells_each_of_its_parts() -> None:
    told = described(ExceptionGroup("many", [TypeError("f() takes no arguments"), KeyError("ann@example.com")]))
    assert "takes no arguments" in told and "KeyError" in told and "ann@" not in told
