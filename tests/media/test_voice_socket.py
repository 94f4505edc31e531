"""The voice WebSocket, without a database: who may come in, what is said, what closes it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.media.carrier import AGENT, GOOD_TOKEN, Exchange
from tests.media.voice import FRAME, VoiceClient, voice
from voiceera.errors import Unavailable
from voiceera.ids import new_id
from voiceera.media import listener, voice_socket
from voiceera.rules.audio import L16_16K
from voiceera.rules.calls import HangupCause, Speaker, TurnLatency, TurnRecord
from voiceera.rules.turn_state import Floor


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    exchange = Exchange()
    exchange.port = await exchange.listener.open("127.0.0.1", 0)
    yield exchange
    await exchange.listener.close()
    assert exchange.listener.live == 0


@pytest.fixture
async def client(exchange: Exchange) -> AsyncIterator[VoiceClient]:
    """Signed in; its conversation is an echo."""
    async with voice(exchange.port) as client:
        await client.auth(GOOD_TOKEN, AGENT, variables={"name": "Ada"})
        await client.hear("ready")
        yield client


# ── who may come in ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_auth_comes_first_then_ready_with_the_calls_id(exchange: Exchange) -> None:
    async with voice(exchange.port) as client:
        answer = await client.auth(GOOD_TOKEN, AGENT, variables={"name": "Ada"})
        (brief,) = exchange.book.begun
        assert (answer["status"], answer["session_id"]) == ("success", str(brief.call_id))
        ready = await client.next()
        assert (ready["type"], ready["call_id"]) == ("ready", str(brief.call_id))
        assert ready["audio"] == {"encoding": "pcm_s16le", "sample_rate": 16000, "channels": 1, "frame_ms": 20}
        assert brief.variables == {"name": "Ada"}


@pytest.mark.parametrize(
    ("token", "agent_id", "code"), [("forged", AGENT, "AUTH_003"), (GOOD_TOKEN, new_id(), "AGENT_001")]
)
async def test_who_may_not_is_told_why_and_closed_with_1008(
    exchange: Exchange, token: str, agent_id: object, code: str
) -> None:
    async with voice(exchange.port) as client:
        answer = await client.auth(token, agent_id)
        assert (answer["status"], answer["error"]["code"]) == ("error", code)
        assert await client.closed_with() == 1008


async def test_a_database_that_does_not_answer_closes_with_1011(exchange: Exchange) -> None:
    for fault in (Unavailable("no database"), RuntimeError("gone")):
        exchange.book.faults.append(fault)
        async with voice(exchange.port) as client:
            assert (await client.auth(GOOD_TOKEN, AGENT))["status"] == "error"
            assert await client.closed_with() == 1011


async def test_no_auth_in_time_closes_with_4408(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_socket, "AUTH_SECONDS", 0.05)
    async with voice(exchange.port) as client:
        assert (await client.hear("error"))["code"] == "AUTH_003"
        assert await client.closed_with() == 4408


async def test_strangers_take_no_seat_and_are_let_go_at_the_end() -> None:
    exchange = Exchange(capacity=1)
    exchange.port = await exchange.listener.open("127.0.0.1", 0)
    async with voice(exchange.port) as stranger, voice(exchange.port) as client:
        await client.auth(GOOD_TOKEN, AGENT)
        assert (await stranger.auth(GOOD_TOKEN, AGENT))["status"] == "error"
        assert await stranger.closed_with() == 1011
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{exchange.port}/voice")
        assert refused.value.response.status_code == 503
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    await exchange.listener.drain(10)
    exchange.listener.is_draining = False
    async with voice(exchange.port) as stranger:
        await exchange.listener.close()
        assert await stranger.closed_with() == 1011


async def test_there_may_be_only_so_many_strangers(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MOST_STRANGERS", 1)
    async with voice(exchange.port):
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{exchange.port}/voice")


# ── a call ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_sound_crosses_as_base64_or_as_binary_messages(exchange: Exchange, client: VoiceClient) -> None:
    await client.speak()
    echo = await client.hear("audio")
    assert (echo["format"], echo["sequence"], base64.b64decode(echo["data"])) == ("pcm_16k", 1, FRAME)
    async with voice(exchange.port) as other:
        await other.auth(GOOD_TOKEN, AGENT, audio="binary")
        await other.connection.send(FRAME)
        assert (await other.hear("binary"))["sound"] == FRAME


async def test_sound_of_any_length_reaches_the_engine_in_frames(client: VoiceClient) -> None:
    sound = bytes(range(256)) * 13
    await client.speak(sound[:1000])
    await client.speak(sound[1000:])
    echoed = b"".join([base64.b64decode((await client.hear("audio"))["data"]) for _ in range(5)])
    assert echoed == sound[: 5 * L16_16K.frame_bytes]


async def test_what_the_engine_tells_reaches_the_client(exchange: Exchange, client: VoiceClient) -> None:
    (conversation,) = exchange.engine.conversations
    follower = conversation.observer
    follower.floor(Floor.HEARING)
    assert await client.hear("status", status="hearing")
    follower.partial("yes I")
    assert await client.hear("transcript", is_final=False) == {
        "type": "transcript",
        "text": "yes I",
        "is_final": False,
    }
    follower.turn(0, TurnRecord(Speaker.CALLER, "yes I will", 100, 900, 0.9, step="confirm", result="yes"))
    final = await client.hear("transcript", is_final=True)
    assert (final["text"], final["index"], final["result"]) == ("yes I will", 0, "yes")
    follower.speaking("Fine.")
    assert (await client.hear("response"))["text"] == "Fine."
    latency = TurnLatency(700.0, 600.0, 0.0, 50.0, 40.0, 10.0)
    follower.turn(1, TurnRecord(Speaker.AGENT, "Fine.", 1600, 2000, latency=latency))
    said = await client.hear("response", is_final=True)
    assert (said["latency"]["total_ms"], said["interrupted"]) == (700.0, False)
    assert [turn[1] for turn in exchange.book.turns] == [0, 1]


async def test_keys_marks_and_interruptions_cross_too(exchange: Exchange, client: VoiceClient) -> None:
    await client.say("dtmf", digit="#")
    assert await client.hear("status", status="interrupted")
    assert (await client.hear("mark"))["name"] == "pound"
    await client.say("mark", name="pound")
    await client.speak()
    await client.hear("audio")
    (conversation,) = exchange.engine.conversations
    assert (conversation.digits, conversation.marks) == (["#"], ["pound"])


async def test_a_paused_call_hears_nothing_and_is_on_hold(exchange: Exchange, client: VoiceClient) -> None:
    await client.say("control", action="pause")
    await client.hear("status", status="paused")
    (conversation,) = exchange.engine.conversations
    assert conversation.is_on_hold
    await client.speak(b"\x01\x00" * L16_16K.frame_samples)
    await client.say("control", action="resume")
    await client.speak()
    assert base64.b64decode((await client.hear("audio"))["data"]) == FRAME
    assert not conversation.is_on_hold


async def test_metadata_is_kept_with_the_call_up_to_a_measure(
    exchange: Exchange, client: VoiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_socket, "MOST_METADATA", 1)
    await client.say("metadata", metadata={"page": "pricing", "visits": 3})
    await client.say("metadata", metadata={"page": "another"})
    assert (await client.hear("error"))["code"] == "VALIDATION_001"
    assert exchange.book.metadata == {"page": "pricing", "visits": "3"}


async def test_the_client_ends_the_call_and_hears_how_it_ended(exchange: Exchange, client: VoiceClient) -> None:
    await client.say("control", action="end")
    ended = await client.hear("status", status="ended")
    assert ended["cause"] == "caller_hung_up"
    assert await client.closed_with() == 1000
    assert len(exchange.book.results) == 1


async def test_a_call_that_broke_off_closes_with_1011(exchange: Exchange, client: VoiceClient) -> None:
    exchange.engine.conversations[0].request_hangup(HangupCause.ERROR)
    assert (await client.hear("error"))["code"] == "SERVER_001"
    assert await client.closed_with() == 1011


async def test_a_socket_that_goes_ends_its_call(exchange: Exchange) -> None:
    async with voice(exchange.port) as client:
        await client.auth(GOOD_TOKEN, AGENT)
        client.connection.transport.abort()
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    (result,) = exchange.book.results.values()
    assert result.cause is HangupCause.CALLER_HUNG_UP


# ── what goes wrong closes its own socket alone ──────────────────────────────────────────────────────────────────

GARBAGE: dict[str, Any] = {
    "not json": "garbage",
    "not an object": "[1]",
    "no such type": '{"type": "audio2"}',
    "bad base64": '{"type": "audio", "data": "%%%"}',
    "half a sample": b"\0" * 641,
    "2 MB": b"\0" * 2_000_000,
    "fragments": ["{", "}"],
    "a second auth": '{"type": "auth", "token": "x", "agent_id": "01900000-0000-7000-8000-000000000000"}',
    "no such action": '{"type": "control", "action": "explode"}',
    "a value too long": '{"type": "metadata", "metadata": {"a": "%s"}}' % ("x" * 2000),
    "NUL": '{"type": "metadata", "metadata": {"a": "\\u0000"}}',
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_closes_only_its_own_socket(exchange: Exchange, client: VoiceClient, what: str) -> None:
    async with voice(exchange.port) as bad:
        await bad.auth(GOOD_TOKEN, AGENT)
        with suppress(ConnectionClosed):
            await bad.connection.send(GARBAGE[what])
        assert await bad.closed_with() in {1002, 1006, 1008, 1009}
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    await client.speak()
    assert await client.hear("audio")
    assert len(exchange.book.results) == 1


async def test_sound_faster_than_time_is_no_call(exchange: Exchange) -> None:
    async with voice(exchange.port) as client:
        await client.auth(GOOD_TOKEN, AGENT, audio="binary")
        with suppress(ConnectionClosed):
            for _ in range(25):
                await client.connection.send(b"\0\0" * 16000)
        assert await client.closed_with() in {1006, 1008}


async def test_sound_before_auth_is_no_call(exchange: Exchange) -> None:
    async with voice(exchange.port) as client:
        await client.speak()
        assert await client.closed_with() == 1008
