"""Recognizers that hear an utterance as it is spoken, and say at any time what it is so far."""

from typing import Protocol

from voiceera.providers.speech.line_sound import LinePcm
from voiceera.providers.speech.local.serving import RATE, Asked, Understood
from voiceera.rules.audio import AudioFormat, Pcm


class Stream(Protocol):
    """One utterance in the library's hands, at 16 kHz."""

    def accept(self, pcm: Pcm) -> None: ...

    def so_far(self) -> str: ...

    def finish(self) -> Understood: ...


class StreamedUtterances:
    """Base of recognizers that implement `stream`."""

    def prepare(self, phrases: tuple[str, ...]) -> None: ...

    def stream(self, asked: Asked) -> Stream:
        raise NotImplementedError

    def begin(self, asked: Asked, audio_format: AudioFormat) -> "StreamedUtterance":
        return StreamedUtterance(self.stream(asked), audio_format)


class StreamedUtterance:
    def __init__(self, stream: Stream, audio_format: AudioFormat) -> None:
        self._stream = stream
        self._line = LinePcm(audio_format, RATE)
        self._told = ""

    def hear(self, audio: bytes) -> str | None:
        self._accept(self._line.push(audio))
        if (so_far := self._stream.so_far()) == self._told:
            return None
        self._told = so_far
        return so_far

    def finish(self) -> Understood:
        self._accept(self._line.rest())
        return self._stream.finish()

    def _accept(self, pcm: Pcm) -> None:
        if len(pcm):
            self._stream.accept(pcm)
