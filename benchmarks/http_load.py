"""A process that sends GET requests over kept connections to 127.0.0.1 and times the answers.

Reads one JSON object from standard input and writes one: {"milliseconds": [one a request], "statuses", "seconds"}.
`rate` a second: an open loop, in which a request is due at its time whether or not others are still answered, and its
time runs from when it was due. `rate` 0: a closed loop of `connections`, each asking again once it is answered.
"""

import asyncio
import json
import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import uvloop

MOST_CONNECTIONS = 400


@dataclass
class Load:
    port: int
    token: str
    paths: list[str]
    requests: int
    rate: float
    connections: int = 4
    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    _idle: deque["_Wire"] = field(default_factory=deque)
    _open: int = 0

    async def run(self) -> dict[str, Any]:
        self.milliseconds = [0.0] * self.requests
        began = perf_counter()
        await (self._open_loop(began) if self.rate else self._closed_loop())
        seconds = perf_counter() - began
        for wire in self._idle:
            wire.writer.close()
        return {"milliseconds": self.milliseconds, "statuses": self.statuses, "seconds": seconds}

    async def _open_loop(self, began: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for index, path in enumerate(islice(cycle(self.paths), self.requests)):
                due = began + index / self.rate
                if (wait := due - perf_counter()) > 0:
                    await asyncio.sleep(wait)
                tasks.create_task(self._ask(index, path, due))

    async def _closed_loop(self) -> None:
        work = iter(enumerate(islice(cycle(self.paths), self.requests)))

        async def one() -> None:
            for index, path in work:
                await self._ask(index, path, perf_counter())

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.connections):
                tasks.create_task(one())

    async def _ask(self, index: int, path: str, due: float) -> None:
        wire = self._idle.popleft() if self._idle else await self._wire()
        status = await wire.get(path, self.token)
        self.milliseconds[index] = 1000 * (perf_counter() - due)
        self.statuses[status] += 1
        self._idle.append(wire)

    async def _wire(self) -> "_Wire":
        self._open += 1
        if self._open > MOST_CONNECTIONS:
            raise RuntimeError(f"more than {MOST_CONNECTIONS} requests are unanswered: the server cannot keep up")
        return _Wire(*await asyncio.open_connection("127.0.0.1", self.port))


@dataclass
class _Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, path: str, token: str) -> str:
        """The status; the body is read to its end."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await self.reader.readexactly(length)
        return head.split(b" ", 2)[1].decode()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(Load(**json.load(sys.stdin)).run())))
