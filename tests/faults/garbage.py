"""F4: what no caller sends. Only the socket that it comes on is closed; the others' sound keeps its time.

The media process runs apart (`python -m tests.faults serve`), the attackers in another, and the good calls, whose
echo is timed, here.
"""

import asyncio
import json
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.media.carrier import CarrierSocket, Exchange
from voiceera.media import voice_wire
from voiceera.media.dialects.dialect import Garbage
from voiceera.media.dialects.registry import DIALECTS
from voiceera.rules.audio import ULAW_8K

GOOD_CALLS = 20
FRAMES_EACH = 150
IDLE = 500
_START = {"callId": "c", "streamId": "s", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}}
SEEDS = (
    b'{"event":"start","start":{"callId":"c","streamId":"s","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}}',
    b'{"event":"media","media":{"payload":"/////w==","track":"inbound"}}',
    b'{"event":"dtmf","dtmf":{"digit":"5"}}',
    b'{"event":"playedStream","name":"end"}',
    b'{"event":"connected","protocol":"Call","version":"1.0.0"}',
    b'{"type":"audio","data":"AAAA"}',
    b'{"type":"control","action":"pause"}',
    b'{"type":"metadata","metadata":{"a":"b","c":1.5}}',
    b'{"type":"auth","token":"t","agent_id":"01900000-0000-7000-8000-000000000000","variables":{"name":"Ada"}}',
)
_TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b":",
    b",",
    b"null",
    b"1e999",
    b"\\u0000",
    b"\xff",
    b"\\ud800",
    b"-",
    b"NaN",
    b"{" * 200,
)


# ── frames, without a socket ─────────────────────────────────────────────────────────────────────────────────────


def mutated(chance: random.Random) -> bytes:
    """A message that is nearly right."""
    message = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(message) + 1)
        match chance.randrange(5):
            case 0:
                message[place : place + chance.randrange(1, 9)] = b""
            case 1:
                message[place:place] = chance.choice(_TOKENS)
            case 2 if place < len(message):
                message[place] = chance.randrange(256)
            case 3:
                other = chance.choice(SEEDS)
                message[place:] = other[chance.randrange(len(other)) :]
            case _:
                message[place:place] = message[: chance.randrange(len(message) + 1)]
    return bytes(message)


def fuzz(frames: int, *, seed: int = 1) -> dict[str, int]:
    """Every dialect and the voice WebSocket's reader: an event or Garbage, and nothing else raised."""
    chance = random.Random(seed)
    refused = 0
    readers: list[tuple[str, Callable[[bytes], Any]]] = []
    for number in range(frames):
        if number % 50 == 0:  # a reader remembers its start
            readers = [(name, make().read) for name, make in DIALECTS.items()] + [("voice", voice_wire.read)]
        _, read = readers[number % len(readers)]
        try:
            read(mutated(chance))
        except Garbage:
            refused += 1
    return {"frames": frames, "refused": refused}


# ── sockets ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _flood(connection: Any) -> None:
    """Five thousand frames a second."""
    await CarrierSocket(connection).start()
    frame = json.dumps({"event": "media", "media": {"payload": "/w=="}})
    began = monotonic()
    for number in range(20_000):
        await connection.send(frame)
        if number % 100 == 99:
            await asyncio.sleep(max(0.0, began + number / 5000 - monotonic()))


async def _too_large(connection: Any) -> None:
    await connection.send("x" * 2_000_000)


async def _bad_base64(connection: Any) -> None:
    carrier = CarrierSocket(connection)
    await carrier.start()
    await carrier.say({"event": "media", "media": {"payload": "%%%"}})


async def _binary(connection: Any) -> None:
    await connection.send(b"\x00" * 160)


async def _fuzzed(connection: Any) -> None:
    chance = random.Random()
    await CarrierSocket(connection).start()
    for _ in range(500):
        await connection.send(mutated(chance).decode("latin-1"))


ATTACKS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "flood": _flood,
    "2 MB": _too_large,
    "bad base64": _bad_base64,
    "binary": _binary,
    "fuzzed": _fuzzed,
}


async def attack(port: int, tokens: list[str], seconds: float) -> dict[str, Any]:
    """All of them, each on a socket of its own, over and over; and sockets that never start. What became of each."""
    until = monotonic() + seconds
    closed: dict[str, int] = dict.fromkeys(ATTACKS, 0)
    codes: set[int] = set()
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(IDLE // 2)]
    strangers = []
    for _ in range(IDLE // 2):
        with suppress(InvalidStatus):
            strangers.append(await connect(f"ws://127.0.0.1:{port}/voice", compression=None))

    async def again_and_again(name: str) -> None:
        while monotonic() < until and tokens:
            url = f"ws://127.0.0.1:{port}/media/plivo/{tokens.pop()}"
            with suppress(OSError, InvalidStatus):
                async with connect(url, compression=None) as connection:
                    try:
                        await ATTACKS[name](connection)
                        while True:
                            await asyncio.wait_for(connection.recv(), 10)
                    except (ConnectionClosed, TimeoutError):
                        pass
                    if connection.close_code is not None:
                        closed[name] += 1
                        codes.add(connection.close_code)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(again_and_again(name) for name in ATTACKS))
    for _, writer in idle:
        writer.close()
    for stranger in strangers:
        await stranger.close()
    return {"closed": closed, "codes": sorted(codes), "idle": IDLE}


async def serve(calls: int) -> None:
    """The measured process: says its port and tokens, and lives until its input is closed."""
    exchange = Exchange(capacity=calls)
    exchange.port = await exchange.listener.open("127.0.0.1", 0)
    tokens = [exchange.book.token() for _ in range(calls)]
    print(json.dumps({"port": exchange.port, "tokens": tokens}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await exchange.listener.close()


async def echo_times(port: int, tokens: list[str], frames: int = FRAMES_EACH) -> list[float]:
    """Milliseconds of each frame's way there and back, of calls that behave: 50 frames a second each."""

    async def call(token: str, offset: float) -> list[float]:
        took = []
        async with connect(f"ws://127.0.0.1:{port}/media/plivo/{token}", compression=None) as connection:
            carrier = CarrierSocket(connection)
            await carrier.start()
            began = monotonic() + offset
            for number in range(frames):
                await asyncio.sleep(max(0.0, began + number * 0.02 - monotonic()))
                sent = monotonic()
                assert await carrier.echoes(ULAW_8K)
                took.append((monotonic() - sent) * 1000)
        return took

    calls = [call(token, place * 0.001) for place, token in enumerate(tokens)]
    return [each for took in await asyncio.gather(*calls) for each in took]


@asynccontextmanager
async def _process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults", *arguments, stdin=PIPE, stdout=PIPE, limit=2**24
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def garbage(seconds: float = 15.0) -> dict[str, Any]:
    """The echo's p99 of good calls while attackers are at work: on another process, so that what they cost the
    machine is in both figures, and on this one."""
    async with _process("serve", "5000") as one, _process("serve", "5000") as other:
        here, elsewhere = await _listening(one), await _listening(other)
        frames = int(seconds * 50)
        beside, _ = await _attacked(here, elsewhere, frames, seconds)
        amid, attacked = await _attacked(here, here, frames, seconds)
        after = await echo_times(here.port, here.taken(GOOD_CALLS), 100)
    p99 = {name: round(float(np.percentile(times, 99)), 2) for name, times in (("elsewhere", beside), ("here", amid))}
    assert len(after) == GOOD_CALLS * 100
    more = round(p99["here"] - p99["elsewhere"], 2)
    return {"good_calls": GOOD_CALLS, "echo_ms_p99_attackers": p99, "more_ms": more, **attacked}


@dataclass
class _Server:
    port: int
    tokens: list[str]

    def taken(self, count: int) -> list[str]:
        taken = self.tokens[:count]
        del self.tokens[:count]
        return taken


async def _listening(server: asyncio.subprocess.Process) -> _Server:
    assert server.stdout is not None
    return _Server(**json.loads(await server.stdout.readline()))


async def _attacked(good: _Server, bad: _Server, frames: int, seconds: float) -> tuple[list[float], dict[str, Any]]:
    async with _process("attack", str(bad.port), str(seconds)) as attackers:
        assert attackers.stdin is not None and attackers.stdout is not None
        attackers.stdin.write(json.dumps(bad.taken(2000)).encode() + b"\n")
        await attackers.stdin.drain()
        times = await echo_times(good.port, good.taken(GOOD_CALLS), frames)
        return times, json.loads(await attackers.stdout.readline())
