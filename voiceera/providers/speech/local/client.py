"""The client's side of a recognizer that runs on this machine, in worker processes."""

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import AsyncIterator
from typing import ClassVar, Self

from voiceera.errors import ProviderError, UnknownLanguage
from voiceera.log import get_logger
from voiceera.processes import end_piped
from voiceera.processes import module as command
from voiceera.providers.protocols import Heard, Recognition
from voiceera.providers.speech.local.wire import (
    LENGTH,
    Answer,
    Audio,
    Begin,
    Drop,
    End,
    Load,
    Request,
    decode_answer,
    pack,
)
from voiceera.rules.languages import short


class LocalSpeechToText:
    """A vendor's class says its `vendor` and the `module` that its worker processes run."""

    vendor: ClassVar[str]
    module: ClassVar[str]
    LANGUAGES: ClassVar[tuple[str, ...] | None] = None

    def __init__(self, processes: int = 1) -> None:
        self._workers: list[_Worker | None] = [None] * processes
        self._starting = asyncio.Lock()
        self._next = itertools.cycle(range(processes))

    async def open(self, recognition: Recognition) -> "LocalStream":
        if self.LANGUAGES is not None and short(recognition.language) not in self.LANGUAGES:
            raise UnknownLanguage(
                self.vendor,
                f"The embedded recognizer knows English only, not {recognition.language!r}; "
                "use a keypad flow or another speech-to-text provider.",
            )
        worker = await self._worker()
        key = hashlib.sha256("\n".join(recognition.phrases).encode()).hexdigest()
        worker.send(Load(key, recognition.phrases))
        return LocalStream(worker, key, recognition)

    def arguments(self) -> tuple[str, ...]:
        """What its worker processes are told on the command line. Raises ProviderError."""
        return ()

    async def close(self) -> None:
        running = [worker for worker in self._workers if worker is not None]
        self._workers = [None] * len(self._workers)
        async with contextlib.AsyncExitStack() as each:  # all of them, though we be cancelled at the first
            for worker in running:
                each.push_async_callback(worker.close)

    async def _worker(self) -> "_Worker":
        async with self._starting:
            place = next(self._next)
            worker = self._workers[place]
            if worker is not None and not worker.is_alive:
                get_logger("recognizer").warning("recognizer_restarted")
                await worker.close()
                worker = None
            if worker is None:
                worker = self._workers[place] = await _Worker.start(self.vendor, self.module, self.arguments())
            return worker


class LocalStream:
    """One caller's ear. See RecognitionStream."""

    def __init__(self, worker: "_Worker", key: str, recognition: Recognition) -> None:
        self._worker = worker
        self._key = key
        self._format, self._language = recognition.audio_format, recognition.language
        self._number = 0
        self._partials: asyncio.Queue[Heard] = asyncio.Queue(100)
        self._final: asyncio.Future[Heard] | None = None

    @property
    def worker_process_id(self) -> int:
        return self._worker.process_id

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        self.abandon_utterance()
        self._final = asyncio.get_running_loop().create_future()
        self._number = self._worker.listen(self._final, self._partials)
        line = self._format
        self._worker.send(Begin(self._number, self._key, line.encoding, line.sample_rate, expected, self._language))

    def push(self, audio: bytes) -> None:
        if self._final is not None:
            self._worker.send(Audio(self._number, audio))

    async def end_utterance(self) -> Heard:
        if self._final is None:
            return Heard("", final=True)
        final, self._final = self._final, None
        self._worker.send(End(self._number))
        return await final

    def abandon_utterance(self) -> None:
        if self._final is not None:
            self._final = None
            self._worker.forget(self._number)
            self._worker.send(Drop(self._number))

    async def partials(self) -> AsyncIterator[Heard]:
        """None come from a recognizer that hears an utterance whole."""
        while True:
            yield await self._partials.get()

    async def close(self) -> None:
        self.abandon_utterance()


class _Worker:
    """One worker process, until it dies or is closed."""

    def __init__(self, vendor: str, process: asyncio.subprocess.Process) -> None:
        self._vendor = vendor
        self._process = process
        self._problem = ""
        """Why it never came to work, in its own words."""
        self._listeners: dict[int, tuple[asyncio.Future[Heard], asyncio.Queue[Heard]]] = {}
        self._numbers = itertools.count(1)
        self._ready = asyncio.Event()
        self.is_alive = True
        self._reader = asyncio.create_task(self._read())

    @property
    def process_id(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls, vendor: str, module: str, arguments: tuple[str, ...]) -> Self:
        process = await asyncio.create_subprocess_exec(
            *command(module),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is the parent's to handle
        )
        worker = cls(vendor, process)
        try:
            await worker._ready.wait()
            if not worker.is_alive:
                raise worker._died()
        except BaseException:  # cancelled, too: no process is left behind
            await worker.close()
            raise
        return worker

    def listen(self, final: asyncio.Future[Heard], partials: asyncio.Queue[Heard]) -> int:
        """A number for a new utterance, whose answers go to these two."""
        number = next(self._numbers)
        self._listeners[number] = final, partials
        if not self.is_alive:
            self._fail(final)
        return number

    def forget(self, number: int) -> None:
        self._listeners.pop(number, None)

    def send(self, request: Request) -> None:
        if self.is_alive and self._process.stdin is not None:
            self._process.stdin.write(pack(request))

    async def close(self) -> None:
        await end_piped(self._process, self._reader)

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
                self._take(decode_answer(await stdout.readexactly(length)))
        self.is_alive = False
        self._ready.set()
        for final, _ in self._listeners.values():
            self._fail(final)
        self._listeners.clear()

    def _take(self, answer: Answer) -> None:
        if answer.number == 0:
            if answer.rejected:
                self._problem = answer.text  # and its output ends with that
            else:
                self._ready.set()
            return
        if (listener := self._listeners.get(answer.number)) is None:
            return
        final, partials = listener
        if not answer.final:
            if not partials.full():
                partials.put_nowait(Heard(answer.text, final=False))
            return
        del self._listeners[answer.number]
        if not final.done():
            final.set_result(Heard(answer.text, True, answer.confidence, answer.rejected))

    def _fail(self, final: asyncio.Future[Heard]) -> None:
        if not final.done():
            final.set_exception(self._died())
            final.exception()  # whoever waits still gets it; nobody waiting is no fault

    def _died(self) -> ProviderError:
        message = self._problem or "the recognizer's process ended unexpectedly"
        return ProviderError(self._vendor, message, permanent=bool(self._problem))
