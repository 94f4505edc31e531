"""Deepgram: recognition over its live WebSocket, voices over HTTP.

Sources: developers.deepgram.com (reference/speech-to-text/listen-streaming, docs/finalize, docs/audio-keep-alive,
reference/text-to-speech/speak-request). Both carry the line's own format, so nothing is resampled.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from voiceera.errors import ProviderError
from voiceera.providers.outbound import Allowed
from voiceera.providers.outbound_socket import OutboundSocket, open_socket
from voiceera.providers.protocols import Heard, Recognition, Voice
from voiceera.providers.vendor_http import VendorHttp
from voiceera.rules.audio import AudioFormat, Encoding

VENDOR = "deepgram"
_BASE = HttpUrl("https://api.deepgram.com/v1")
_KEEP_ALIVE_SECONDS = 4.0
"""The vendor closes a stream that says nothing for ten."""
_NOTHING_SECONDS = 1.0
"""How long a Finalize may go unanswered by a vendor that is there: with nothing buffered it answers none."""
_MOST_KEYTERMS = 50
_ENCODINGS = {Encoding.ULAW: "mulaw", Encoding.L16: "linear16"}


class DeepgramCredentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(min_length=1, max_length=500, title="API key")


class DeepgramHearingSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(_BASE, title="API address")
    model: str = Field("nova-3", min_length=1, max_length=100, title="Model")


# ── what the socket says ─────────────────────────────────────────────────────────────────────────────────────────


class _Alternative(msgspec.Struct):
    transcript: str
    confidence: float | None = None


class _Channel(msgspec.Struct):
    alternatives: list[_Alternative]


class _Message(msgspec.Struct):
    type: str
    channel: Any = None
    is_final: bool = False
    from_finalize: bool = False


_read = msgspec.json.Decoder(_Message).decode


class DeepgramSpeechToText:
    Settings: ClassVar[type[DeepgramHearingSettings]] = DeepgramHearingSettings
    Credentials: ClassVar[type[DeepgramCredentials]] = DeepgramCredentials

    def __init__(
        self, settings: DeepgramHearingSettings, credentials: DeepgramCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._model = settings.model
        self._url = str(settings.base_url).rstrip("/")
        self._allow = allow
        self._headers = _headers(credentials)
        self._http = VendorHttp(VENDOR, self._url, self._headers, allow)

    async def open(self, recognition: Recognition) -> "DeepgramStream":
        query: list[tuple[str, str]] = [
            ("model", self._model),
            ("language", recognition.language),
            ("encoding", _ENCODINGS[recognition.audio_format.encoding]),
            ("sample_rate", str(recognition.audio_format.sample_rate)),
            ("channels", "1"),
            ("interim_results", "true"),
            ("smart_format", "true"),
            ("endpointing", "false"),  # turns are ours
        ]
        name = "keyterm" if self._model.startswith("nova-3") else "keywords"
        query += [(name, phrase) for phrase in recognition.phrases[:_MOST_KEYTERMS]]
        url = f"ws{self._url.removeprefix('http')}/listen?{urlencode(query)}"
        return DeepgramStream(await open_socket(VENDOR, url, self._headers, self._allow))

    async def check(self) -> None:
        """Lists the account's projects, which costs nothing. Raises ProviderError."""
        await self._http.get("projects")

    async def close(self) -> None:
        await self._http.close()


class DeepgramStream:
    """One socket a call. Between utterances it is only kept alive."""

    def __init__(self, socket: OutboundSocket) -> None:
        self._socket = socket
        self._final: list[_Alternative] = []
        self._finalized = asyncio.Event()
        self._has_answered = False
        """In the utterance under way, so that silence now means that there is nothing more."""
        self._fault: ProviderError | None = None
        self._partials: asyncio.Queue[Heard] = asyncio.Queue(100)
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._listen()), loop.create_task(self._keep_alive()))

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        self._final.clear()
        self._finalized.clear()
        self._has_answered = False

    def push(self, audio: bytes) -> None:
        self._socket.send_bytes(audio)

    async def end_utterance(self) -> Heard:
        self._socket.send_text(b'{"type":"Finalize"}')
        with suppress(TimeoutError):
            async with asyncio.timeout(_NOTHING_SECONDS):
                await self._finalized.wait()
        if not self._has_answered:
            await self._finalized.wait()
        if self._fault is not None:
            raise self._fault
        words = [each for each in self._final if each.transcript]
        text = " ".join(each.transcript.strip() for each in words)
        sure = [each.confidence for each in words if each.confidence is not None]
        return Heard(text, final=True, confidence=min(sure, default=None))

    def abandon_utterance(self) -> None:
        """What is buffered of it would stand before the next one's words."""
        self._socket.send_text(b'{"type":"Finalize"}')
        self._final.clear()

    async def partials(self) -> AsyncIterator[Heard]:
        while True:
            yield await self._partials.get()

    async def close(self) -> None:
        self._socket.send_text(b'{"type":"CloseStream"}')
        self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            async for message in self._socket.messages():
                self._take(message)
            self._fault = ProviderError(VENDOR, "the stream ended")
        except ProviderError as error:
            self._fault = error
            self._socket.close()
        self._finalized.set()

    def _take(self, message: bytes) -> None:
        try:
            parsed = _read(message)
            if parsed.type != "Results":
                return
            heard = msgspec.convert(parsed.channel, _Channel).alternatives
        except msgspec.MsgspecError as error:
            raise ProviderError(VENDOR, "sent something that is not its protocol") from error
        best = heard[0] if heard else _Alternative("")
        if parsed.is_final:
            self._final.append(best)
        elif best.transcript and not self._partials.full():
            so_far = [each.transcript for each in self._final if each.transcript]
            self._partials.put_nowait(Heard(" ".join([*so_far, best.transcript]), final=False))
        self._has_answered = True
        if parsed.from_finalize:
            self._finalized.set()

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_ALIVE_SECONDS)
            self._socket.send_text(b'{"type":"KeepAlive"}')


# ── voices ───────────────────────────────────────────────────────────────────────────────────────────────────────


class DeepgramVoiceSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: HttpUrl = Field(_BASE, title="API address")
    voice: str = Field(
        "aura-2-thalia-en", min_length=1, max_length=100, title="Voice", description="Unless an agent names one."
    )


class DeepgramTextToSpeech:
    Settings: ClassVar[type[DeepgramVoiceSettings]] = DeepgramVoiceSettings
    Credentials: ClassVar[type[DeepgramCredentials]] = DeepgramCredentials
    LANGUAGES: ClassVar[tuple[str, ...]] = ("de", "en", "es", "fr", "it", "ja", "nl")

    def __init__(
        self, settings: DeepgramVoiceSettings, credentials: DeepgramCredentials, allow: tuple[Allowed, ...] = ()
    ) -> None:
        self._voice = settings.voice
        self._http = VendorHttp(VENDOR, str(settings.base_url), _headers(credentials), allow)

    async def speak(self, text: str, voice: Voice, audio_format: AudioFormat) -> AsyncIterator[bytes]:
        query = {
            "model": voice.voice_id or self._voice,
            "encoding": _ENCODINGS[audio_format.encoding],
            "sample_rate": str(audio_format.sample_rate),
            "container": "none",
        }
        width, left = audio_format.bytes_per_sample, b""
        async with aclosing(self._http.sound("speak", {"text": text}, query)) as sound:
            async for piece in sound:
                left += piece
                whole = len(left) - len(left) % width
                if whole:
                    yield left[:whole]
                    left = left[whole:]

    async def check(self) -> None:
        """Lists the account's projects, which costs nothing. Raises ProviderError."""
        await self._http.get("projects")

    async def close(self) -> None:
        await self._http.close()


def _headers(credentials: DeepgramCredentials) -> dict[str, str]:
    return {"Authorization": f"Token {credentials.api_key.get_secret_value()}"}
