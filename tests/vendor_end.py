"""A vendor's REST API that gives scripted answers, on a real port."""

import asyncio
import json
from dataclasses import dataclass, field

from voiceera.providers.protocols import Dial

DIAL = Dial(
    reference="r-1",
    to="+12025550123",
    caller_id="+12025550100",
    answer_url="https://v.example/carriers/plivo/o/a/answer",
    ringing_url="https://v.example/carriers/plivo/o/a/ringing",
    hangup_url="https://v.example/carriers/plivo/o/a/hangup",
    ring_seconds=30,
    maximum_seconds=300,
)


def answer(status: int, body: object = None, **headers: str) -> bytes:
    content = json.dumps(body).encode() if body is not None else b""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{named}Connection: close\r\n\r\n".encode()
        + content
    )


@dataclass
class ScriptedVendor:
    """A server that gives the scripted answers in order, None meaning a reset; it keeps what it was asked."""

    answers: list[bytes | None]
    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((line.rpartition(" ")[0], headers, body))
        reply = self.answers.pop(0)
        if reply is None:
            writer.transport.abort()
            return
        writer.write(reply)
