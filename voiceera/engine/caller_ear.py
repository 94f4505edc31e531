"""The caller's voice in one call: frames in; when they speak, and what they said, out."""

import asyncio
from collections import deque
from collections.abc import Callable

from voiceera.engine.voice_activity import VoiceActivity
from voiceera.errors import ProviderError
from voiceera.providers.protocols import RecognitionStream
from voiceera.rules.audio import FRAME_MS, AudioFormat
from voiceera.rules.speech_segments import SegmentRules, SpeechSegments
from voiceera.rules.turn_events import Event, Partial, ProviderFailed, SpeechStarted, SpeechStopped, Words

PREROLL_FRAMES = 400 // FRAME_MS
"""Sound from before speech is sure that belongs to it: 0.1 s until it is sure, and soft beginnings."""
LONGEST_FINISH = 5.0
"""Seconds that a recognizer may take after the last sample: an apology still fits into 8."""


class _Utterance:
    """One stretch of speech. Its sound waits in `backlog` while the recognizer cannot take it yet."""

    def __init__(self, expected: tuple[str, ...], backlog: list[bytes]) -> None:
        self.expected = expected
        self.backlog: list[bytes] | None = backlog
        self.stream: RecognitionStream | None = None
        """Who hears it; None while nobody does."""


class CallerEar:
    """Cuts what the caller says into utterances and has them recognized, one after the other.

    `post` gets the events; `expected` says which phrases would answer the present question.
    """

    def __init__(
        self,
        voice_activity: VoiceActivity,
        audio_format: AudioFormat,
        rules: SegmentRules,
        *,
        post: Callable[[Event], None],
        expected: Callable[[], tuple[str, ...]],
        spawn: Callable[..., "asyncio.Task[None]"],
    ) -> None:
        self._post = post
        self._expected = expected
        self._spawn = spawn
        self._segments = SpeechSegments(rules)
        self._before: deque[bytes] = deque(maxlen=PREROLL_FRAMES)
        self._stream: RecognitionStream | None = None
        self._utterance: _Utterance | None = None
        self._opened = asyncio.Event()
        self._retired: list[RecognitionStream] = []
        """Those before it, in a call that has changed its language."""
        self._finishing = asyncio.Lock()
        self._unfinished = 0
        """Utterances that have ended and whose words have not come."""
        self._push: Callable[[bytes], None] = self._before.append
        """Where a frame goes: to the recognizer while it listens, else where it waits."""
        self._ear = voice_activity.listen(audio_format, self._on_window)

    def on_audio(self, audio: bytes) -> None:
        """The hot path."""
        self._push(audio)
        self._ear.feed(audio)

    def recognize_with(self, stream: RecognitionStream) -> None:
        """The recognizer is there: from now on utterances go to it, the one under way first, unless the one before
        hears that already; that one is closed when it has heard all."""
        before, self._stream = self._stream, stream
        self._opened.set()
        if before is not None:
            self._retired.append(before)
            self._let_go()
        self._catch_up()
        self._spawn(self._follow_partials(stream))

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    def recognize(self) -> None:
        """Finish the utterance under way; `Words` or `ProviderFailed` is posted."""
        utterance, self._utterance = self._utterance, None
        self._push = self._before.append
        self._unfinished += 1
        self._spawn(self._finish(utterance))

    def forget(self) -> None:
        """The utterance under way was none."""
        utterance, self._utterance = self._utterance, None
        self._push = self._before.append
        if utterance is not None and utterance.stream is not None:
            utterance.stream.abandon_utterance()
        self._let_go()

    async def close(self) -> None:
        self._ear.close()
        for stream in [*self._retired, *([self._stream] if self._stream is not None else [])]:
            await stream.close()

    def _let_go(self) -> None:
        """Close the recognizers that nobody speaks to any more."""
        if self._retired and not self._unfinished and (self._utterance is None or self._utterance.stream is None):
            leaving, self._retired = self._retired, []
            for stream in leaving:
                self._spawn(stream.close())

    def _on_window(self, probability: float, at: float) -> None:
        event = self._segments.window(probability, at)
        if event is None:
            return
        if isinstance(event, SpeechStarted):
            self._begin()
        self._post(event)
        if isinstance(event, SpeechStopped) and self._utterance is not None:
            self.forget()  # nobody wanted to know

    def _begin(self) -> None:
        backlog = list(self._before)
        self._before.clear()
        self._utterance = _Utterance(self._expected(), backlog)
        self._push = backlog.append
        self._catch_up()

    def _catch_up(self) -> None:
        """Let the recognizer have the utterance under way, unless it is busy with the one before."""
        utterance, stream = self._utterance, self._stream
        if utterance is None or stream is None or utterance.backlog is None or self._unfinished:
            return
        self._hand_over(utterance, stream)
        self._push = stream.push

    def _hand_over(self, utterance: _Utterance, stream: RecognitionStream) -> None:
        utterance.stream = stream
        stream.begin_utterance(utterance.expected)
        if utterance.backlog:
            stream.push(b"".join(utterance.backlog))
        utterance.backlog = None

    async def _finish(self, utterance: _Utterance | None) -> None:
        async with self._finishing:
            words = await self._words_of(utterance)
            self._unfinished -= 1
        self._post(words)
        self._catch_up()
        self._let_go()

    async def _words_of(self, utterance: _Utterance | None) -> Words | ProviderFailed:
        if utterance is None:
            return Words("")
        try:
            async with asyncio.timeout(LONGEST_FINISH):
                await self._opened.wait()
                if utterance.stream is None:
                    assert self._stream is not None
                    self._hand_over(utterance, self._stream)
                assert utterance.stream is not None
                heard = await utterance.stream.end_utterance()
        except (ProviderError, TimeoutError):
            return ProviderFailed()
        return Words(heard.text, heard.confidence, heard.rejected)

    async def _follow_partials(self, stream: RecognitionStream) -> None:
        try:
            async for heard in stream.partials():
                if heard.text:
                    self._post(Partial(heard.text))
        except ProviderError:
            self._post(ProviderFailed())
