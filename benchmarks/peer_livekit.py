"""livekit-agents carrying the calls of `benchmarks.peers`, in its own environment, without a room.

One session a call over the same socket library as ours, its own Silero, vendors that take no time, both legs written
to disk once a second.
"""

import asyncio
import json
import logging
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import uvloop
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, Agent, AgentSession, llm, stt, tts
from livekit.agents.utils import shortuuid
from livekit.agents.voice import io
from livekit.plugins import silero
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from benchmarks import peer_line
from benchmarks.peer_line import FRAME_BYTES, RATE

_SPOKEN = 300.0
_OPTIONS = peer_line.options(__doc__)
_REPLY = peer_line.hum(_OPTIONS.reply_seconds)
_VAD = silero.VAD.load(
    min_speech_duration=0.09, min_silence_duration=_OPTIONS.silence, activation_threshold=0.5, sample_rate=RATE
)


class Ear(stt.STT):
    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))

    async def _recognize_impl(self, *_args: Any, **_options: Any) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(self, *, language: Any = None, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> "EarStream":
        return EarStream(stt=self, conn_options=conn_options)


class EarStream(stt.RecognizeStream):
    """Has the words as soon as a tenth of a second is silent."""

    async def _run(self) -> None:
        spoken = silent = 0.0
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel):
                continue
            if peer_line.loudness(bytes(frame.data)) > _SPOKEN:
                spoken, silent = spoken + frame.duration, 0.0
                continue
            silent += frame.duration
            if spoken > 0.15 and silent >= 0.1:
                spoken = 0.0
                heard = stt.SpeechData(language="en", text=peer_line.WORDS)
                self._event_ch.send_nowait(
                    stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])
                )


class Model(llm.LLM):
    def chat(self, *, chat_ctx: Any, tools: Any = None, conn_options: Any = None, **_options: Any) -> "ModelStream":
        return ModelStream(
            self,
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=conn_options or DEFAULT_API_CONNECT_OPTIONS,
        )


class ModelStream(llm.LLMStream):
    async def _run(self) -> None:
        for word in peer_line.REPLY:
            delta = llm.ChoiceDelta(role="assistant", content=word + " ")
            self._event_ch.send_nowait(llm.ChatChunk(id="x", delta=delta))


class Voice(tts.TTS):
    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=RATE, num_channels=1)

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        raise NotImplementedError

    def stream(self, *, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> "VoiceStream":
        return VoiceStream(tts=self, conn_options=conn_options)


class VoiceStream(tts.SynthesizeStream):
    async def _run(self, emitter: tts.AudioEmitter) -> None:
        emitter.initialize(
            request_id=shortuuid(),
            sample_rate=RATE,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
            frame_size_ms=200,
        )
        emitter.start_segment(segment_id=shortuuid())
        said = False
        async for text in self._input_ch:
            if isinstance(text, str) and not said:
                said = True
                self._mark_started()
                for start in range(0, len(_REPLY), RATE * 2 // 5):
                    emitter.push(_REPLY[start : start + RATE * 2 // 5])
        emitter.end_input()


class FromCaller(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="caller")
        self.frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await self.frames.get()
        if frame is None:
            raise StopAsyncIteration
        return frame


class ToCaller(io.AudioOutput):
    """Paces frames out, 20 ms each, on an absolute clock."""

    def __init__(self, call: "Call") -> None:
        super().__init__(label="caller", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE)
        self._call = call
        self._held = bytearray()
        self._pushed = 0.0
        self._sent = 0
        self._is_whole = False
        self._pacing: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._pushed == 0:
            self._is_whole, self._sent = False, 0
        self._pushed += frame.duration
        self._held += peer_line.to_ulaw(bytes(frame.data))
        if self._pacing is None:
            self._pacing = asyncio.create_task(self._pace())
            self.on_playback_started(created_at=time.time())

    def flush(self) -> None:
        super().flush()
        self._is_whole = True

    def clear_buffer(self) -> None:
        if self._pacing is not None:
            self._pacing.cancel()
            self._held.clear()
            self._call.clear()
            self._finished(min(self._sent * 0.02, self._pushed), interrupted=True)

    async def _pace(self) -> None:
        began, number = time.perf_counter(), 0
        while self._held or not self._is_whole:
            if len(self._held) >= FRAME_BYTES or (self._is_whole and self._held):
                self._call.play(bytes(self._held[:FRAME_BYTES]))
                del self._held[:FRAME_BYTES]
                self._sent += 1
            number += 1
            await asyncio.sleep(max(0, began + number * 0.02 - time.perf_counter()))
        self._finished(self._pushed, interrupted=False)

    def _finished(self, position: float, *, interrupted: bool) -> None:
        self._pushed, self._pacing = 0.0, None
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


class Call(WSListener):
    """A socket in Plivo's dialect."""

    def __init__(self) -> None:
        super().__init__()
        self._session: AgentSession[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._input = FromCaller()
        self._heard: list[bytes] = []
        self._played: list[bytes] = []
        self._path = Path(_OPTIONS.recordings) / f"{shortuuid()}.ulaw"

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            self._input.frames.put_nowait(None)
            self._task(session.aclose())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        message = json.loads(frame.get_payload_as_bytes())
        if message["event"] == "start":
            self._task(self._begin())
        elif message["event"] == "media" and self._session is not None:
            self._hear(b64decode(message["media"]["payload"]))

    def _hear(self, ulaw: bytes) -> None:
        self._heard.append(ulaw)
        self._played.append(b"\xff" * FRAME_BYTES)
        self._input.frames.put_nowait(rtc.AudioFrame(peer_line.to_linear(ulaw), RATE, 1, len(ulaw)))
        if len(self._heard) >= 50:
            with self._path.open("ab") as file:
                file.write(b"".join(self._heard) + b"".join(self._played))
            self._heard.clear()
            self._played.clear()

    def play(self, ulaw: bytes) -> None:
        if self._played:
            self._played[-1] = ulaw
        media = b'{"event":"playAudio","media":{"contentType":"audio/x-mulaw","sampleRate":8000,"payload":"%b"}}'
        self._transport.send(WSMsgType.TEXT, media % b64encode(ulaw))

    def clear(self) -> None:
        self._transport.send(WSMsgType.TEXT, b'{"event":"clearAudio","streamId":"s"}')

    async def _begin(self) -> None:
        session: AgentSession[None] = AgentSession(
            stt=Ear(),
            vad=_VAD,
            llm=Model(),
            tts=Voice(),
            aec_warmup_duration=None,
            user_away_timeout=None,
            turn_handling={
                "turn_detection": "vad",
                "endpointing": {"min_delay": 0.0, "max_delay": 3.0},
                "interruption": {
                    "mode": "vad",
                    "min_duration": 0.1,
                    "resume_false_interruption": False,
                    "false_interruption_timeout": None,
                },
                "preemptive_generation": {"enabled": False},
            },
        )
        session.input.audio, session.output.audio = self._input, ToCaller(self)
        await session.start(Agent(instructions="Be nice."), record=False)
        self._session = session

    def _task(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def main() -> None:
    server = await ws_create_server(lambda _request: Call(), "127.0.0.1", 0)
    peer_line.listening(server.sockets[0].getsockname()[1])
    await asyncio.to_thread(peer_line.wait_for_the_end)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    uvloop.run(main())
