"""A carrier's end of a media socket, an engine that writes down what it is told, and a book in memory."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voiceera import clock
from voiceera.engine.line import CallObserver, Line
from voiceera.errors import NotFound, Unauthenticated
from voiceera.ids import new_id
from voiceera.media.listener import MediaListener
from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import ULAW_8K, AudioFormat
from voiceera.rules.calls import AnsweredBy, CallBrief, CallResult, Direction, HangupCause, TurnRecord
from voiceera.services.browser_calls import Wanted

GOOD_TOKEN = "a-token"
AGENT = new_id()
"""Whom the voice WebSocket may ask for."""


def a_brief() -> CallBrief:
    return CallBrief(
        organization_id=new_id(),
        call_id=new_id(),
        agent_id=new_id(),
        agent_version=1,
        agent=AgentConfig(name="Maria"),
        direction=Direction.OUTBOUND,
        variables={},
        recording_path="/nowhere.wav",
        campaign_id=new_id(),
        request_id="asked-1",
    )


class MemoryBook:
    """Tokens open once, and only at their carrier; results are kept."""

    def __init__(self) -> None:
        self.tokens: dict[tuple[str, str], CallBrief] = {}
        self.results: dict[UUID, CallResult] = {}
        self.turns: list[tuple[UUID, int, TurnRecord]] = []
        self.begun: list[CallBrief] = []
        self.metadata: dict[str, str] = {}
        self.closed = asyncio.Event()
        self.faults: list[Exception] = []
        """Raised by the next calls, one each."""

    def token(self, carrier: str = "plivo") -> str:
        brief = a_brief()
        token = f"{brief.organization_id.hex}.{brief.call_id.hex}"
        self.tokens[token, carrier] = brief
        return token

    async def redeem(self, token: str, carrier: str) -> CallBrief | None:
        if self.faults:
            raise self.faults.pop()
        return self.tokens.pop((token, carrier), None)

    async def begin(self, wanted: Wanted) -> CallBrief:
        if self.faults:
            raise self.faults.pop()
        if wanted.token != GOOD_TOKEN:
            raise Unauthenticated("AUTH_003", "The access token is not valid.")
        if wanted.agent_id != AGENT:
            raise NotFound("AGENT_001", "No such agent.")
        brief = replace(a_brief(), direction=Direction.BROWSER, variables=wanted.variables)
        self.begun.append(brief)
        return brief

    async def note_metadata(self, brief: CallBrief, values: dict[str, str]) -> None:
        self.metadata.update(values)

    async def record_turn(self, brief: CallBrief, index: int, turn: TurnRecord) -> None:
        self.turns.append((brief.call_id, index, turn))

    async def close(self, brief: CallBrief, result: CallResult) -> None:
        if self.faults:
            raise self.faults.pop()
        assert brief.call_id not in self.results
        self.results[brief.call_id] = result
        self.closed.set()


class EchoConversation:
    """Sends back what it hears, and ends when it is told to."""

    def __init__(self, line: Line, brief: CallBrief, observer: CallObserver) -> None:
        self.line, self.brief, self.observer = line, brief, observer
        self.digits: list[str] = []
        self.marks: list[str] = []
        self.is_on_hold = False
        self._ended: asyncio.Future[HangupCause] = asyncio.get_running_loop().create_future()

    def on_audio(self, audio: bytes) -> None:
        self.line.send_audio(audio)

    def on_digit(self, digit: str) -> None:
        self.digits.append(digit)
        if digit == "#":
            self.line.clear()
            self.line.mark("pound")

    def on_mark(self, name: str) -> None:
        self.marks.append(name)

    def hold(self) -> None:
        self.is_on_hold = True

    def release(self) -> None:
        self.is_on_hold = False

    def on_closed(self) -> None:
        self.request_hangup(HangupCause.CALLER_HUNG_UP)

    def request_hangup(self, cause: HangupCause) -> None:
        if not self._ended.done():
            self._ended.set_result(cause)

    async def wait(self) -> CallResult:
        cause = await self._ended
        now = clock.utc_now()
        return CallResult(now, now, cause, AnsweredBy.HUMAN, self.line.audio_format)


class EchoEngine:
    def __init__(self) -> None:
        self.conversations: list[EchoConversation] = []

    def start(self, line: Line, brief: CallBrief, observer: CallObserver) -> EchoConversation:
        conversation = EchoConversation(line, brief, observer)
        self.conversations.append(conversation)
        return conversation


class Exchange:
    """A listener on a free port, its book and its engine."""

    def __init__(self, capacity: int = 10) -> None:
        self.book, self.engine = MemoryBook(), EchoEngine()
        self.listener = MediaListener(self.engine, self.book, capacity=capacity)
        self.port = 0

    def url(self, token: str, carrier: str = "plivo") -> str:
        return f"ws://127.0.0.1:{self.port}/media/{carrier}/{token}"

    @asynccontextmanager
    async def call(self, *, start: bool = True) -> AsyncIterator["CarrierSocket"]:
        async with connect(self.url(self.book.token()), compression=None) as connection:
            socket = CarrierSocket(connection)
            if start:
                await socket.start()
            yield socket


class CarrierSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def start(self, encoding: str = "audio/x-mulaw", rate: int = 8000) -> None:
        media_format = {"encoding": encoding, "sampleRate": rate}
        await self.say({"event": "start", "start": {"callId": "c", "streamId": "s", "mediaFormat": media_format}})

    async def say(self, message: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def speak(self, sound: bytes) -> None:
        await self.say({"event": "media", "media": {"payload": base64.b64encode(sound).decode()}})

    async def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), 10))
        return message

    async def echoes(self, audio_format: AudioFormat = ULAW_8K) -> bool:
        """Whether the call still answers."""
        await self.speak(audio_format.silence)
        heard = base64.b64decode((await self.hear())["media"]["payload"])
        return heard == audio_format.silence

    async def closed_with(self) -> int | None:
        """The close code, once the other side closes."""
        try:
            async with asyncio.timeout(10):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code
