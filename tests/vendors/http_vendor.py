"""A vendor's HTTP server on loopback: keeps what it was asked, answers as a test says, byte by byte if it likes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.far_end import far_end


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class HttpVendor:
    """Answers each request with the next of `answers`, the last one again and again."""

    answers: list[Answer]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, path, _ = line.split(" ")
            asked = Asked(method, path, headers, body)
            self.asked.append(asked)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await answer(asked, writer)
            await writer.drain()


@asynccontextmanager
async def http_vendor(*answers: Answer) -> AsyncIterator[HttpVendor]:
    vendor = HttpVendor(list(answers))
    async with far_end(vendor.serve) as vendor.port:
        yield vendor


def whole(status: int, body: bytes | object = b"", content_type: str = "application/json") -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)

    return answer


def streamed(*pieces: bytes | float, content_type: str = "text/event-stream", ends: bool = True) -> Answer:
    """Chunked; a number is a pause in seconds. `ends` False: the connection breaks after the last piece."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for piece in pieces:
            if isinstance(piece, float):
                await writer.drain()
                await asyncio.sleep(piece)
            else:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if not ends:
            await writer.drain()
            writer.transport.abort()
            return
        writer.write(b"0\r\n\r\n")

    return answer


async def never(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.Event().wait()
