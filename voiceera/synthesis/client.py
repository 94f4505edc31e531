"""Text to PCM by a library in a process of its own, espeak-ng if none is named. Text crosses a pipe: never argv,
never a log."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from voiceera.errors import ProviderError
from voiceera.log import get_logger
from voiceera.processes import end_piped, module
from voiceera.synthesis.voices import ENGLISH
from voiceera.synthesis.wire import ANSWER_HEADER, READY, Kind, Request, pack_request

VENDOR = "espeak"
ESPEAK = tuple(module("voiceera.synthesis.speaker"))
_Pieces = asyncio.Queue[bytes | ProviderError | None]
"""What a request waits for: audio, then None (the end) or why there is no more."""


class _Process:
    """One run of the speaker: requests in, answers handed to whoever asked, until it dies or is closed."""

    def __init__(self, vendor: str, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._vendor = vendor
        self.waiting: dict[int, _Pieces] = {}
        self.alive = True
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, vendor: str, command: tuple[str, ...]) -> Self:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is the parent's to handle
        )
        started = cls(vendor, process)
        try:
            async with contextlib.aclosing(started.answers(READY)) as ready:
                async for _ in ready:
                    pass
        except BaseException:  # cancelled, too: no process is left behind
            await started.close()
            raise
        return started

    async def ask(self, request: Request) -> AsyncGenerator[bytes, None]:
        assert self.process.stdin is not None
        with contextlib.suppress(ConnectionError):  # the reader notices, and tells
            self.process.stdin.write(pack_request(request))
        async with contextlib.aclosing(self.answers(request.number)) as pieces:
            async for piece in pieces:
                yield piece

    async def answers(self, number: int) -> AsyncGenerator[bytes, None]:
        """The audio that comes back under this number, to its end. Raises ProviderError."""
        pieces: _Pieces = asyncio.Queue()
        self.waiting[number] = pieces
        try:
            if not self.alive:
                raise self._died()
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, ProviderError):
                    raise piece
                yield piece
        finally:
            self.waiting.pop(number, None)

    async def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                number, kind, length = ANSWER_HEADER.unpack(await stdout.readexactly(ANSWER_HEADER.size))
                payload = await stdout.readexactly(length)
                if (pieces := self.waiting.get(number)) is not None:  # else: the asker has gone
                    pieces.put_nowait(self._meaning(kind, payload))
        self.alive = False
        for pieces in self.waiting.values():
            pieces.put_nowait(self._died())

    async def close(self) -> None:
        await end_piped(self.process, self._reader)

    def _meaning(self, kind: int, payload: bytes) -> bytes | ProviderError | None:
        match kind:
            case Kind.AUDIO:
                return payload
            case Kind.END:
                return None
            case _:
                return ProviderError(self._vendor, payload.decode(), permanent=True)

    def _died(self) -> ProviderError:
        return ProviderError(self._vendor, "the synthesis process ended unexpectedly")


class Synthesizer:
    """`async with Synthesizer() as synthesizer: async for pcm in synthesizer.speak("hello"): …`

    Any number of `speak` may run at a time; the process makes them one after the other, hundreds of times faster than
    they play. A process that dies is started again; a request whose process dies before its first audio is asked once
    more.
    """

    def __init__(self, vendor: str = VENDOR, command: tuple[str, ...] = ESPEAK) -> None:
        self._vendor = vendor
        self._command = command
        self._process: _Process | None = None
        self._starting = asyncio.Lock()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._running()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.process.pid

    async def speak(
        self,
        text: str,
        voice: str = ENGLISH,
        words_per_minute: int = 160,
        pitch: int = 50,
        sample_rate: int = 16000,
    ) -> AsyncGenerator[bytes, None]:
        """16-bit mono PCM at `sample_rate`, in pieces, the first after a few milliseconds.

        Raises ProviderError: permanent for a voice that there is not.
        """
        for may_try_again in (True, False):
            process = await self._running()
            request = Request(next(self._numbers), text, voice, words_per_minute, pitch, sample_rate)
            heard = False
            try:
                async with contextlib.aclosing(process.ask(request)) as pieces:
                    async for pcm in pieces:
                        heard = True
                        yield pcm
                return
            except ProviderError as error:
                if error.permanent or heard or not may_try_again:
                    raise

    async def close(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            await process.close()

    async def _running(self) -> _Process:
        async with self._starting:
            if self._process is not None and not self._process.alive:
                get_logger("synthesis").warning("synthesis_restarted")
                await self._process.close()
                self._process = None
            if self._process is None:
                self._process = await _Process.start(self._vendor, self._command)
            return self._process
