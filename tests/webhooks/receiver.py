"""A receiver of webhooks on loopback: answers as it is told, and remembers what it saw."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.far_end import far_end


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The body, if an independent library finds the signature right; raises otherwise."""
        return Webhook(secret).verify(self.body, self.headers)


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """`answers` are given one by one, then `otherwise`. One that is a function writes for itself."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    otherwise: Answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthank you"
    received: list[Received] = field(default_factory=list)
    under_way: int = 0
    most_at_once: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def allow(self) -> str:
        return f"127.0.0.1/32:{self.port}"

    @property
    def types(self) -> list[str]:
        return [each.body.split(b'"')[3].decode() for each in self.received]

    async def until(self, count: int) -> None:
        async with self._changed, asyncio.timeout(20):
            await self._changed.wait_for(lambda: len(self.received) >= count)

    async def changed(self) -> None:
        """The next request has come."""
        async with self._changed:
            await self._changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            try:
                async with self._changed:
                    self.received.append(Received(headers, body))
                    self._changed.notify_all()
                given = self.answers.pop(0) if self.answers else self.otherwise
                if isinstance(given, bytes):
                    writer.write(given)
                else:
                    await given(reader, writer)
                await writer.drain()
            finally:
                self.under_way -= 1


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with far_end(receiver.serve) as receiver.port:
        yield receiver


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Until the sender has had enough."""
    await reader.read()
    raise ConnectionError
