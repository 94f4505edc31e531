"""A stereo 16-bit WAV that is valid at every moment: the sizes in its header follow each block that is on disk."""

import os
import struct

from voiceera.log import get_logger

HEADER_BYTES = 44
_CHANNELS, _SAMPLE_BYTES = 2, 2
_LARGEST = 0xFFFFFFFF - HEADER_BYTES

log = get_logger("recorder")


def wav_header(sample_rate: int, data_bytes: int) -> bytes:
    """RIFF/WAVE, format 1 (PCM): Microsoft's "Multimedia Programming Interface and Data Specifications 1.0"."""
    frame = _CHANNELS * _SAMPLE_BYTES
    data_bytes = min(data_bytes, _LARGEST)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE"),
        *(b"fmt ", 16, 1, _CHANNELS, sample_rate, sample_rate * frame, frame, 8 * _SAMPLE_BYTES),
        *(b"data", data_bytes),
    )


class WavFile:
    """The file of one recording. Nothing here raises: the first thing that goes wrong stands in `fault`, and what was
    written before it stays playable. Blocking: call it from one thread that may wait for a disk."""

    def __init__(self, path: str, sample_rate: int) -> None:
        self.path = path
        self.sample_rate = sample_rate
        self.data_bytes = 0
        self.fault: str | None = None
        self._file: int | None = None

    def open(self) -> None:
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
            self._write(wav_header(self.sample_rate, 0), 0)
        except OSError as error:
            self._fail(error)

    def append(self, samples: bytes) -> None:
        """Interleaved little-endian samples, whole stereo frames."""
        if self._file is None or self.fault:
            return
        try:
            self._write(samples, HEADER_BYTES + self.data_bytes)
            self._write(wav_header(self.sample_rate, self.data_bytes + len(samples)), 0)
            self.data_bytes += len(samples)
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Also cuts off half a block that a full disk left behind the valid part."""
        if self._file is None:
            return
        try:
            if self.fault:
                os.ftruncate(self._file, HEADER_BYTES + self.data_bytes)
            os.close(self._file)
        except OSError as error:
            self._fail(error)
        self._file = None

    @property
    def duration_seconds(self) -> float:
        return self.data_bytes / (self.sample_rate * _CHANNELS * _SAMPLE_BYTES)

    @property
    def size_bytes(self) -> int:
        return HEADER_BYTES + self.data_bytes

    def fail(self, why: str) -> None:
        if self.fault is None:
            self.fault = why
            log.warning("recording_failed", fault=why)

    def _fail(self, error: OSError) -> None:
        self.fail(f"{os.strerror(error.errno) if error.errno else error}")

    def _write(self, block: bytes, at: int) -> None:
        assert self._file is not None
        rest = memoryview(block)
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written
