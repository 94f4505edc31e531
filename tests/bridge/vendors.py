"""Servers that speak bridged vendors' protocols, on one port of 127.0.0.1.

Sources: docs.cartesia.ai (tts/bytes, stt/websocket), elevenlabs.io/docs/api-reference (text-to-speech/stream,
speech-to-text/realtime), docs.anthropic.com (messages, streaming).
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import WSMessage, WSMsgType, web

WORDS = "yes I will be there"


def tone(rate: int, seconds: float = 0.5) -> bytes:
    """16-bit PCM."""
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype("<i2").tobytes()


@dataclass
class Vendors:
    """`status`: what every request is answered with instead; `hang`: nothing is answered."""

    port: int = 0
    status: int = 200
    hang: bool = False
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    heard_seconds: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _note(self, request: web.Request, body: Any = None) -> None:
        self.asked.append((request.path_qs, dict(request.headers), body))
        if self.hang:
            await asyncio.sleep(60)
        if self.status != 200:
            raise _refusal(self.status)

    async def cartesia_speaks(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        await self._note(request, body)
        return await _sound(request, "audio/pcm", tone(body["output_format"]["sample_rate"]))

    async def elevenlabs_speaks(self, request: web.Request) -> web.StreamResponse:
        await self._note(request, await request.json())
        assert request.query["output_format"] == "pcm_16000"
        return await _sound(request, "audio/pcm", tone(16_000))

    async def cartesia_hears(self, request: web.Request) -> web.WebSocketResponse:
        await self._note(request)
        socket: web.WebSocketResponse = web.WebSocketResponse()
        await socket.prepare(request)
        message: WSMessage
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self.heard_seconds += len(message.data) / 32_000
            elif message.data == "finalize":
                told = {"request_id": "1", "language": "en", "duration": 1.0, "words": []}
                await socket.send_json({"type": "transcript", "is_final": False, "text": "yes I", **told})
                await socket.send_json({"type": "transcript", "is_final": True, "text": WORDS, **told})
                await socket.send_json({"type": "flush_done", "request_id": "1"})
            elif message.data in ("close", "done"):
                await socket.send_json({"type": "done", "request_id": "1"})
                await socket.close()
        return socket

    async def elevenlabs_hears(self, request: web.Request) -> web.WebSocketResponse:
        await self._note(request)
        socket: web.WebSocketResponse = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"message_type": "session_started", "session_id": "1"})
        message: WSMessage
        async for message in socket:
            said = json.loads(message.data)
            self.heard_seconds += len(base64.b64decode(said["audio_base_64"])) / 32_000
            if said["commit"]:
                await socket.send_json({"message_type": "partial_transcript", "text": "yes"})
                await socket.send_json({"message_type": "committed_transcript", "text": WORDS})
        return socket

    async def anthropic_answers(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        await self._note(request, body)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for event in _said() if not body.get("tools") else _asks_for_a_tool():
            await answer.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return answer


def _refusal(status: int) -> web.HTTPException:
    known = {401: web.HTTPUnauthorized, 429: web.HTTPTooManyRequests, 500: web.HTTPInternalServerError}
    return known[status](text=json.dumps({"error": {"type": "x", "message": "your words: secret"}}))


async def _sound(request: web.Request, media_type: str, pcm: bytes) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": media_type})
    await answer.prepare(request)
    for start in range(0, len(pcm), 3001):  # samples are cut in two
        await answer.write(pcm[start : start + 3001])
    return answer


def _start() -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "c",
        "content": [],
        "stop_reason": None,
    }
    usage = {"input_tokens": 12, "output_tokens": 0}
    return {"type": "message_start", "message": {**message, "stop_sequence": None, "usage": usage}}


def _end(reason: str) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]


def _block(block: dict[str, Any], deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
    ]


def _said() -> list[dict[str, Any]]:
    deltas = [{"type": "text_delta", "text": text} for text in ("Good ", "morning.")]
    return [_start(), *_block({"type": "text", "text": ""}, deltas), *_end("end_turn")]


def _asks_for_a_tool() -> list[dict[str, Any]]:
    block = {"type": "tool_use", "id": "t1", "name": "look_up", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": text} for text in ('{"order"', ': "7"}')]
    return [_start(), *_block(block, deltas), *_end("tool_use")]


@asynccontextmanager
async def serve_vendors() -> AsyncIterator[Vendors]:
    vendors = Vendors()
    app = web.Application()
    app.router.add_post("/tts/bytes", vendors.cartesia_speaks)
    app.router.add_get("/stt/websocket", vendors.cartesia_hears)
    app.router.add_post("/text-to-speech/{voice}/stream", vendors.elevenlabs_speaks)
    app.router.add_get("/speech-to-text/realtime", vendors.elevenlabs_hears)
    app.router.add_post("/v1/messages", vendors.anthropic_answers)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    vendors.port = runner.addresses[0][1]
    yield vendors
    await runner.cleanup()
