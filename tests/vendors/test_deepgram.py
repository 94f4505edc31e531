"""Deepgram's live socket against a server that speaks it: interim and final results, Finalize, CloseStream."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from voiceera.errors import ProviderError
from voiceera.providers.outbound import allow_list
from voiceera.providers.protocols import Recognition
from voiceera.providers.speech.deepgram import DeepgramCredentials, DeepgramHearingSettings, DeepgramSpeechToText
from voiceera.rules.audio import ULAW_8K

Behave = Callable[["Deepgram", ServerConnection, Any], Awaitable[None]]


def results(text: str, *, final: bool = False, finalize: bool = False, confidence: float = 0.9) -> str:
    alternative = {"transcript": text, "confidence": confidence, "words": []}
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": 1.0,
            "start": 0.0,
            "is_final": final,
            "speech_final": final,
            "channel": {"alternatives": [alternative]},
            "from_finalize": finalize,
        }
    )


@dataclass
class Deepgram:
    """Hears `words`, one final result each, in 0.2 s of sound each; the last with Finalize."""

    words: tuple[str, ...] = ("yes that's", "fine")
    behave: Behave | None = None
    refuse: HTTPStatus | None = None
    port: int = 0
    path: str = ""
    key: str = ""
    sound: bytes = b""
    controls: list[str] = field(default_factory=list)

    async def hold(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.path, self.key = connection.request.path, connection.request.headers["Authorization"]
        given = 0
        async for message in connection:
            if self.behave is not None:
                await self.behave(self, connection, message)
            elif isinstance(message, bytes):
                self.sound += message
                while given + 1 < len(self.words) and len(self.sound) >= 1600 * (given + 1):
                    await connection.send(results(self.words[given].split()[0]))
                    await connection.send(results(self.words[given], final=True))
                    given += 1
            else:
                kind = json.loads(message)["type"]
                self.controls.append(kind)
                if kind == "Finalize":
                    last = self.words[given] if given < len(self.words) else ""
                    await connection.send(results(last, final=True, finalize=True, confidence=0.7))
                elif kind == "CloseStream":
                    await connection.send(json.dumps({"type": "Metadata", "duration": 1.0, "channels": 1}))

    def door(self, _connection: ServerConnection, request: Request) -> Response | None:
        return Response(self.refuse, "no", request.headers) if self.refuse is not None else None


@asynccontextmanager
async def serve_deepgram(**how: Any) -> AsyncIterator[Deepgram]:
    far = Deepgram(**how)
    async with serve(far.hold, "127.0.0.1", 0, process_request=far.door) as server:
        far.port = next(iter(server.sockets)).getsockname()[1]
        yield far


@asynccontextmanager
async def deepgram(**how: Any) -> AsyncIterator[tuple[DeepgramSpeechToText, Deepgram]]:
    async with serve_deepgram(**how) as far:
        near = DeepgramSpeechToText(
            DeepgramHearingSettings.model_validate({"base_url": f"http://127.0.0.1:{far.port}/v1"}),
            DeepgramCredentials(api_key=SecretStr("dg-key")),
            allow_list(f"127.0.0.1/32:{far.port}"),
        )
        yield near, far
        await near.close()


RECOGNITION = Recognition(ULAW_8K, "en-US", ("yes", "Dr. Smith"))


async def test_words_come_final_and_in_part_in_the_lines_own_format() -> None:
    async with deepgram() as (near, far):
        stream = await near.open(RECOGNITION)
        stream.begin_utterance()
        stream.push(ULAW_8K.silence * 20)
        supposed = await asyncio.wait_for(anext(aiter(stream.partials())), 5)
        heard = await asyncio.wait_for(stream.end_utterance(), 5)
        await stream.close()
    assert (supposed.text, supposed.final) == ("yes", False)
    assert (heard.text, heard.final, heard.confidence) == ("yes that's fine", True, 0.7)
    query = parse_qs(urlsplit(far.path).query)
    assert urlsplit(far.path).path == "/v1/listen" and far.key == "Token dg-key"
    assert (query["encoding"], query["sample_rate"], query["language"]) == (["mulaw"], ["8000"], ["en-US"])
    assert query["keyterm"] == ["yes", "Dr. Smith"]
    assert far.sound == ULAW_8K.silence * 20
    assert far.controls == ["Finalize", "CloseStream"]


async def test_a_second_utterance_begins_anew() -> None:
    async with deepgram(words=("one",)) as (near, _far):
        stream = await near.open(RECOGNITION)
        for _ in range(2):
            stream.begin_utterance()
            stream.push(ULAW_8K.silence)
            assert (await asyncio.wait_for(stream.end_utterance(), 5)).text == "one"
        await stream.close()


@pytest.mark.parametrize(("status", "permanent"), [(401, True), (402, True), (429, False), (500, False)])
async def test_a_door_that_stays_shut_is_an_error(status: int, permanent: bool) -> None:
    async with deepgram(refuse=HTTPStatus(status)) as (near, _far):
        with pytest.raises(ProviderError) as refused:
            await near.open(RECOGNITION)
    assert (refused.value.message, refused.value.permanent) == (f"answered {status}", permanent)


async def test_an_inside_address_is_refused_before_a_byte_is_sent() -> None:
    async with deepgram() as (_, far):
        settings = DeepgramHearingSettings.model_validate({"base_url": f"http://127.0.0.1:{far.port}"})
        near = DeepgramSpeechToText(settings, DeepgramCredentials(api_key=SecretStr("k")))
        with pytest.raises(ProviderError, match="inside address"):
            await near.open(RECOGNITION)
        await near.close()
    assert far.path == ""


async def closes(_far: Deepgram, connection: ServerConnection, _message: Any) -> None:
    await connection.close(1011, "NET-0001")


async def breaks(_far: Deepgram, connection: ServerConnection, _message: Any) -> None:
    connection.transport.abort()


def sends(*messages: Any) -> Behave:
    async def send(_far: Deepgram, connection: ServerConnection, _message: Any) -> None:
        for message in messages:
            await connection.send(message)

    return send


@pytest.mark.parametrize(
    "behave",
    [
        closes,
        breaks,
        sends("not json"),
        sends(b"\xff\xfe"),
        sends('{"type": "Results", "channel": "none"}'),
        sends('{"type": "Results", "is_final": "yes"}'),
        sends("x" * 400_000),
    ],
)
async def test_a_stream_that_goes_wrong_is_an_error_at_the_utterances_end(behave: Behave) -> None:
    async with deepgram(behave=behave) as (near, _far):
        stream = await near.open(RECOGNITION)
        stream.begin_utterance()
        stream.push(ULAW_8K.silence)
        with pytest.raises(ProviderError):
            await asyncio.wait_for(stream.end_utterance(), 5)
        await stream.close()


async def test_a_finalize_that_is_not_answered_costs_a_vendor_that_is_there_a_second() -> None:
    async with deepgram(behave=sends(results("yes", final=True), results("oh"))) as (near, far):
        stream = await near.open(RECOGNITION)
        stream.begin_utterance()
        stream.push(ULAW_8K.silence)
        assert (await asyncio.wait_for(anext(aiter(stream.partials())), 5)).text == "yes oh"
        far.behave = sends()
        heard = await asyncio.wait_for(stream.end_utterance(), 5)
        await stream.close()
    assert heard.text == "yes"
