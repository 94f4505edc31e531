"""What the peers of `benchmarks.peers` have alike: their line, their lines to whoever measures, what they say.

Runs in the peers' own environments: nothing of this project is imported, and nothing that those do not have.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME_BYTES = 160
WORDS = "I would like to see you on another day"
REPLY = "Thank you for calling, I have found your account. The balance is two thousand four hundred.".split()


def options(description: str | None) -> argparse.Namespace:
    """`silence`, seconds of it that end a turn; `reply_seconds`; `recordings`, a folder."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--silence", type=float, required=True)
    parser.add_argument("--reply-seconds", type=float, required=True)
    parser.add_argument("--recordings", type=Path, required=True)
    return parser.parse_args()


def listening(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


def wait_for_the_end() -> None:
    """Whoever measures closes our input when it is done, or dead."""
    sys.stdin.read()


def hum(seconds: float) -> bytes:
    """What a voice without a vendor says; 16 bits at `RATE`."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (6000 * np.sin(2 * np.pi * 220 * at)).astype("<i2").tobytes()


def to_linear(ulaw: bytes) -> bytes:
    return _LINEAR[np.frombuffer(ulaw, np.uint8)].tobytes()


def to_ulaw(linear: bytes) -> bytes:
    return _ULAW[np.frombuffer(linear, np.uint16)].tobytes()


def loudness(linear: bytes) -> float:
    """Root mean square."""
    samples = np.frombuffer(linear, np.int16).astype(np.float32)
    return float(np.sqrt(np.mean(samples * samples)))


def _decoded(code: int) -> int:
    """ITU-T G.711, µ-law."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


_LINEAR = np.array([_decoded(code) for code in range(256)], np.int16)


def _nearest() -> NDArray[np.uint8]:
    """The code of each of the 65,536 samples: whose value is nearest."""
    order = np.argsort(_LINEAR, kind="stable")
    values = _LINEAR[order].astype(np.int32)
    samples = np.arange(-32768, 32768)
    upper = np.clip(np.searchsorted(values, samples), 1, 255)
    nearest = np.where(samples - values[upper - 1] <= values[upper] - samples, upper - 1, upper)
    codes = order[nearest].astype(np.uint8)
    return np.roll(codes, 32768)  # as unsigned: from 0 up, then from -32768 up


_ULAW = _nearest()
