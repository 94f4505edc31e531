"""F1: sockets that break at any moment. A call's task, seat and vendor sockets are free within five seconds, and
there is one result of it."""

import asyncio
import json
import random
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.vendors import Vendor
from tests.media.carrier import AGENT, GOOD_TOKEN, CarrierSocket, MemoryBook
from tests.media.voice import VoiceClient
from voiceera.engine.session import Engine
from voiceera.lab.callees.script import Manner, VoiceSettings
from voiceera.lab.speech import Speech
from voiceera.media.listener import MediaListener
from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat
from voiceera.rules.calls import CallBrief, CallResult
from voiceera.services.browser_calls import Wanted

FREED_SECONDS = 5.0
CALL_SECONDS = 8.0
"""A call is broken somewhere within these."""
SENTENCE = "I would like to come on another day"
TALKER = AgentConfig.model_validate(
    {
        "name": "Load",
        "brain": "llm",
        "greeting_message": "Hello, this is the clinic.",
        "conversation": {"voicemail": "continue", "hello_wait": 0},
    }
)


class Book(MemoryBook):
    """Calls of an agent that talks, each recorded. A second result of one call fails in `MemoryBook.close`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.closed_at: dict[UUID, float] = {}

    def token_of(self, place: int) -> str:
        token = super().token()
        brief = self.tokens[token, "plivo"]
        self.tokens[token, "plivo"] = self._talking(replace(brief, variables={"place": str(place)}))
        return token

    async def redeem(self, token: str, carrier: str) -> CallBrief | None:
        if (brief := await super().redeem(token, carrier)) is not None:
            self.begun.append(brief)
        return brief

    async def begin(self, wanted: Wanted) -> CallBrief:
        return self._talking(await super().begin(wanted))

    def begun_calls(self) -> dict[int, UUID]:
        return {int(brief.variables["place"]): brief.call_id for brief in self.begun}

    async def close(self, brief: CallBrief, result: CallResult) -> None:
        await super().close(brief, result)
        self.closed_at[brief.call_id] = monotonic()

    def _talking(self, brief: CallBrief) -> CallBrief:
        return replace(brief, agent=TALKER, recording_path=str(self._folder / f"{brief.call_id}.wav"))


class Stage:
    """A whole media process but for its database, and what of it is in use."""

    def __init__(self, folder: Path, capacity: int) -> None:
        self.vendor, self.book = Vendor(), Book(folder)
        self.engine = Engine(self.vendor.providers_for)
        self.listener = MediaListener(self.engine, self.book, capacity=capacity)
        self.port = 0

    async def open(self) -> None:
        await self.vendor.start()
        self.port = await self.listener.open("127.0.0.1", 0)

    def in_use(self) -> str:
        """Empty: all is free."""
        used = {"seats": self.listener.live, "calls": len(self.engine.live), "vendor sockets": self.vendor.open}
        return ", ".join(f"{count} {name}" for name, count in used.items() if count)

    async def close(self) -> None:
        await self.listener.close()
        await self.engine.close()
        await self.vendor.close()


async def drop(count: int, folder: Path, *, seed: int = 1) -> dict[str, Any]:
    """`count` calls, half by a carrier's socket and half by the voice WebSocket, each broken at a random moment."""
    chance, stage = random.Random(seed), Stage(folder, count)
    await stage.open()
    sounds = {audio_format: await _sound(audio_format) for audio_format in (ULAW_8K, L16_16K)}
    tasks = len(asyncio.all_tasks())
    breaks = [
        asyncio.create_task(_broken_call(stage, sounds, place, chance.uniform(0, CALL_SECONDS)))
        for place in range(count)
    ]
    broken_at = await asyncio.gather(*breaks)
    last = max(broken_at)
    while (stage.in_use() or len(asyncio.all_tasks()) > tasks + 1) and monotonic() - last < 2 * FREED_SECONDS:
        await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])
    freed, left = monotonic() - last, stage.in_use()
    tasks_left = len(asyncio.all_tasks()) - tasks
    await stage.close()
    begun = stage.book.begun_calls()
    waited = [stage.book.closed_at[call] - broken_at[place] for place, call in begun.items()]
    return {
        "drops": count,
        "calls_begun": len(begun),
        "results": len(stage.book.results),
        "causes": dict(Counter(str(result.cause) for result in stage.book.results.values())),
        "vendor_sockets_opened": stage.vendor.opened,
        "result_after_seconds_max": round(max(waited), 3),
        "all_free_after_seconds": round(freed, 3),
        "left": left or (f"{tasks_left} tasks" if tasks_left > 0 else ""),
    }


async def _broken_call(stage: Stage, sounds: dict[AudioFormat, list[bytes]], place: int, after: float) -> float:
    """When its socket broke."""
    is_browser = bool(place % 2)
    path = "/voice" if is_browser else f"/media/plivo/{stage.book.token_of(place)}"
    async with connect(f"ws://127.0.0.1:{stage.port}{path}", compression=None) as connection:
        call = _browser(connection, sounds, place) if is_browser else _carrier(connection, sounds)
        talking = asyncio.create_task(call)
        await asyncio.wait([talking], timeout=after)
        at = monotonic()
        connection.transport.abort()
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    return at


async def _carrier(connection: ClientConnection, sounds: dict[AudioFormat, list[bytes]]) -> None:
    carrier = CarrierSocket(connection)
    await carrier.start()
    await _talk(connection, [_media(frame) for frame in sounds[ULAW_8K]])


async def _browser(connection: ClientConnection, sounds: dict[AudioFormat, list[bytes]], place: int) -> None:
    await VoiceClient(connection).auth(GOOD_TOKEN, AGENT, audio="binary", variables={"place": str(place)})
    await _talk(connection, sounds[L16_16K])


async def _talk(connection: ClientConnection, messages: Sequence[bytes | str]) -> None:
    """Three seconds of listening, then the sentence, over and over; what comes is thrown away."""

    async def drain() -> None:
        async for _ in connection:
            pass

    draining = asyncio.create_task(drain())
    try:
        began, sent = monotonic(), 0
        while True:
            await connection.send(messages[sent % len(messages)])
            sent += 1
            await asyncio.sleep(max(0.0, began + sent * 0.02 - monotonic()))
    except ConnectionClosed:
        return
    finally:
        draining.cancel()


def _media(frame: bytes) -> str:
    return json.dumps({"event": "media", "media": {"track": "inbound", "payload": b64encode(frame).decode()}})


async def _sound(audio_format: AudioFormat) -> list[bytes]:
    """Silence, then a sentence, in frames."""
    speech = Speech()
    try:
        said = await speech.say(SENTENCE, VoiceSettings(), Manner(), audio_format)
    finally:
        await speech.close()
    size = audio_format.frame_bytes
    whole = audio_format.silence * 75 + said[: len(said) - len(said) % size]
    return [whole[start : start + size] for start in range(0, len(whole), size)]
