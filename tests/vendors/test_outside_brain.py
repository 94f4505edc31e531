"""A user's own brain: told each turn over HTTP or a WebSocket, signed like webhooks, answering in pieces."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook
from websockets.asyncio.server import ServerConnection, serve

from tests import virtual_time
from tests.engine.small_world import SmallWorld, agent
from tests.vendors.http_vendor import Answer, HttpVendor, http_vendor, never, streamed, whole
from voiceera.engine.session import CallProviders
from voiceera.errors import ProviderError
from voiceera.providers.models.outside import OutsideBrain, OutsideCredentials, OutsideSettings
from voiceera.providers.outbound import allow_list
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedTextToSpeech
from voiceera.rules.calls import CallBrief, CallResult, HangupCause
from voiceera.rules.outside_brain import Line
from voiceera.rules.webhooks import secret_of

SECRET = secret_of(b"twenty-four bytes of key")
TURN = {"type": "turn", "turn": 1, "about": {"kind": "caller", "text": "hello"}}


def brain_at(url: str, port: int) -> OutsideBrain:
    settings = OutsideSettings.model_validate({"url": url})
    return OutsideBrain(settings, OutsideCredentials(secret=SecretStr(SECRET)), allow_list(f"127.0.0.1/32:{port}"))


async def lines_of(brain: OutsideBrain, turn: dict[str, Any] = TURN) -> list[Line]:
    talk = brain.talk()
    try:
        async with aclosing(talk.turn(turn)) as lines:
            return [line async for line in lines]
    finally:
        await talk.close()


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def over_http(answer: Answer) -> tuple[list[Line], HttpVendor]:
    async with http_vendor(answer) as vendor:
        brain = brain_at(f"{vendor.url}/brain", vendor.port)
        try:
            return await lines_of(brain), vendor
        finally:
            await brain.close()


async def test_plain_text_is_spoken_as_it_comes() -> None:
    lines, vendor = await over_http(streamed("Grüß ".encode(), b"Gott.", content_type="text/plain"))
    assert "".join(line.say for line in lines) == "Grüß Gott."
    asked = vendor.asked[0]
    assert (asked.method, asked.path, asked.json()) == ("POST", "/brain", TURN)
    Webhook(SECRET).verify(asked.body, asked.headers)


async def test_lines_of_json_say_use_tools_and_end() -> None:
    lines, _ = await over_http(
        streamed(
            b'{"say": "One ',
            b'moment."}\n{"tool": "look_up", "arguments": {"order": "7"}}\n\n',
            b'{"end": "sold", "opt_out": true}',
            content_type="application/x-ndjson",
        )
    )
    assert lines == [
        Line(say="One moment."),
        Line(tool="look_up", arguments={"order": "7"}),
        Line(end="sold", opt_out=True),
    ]


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (whole(401), True),
        (whole(500), False),
        (whole(200, b"<html>a proxy</html>", "text/html"), False),
        (streamed(b'{"sing": "la"}\n'), False),
        (streamed(b"[1]\n"), False),
        (streamed(b'{"say": "' + b"a" * 70_000), False),
        (streamed(b'{"say": "Half a"}\n', ends=False), False),
    ],
)
async def test_what_goes_wrong_over_http_is_an_error(answer: Answer, permanent: bool) -> None:
    with pytest.raises(ProviderError) as failed:
        await over_http(answer)
    assert failed.value.permanent is permanent


async def test_a_check_says_hello_and_is_signed() -> None:
    async with http_vendor(whole(200)) as vendor:
        brain = brain_at(vendor.url, vendor.port)
        await brain.check()
        await brain.close()
    Webhook(SECRET).verify(vendor.asked[0].body, vendor.asked[0].headers)
    assert vendor.asked[0].json() == {"type": "hello"}


async def test_an_inside_address_is_refused() -> None:
    async with http_vendor(never) as vendor:
        for scheme in ("http", "ws"):
            brain = brain_at(f"{scheme}://127.0.0.1:{vendor.port}", 1)
            with pytest.raises(ProviderError, match="inside address"):
                await lines_of(brain)
            await brain.close()
    assert vendor.asked == []


@pytest.mark.parametrize("url", ["ftp://brain.example", "file:///etc/passwd", "brain.example"])
def test_only_http_and_websockets_can_be_named(url: str) -> None:
    with pytest.raises(ValidationError):
        OutsideSettings.model_validate({"url": url})


# ── WebSocket ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Server:
    """Answers each turn with `lines`, to which its number is added."""

    lines: tuple[dict[str, Any], ...] = ()
    turns: list[dict[str, Any]] = field(default_factory=list)
    opened: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, connection: ServerConnection) -> None:
        self.opened += 1
        assert connection.request is not None
        Webhook(SECRET).verify("{}", dict(connection.request.headers.raw_items()))
        async for message in connection:
            turn = json.loads(message)
            self.turns.append(turn)
            for line in self.lines:
                await connection.send(json.dumps({"turn": turn.get("turn")} | line))
        self.closed.set()


@asynccontextmanager
async def brain_over_socket(*lines: dict[str, Any]) -> AsyncIterator[tuple[OutsideBrain, Server]]:
    far = Server(lines)
    async with serve(far.hold, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        brain = brain_at(f"ws://127.0.0.1:{port}/brain", port)
        yield brain, far
        await brain.close()


async def test_one_socket_carries_a_calls_turns_and_closes_with_it() -> None:
    async with brain_over_socket({"say": "Yes."}, {"done": True}) as (brain, far):
        talk = brain.talk()
        for number in (1, 2):
            lines = [line async for line in talk.turn(TURN | {"turn": number})]
            assert [line.say for line in lines] == ["Yes.", ""]
        await talk.close()
        await asyncio.wait_for(far.closed.wait(), 5)
    assert far.opened == 1 and [turn["turn"] for turn in far.turns] == [1, 2]


async def test_an_answer_to_an_earlier_turn_is_not_heard() -> None:
    async with brain_over_socket({"turn": 7, "say": "Late."}, {"say": "Now."}, {"done": True}) as (brain, _far):
        assert [line.say for line in await lines_of(brain)] == ["Now.", ""]


async def test_a_socket_that_breaks_in_a_reply_is_an_error_and_is_opened_again_with_the_next() -> None:
    async with brain_over_socket({"say": "x" * 70_000}) as (brain, far):
        talk = brain.talk()
        for _ in range(2):
            with pytest.raises(ProviderError):
                async for _line in talk.turn(TURN):
                    pass
            await talk.close()
        assert far.opened == 2


# ── in a call ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class ScriptedTalk:
    replies: list[list[Line]]
    turns: list[Any] = field(default_factory=list)
    is_closed: bool = False

    async def turn(self, turn: Any) -> Any:
        self.turns.append(turn)
        for line in self.replies.pop(0):
            yield line

    async def close(self) -> None:
        self.is_closed = True


def test_an_outside_brain_leads_a_call(tmp_path: Path) -> None:
    talk = ScriptedTalk(
        [
            [Line(say="It is on "), Line(say="its way. Anything "), Line(say="else?")],
            [Line(tool="record_outcome", arguments={"disposition": "sold"}), Line(say="Goodbye."), Line(end="")],
        ]
    )

    async def main() -> CallResult:
        world = SmallWorld(tmp_path)
        ear = ScriptedSpeechToText(["where is my order", "no that is all thank you"])

        async def found(_brief: CallBrief) -> CallProviders:
            return CallProviders(ear, ScriptedTextToSpeech(), talk=talk)

        object.__setattr__(world.engine._shared, "providers_for", found)
        tools = [{"kind": "record_outcome", "dispositions": ["sold"]}]
        try:
            outside = agent(brain="external", greeting_message="Hello {{name}}.", tools=tools)
            return await world.call(outside, [(4.0, 0.8), (10.0, 0.8)])
        finally:
            world.close()

    result = virtual_time.run(main())
    assert [turn.text for turn in result.turns] == [
        "Hello Maria.",
        "where is my order",
        "It is on its way. Anything else?",
        "no that is all thank you",
        "Goodbye.",
    ]
    assert (result.cause, result.disposition, talk.is_closed) == (HangupCause.AGENT_ENDED, "sold", True)
    first, second = talk.turns
    assert first["about"] == {
        "kind": "caller",
        "text": "where is my order",
        "digits": "",
        "confidence": 1.0,
        "not_understood": False,
    }
    assert first["variables"] == {"name": "Maria"}
    assert [each["role"] for each in second["history"]] == ["assistant", "user", "assistant"]
