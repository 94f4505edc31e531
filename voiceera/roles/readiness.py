"""The one line that a child process writes to its parent over a pipe: its port, or why it cannot start."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from voiceera.errors import VoiceEraError


@dataclass(frozen=True)
class Readiness:
    """`port`: where it listens, if it does. `problem`: why it does not run."""

    port: int | None = None
    problem: str | None = None


@contextmanager
def told(descriptor: int | None) -> Iterator[Callable[[Readiness], None]]:
    """The child's end: a function that writes the line, once. An error before that is told, not raised."""
    if descriptor is None:
        yield lambda _readiness: None
        return
    pipe = os.fdopen(descriptor, "w")

    def tell(readiness: Readiness) -> None:
        if not pipe.closed:
            pipe.write(json.dumps(asdict(readiness)) + "\n")
            pipe.close()

    try:
        yield tell
    except VoiceEraError as problem:
        if pipe.closed:
            raise
        tell(Readiness(problem=problem.message))
        raise SystemExit(1) from None
    finally:
        pipe.close()


async def hear_child(descriptor: int) -> Readiness:
    """The parent's end: wait for the line. A child that ended without one did not say why. Closes `descriptor`."""
    reader = asyncio.StreamReader()
    transport, _protocol = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    try:
        line = await reader.readline()
    finally:
        transport.close()
    return Readiness(**json.loads(line)) if line else Readiness(problem="it ended before it was ready")
