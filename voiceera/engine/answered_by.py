"""Who answered an outgoing call, watched while the agent talks: speech timings, words, and the beep."""

from collections.abc import Callable

import numpy as np

from voiceera.engine.tones import BeepDetector
from voiceera.rules.answering import AnsweringMachine
from voiceera.rules.audio import FRAME_MS, AudioFormat, Pcm, decode
from voiceera.rules.calls import AnsweredBy
from voiceera.rules.turn_events import Beeped, Event, MachineAnswered, Partial, SpeechStarted, SpeechStopped, Words

_BLOCK_FRAMES = 200 // FRAME_MS
_LOUD = 400
"""A block whose samples all stay below this holds no beep: most of a call is spared the search."""


class AnsweredByWatch:
    """Feed it the caller's frames and the conversation's events; it posts `MachineAnswered` once, and each `Beeped`.

    Times are the engine's; `answered_at` is when the line opened.
    """

    def __init__(self, audio_format: AudioFormat, answered_at: float, post: Callable[[Event], None]) -> None:
        self._format = audio_format
        self._answered_at = answered_at
        self._post = post
        self._machine = AnsweringMachine()
        self._beeps = BeepDetector(audio_format.sample_rate)
        self._frames: list[bytes] = []
        self._quiet_block: Pcm | None = None
        self._has_told = False
        self._is_beeping = False
        self.is_over = False

    @property
    def verdict(self) -> AnsweredBy:
        return self._machine.verdict or AnsweredBy.UNKNOWN

    def on_audio(self, audio: bytes, at: float) -> None:
        """A frame from the caller."""
        self._frames.append(audio)
        if len(self._frames) == _BLOCK_FRAMES:
            block = decode(b"".join(self._frames), self._format)
            self._frames.clear()
            self._look_at(block, at - self._answered_at)

    def on_event(self, event: Event, at: float) -> None:
        seconds = at - self._answered_at
        match event:
            case SpeechStarted(began):
                self._machine.speech_started(began - self._answered_at)
            case SpeechStopped(ended):
                self._machine.speech_stopped(ended - self._answered_at)
            case Partial(text) | Words(text):
                self._machine.heard(text, seconds)
            case _:
                return
        self._tell()

    def _look_at(self, block: Pcm, seconds: float) -> None:
        self._machine.tick(seconds)
        if np.max(block) < _LOUD:
            self._quiet_block, self._is_beeping = block, False
        else:
            quiet, self._quiet_block = self._quiet_block, None
            if quiet is not None:
                self._beeps.feed(quiet)
            has_beeped = self._beeps.feed(block)
            if has_beeped and not self._is_beeping:
                self._machine.beeped(seconds)
            self._tell()
            if has_beeped and not self._is_beeping:
                self._post(Beeped())
            self._is_beeping = has_beeped
        self._tell()
        self.is_over = seconds > self._machine.rules.watched

    def _tell(self) -> None:
        if self._machine.verdict is AnsweredBy.MACHINE and not self._has_told:
            self._has_told = True
            self._post(MachineAnswered())
