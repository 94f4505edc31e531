"""When the agent can be heard, by the energy of what is played out to the callee."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voiceera.rules.audio import FRAME_MS, AudioFormat, decode

_LOUD = 160.0
"""Mean absolute sample above which a frame is sound: about -46 dBFS."""
_QUIET_FRAMES = 22
"""So many quiet frames (440 ms) end a stretch: longer than the pauses between sentences."""
_KEPT_FRAMES = 300


@dataclass(frozen=True)
class AgentSpoke:
    """A stretch of the agent's sound, from its first loud frame to the end of its last one (Unix seconds)."""

    began: float
    ended: float
    audio: bytes
    """Its last six seconds at most, in the line's format."""


class Ear:
    def __init__(
        self, audio_format: AudioFormat, started: Callable[[float], None], stopped: Callable[[AgentSpoke], None]
    ) -> None:
        self._format = audio_format
        self._started = started
        self._stopped = stopped
        self._frames: deque[bytes] = deque(maxlen=_KEPT_FRAMES)
        self._began: float | None = None
        self._ended = 0.0
        self._quiet = 0

    @property
    def is_speaking(self) -> bool:
        """Whether a stretch of the agent's sound is under way."""
        return self._began is not None

    def is_hearing(self, at: float) -> bool:
        """Whether the agent was loud within the last tenth of a second."""
        return self._began is not None and at - self._ended < 0.1

    def hear(self, frame: bytes | None, at: float) -> None:
        """20 ms of playout (None: nothing) that begin at `at`."""
        loud = frame is not None and float(np.abs(decode(frame, self._format)).mean()) > _LOUD
        if loud:
            self._quiet = 0
            self._ended = at + FRAME_MS / 1000
            if self._began is None:
                self._began = at
                self._started(at)
        elif self._began is None:
            return
        else:
            self._quiet += 1
        self._frames.append(frame or self._format.silence)
        if self._quiet >= _QUIET_FRAMES:
            self.finish()

    def finish(self) -> None:
        """End a stretch that is under way: the line is gone, or it has been quiet for long."""
        if self._began is None:
            return
        spoke = AgentSpoke(self._began, self._ended, b"".join(self._frames))
        self._began = None
        self._quiet = 0
        self._frames.clear()
        self._stopped(spoke)
