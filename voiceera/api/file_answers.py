"""A file as an answer: whole or one range of it, streamed (RFC 9110, sections 13 and 14)."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from voiceera.api import envelope
from voiceera.api.shapes import ErrorAnswer
from voiceera.rules.byte_ranges import ByteRange, Unsatisfiable, asked_range

CHUNK_BYTES = 256 * 1024


def file_responses(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """What `file_answer` may answer, as the API's document says it."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {"content": dict.fromkeys(media_types, binary)}
    return {
        200: content | {"description": "The whole file; its `ETag` is the SHA-256."},
        206: content | {"description": "The one range that was asked for."},
        416: {"model": ErrorAnswer, "description": "The range begins past the end of the file."},
    }


class _Slice(StreamingResponse):
    """Bytes of an open file, which it closes whatever becomes of the client."""

    def __init__(
        self, file: BinaryIO, part: ByteRange, status: int, headers: dict[str, str], media_type: str
    ) -> None:
        self._file = file
        super().__init__(_chunks(file, part), status, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _chunks(file: BinaryIO, part: ByteRange) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, part.start)
    left = part.length
    while left > 0:
        chunk = await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


async def file_answer(
    request: Request, file: BinaryIO, *, name: str, media_type: str, sha256: str | None
) -> Response:
    """The answer to a GET or HEAD of `file`, which it takes over. `sha256` is the entity tag: a file that is
    downloaded in parts is known to be the same one."""
    size = await asyncio.to_thread(file.seek, 0, os.SEEK_END)
    tag = None if sha256 is None else f'"{sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-cache",
    }
    if tag is not None:
        headers["ETag"] = tag
    if tag is not None and _has(request.headers.get("if-none-match"), tag):
        file.close()
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        file.close()
        return Response(headers=headers | {"Content-Length": str(size)}, media_type=media_type)
    try:
        part = asked_range(_range_header(request, tag), size)
    except Unsatisfiable:
        file.close()
        message = f"The file has {size} bytes; the range begins past its end."
        return envelope.answer(416, "RECORDING_003", message, headers={"Content-Range": f"bytes */{size}"})
    if part is None:
        return _Slice(file, ByteRange(0, size), 200, headers | {"Content-Length": str(size)}, media_type)
    headers |= {"Content-Length": str(part.length), "Content-Range": f"bytes {part.start}-{part.end - 1}/{size}"}
    return _Slice(file, part, 206, headers, media_type)


def _range_header(request: Request, tag: str | None) -> str | None:
    """With If-Range: only if the file is still the one that the client has the beginning of."""
    of = request.headers.get("if-range")
    return request.headers.get("range") if of is None or of == tag else None


def _has(header: str | None, tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in (header or "").split(",")]
    return tag in tags or tags == ["*"]
