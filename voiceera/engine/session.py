"""One live call, and the engine that runs them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from voiceera import clock
from voiceera.engine.line import CallObserver, Line
from voiceera.providers.protocols import LanguageModel, SpeechToText, TextToSpeech
from voiceera.rules.calls import AnsweredBy, CallBrief, CallResult, HangupCause


@dataclass(frozen=True)
class CallProviders:
    """Who listens, speaks and thinks in one call. They outlive it: the engine closes streams, never providers."""

    speech_to_text: SpeechToText
    text_to_speech: TextToSpeech
    language_model: LanguageModel | None = None


ProvidersFor = Callable[[CallBrief], Awaitable[CallProviders]]
"""Finds a call's providers by its agent's configuration. Raises ProviderError."""


class Call:
    """A conversation under way: a `LiveCall`, and a `CallResult` to wait for."""

    def __init__(self, line: Line, brief: CallBrief, observer: CallObserver) -> None:
        self.brief = brief
        self._line = line
        self._started_at = clock.utc_now()
        self._ended: asyncio.Future[HangupCause] = asyncio.get_running_loop().create_future()

    def on_audio(self, audio: bytes) -> None:
        pass

    def on_digit(self, digit: str) -> None:
        pass

    def on_mark(self, name: str) -> None:
        pass

    def on_closed(self) -> None:
        self.request_hangup(HangupCause.CALLER_HUNG_UP)

    def request_hangup(self, cause: HangupCause) -> None:
        if not self._ended.done():
            self._ended.set_result(cause)

    async def wait(self) -> CallResult:
        """The result, once the conversation is over and the recording closed. Never raises for what happened in it.

        The line is not hung up yet: whoever waits stores the result first, and calls `Line.hang_up` then.
        """
        cause = await self._ended
        return CallResult(
            started_at=self._started_at,
            ended_at=clock.utc_now(),
            cause=cause,
            answered_by=AnsweredBy.UNKNOWN,
            audio_format=self._line.audio_format,
        )


class Engine:
    """One per media process."""

    def __init__(self, providers_for: ProvidersFor) -> None:
        self._providers_for = providers_for
        self.live: set[Call] = set()

    def start(self, line: Line, brief: CallBrief, observer: CallObserver) -> Call:
        """Begin the conversation at once. Needs a running event loop."""
        return Call(line, brief, observer)
