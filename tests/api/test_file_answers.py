from pathlib import Path
from typing import Any, BinaryIO

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from voiceera.api.file_answers import CHUNK_BYTES, file_answer

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}


@pytest.fixture
def file(tmp_path: Path) -> BinaryIO:
    """Long enough for several chunks, of a length that no chunk divides."""
    path = tmp_path / "long.wav"
    path.write_bytes(bytes(range(256)) * 10_000 + b"end")
    return path.open("rb")


async def silence() -> Message:
    raise AssertionError("nobody asks what the client says")


async def test_a_long_file_is_read_and_sent_in_pieces(file: BinaryIO) -> None:
    pieces: list[bytes] = []

    async def send(message: Message) -> None:
        pieces.append(message.get("body", b""))

    answer = await file_answer(Request(SCOPE), file, name="a.wav", media_type="audio/wav", sha256=None)
    await answer(SCOPE, silence, send)
    assert b"".join(pieces) == bytes(range(256)) * 10_000 + b"end"
    assert max(map(len, pieces)) == CHUNK_BYTES < 10 * 256 * 1024
    assert file.closed


async def test_a_client_that_goes_away_leaves_no_file_open(file: BinaryIO) -> None:
    async def send(message: Message) -> None:
        if message.get("body"):
            raise OSError("gone")

    answer = await file_answer(Request(SCOPE), file, name="a.wav", media_type="audio/wav", sha256=None)
    with pytest.raises(ClientDisconnect):
        await answer(SCOPE, silence, send)
    assert file.closed
