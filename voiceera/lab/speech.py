"""A callee's words as the line carries them: synthesized, trimmed, levelled, band-limited, over its background."""

import asyncio
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from voiceera.errors import Invalid
from voiceera.lab.callees.script import Manner, VoiceSettings
from voiceera.lab.mouth import background_pcm
from voiceera.rules.audio import AudioFormat, Encoding, Pcm, encode
from voiceera.synthesis.client import Synthesizer

_RATE = 16000
_PAUSE_SECONDS = 0.5
_HESITATION = ("um |", "uh |", "er |")
_KEPT_LINES = 512
_TELEPHONE_BAND = (300.0, 3400.0)
_MUFFLED_BAND = (200.0, 1800.0)
_WIDE_BAND = (60.0, 7600.0)
Signal = npt.NDArray[np.float64]


class Speech:
    """One synthesizer for all callees of a lab, started when the first one speaks."""

    def __init__(self) -> None:
        self._synthesizer = Synthesizer()
        self._lines: dict[object, bytes] = {}

    async def close(self) -> None:
        await self._synthesizer.close()

    async def say(
        self, text: str, voice: VoiceSettings, manner: Manner, audio_format: AudioFormat, hesitation: int = 0
    ) -> bytes:
        """`text` in the line's format; `|` is a pause. `hesitation`: which filler to begin with, if it hesitates."""
        if manner.hesitates:
            text = f"{_HESITATION[hesitation % len(_HESITATION)]} {text}"
        key = (text, voice, manner.mumbles, manner.noise_dbfs, audio_format)
        if (line := self._lines.get(key)) is None:
            line = await self._make(text, voice, manner, audio_format)
            while len(self._lines) >= _KEPT_LINES:
                del self._lines[next(iter(self._lines))]
            self._lines[key] = line
        return line

    async def _make(self, text: str, voice: VoiceSettings, manner: Manner, audio_format: AudioFormat) -> bytes:
        speed = voice.words_per_minute * (1.2 if manner.mumbles else 1)
        parts: list[Signal] = []
        for piece in filter(None, (piece.strip() for piece in text.split("|"))):
            if parts:
                parts.append(np.zeros(int(_PAUSE_SECONDS * _RATE)))
            parts.append(_trim(await self._synthesize(piece, voice, int(speed))))
        return await asyncio.to_thread(_on_line, np.concatenate(parts), voice.level_dbfs, manner, audio_format)

    async def _synthesize(self, text: str, voice: VoiceSettings, words_per_minute: int) -> Signal:
        pieces = [
            piece async for piece in self._synthesizer.speak(text, voice.name, words_per_minute, voice.pitch, _RATE)
        ]
        return np.frombuffer(b"".join(pieces), "<i2").astype(np.float64)

    async def play(self, path: str, manner: Manner, level_dbfs: float, audio_format: AudioFormat) -> bytes:
        """A sound file, its channels mixed. Raises Invalid."""
        return await asyncio.to_thread(_from_file, Path(path), manner, level_dbfs, audio_format)


def tone(frequency: float, seconds: float, level_dbfs: float, audio_format: AudioFormat) -> bytes:
    """The beep, with 5 ms ramps so that it does not click."""
    at = np.arange(int(seconds * audio_format.sample_rate)) / audio_format.sample_rate
    ramp = np.minimum(1, np.minimum(at, at[::-1]) / 0.005)
    return encode(_samples(np.sin(2 * np.pi * frequency * at) * ramp * _amplitude(level_dbfs)), audio_format)


def music(seconds: float, level_dbfs: float, audio_format: AudioFormat) -> bytes:
    """Something like hold music: a slow arpeggio."""
    rate = audio_format.sample_rate
    notes = [220.0, 277.18, 329.63, 440.0, 329.63, 277.18]
    at = np.arange(int(0.4 * rate)) / rate
    figure = np.concatenate([np.sin(2 * np.pi * note * at) * np.exp(-3 * at) for note in notes])
    sound = np.resize(figure, int(seconds * rate))
    return encode(_samples(sound * _amplitude(level_dbfs)), audio_format)


def silence(seconds: float, noise_dbfs: float, audio_format: AudioFormat) -> bytes:
    samples = int(seconds * audio_format.sample_rate)
    return encode(background_pcm(audio_format.sample_rate, noise_dbfs, samples), audio_format)


def _from_file(path: Path, manner: Manner, level_dbfs: float, audio_format: AudioFormat) -> bytes:
    try:
        sound, rate = soundfile.read(path, always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise Invalid(f"{path}: {error}") from error
    return _on_line(soxr.resample(sound.mean(axis=1), rate, _RATE), level_dbfs, manner, audio_format)


def _on_line(signal: Signal, level_dbfs: float, manner: Manner, audio_format: AudioFormat) -> bytes:
    """16 kHz speech at its level, in the line's band and format, over the background."""
    band = _TELEPHONE_BAND if audio_format.encoding is Encoding.ULAW else _WIDE_BAND
    if manner.mumbles:
        signal, level_dbfs = _band_pass(signal, _MUFFLED_BAND), level_dbfs - 10
    signal = _level(_band_pass(signal, band), level_dbfs)
    if audio_format.sample_rate != _RATE:
        signal = soxr.resample(signal, _RATE, audio_format.sample_rate)
    noise = background_pcm(audio_format.sample_rate, manner.noise_dbfs, len(signal))
    return encode(_samples(signal + noise), audio_format)


def _trim(signal: Signal) -> Signal:
    """Without the silence before the first and after the last sound, so that times in the ledger are speech's."""
    loud = np.flatnonzero(np.abs(signal) > 0.02 * np.max(np.abs(signal), initial=1))
    return signal[loud[0] : loud[-1] + 1] if len(loud) else signal


def _level(signal: Signal, level_dbfs: float) -> Signal:
    """RMS at the level, over what is not silence; never clipped."""
    voiced = signal[np.abs(signal) > 0.02 * np.max(np.abs(signal), initial=1)]
    if not len(voiced):
        return signal
    gain = _amplitude(level_dbfs) / np.sqrt(np.mean(voiced**2))
    return signal * float(min(gain, 30000 / np.max(np.abs(signal))))


def _band_pass(signal: Signal, band: tuple[float, float]) -> Signal:
    """By a mask over the whole utterance's spectrum, with soft edges of 50 Hz."""
    spectrum = np.fft.rfft(signal)
    frequency = np.fft.rfftfreq(len(signal), 1 / _RATE)
    low, high = band
    mask = np.clip((frequency - low) / 50 + 1, 0, 1) * np.clip((high - frequency) / 50 + 1, 0, 1)
    return np.fft.irfft(spectrum * mask, len(signal))


def _amplitude(level_dbfs: float) -> float:
    return float(32768 * 10 ** (level_dbfs / 20))


def _samples(signal: Signal) -> Pcm:
    return np.clip(np.round(signal), -32768, 32767).astype(np.int16)
