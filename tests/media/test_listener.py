import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from unittest.mock import ANY

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.media.carrier import CarrierSocket, Exchange
from voiceera import log
from voiceera.errors import Unavailable
from voiceera.media import door, socket
from voiceera.media.listener import MediaListener
from voiceera.rules.audio import L16_16K, ULAW_8K
from voiceera.rules.calls import HangupCause


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    exchange = Exchange()
    exchange.port = await exchange.listener.open("127.0.0.1", 0)
    yield exchange
    await exchange.listener.close()
    assert exchange.listener.live == 0


async def status_of(url: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    return refused.value.response.status_code


async def raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


# ── who may come in ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_token_opens_its_socket_once(exchange: Exchange) -> None:
    url = exchange.url(exchange.book.token())
    async with connect(url):
        assert await status_of(url) == 403
    assert await status_of(url) == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/media/plivo/forged", 403),
        ("/media/plivo/" + "0" * 32 + ".forged", 403),
        ("/media/plivo/", 401),
        ("/media/plivo/" + "x" * 5000, 401),
        ("/media/nobody/token", 404),
        ("/media/plivo", 404),
        ("/media/plivo/a/b", 404),
        ("/", 404),
    ],
)
async def test_nobody_comes_in_without_a_token(exchange: Exchange, path: str, status: int) -> None:
    assert await status_of(f"ws://127.0.0.1:{exchange.port}{path}") == status


async def test_another_carriers_token_opens_nothing(exchange: Exchange) -> None:
    token = exchange.book.token("vobiz")
    assert await status_of(exchange.url(token, "plivo")) == 403
    async with connect(exchange.url(token, "vobiz")):
        pass


async def test_a_database_that_does_not_answer_lets_nobody_in(exchange: Exchange) -> None:
    exchange.book.faults.append(Unavailable("no database"))
    assert await status_of(exchange.url(exchange.book.token())) == 503


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (b"GET /media/plivo/token HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 426"),
        (b"POST /media/plivo/token HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n", b"HTTP/1.1 426"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 9000, b"HTTP/1.1 431"),
        (b"\r\n\r\n", b"HTTP/1.1 426"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"HTTP/1.1 426"),
    ],
)
async def test_other_requests_get_a_plain_answer(exchange: Exchange, request_bytes: bytes, answer: bytes) -> None:
    assert (await raw(exchange.port, request_bytes)).startswith(answer)


async def test_a_half_valid_upgrade_gives_its_seat_back(exchange: Exchange) -> None:
    path = f"/media/plivo/{exchange.book.token()}".encode()
    request = b"GET " + path + b" HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short\r\n\r\n"
    assert (await raw(exchange.port, request)).startswith(b"HTTP/1.1 400")
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    (result,) = exchange.book.results.values()
    assert result.cause is HangupCause.LINE_LOST


async def test_a_full_process_refuses_and_keeps_the_token_good() -> None:
    exchange = Exchange(capacity=1)
    exchange.port = await exchange.listener.open("127.0.0.1", 0)
    url = exchange.url(exchange.book.token())
    async with exchange.call() as call:
        assert await call.echoes()
        assert await status_of(url) == 503
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    await exchange.listener.drain(10)
    exchange.listener.is_draining = False
    async with connect(url):
        pass
    await exchange.listener.close()


async def test_a_port_in_use_is_not_taken_twice(exchange: Exchange) -> None:
    other = MediaListener(exchange.engine, exchange.book, capacity=1)
    with pytest.raises(OSError):
        await other.open("127.0.0.1", exchange.port)


# ── a call ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("encoding", "rate", "audio_format"), [("audio/x-mulaw", 8000, ULAW_8K), ("audio/x-l16", 16000, L16_16K)]
)
async def test_sound_keys_and_marks_cross_the_socket(
    exchange: Exchange, encoding: str, rate: int, audio_format: object
) -> None:
    async with exchange.call(start=False) as call:
        await call.start(encoding, rate)
        await call.speak(b"\x11\x22" * 320)
        assert (await call.hear())["media"] == {"contentType": encoding, "sampleRate": rate, "payload": ANY}
        await call.say({"event": "dtmf", "dtmf": {"digit": "#"}})
        assert (await call.hear())["event"] == "clearAudio"
        assert await call.hear() == {"event": "checkpoint", "streamId": "s", "name": "pound"}
        await call.say({"event": "playedStream", "name": "pound"})
        (conversation,) = exchange.engine.conversations
        assert await call.echoes(conversation.line.audio_format)
        assert conversation.line.audio_format is audio_format
        assert (conversation.digits, conversation.marks) == (["#"], ["pound"])


async def test_the_caller_hangs_up_and_the_result_is_written_down(exchange: Exchange) -> None:
    async with exchange.call() as call:
        assert await call.echoes()
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    (result,) = exchange.book.results.values()
    assert result.cause is HangupCause.CALLER_HUNG_UP


async def test_a_stop_ends_the_call(exchange: Exchange) -> None:
    async with exchange.call() as call:
        await call.say({"event": "stop"})
        assert await call.closed_with() == 1000
    await asyncio.wait_for(exchange.book.closed.wait(), 10)


async def test_the_line_is_hung_up_after_the_result_is_written_down(exchange: Exchange) -> None:
    async with exchange.call() as call:
        assert await call.echoes()
        (conversation,) = exchange.engine.conversations
        assert exchange.listener.hang_up(conversation.brief.call_id)
        assert await call.closed_with() == 1000
        assert exchange.book.results[conversation.brief.call_id].cause is HangupCause.REQUESTED
    assert not exchange.listener.hang_up(conversation.brief.call_id)


async def test_a_book_that_fails_is_asked_again_and_keeps_nobody_on_the_phone(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceera.media.listener.STORE_TRIES", (0.01, 0.01))
    async with exchange.call() as call:
        assert await call.echoes()
        exchange.book.faults += [Unavailable("no database"), Unavailable("no database")]
        exchange.listener.hang_up(exchange.engine.conversations[0].brief.call_id)
        assert await call.closed_with() == 1000
    await asyncio.wait_for(exchange.book.closed.wait(), 10)


# ── what goes wrong closes its own socket alone ──────────────────────────────────────────────────────────────────


async def spoil(call: CarrierSocket, how: str) -> None:
    match how:
        case "not json":
            await call.connection.send("garbage")
        case "bad base64":
            await call.say({"event": "media", "media": {"payload": "%%%"}})
        case "binary":
            await call.connection.send(b"\x00" * 160)
        case "fragments":
            await call.connection.send(["{", "}"])
        case "2 MB":
            await call.connection.send("x" * 2_000_000)
        case "second start":
            await call.start()
        case "flood":
            for _ in range(socket.FLOOD_FRAMES):
                await call.speak(b"\xff")


@pytest.mark.parametrize("how", ["not json", "bad base64", "binary", "fragments", "2 MB", "second start", "flood"])
async def test_garbage_closes_only_its_own_socket(
    exchange: Exchange, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "FLOOD_SECONDS", 60)
    async with exchange.call() as good, exchange.call() as bad:
        assert await good.echoes()
        assert await bad.echoes()
        with suppress(OSError):
            await spoil(bad, how)
        assert await bad.closed_with() in {1002, 1003, 1006, 1007, 1008, 1009}
        await asyncio.wait_for(exchange.book.closed.wait(), 10)
        assert await good.echoes()
        assert len(exchange.book.results) == 1


async def test_sockets_that_never_start_are_closed(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "START_SECONDS", 0.05)
    async with exchange.call(start=False) as silent:
        assert await silent.closed_with() == 1008
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    (result,) = exchange.book.results.values()
    assert result.cause is HangupCause.LINE_LOST


async def test_500_connections_that_say_nothing_are_closed_and_hinder_nobody(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "KNOCK_SECONDS", 0.5)
    silent = [await asyncio.open_connection("127.0.0.1", exchange.port) for _ in range(500)]
    async with exchange.call() as call:
        assert await call.echoes()
        for reader, writer in silent:
            assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 408")
            writer.close()
        assert await call.echoes()


# ── going down ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_draining_process_refuses_new_calls_at_once_and_lets_live_ones_go_on(exchange: Exchange) -> None:
    async with exchange.call() as call:
        assert await call.echoes()
        draining = asyncio.create_task(exchange.listener.drain(60))
        await asyncio.sleep(0)
        assert await status_of(exchange.url(exchange.book.token())) == 503
        assert await call.echoes()
        assert not draining.done()
    await asyncio.wait_for(draining, 10)
    assert exchange.listener.live == 0


async def test_calls_that_outlast_the_drain_are_ended_and_written_down(exchange: Exchange) -> None:
    async with exchange.call() as call, exchange.call(start=False):
        assert await call.echoes()
        await exchange.listener.drain(0.01)
        await exchange.listener.close()
        assert await call.closed_with() == 1000
    causes = {result.cause for result in exchange.book.results.values()}
    assert causes == {HangupCause.SHUTTING_DOWN, HangupCause.LINE_LOST}


async def test_what_goes_wrong_in_a_call_is_logged_under_the_request_that_asked_for_it(exchange: Exchange) -> None:
    spool = log.Spool()
    log.configure("tests", "ERROR", as_json=True, spool=spool)
    async with exchange.call() as carrier:
        await carrier.echoes()
        exchange.book.faults = [RuntimeError("away")]
    await asyncio.wait_for(exchange.book.closed.wait(), 10)
    log.configure("tests", "CRITICAL")
    [line] = [line for line in spool.take(10) if line["event"] == "result_not_stored"]
    assert line["request_id"] == "asked-1"
