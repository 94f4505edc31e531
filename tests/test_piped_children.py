"""Children at the end of a pipe are gone when whoever holds them says so, on every path: also when cancelled."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import psutil
import pytest

from voiceera.lab.hearing import Hearing
from voiceera.providers.protocols import Recognition
from voiceera.providers.speech.moonshine import MoonshineSpeechToText
from voiceera.rules.audio import L16_16K, encode
from voiceera.synthesis.client import Synthesizer

SILENCE = encode(np.zeros(1600, np.int16), L16_16K)


class Recognizing:
    def __init__(self) -> None:
        self.held = MoonshineSpeechToText()

    async def start(self) -> None:
        await self.held.open(Recognition(L16_16K, "en-US", ("yes please",)))


class Speaking:
    def __init__(self) -> None:
        self.held = Synthesizer()

    async def start(self) -> None:
        await self.held.__aenter__()


class Listening:
    def __init__(self) -> None:
        self.held = Hearing()

    async def start(self) -> None:
        await self.held.understand(SILENCE, L16_16K, {"hello": ("hello there",)})


Holder = Recognizing | Speaking | Listening
HOLDERS: list[Callable[[], Holder]] = [Recognizing, Speaking, Listening]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


async def cancelled(work: Awaitable[None], turns: int) -> None:
    """`work`, cancelled after so many turns of the loop."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("turns", [1, 2, 5, 20])
async def test_a_cancelled_start_leaves_no_process(holder: Callable[[], Holder], turns: int) -> None:
    before, holds = children(), holder()
    await cancelled(holds.start(), turns)
    await holds.held.close()
    assert children() == before


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("turns", [1, 2, 5])
async def test_a_cancelled_close_leaves_no_process(holder: Callable[[], Holder], turns: int) -> None:
    before, holds = children(), holder()
    await holds.start()
    assert children() > before
    await cancelled(holds.held.close(), turns)
    assert children() == before
