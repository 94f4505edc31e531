"""What a callee makes of the agent's words: recognized in a process of its own, then likened to the script's cues."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import msgspec

from voiceera.lab.hearing_worker import LENGTH, Listen, Words, frame, words_of
from voiceera.processes import die_with_parent, end_piped, module
from voiceera.rules.audio import AudioFormat, decode

_TAIL_WORDS = 16
"""A question stands at the end of what is said."""
_LIKE_ENOUGH = 0.45
_LISTEN_SECONDS = 4.0


@dataclass(frozen=True)
class Understood:
    """The words as far as they were made out, and the cue they are most like (None: like none)."""

    words: str
    cue: str | None


class Hearing:
    """One process for all callees of a lab, started when the first one listens."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[str]] = {}

    async def close(self) -> None:
        if self._process is not None and self._reader is not None:
            process, self._process = self._process, None
            await end_piped(process, self._reader)

    async def understand(
        self, audio: bytes, audio_format: AudioFormat, cues: Mapping[str, tuple[str, ...]]
    ) -> Understood:
        words = await self._listen(audio, audio_format, tuple(itertools.chain.from_iterable(cues.values())))
        return Understood(words, likest(words, cues))

    async def _listen(self, audio: bytes, audio_format: AudioFormat, phrases: tuple[str, ...]) -> str:
        """Nothing when it takes longer than a person would wait, or the process is gone."""
        process = await self._running()
        assert process.stdin is not None
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        pcm = decode(audio, audio_format).astype("<i2").tobytes()
        try:
            process.stdin.write(frame(Listen(number, audio_format.sample_rate, phrases, pcm)))
            return await asyncio.wait_for(answer, _LISTEN_SECONDS)
        except (TimeoutError, ConnectionError):
            return ""
        finally:
            del self._waiting[number]

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is not None and self._process.returncode is not None:
                await self.close()
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *module("voiceera.lab.hearing_worker"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    start_new_session=True,  # a Ctrl-C in the terminal is the lab's to handle
                    preexec_fn=die_with_parent(),
                )
                self._reader = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        decode_words = msgspec.msgpack.Decoder(Words).decode
        try:
            while True:
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                answer = decode_words(await process.stdout.readexactly(length))
                waiting = self._waiting.get(answer.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer.words)
        except (asyncio.IncompleteReadError, ConnectionError):
            return


def likest(words: str, cues: Mapping[str, tuple[str, ...]]) -> str | None:
    """The cue with the example most of whose telling words were heard; rare words tell more than common ones."""
    heard = set(words_of(words)[-_TAIL_WORDS:])
    if not heard:
        return None
    examples = [(cue, set(words_of(example))) for cue, ways in cues.items() for example in ways]
    spread = Counter(word for cue in cues for word in {w for c, ws in examples if c == cue for w in ws})

    def weight(found: set[str]) -> float:
        return sum(log(1 + len(cues) / spread[word]) for word in found)

    best, cue = max((weight(heard & wanted) / weight(wanted), cue) for cue, wanted in examples)
    return cue if best >= _LIKE_ENOUGH else None
