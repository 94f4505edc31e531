"""What was said, as a transcript made after the call tells it, and where a request for one stands."""

from dataclasses import dataclass
from enum import StrEnum

from voiceera.rules.calls import Speaker

LIVE = 1
"""The version that was heard in the call itself."""


@dataclass(frozen=True)
class Segment:
    """One stretch of speech; times are milliseconds from the start of the recording."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None


class TranscriptionState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN = (TranscriptionState.QUEUED, TranscriptionState.RUNNING)


class NoTranscript(StrEnum):
    """Why a recording could not be transcribed, for good."""

    RECORDING_GONE = "recording_gone"
    NOT_A_RECORDING = "not_a_recording"
    """The file is no WAV file of a call: one or two channels at 8,000 or 16,000 Hz."""
    EMPTY_RECORDING = "empty_recording"
    NO_WORDS = "no_words"
    PROVIDER_FAILED = "provider_failed"
