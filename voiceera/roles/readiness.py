"""What a parent and its child tell each other over pipes, a line each.

The child loads its code and is then told its settings; the parent is told the child's port, or why it cannot start.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from voiceera.config import Settings
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


def tell_settings(descriptor: int, settings: Settings) -> None:
    """The parent's end; a child that is gone hears nothing. Closes `descriptor`."""
    with suppress(BrokenPipeError), os.fdopen(descriptor, "w") as pipe:
        json.dump(settings.plain(), pipe)


def hear_settings(descriptor: int) -> Settings:
    """The child's end: wait for them. Ends this process when the parent will not tell any more."""
    with os.fdopen(descriptor) as pipe:
        told = pipe.read()
    if not told:
        raise SystemExit(1)
    return Settings(**json.loads(told))
