"""What means harm is told off, through every route of the application: never a 5xx, never a header of its own."""

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import Person
from tests.operations.routes import declared
from voiceera.api import strict_json
from voiceera.ids import new_id

PATHS = (
    *("%00", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "9223372036854775808", "-9223372036854775809", "NaN"),
    *("%ff%fe", "%ed%a0%80", "a%0d%0aX-Injected:%20yes", "A" * 3_000, "=1+1", "%F0%9F%92%A9"),
)
QUERIES = (
    *("a\0b", "../../etc/passwd", str(2**63), "Infinity", "1e999", "=cmd|' /C calc'!A0"),
    *("a\r\nX-Injected: yes", "x" * 5_000, "'; DROP TABLE users --", "9999-12-31"),
)
NOT_JSON = {
    "nan": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "too large": b'{"name": 1e999}',
    "too long": b'{"name": ' + b"9" * 5_000 + b"}",
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep and open": b"[" * 100_000,
    "doubled": b'{"name": "a", "name": "b"}',
    "doubled below": b'{"flow": {"start": "a", "start": "b"}}',
    "half a character": b'{"name": "\\ud800"}',
    "not utf-8": b'{"name": "\xff"}',
    "utf-16": '{"name": "a"}'.encode("utf-16"),
    "a nul": b'{"name": "a"}\0',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "nothing": b"",
    "too much": b'{"name": "' + b"a" * 1_000_000 + b'"}',
}
MANY = {
    "many fields": json.dumps({f"field{number}": number for number in range(50_000)}).encode(),
    "a list": json.dumps(list(range(100_000))).encode(),
    "null": b"null",
    "text": b'"text"',
}


def values(text: Any) -> dict[str, Any]:
    names = (
        "name",
        "email",
        "password",
        "phone_numbers",
        "contacts",
        "url",
        "description",
        "config",
        "flow",
        "message",
    )
    return dict.fromkeys(names, text)


AWKWARD = {
    "a nul": json.dumps(values("a\0b")).encode(),
    "past int64": json.dumps(values(2**63)).encode(),
    "before int64": json.dumps(values(-(2**63) - 1)).encode(),
    "a formula": json.dumps(values("=HYPERLINK(1)")).encode(),
    "a path": json.dumps(values("../../../etc/passwd")).encode(),
    "a header": json.dumps(values("a\r\nX-Injected: yes")).encode(),
    "nested": json.dumps(values({"a": {"b": [[[[None]]]]}})).encode(),
    "numbers": json.dumps(values([1e308, -1e308, 5e-324])).encode(),
}


def told_off(answer: httpx.Response) -> bool:
    return 400 <= answer.status_code < 500 and "x-injected" not in answer.headers


def harmless(answer: httpx.Response) -> bool:
    return answer.status_code < 500 and "x-injected" not in answer.headers


async def test_no_path_breaks_any_route(app: FastAPI, operator: Person) -> None:
    for route in declared(app):
        if not route.names or route.path.startswith("/carriers/"):
            continue
        for value in PATHS:
            answer = await operator.client.request(route.method, route.filled(value), headers=JSON, content=b"{}")
            assert told_off(answer), (route.method, route.path, value, answer.status_code, answer.text[:300])


@pytest.mark.slow
async def test_no_query_breaks_any_route(app: FastAPI, operator: Person) -> None:
    for route in declared(app):
        if route.method != "GET":
            continue
        for name in sorted(route.queries):
            for value in QUERIES:
                url = f"{route.filled(str(new_id()))}?{quote(name)}={quote(value, safe='')}"
                answer = await operator.client.get(url)
                assert harmless(answer), (url, answer.status_code, answer.text[:300])


async def test_what_is_not_json_is_refused_by_every_route(app: FastAPI, operator: Person) -> None:
    seen: Counter[int] = Counter()
    for route in declared(app):
        for name, content in NOT_JSON.items():
            if route.body != "json" or (name == "nothing" and not route.needs_body):
                continue
            answer = await send(operator, route.method, route.filled(str(new_id())), content)
            assert told_off(answer), (route.method, route.path, name, answer.status_code, answer.text[:300])
            seen[answer.status_code] += 1
    assert seen[422] > 100 and set(seen) <= {413, 422}, seen


async def test_what_does_not_fit_is_refused_or_harmless_in_every_route(app: FastAPI, operator: Person) -> None:
    for route in declared(app):
        for name, content in (MANY | AWKWARD).items():
            if route.body != "json":
                continue
            answer = await send(operator, route.method, route.filled(str(new_id())), content)
            assert harmless(answer), (route.method, route.path, name, answer.status_code, answer.text[:300])
            assert len(answer.content) < 100_000, (route.path, name, "an error is not longer than its cause")


JSON = {"Content-Type": "application/json"}


async def send(person: Person, method: str, path: str, content: bytes) -> httpx.Response:
    return await person.client.request(method, path, content=content, headers=JSON)


def test_strict_json_takes_what_json_is() -> None:
    text = '{"a": [1, -2.5e3, true, null, "ü\\n\\ud83d\\ude00"], "b": {"a": {}}}'
    assert strict_json.loads(text.encode()) == json.loads(text)
    deep = b"[" * (strict_json.DEEPEST - 1) + b"]" * (strict_json.DEEPEST - 1)
    assert strict_json.loads(deep) is not None
    with pytest.raises(json.JSONDecodeError):
        strict_json.loads(b"[" * (strict_json.DEEPEST + 1) + b"]" * (strict_json.DEEPEST + 1))
