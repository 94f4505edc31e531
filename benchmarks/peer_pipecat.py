"""pipecat carrying the calls of `benchmarks.peers`, in its own environment.

Its own websocket transport, serializer, Silero and recording; vendors that take no time.
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.audio.audio_buffer_processor import AudioBufferProcessor
from pipecat.serializers.plivo import PlivoFrameSerializer
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from benchmarks import peer_line
from benchmarks.peer_line import RATE

logger.remove()
logger.add(sys.stderr, level="CRITICAL")  # it takes stand-ins without settings for errors

_OPTIONS = peer_line.options(__doc__)
_REPLY = peer_line.hum(_OPTIONS.reply_seconds)
app = FastAPI()


class Ear(STTService):
    """Has the words as soon as the caller is silent."""

    def __init__(self) -> None:
        super().__init__(ttfs_p99_latency=0.0)

    async def run_stt(self, audio: bytes) -> AsyncIterator[Frame | None]:
        yield None

    async def process_frame(self, frame: Frame, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            await self.push_frame(TranscriptionFrame(peer_line.WORDS, "", time_now_iso8601(), finalized=True))


class Model(LLMService):
    async def process_frame(self, frame: Frame, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        for word in " ".join(peer_line.REPLY).replace(",", "").replace(". ", " ").split():
            await self.push_frame(LLMTextFrame(word + " "))
        await self.push_frame(LLMFullResponseEndFrame())


class Voice(TTSService):
    def __init__(self) -> None:
        super().__init__(sample_rate=RATE, push_stop_frames=True, push_start_frame=True)

    async def run_tts(self, text: str, context_id: str) -> AsyncIterator[Frame]:
        for start in range(0, len(_REPLY), RATE * 2 // 5):
            yield TTSAudioRawFrame(_REPLY[start : start + RATE * 2 // 5], RATE, 1, context_id=context_id)


@app.websocket("/media/plivo/{token}")
async def call(socket_: WebSocket, token: str) -> None:
    await socket_.accept()
    stream_id = json.loads(await socket_.receive_text())["start"]["streamId"]
    serializer = PlivoFrameSerializer(
        stream_id=stream_id, params=PlivoFrameSerializer.InputParams(auto_hang_up=False)
    )
    transport = FastAPIWebsocketTransport(
        websocket=socket_,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            add_wav_header=False,
            serializer=serializer,
            audio_out_10ms_chunks=2,
        ),
    )
    vad = SileroVADAnalyzer(
        params=VADParams(confidence=0.5, start_secs=0.1, stop_secs=_OPTIONS.silence, min_volume=0.0)
    )
    turns = UserTurnStrategies(
        start=[VADUserTurnStartStrategy()], stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)]
    )
    caller, agent = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(user_turn_strategies=turns, vad_analyzer=vad)
    )
    recorder = AudioBufferProcessor(num_channels=2, buffer_size=RATE * 2 * 2)
    stages = [transport.input(), Ear(), caller, Model(), Voice(), transport.output(), recorder, agent]
    worker = PipelineWorker(
        Pipeline(stages),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE, enable_metrics=False),
    )
    with (Path(_OPTIONS.recordings) / f"{token}.s16").open("wb") as file:

        @recorder.event_handler("on_audio_data")
        async def write(_buffer: Any, audio: bytes, _rate: int, _channels: int) -> None:
            file.write(audio)

        @transport.event_handler("on_client_connected")
        async def begin(_transport: Any, _client: Any) -> None:
            await recorder.start_recording()

        @transport.event_handler("on_client_disconnected")
        async def end(_transport: Any, _client: Any) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    peer_line.listening(listener.getsockname()[1])
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.to_thread(peer_line.wait_for_the_end)
    server.force_exit = server.should_exit = True
    await serving


if __name__ == "__main__":
    uvloop.run(main())
