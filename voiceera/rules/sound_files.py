"""The forms in which a finished recording is kept, and where one stands on the way there."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SoundFormat(StrEnum):
    WAV = "wav"
    """As it was recorded: 16-bit samples, 2 MB a minute at 8 kHz."""
    FLAC = "flac"
    """Lossless, about half of that."""
    OPUS = "opus"
    MP3 = "mp3"


EXTENSIONS = {SoundFormat.WAV: "wav", SoundFormat.FLAC: "flac", SoundFormat.OPUS: "ogg", SoundFormat.MP3: "mp3"}
MEDIA_TYPES = {
    SoundFormat.WAV: "audio/wav",
    SoundFormat.FLAC: "audio/flac",
    SoundFormat.OPUS: "audio/ogg",
    SoundFormat.MP3: "audio/mpeg",
}


ENCODING = "encoding"
"""The kind of job that encodes a recording once its call is over."""


class EncodingState(StrEnum):
    PENDING = "pending"
    SPARE = "spare"
    """Encoded and verified; the original is kept for a while, for whoever has begun to read it."""
    DONE = "done"
    FAILED = "failed"
    """It stays as it was recorded."""


def recording_key(organization_id: UUID, call_id: UUID, created_at: datetime) -> str:
    """Where a call is recorded to: "org/yyyy/mm/dd/call_id.wav"."""
    return f"{organization_id}/{created_at:%Y/%m/%d}/{call_id}.wav"


def key_in(sound_format: SoundFormat, recorded_key: str) -> str:
    """Where a recording lies in a format: "org/yyyy/mm/dd/call_id.ext", of the key that it was recorded under."""
    stem = recorded_key.rpartition(".")[0] or recorded_key
    return f"{stem}.{EXTENSIONS[sound_format]}"


def keys_of(any_key: str) -> list[str]:
    """Every key under which the sound of that call may lie."""
    return [key_in(sound_format, any_key) for sound_format in SoundFormat]
