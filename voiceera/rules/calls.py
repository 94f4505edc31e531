"""What a call is: the states of a call and of an attempt, what a conversation is told, and what it leaves behind.

attempt: (queued →) claimed → dialing → ringing → in_progress → ended(outcome)
                                 └────────┴──────────┴──→ unknown → … | unknown_final
(The legal moves: `attempts.py`.)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from voiceera.rules.agents import AgentConfig
from voiceera.rules.audio import AudioFormat


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    BROWSER = "browser"


class CallStatus(StrEnum):
    """What the API shows of a call. A finished one never changes again."""

    QUEUED = "queued"
    DIALING = "dialing"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"
    VOICEMAIL = "voicemail"


FINISHED = frozenset(
    {
        CallStatus.COMPLETED,
        CallStatus.NO_ANSWER,
        CallStatus.BUSY,
        CallStatus.FAILED,
        CallStatus.CANCELED,
        CallStatus.VOICEMAIL,
    }
)


class AttemptState(StrEnum):
    QUEUED = "queued"
    """Waits for a worker: a single call just asked for, or one that the carrier was too busy to take."""
    CLAIMED = "claimed"
    DIALING = "dialing"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    UNKNOWN = "unknown"
    ENDED = "ended"
    UNKNOWN_FINAL = "unknown_final"


class Outcome(StrEnum):
    """How an attempt ended, as the retry rules see it."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    FAILED = "failed"
    DROPPED_EARLY = "dropped_early"
    INVALID = "invalid"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    """The carrier could not say; never dialled again by itself."""


class EndedAs(StrEnum):
    """How the carrier says that its call ended."""

    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    INVALID = "invalid"
    CANCELED = "canceled"


class AnsweredBy(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class HangupCause(StrEnum):
    """Why a conversation ended, as the engine knows it."""

    AGENT_ENDED = "agent_ended"
    CALLER_HUNG_UP = "caller_hung_up"
    CALLER_SILENT = "caller_silent"
    VOICEMAIL = "voicemail"
    OPTED_OUT = "opted_out"
    LOOP = "loop"
    """Two machines answered each other, and nobody said anything new."""
    TRANSFERRED = "transferred"
    """The carrier connected the caller to somebody else."""
    MAXIMUM_DURATION = "maximum_duration"
    REQUESTED = "requested"
    """Somebody asked over the API."""
    SHUTTING_DOWN = "shutting_down"
    LINE_LOST = "line_lost"
    PROVIDER_FAILED = "provider_failed"
    ERROR = "error"


class Speaker(StrEnum):
    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True)
class TurnLatency:
    """Milliseconds from the caller's last audio sample to the agent's first one sent, and its parts.

    `platform_ms` is ours: total less endpointing (a chosen wait), recognition tail, brain and synthesis.
    """

    total_ms: float
    endpointing_ms: float
    stt_ms: float
    brain_ms: float
    tts_ms: float
    platform_ms: float


@dataclass(frozen=True)
class TurnRecord:
    """One holding of the floor. Times are milliseconds from the start of the recording.

    `text` is what was heard (caller) or what the caller really got to hear (agent). `step` and `result` are the
    flow's: the step that was answered, and what the answer was taken for (None: not understood).
    `latency` stands on agent turns that answer a caller's.
    """

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    interrupted: bool = False
    step: str | None = None
    result: str | None = None
    latency: TurnLatency | None = None


@dataclass(frozen=True)
class ToolUse:
    """One use of a tool. `arguments` as they were asked for, `answer` as the brain was told; `at_ms` as in turns."""

    name: str
    arguments: str
    answer: str
    worked: bool
    at_ms: int
    took_ms: int


@dataclass(frozen=True)
class CallBrief:
    """All that the engine is told of a call before it starts."""

    organization_id: UUID
    call_id: UUID
    agent_id: UUID
    agent_version: int
    agent: AgentConfig
    direction: Direction
    variables: Mapping[str, str]
    recording_path: str
    """Absolute path of the file to write; the directory exists."""
    campaign_id: UUID | None = None
    request_id: str | None = None
    """Under which its log lines are found."""


@dataclass(frozen=True)
class RecordingFile:
    """The stereo WAV on disk: caller left, agent right. `fault` says why it is missing or cut short."""

    path: str
    sample_rate: int
    channels: int
    duration_seconds: float
    size_bytes: int
    fault: str | None = None


@dataclass(frozen=True)
class CallResult:
    """What a conversation leaves behind."""

    started_at: datetime
    ended_at: datetime
    cause: HangupCause
    answered_by: AnsweredBy
    audio_format: AudioFormat
    disposition: str | None = None
    """The flow's own word for how it ended ("confirmed"), if it reached an end."""
    turns: tuple[TurnRecord, ...] = ()
    results: Mapping[str, str] = field(default_factory=dict)
    """What the steps saved, by `save_as`."""
    opted_out: bool = False
    callback_at: datetime | None = None
    interruptions: int = 0
    tools: tuple[ToolUse, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)
    """What vendors counted: prompt_tokens, completion_tokens, model_replies."""
    recording: RecordingFile | None = None
    error: str | None = None
