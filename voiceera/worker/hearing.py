"""A recording as text: where somebody speaks on each channel, and what a recognizer makes of it."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from voiceera.engine.silero import SileroModel, window_shape
from voiceera.providers.protocols import Recognition, RecognitionStream, SpeechToText
from voiceera.rules.audio import AudioFormat, Encoding
from voiceera.rules.calls import Speaker
from voiceera.rules.speech_segments import WINDOW_SECONDS, SpeechSegments
from voiceera.rules.transcripts import NoTranscript, Segment
from voiceera.rules.turn_events import SpeechStarted, SpeechStopped

CHANNELS = (Speaker.CALLER, Speaker.AGENT)
_RATES = (8000, 16000)
_BEFORE_SECONDS, _AFTER_SECONDS = 0.3, 0.2
"""Sound around a stretch that belongs to it: soft beginnings and ends."""
_LONGEST_SECONDS = 25.0
"""A longer stretch is recognized in pieces."""
_ANSWER_SECONDS = 120.0


class Unusable(Exception):
    """A recording of which there will be no transcript."""

    def __init__(self, reason: NoTranscript) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Stretch:
    """Somebody speaks, in seconds from the start of the recording."""

    speaker: Speaker
    start: float
    end: float


async def hear(
    path: Path, recognizer: SpeechToText, language: str, phrases: Mapping[Speaker, tuple[str, ...]]
) -> list[Segment]:
    """What was said, in the order in which it began. Raises Unusable, and ProviderError."""
    rate, stretches = await asyncio.to_thread(speech_in, path)
    said: list[Segment] = []
    for speaker in CHANNELS:
        mine = [stretch for stretch in stretches if stretch.speaker is speaker]
        if mine:
            wanted = Recognition(AudioFormat(Encoding.L16, rate), language, phrases.get(speaker, ()))
            said += await _hear_one(path, mine, recognizer, wanted)
    return sorted(said, key=lambda segment: (segment.start_ms, segment.speaker))


async def _hear_one(
    path: Path, stretches: list[Stretch], recognizer: SpeechToText, wanted: Recognition
) -> list[Segment]:
    stream = await recognizer.open(wanted)
    said = []
    try:
        for stretch in stretches:
            audio = await asyncio.to_thread(_sound, path, stretch)
            segment = await _recognize(stream, stretch, audio)
            if segment.text:
                said.append(segment)
    finally:
        await stream.close()
    return said


async def _recognize(stream: RecognitionStream, stretch: Stretch, audio: bytes) -> Segment:
    stream.begin_utterance()
    stream.push(audio)
    async with asyncio.timeout(_ANSWER_SECONDS):
        heard = await stream.end_utterance()
    start, end = round(stretch.start * 1000), round(stretch.end * 1000)
    return Segment(stretch.speaker, heard.text.strip(), start, end, heard.confidence)


def speech_in(path: Path) -> tuple[int, list[Stretch]]:
    """The file's rate, and where somebody speaks; reads it window by window. Raises Unusable."""
    with _opened(path) as file:
        if not file.frames:
            raise Unusable(NoTranscript.EMPTY_RECORDING)
        return file.samplerate, list(_stretches(file))


def _opened(path: Path) -> soundfile.SoundFile:
    if not path.is_file():
        raise Unusable(NoTranscript.RECORDING_GONE)
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError):
        raise Unusable(NoTranscript.NOT_A_RECORDING) from None
    if file.samplerate not in _RATES or file.channels not in (1, 2):
        file.close()
        raise Unusable(NoTranscript.NOT_A_RECORDING)
    return file


def _stretches(file: soundfile.SoundFile) -> Iterator[Stretch]:
    audio_format = AudioFormat(Encoding.L16, file.samplerate)
    shape = window_shape(audio_format)
    model = SileroModel(rows=file.channels)
    rows = [model.take_row() for _ in range(file.channels)]
    speech = [SpeechSegments() for _ in rows]
    began: list[float | None] = [None for _ in rows]
    at = 0.0
    while len(block := _block(file, shape.window)):
        at += WINDOW_SECONDS
        windows = [block[:, row].astype("<i2").tobytes() for row in rows]
        for row, probability in zip(rows, model.judge(rows, windows, audio_format), strict=True):
            match speech[row].window(probability, at):
                case SpeechStarted(start):
                    began[row] = max(0.0, start)
                case SpeechStopped(end):
                    yield from _pieces(CHANNELS[row], began[row] or 0.0, end)
                    began[row] = None
    for row in rows:
        if (open_since := began[row]) is not None:
            yield from _pieces(CHANNELS[row], open_since, at)


def _block(file: soundfile.SoundFile, frames: int) -> npt.NDArray[np.int16]:
    """The next window of all channels, its end filled up with silence; none at the end."""
    block: npt.NDArray[np.int16] = file.read(frames, dtype="int16", always_2d=True)
    if 0 < len(block) < frames:
        block = np.pad(block, ((0, frames - len(block)), (0, 0)))
    return block


def _pieces(speaker: Speaker, start: float, end: float) -> Iterator[Stretch]:
    while end - start > _LONGEST_SECONDS:
        yield Stretch(speaker, start, start + _LONGEST_SECONDS)
        start += _LONGEST_SECONDS
    yield Stretch(speaker, start, end)


def _sound(path: Path, stretch: Stretch) -> bytes:
    with _opened(path) as file:
        first = max(0, round((stretch.start - _BEFORE_SECONDS) * file.samplerate))
        last = min(file.frames, round((stretch.end + _AFTER_SECONDS) * file.samplerate))
        file.seek(min(first, file.frames))
        block = file.read(max(0, last - first), dtype="int16", always_2d=True)
        channel = CHANNELS.index(stretch.speaker)
        sound: bytes = block[:, min(channel, file.channels - 1)].astype("<i2").tobytes()
        return sound
