"""The other side of the lab in its tests: a caller that takes callbacks and holds media sockets, on real ports."""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve

from voiceera.lab.ledger import Event, Row, read_ledger
from voiceera.lab.main import LabOptions, run_lab
from voiceera.rules.audio import L16_16K, ULAW_8K, AudioFormat, Encoding

AUTH_ID, AUTH_TOKEN = "MATESTTESTTESTTESTTE", "a-token-for-tests"
CALLER, CALLEE = "+12025550100", "+12025550123"
REFERENCE = "0190a6e0-0000-7000-8000-00000000a111"


@dataclass
class Callback:
    kind: str
    url: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Agent:
    """Takes callbacks below /carriers/…/{reference}/{kind}; `talk` holds each media socket."""

    audio_format: AudioFormat = L16_16K
    talk: Callable[["MediaEnd"], Awaitable[None]] | None = None
    xml: str | None = None
    callbacks: list[Callback] = field(default_factory=list)
    base_url: str = ""
    media_url: str = ""
    handshakes: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        form = {key: str(value) for key, value in (await request.form()).items()}
        self.callbacks.append(Callback(kind, str(request.url), form, dict(request.headers)))
        return PlainTextResponse(self.answer() if kind == "answer" else "", media_type="application/xml")

    def answer(self) -> str:
        if self.xml is not None:
            return self.xml
        kind = "x-mulaw" if self.audio_format.encoding is Encoding.ULAW else "x-l16"
        content_type = f"audio/{kind};rate={self.audio_format.sample_rate}"
        return (
            f'<Response><Stream bidirectional="true" keepCallAlive="true" contentType="{content_type}">'
            f"{self.media_url}</Stream></Response>"
        )

    async def hold(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.handshakes.append({key.lower(): value for key, value in connection.request.headers.raw_items()})
        end = MediaEnd(connection, self.audio_format)
        if self.talk is not None:
            reading = asyncio.create_task(end.read())
            await self.talk(end)
            reading.cancel()
        else:
            await end.read()

    def kinds(self) -> list[str]:
        return [callback.kind for callback in self.callbacks]

    def urls(self, reference: str = REFERENCE) -> dict[str, str]:
        base = f"{self.base_url}/carriers/plivo/{reference}"
        return {"answer_url": f"{base}/answer", "ring_url": f"{base}/ringing", "hangup_url": f"{base}/hangup"}


class MediaEnd:
    """The agent's end of one media socket: collects what comes, plays what it is told in real time."""

    def __init__(self, connection: ServerConnection, audio_format: AudioFormat) -> None:
        self.connection = connection
        self.audio_format = audio_format
        self.messages: list[dict[str, Any]] = []
        self.audio = bytearray()
        self.changed = asyncio.Event()

    async def read(self) -> None:
        async for message in self.connection:
            event = json.loads(message)
            if event["event"] == "media":
                self.audio += base64.b64decode(event["media"]["payload"])
            self.messages.append(event)
            self.changed.set()

    async def send(self, event: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"event": event, **fields}))

    async def play(self, audio: bytes) -> None:
        """All at once: the carrier paces it."""
        media = {
            "contentType": "audio/x-mulaw" if self.audio_format is ULAW_8K else "audio/x-l16",
            "sampleRate": self.audio_format.sample_rate,
            "payload": base64.b64encode(audio).decode(),
        }
        await self.send("playAudio", media=media)

    async def event(self, name: str, seconds: float = 10) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                for message in self.messages:
                    if message["event"] == name:
                        return message
                self.changed.clear()
                await self.changed.wait()


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(agent: Agent) -> AsyncIterator[Agent]:
    app = Starlette(routes=[Route("/carriers/plivo/{reference}/{kind}", agent.take, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    server = _QuietServer(uvicorn.Config(app, ws="none", log_config=None, access_log=False))
    agent.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serve(agent.hold, "127.0.0.1", 0) as media:
        agent.media_url = f"ws://127.0.0.1:{media.sockets[0].getsockname()[1]}/media/plivo/token"
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield agent
        finally:
            server.should_exit = True
            await running


class Lab:
    def __init__(self, url: str, options: LabOptions) -> None:
        assert options.ledger is not None
        self.url = url
        self.client = httpx.AsyncClient(base_url=url, auth=(AUTH_ID, AUTH_TOKEN), trust_env=False, timeout=10)
        self._ledger = options.ledger

    async def dial(self, agent: Agent, to: str = CALLEE, reference: str = REFERENCE, **more: Any) -> httpx.Response:
        body = {"from": CALLER, "to": to, **agent.urls(reference), **more}
        return await self.client.post(f"/v1/Account/{AUTH_ID}/Call/", json=body)

    async def get(self, path: str = "", **query: Any) -> httpx.Response:
        return await self.client.get(f"/v1/Account/{AUTH_ID}/Call/{path}", params=query)

    def rows(self, *events: Event) -> list[Row]:
        return [row for row in read_ledger(self._ledger) if not events or row.event in events]

    async def until(self, event: Event, count: int = 1, seconds: float = 12) -> list[Row]:
        """The ledger's rows of this kind, as soon as there are so many."""
        async with asyncio.timeout(seconds):
            while len(rows := self.rows(event)) < count:  # noqa: ASYNC110 - the ledger is a file
                await asyncio.sleep(0.02)
        return rows


@contextlib.asynccontextmanager
async def running_lab(options: LabOptions) -> AsyncIterator[Lab]:
    stop = asyncio.Event()
    port = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_lab(options, stop, port.set_result))
    await asyncio.wait([running, port], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    lab = Lab(f"http://127.0.0.1:{await port}", options)
    try:
        yield lab
    finally:
        await lab.client.aclose()
        stop.set()
        await running
