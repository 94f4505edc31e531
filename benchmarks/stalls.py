"""What a vendor that stops answering for ten seconds does to the calls beside it.

    .venv/bin/python -m benchmarks.stalls [--calls 30] [--json FILE]

So many calls talk at the same time in one event loop, each to a model behind OpenAI's chat API (a server in another
thread) with a second one to fall back on. First nothing is wrong; then the first server takes every request and says
nothing for ten seconds. Voice activity is judged by loudness and speech is a hum, so that what is measured is the
engine's own waiting.

  lag_ms     how much later than asked for a timer of 10 ms fires in the calls' loop: p50, p99 and the most
  answered   replies that were spoken, of those that were asked for

Other load on the machine shows in both phases: compare them.
"""

import argparse
import asyncio
import json
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from tests.engine.small_world import LOUD, LoudnessVoiceActivity, Notes, TestLine, agent
from tests.vendors.chat import says
from tests.vendors.http_vendor import Asked, http_vendor
from voiceera import log
from voiceera.engine.session import CallProviders, Engine
from voiceera.engine.voice_activity import VoiceActivity
from voiceera.ids import new_id
from voiceera.providers.models.openai import OpenAICredentials, OpenAILanguageModel, OpenAISettings
from voiceera.providers.outbound import allow_list
from voiceera.providers.speech.scripted import ScriptedSpeechToText, ScriptedTextToSpeech
from voiceera.rules.audio import ULAW_8K
from voiceera.rules.calls import CallBrief, CallResult, Direction, Speaker

QUIET_SECONDS, STALL_SECONDS, AFTER_SECONDS = 12.0, 10.0, 8.0
TURN_SECONDS = 4.0
"""A caller says something of 0.8 s so often."""


class ModelServer:
    """Two vendors in a thread of their own; the first one can be made to hold its tongue."""

    def __init__(self) -> None:
        self._may_talk = asyncio.Event()
        self._may_talk.set()
        self.ports: list[int] = []
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait(10)

    def fall_silent(self) -> None:
        self._loop.call_soon_threadsafe(self._may_talk.clear)

    def talk_again(self) -> None:
        self._loop.call_soon_threadsafe(self._may_talk.set)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        reply = says("It begins ", "on Monday ", "at ten.")

        async def when_it_may(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await self._may_talk.wait()
            await reply(asked, writer)

        async with http_vendor(when_it_may) as first, http_vendor(reply) as second:
            self.ports += [first.port, second.port]
            self._ready.set()
            await asyncio.Event().wait()  # as long as the process


def model_at(port: int) -> OpenAILanguageModel:
    settings = OpenAISettings.model_validate({"base_url": f"http://127.0.0.1:{port}/v1"})
    key = OpenAICredentials(api_key=SecretStr("key"))
    return OpenAILanguageModel(settings, key, allow_list(f"127.0.0.1/32:{port}"))


@asynccontextmanager
async def lags(into: list[float]) -> AsyncIterator[None]:
    async def watch() -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(0.01)
            into.append(1000 * (time.monotonic() - asked - 0.01))

    watching = asyncio.create_task(watch())
    yield
    watching.cancel()


async def talk(engine: Engine, folder: Path, offset: float, seconds: float) -> CallResult:
    talker = agent(brain="llm", greeting_message="Hello.", conversation={"reprompt_after": 60, "silence_hangup": 300})
    ids = (new_id(), new_id(), new_id())
    brief = CallBrief(*ids, 1, talker, Direction.INBOUND, {}, str(folder / f"{ids[1]}.wav"))
    line = TestLine()
    call = line.call = engine.start(line, brief, Notes())
    began = time.monotonic()
    for frame in range(int(seconds * 50)):
        at = frame * 0.02
        speaks = at > 2.0 and (at + offset) % TURN_SECONDS < 0.8
        call.on_audio(LOUD if speaks else ULAW_8K.silence)
        await asyncio.sleep(max(0.0, began + at + 0.02 - time.monotonic()))
    call.on_closed()
    return await call.wait()


async def measure(calls: int, folder: Path) -> dict[str, Any]:
    servers = ModelServer()
    first, second = (model_at(port) for port in servers.ports)
    ear, voice = (
        ScriptedSpeechToText(["when does it begin"], repeat=True),
        ScriptedTextToSpeech(seconds_per_character=0.03),
    )

    async def found(_brief: CallBrief) -> CallProviders:
        return CallProviders(ear, voice, first, spare_models=(second,))

    for model in (first, second):
        model.warm()
        await model._client()
    engine = Engine(found, voice_activity=cast(VoiceActivity, LoudnessVoiceActivity(time.monotonic)))
    quiet, stalled = list[float](), list[float]()
    whole = QUIET_SECONDS + STALL_SECONDS + AFTER_SECONDS
    talks = [
        asyncio.create_task(talk(engine, folder, number * TURN_SECONDS / calls, whole)) for number in range(calls)
    ]
    await asyncio.sleep(2.0)
    async with lags(quiet):
        await asyncio.sleep(QUIET_SECONDS - 2.0)
    servers.fall_silent()
    async with lags(stalled):
        await asyncio.sleep(STALL_SECONDS)
    servers.talk_again()
    results = await asyncio.gather(*talks)
    await engine.close()
    for model in (first, second):
        await model.close()
    turns = [turn for result in results for turn in result.turns]
    asked = sum(turn.speaker is Speaker.CALLER for turn in turns)
    answered = sum(turn.speaker is Speaker.AGENT for turn in turns) - calls
    return {
        "calls": calls,
        "lag_ms_quiet": _spread(quiet),
        "lag_ms_stalled": _spread(stalled),
        "asked": asked,
        "answered": answered,
        "failed_calls": sum(result.error is not None for result in results),
        "switches": sum(result.usage.get("provider_switches", 0) for result in results),
    }


def _spread(lag: list[float]) -> dict[str, float]:
    ordered = sorted(lag)
    return {
        "p50": round(ordered[len(ordered) // 2], 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 2),
        "max": round(ordered[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    log.configure("stalls", "ERROR")
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(options.calls, Path(folder)))
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
