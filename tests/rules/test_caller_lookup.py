"""What a server's answer about a caller is taken for."""

import json

import pytest
from pydantic import ValidationError

from voiceera.rules.caller_lookup import LONGEST_VALUE, MOST_VARIABLES, CallerLookup, NotVariables, variables_in


@pytest.mark.parametrize(
    ("answer", "result", "variables"),
    [
        ('{"name": "Dana", "visits": 3, "owes": 1.5, "known": true, "new": false}', None,
         {"name": "Dana", "visits": "3", "owes": "1.5", "known": "yes", "new": "no"}),
        ('{"caller": {"vars": {"name": "Dana"}}}', "caller.vars", {"name": "Dana"}),
        ('{"found": [{"name": "Dana"}]}', "found.0", {"name": "Dana"}),
        ('{"name": null, "orders": [1], "address": {"city": "Rome"}, "city": "Rome"}', None, {"city": "Rome"}),
        ('{"first name": "x", "1st": "x", "": "x", "ok_1": "y"}', None, {"ok_1": "y"}),
        ('{"caller_number": "+19005551234", "called_number": "0", "name": "D"}', None, {"name": "D"}),
        (r'{"name": "D\u0000an\ud800a", "city": "Z\u00fcrich"}', None, {"name": "Dana", "city": "Zürich"}),
        ("{}", None, {}),
    ],
)  # fmt: skip
def test_scalars_with_usable_names_become_variables(
    answer: str, result: str | None, variables: dict[str, str]
) -> None:
    assert variables_in(answer, result) == variables


@pytest.mark.parametrize(
    ("answer", "result"),
    [("", None), ("<html>", None), ("[1]", None), ('"text"', None), ("{}", "caller"), ("[" * 100_000, None)],
)
def test_what_is_no_object_is_said_to_be_none(answer: str, result: str | None) -> None:
    with pytest.raises(NotVariables, match="no JSON object"):
        variables_in(answer, result)


def test_an_answer_cannot_grow_a_call_without_bound() -> None:
    found = variables_in(json.dumps({f"v{index}": "x" * 5_000 for index in range(500)}), None)
    assert len(found) == MOST_VARIABLES
    assert {len(value) for value in found.values()} == {LONGEST_VALUE}


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://shop.example/c"},
        {"url": "https://{caller_number}.example/"},
        {"url": "https://shop.example/", "timeout": 30},
        {"url": "https://shop.example/", "headers": {"X-A": "one\r\ntwo"}},
    ],
)
def test_a_lookup_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CallerLookup.model_validate(wrong)


def test_the_server_is_told_who_rings_in_the_path_too() -> None:
    tool = CallerLookup(url="https://shop.example/callers/{caller_number}", method="GET").request()
    assert (tool.method, set(tool.arguments)) == ("GET", {"caller_number", "called_number", "call_id"})
