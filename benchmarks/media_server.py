"""The measured side of `benchmarks.media`: listener, dialect, engine and recorder as a media process runs them.

The vendors are scripted (no wait, next to no work), or another stack of `media_stacks.py`; the book is in memory
instead of the database. It says
{"port": …, "tokens": […]} when it listens and, once its input is closed, what the calls left behind.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from benchmarks.media_stacks import Stack, providers_of
from voiceera import log
from voiceera.engine.session import CallProviders, Engine
from voiceera.errors import NotFound
from voiceera.ids import new_id
from voiceera.media.listener import MediaListener
from voiceera.rules.agents import AgentConfig
from voiceera.rules.calls import CallBrief, CallResult, Direction, TurnRecord
from voiceera.services.browser_calls import Wanted

WORDS = "I would like to see you on another day"
REPLY = "Thank you for calling, I have found your account. The balance is two thousand four hundred."
AGENT = AgentConfig.model_validate(
    {
        "name": "Load",
        "brain": "llm",
        "greeting_message": "Hello, this is the clinic.",
        # a caller who rides roughshod over the greeting is no machine here
        "conversation": {"voicemail": "continue"},
    }
)


class MemoryBook:
    """Implements `CallBook`: tokens that open once, results that are kept."""

    def __init__(self, calls: int, recordings: Path) -> None:
        ids = [new_id() for _ in range(calls)]
        self.briefs = {call_id.hex: _brief(call_id, recordings) for call_id in ids}
        self.tokens = list(self.briefs)
        self.results: list[CallResult] = []

    async def redeem(self, token: str, carrier: str) -> CallBrief | None:
        return self.briefs.pop(token, None)

    async def begin(self, wanted: Wanted) -> CallBrief:
        raise NotFound("AGENT_001", "No such agent.")

    async def note_metadata(self, brief: CallBrief, values: dict[str, str]) -> None:
        pass

    async def record_turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
        pass

    async def close(self, brief: CallBrief, result: CallResult) -> None:
        self.results.append(result)


def _brief(call_id: UUID, recordings: Path) -> CallBrief:
    path = str(recordings / f"{call_id}.wav")
    return CallBrief(new_id(), call_id, new_id(), 1, AGENT, Direction.OUTBOUND, {}, path)


def left_behind(results: list[CallResult]) -> dict[str, Any]:
    """What the engine itself wrote down of the calls."""
    recordings = [result.recording for result in results if result.recording is not None]
    latencies = [turn.latency for result in results for turn in result.turns if turn.latency is not None]
    return {
        "causes": Counter(str(result.cause) for result in results),
        "errors": Counter(result.error for result in results if result.error),
        "interruptions": sum(result.interruptions for result in results),
        "recorded_seconds": round(sum(recording.duration_seconds for recording in recordings), 1),
        "recording_faults": sum(recording.fault is not None for recording in recordings),
        "platform_ms": [latency.platform_ms for latency in latencies],
        "stt_brain_tts_ms": [latency.stt_ms + latency.brain_ms + latency.tts_ms for latency in latencies],
    }


async def serve(calls: int, recordings: Path, stack: Stack, vendors: str) -> None:
    providers = providers_of(stack, vendors, WORDS, REPLY)

    async def providers_for(_brief: CallBrief) -> CallProviders:
        return providers

    engine = Engine(providers_for)
    book = MemoryBook(calls, recordings)
    listener = MediaListener(engine, book, capacity=calls)
    port = await listener.open("127.0.0.1", 0)
    print(json.dumps({"port": port, "tokens": book.tokens}), flush=True)
    await asyncio.to_thread(sys.stdin.read)  # the other side is done, or dead
    await listener.drain(5)
    await listener.close()
    await engine.close()
    for provider in (providers.speech_to_text, providers.text_to_speech, providers.language_model):
        assert provider is not None
        await provider.close()
    print(json.dumps(left_behind(book.results)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--providers", type=Stack, default=Stack.SCRIPTED, choices=list(Stack))
    parser.add_argument("--vendors", default="", help="where the servers of `tls` are")
    options = parser.parse_args()
    log.configure("media")
    uvloop.run(serve(options.calls, options.recordings, options.providers, options.vendors))


if __name__ == "__main__":
    main()
