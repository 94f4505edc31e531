"""What a tool takes, whatever a model writes; and where its arguments may go."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from voiceera.rules.tools import (
    Argument,
    BadArguments,
    EndCall,
    HttpTool,
    RecordOutcome,
    Tool,
    TransferCall,
    checked,
    filled_url,
    picked,
    problems,
    spec,
)

TRANSFER = TransferCall(kind="transfer_call", numbers={"billing": "+12025550177"})
ORDER = HttpTool(
    kind="http",
    name="look_up_order",
    url="https://shop.example/orders/{order}",
    arguments={
        "order": Argument(),
        "count": Argument(type="integer", required=False),
        "price": Argument(type="number", required=False),
        "gift": Argument(type="boolean", required=False),
    },
)


@pytest.mark.parametrize(
    ("tool", "written", "taken"),
    [
        (TRANSFER, '{"to": "billing"}', {"to": "billing"}),
        (TRANSFER, '{"to": "billing", "say": "One moment."}', {"to": "billing", "say": "One moment."}),
        (ORDER, '{"order": "7", "count": 2, "price": 1}', {"order": "7", "count": 2, "price": 1}),
        (ORDER, '{"order": "7", "gift": false}', {"order": "7", "gift": False}),
        (ORDER, '{"order": "7", "count": "2", "price": "1.5"}', {"order": "7", "count": 2, "price": 1.5}),
        (ORDER, '{"order": "7", "gift": "true"}', {"order": "7", "gift": True}),
        (ORDER, '{"order": "7", "count": null}', {"order": "7"}),
        (EndCall(kind="end_call"), "", {}),
    ],
)  # fmt: skip
def test_arguments_that_fit_are_taken_by_their_type(tool: Tool, written: str, taken: dict[str, Any]) -> None:
    assert checked(tool, written) == taken


@pytest.mark.parametrize(
    ("tool", "written", "why"),
    [
        (TRANSFER, '{"to": "+19005551234"}', "one of: billing"),
        (TRANSFER, '{"to": ["billing"]}', "type string"),
        (TRANSFER, "{}", "missing"),
        (TRANSFER, '{"to": "billing", "number": "+19005551234"}', "no argument 'number'"),
        (TRANSFER, "billing", "not JSON"),
        (TRANSFER, '["billing"]', "not an object"),
        (TRANSFER, '{"to":' + "[" * 3990, "not JSON"),
        (TRANSFER, '{"to": "' + "a" * 5000 + '"}', "too long"),
        (ORDER, '{"order": 7}', "type string"),
        (ORDER, '{"order": "7", "count": true}', "type integer"),
        (ORDER, '{"order": "7", "count": 1.5}', "type integer"),
        (ORDER, '{"order": "7", "price": NaN}', "type number"),
        (ORDER, '{"order": "7", "price": "1e999"}', "type number"),
        (ORDER, '{"order": "7", "gift": 1}', "type boolean"),
    ],
)
def test_arguments_that_do_not_fit_are_told_why(tool: Tool, written: str, why: str) -> None:
    with pytest.raises(BadArguments, match=why.replace("+", r"\+")):
        checked(tool, written)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("7", "https://shop.example/orders/7"),
        ("../admin", "https://shop.example/orders/..%2Fadmin"),
        ("7?all=1#x", "https://shop.example/orders/7%3Fall%3D1%23x"),
        ("@evil.example", "https://shop.example/orders/%40evil.example"),
        ("{order}", "https://shop.example/orders/%7Border%7D"),
    ],
)
def test_an_argument_stays_in_its_place_in_the_path(value: str, url: str) -> None:
    assert filled_url(ORDER, {"order": value, "count": 2}) == (url, {"count": 2})


@pytest.mark.parametrize("value", [".", "..", ""])
def test_an_argument_that_would_climb_is_refused(value: str) -> None:
    with pytest.raises(BadArguments):
        filled_url(ORDER, {"order": value})


@pytest.mark.parametrize(
    "url",
    [
        "https://{host}/x",
        "file:///etc/passwd",
        "https://user:secret@shop.example/",
        "https://shop.example/a b",
        "shop",
    ],
)
def test_an_address_whose_host_is_not_fixed_cannot_be_declared(url: str) -> None:
    with pytest.raises(ValidationError):
        HttpTool(kind="http", name="x", url=url)


@pytest.mark.parametrize("header", [{"X-A": "b\r\nX-C: d"}, {"X A": "b"}, {"X:A": "b"}])
def test_a_header_is_one_line(header: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        HttpTool(kind="http", name="x", url="https://shop.example/", headers=header)


def test_a_model_is_told_names_and_never_numbers() -> None:
    told = json.dumps(spec(TRANSFER).parameters)
    assert "billing" in told and "555" not in told


def test_an_outcomes_fields_are_told_and_taken() -> None:
    tool = RecordOutcome(
        kind="record_outcome", dispositions=("sold", "lost"), fields={"amount": Argument(type="number")}
    )
    assert set(spec(tool).parameters["properties"]) == {"amount", "disposition"}
    assert checked(tool, '{"amount": 12.5, "disposition": "sold"}') == {"amount": 12.5, "disposition": "sold"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (None, '{"a": {"b": [1, "two"]}}'),
        ("a.b.1", "two"),
        ("a.b.0", "1"),
        ("a.b", '[1, "two"]'),
        ("a.c", ""),
        ("a.b.7", ""),
        ("a.b.x", ""),
    ],
)
def test_a_part_of_an_answer_is_picked(path: str | None, value: str) -> None:
    assert picked('{"a": {"b": [1, "two"]}}', path) == value


def test_two_tools_of_one_name_are_a_problem() -> None:
    tools = TypeAdapter(tuple[Tool, ...]).validate_python([{"kind": "end_call"}, {"kind": "end_call"}])
    assert [problem.field for problem in problems(tools)] == ["tools.1"]
