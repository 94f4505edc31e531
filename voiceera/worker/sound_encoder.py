"""A finished recording as another file: encoded, read back to see that it is whole, measured. Blocking."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from voiceera.rules.private_speech import Silence
from voiceera.rules.sound_files import SoundFormat
from voiceera.rules.waveforms import Outline, Waveform
from voiceera.services.encodings import Encoded
from voiceera.worker.hearing import CHANNELS

_BLOCK_SECONDS = 10
_PADDING_SECONDS = 0.25
"""What a lossy encoder may add or take away at the ends."""
_LOSSLESS = (SoundFormat.WAV, SoundFormat.FLAC)
_KINDS = {
    SoundFormat.WAV: {"format": "WAV", "subtype": "PCM_16"},
    SoundFormat.FLAC: {"format": "FLAC", "subtype": "PCM_16"},
    SoundFormat.OPUS: {"format": "OGG", "subtype": "OPUS"},
    SoundFormat.MP3: {"format": "MP3", "subtype": "MPEG_LAYER_III"},
}


class NotEncoded(Exception):
    """`may_pass`: the reason may go away (a full disk)."""

    def __init__(self, why: str, *, may_pass: bool) -> None:
        super().__init__(why)
        self.why = why
        self.may_pass = may_pass


class _Sound:
    """What a recording says: how long it is, and a digest of its samples."""

    def __init__(self, rate: int) -> None:
        self._digest = hashlib.sha256()
        self._frames = 0
        self.rate = rate

    def add(self, block: npt.NDArray[np.int16]) -> None:
        self._digest.update(block.tobytes())
        self._frames += len(block)

    @property
    def seconds(self) -> float:
        return self._frames / self.rate

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Sound) and self._digest.digest() == other._digest.digest()

    __hash__ = None  # type: ignore[assignment]


def encode(source: Path, target: Path, sound_format: SoundFormat, silences: Sequence[Silence] = ()) -> Encoded:
    """Leaves a whole file at `target`, silent where it shall be, or none. Raises NotEncoded."""
    if not source.is_file():
        raise NotEncoded("the recording is gone", may_pass=False)
    try:
        if sound_format is SoundFormat.WAV and not silences:
            waveform, sound = _survey(source)
        else:
            waveform, sound = _encode(source, target, sound_format, silences)
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not sound.seconds:
            raise NotEncoded("nothing was recorded", may_pass=False)
        return Encoded(target.stat().st_size, digest, sound.rate, round(sound.seconds, 3), waveform)
    except OSError as error:
        raise NotEncoded(os.strerror(error.errno) if error.errno else "the disk failed", may_pass=True) from None
    except soundfile.LibsndfileError:
        raise NotEncoded("the file is no recording, or the disk is full", may_pass=True) from None


def _encode(
    source: Path, target: Path, sound_format: SoundFormat, silences: Sequence[Silence]
) -> tuple[Waveform, _Sound]:
    """By way of a temporary file, so that what lies at `target` is always whole."""
    temporary = target.with_name(f".{target.name}")
    try:
        waveform, recorded = _write(source, temporary, sound_format, silences)
        _, read_back = _survey(temporary)
        if sound_format in _LOSSLESS and read_back != recorded:
            raise NotEncoded("what was encoded is not what was recorded", may_pass=True)
        if abs(read_back.seconds - recorded.seconds) > _PADDING_SECONDS:
            raise NotEncoded("what was encoded is not as long as what was recorded", may_pass=True)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return waveform, recorded


def _write(
    source: Path, target: Path, sound_format: SoundFormat, silences: Sequence[Silence]
) -> tuple[Waveform, _Sound]:
    with soundfile.SoundFile(source) as recorded:
        outline, sound = Outline(recorded.frames, recorded.channels, recorded.samplerate), _Sound(recorded.samplerate)
        shape = {"samplerate": recorded.samplerate, "channels": recorded.channels}
        with soundfile.SoundFile(target, "w", **shape, **_KINDS[sound_format]) as encoded:
            at = 0
            for block in _blocks(recorded):
                for silence in silences:
                    _hush(block, at, recorded.samplerate, silence)
                at += len(block)
                outline.add(block)
                sound.add(block)
                encoded.write(block)
    return outline.waveform(), sound


def _hush(block: npt.NDArray[np.int16], at: int, rate: int, silence: Silence) -> None:
    """Make a block that begins at frame `at` silent as far as it lies within."""
    first, last = silence.start_ms * rate // 1000 - at, -(-silence.end_ms * rate // 1000) - at
    if first < len(block) and last > 0:
        channel = min(CHANNELS.index(silence.speaker), block.shape[1] - 1)
        block[max(0, first) : last, channel] = 0


def _survey(path: Path) -> tuple[Waveform, _Sound]:
    with soundfile.SoundFile(path) as file:
        outline, sound = Outline(file.frames, file.channels, file.samplerate), _Sound(file.samplerate)
        for block in _blocks(file):
            outline.add(block)
            sound.add(block)
    return outline.waveform(), sound


def _blocks(file: soundfile.SoundFile) -> Iterator[npt.NDArray[np.int16]]:
    while len(block := file.read(_BLOCK_SECONDS * file.samplerate, dtype="int16", always_2d=True)):
        yield block
