"""What docs/webhooks.md promises: its list of events, and that its examples verify what we sign."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from voiceera.rules import webhooks
from voiceera.rules.webhooks import MEANINGS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "webhooks.md").read_text()
SECRET, OTHER = webhooks.secret_of(b"a" * 32), webhooks.secret_of(b"b" * 32)
BODY = '{"type":"call.ended","data":{"name":"Ännchen"}}'.encode()


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def cases() -> list[tuple[bool, str, dict[str, str], bytes]]:
    now = datetime.now(UTC)
    signed = webhooks.headers([SECRET, OTHER], "0198", now, BODY)
    late = webhooks.headers([SECRET], "0198", now - timedelta(minutes=6), BODY)
    return [
        (True, SECRET, signed, BODY),
        (True, OTHER, signed, BODY),
        (False, webhooks.secret_of(b"c" * 32), signed, BODY),
        (False, SECRET, signed, BODY + b" "),
        (False, SECRET, signed | {"webhook-id": "0199"}, BODY),
        (False, SECRET, late, BODY),
    ]


def test_every_event_stands_in_the_table() -> None:
    listed = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert listed == {event.value: meaning for event, meaning in MEANINGS.items()}


def test_the_python_example_tells_genuine_from_forged() -> None:
    made: dict[str, Any] = {}
    exec(example("python"), made)
    for genuine, secret, headers, body in cases():
        assert made["is_genuine"](secret, headers, body) is genuine


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed here")
def test_the_node_example_tells_genuine_from_forged() -> None:
    given = [[secret, headers, body.decode()] for _, secret, headers, body in cases()]
    ask = f"console.log(JSON.stringify({json.dumps(given)}.map(([s, h, b]) => isGenuine(s, h, Buffer.from(b)))))"
    answered = subprocess.run(["node", "-e", example("javascript") + ask], capture_output=True, text=True, check=True)
    assert json.loads(answered.stdout) == [genuine for genuine, *_ in cases()]
