"""Idempotency-Key: a POST that is sent again with the same key and body is answered as the first was, for a day."""

import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from fastapi import FastAPI, Request, Response
from starlette.datastructures import UploadFile

from voiceera.errors import FieldProblem, Invalid, StillInFlight
from voiceera.services.idempotency import Answered, Key
from voiceera.store.base import Connection, Database
from voiceera.store.vault import Vault

HEADER = "Idempotency-Key"
WAIT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
_CHUNK_BYTES = 1024 * 1024
_ACCEPTED = re.compile(r"[\x21-\x7e]{1,255}")


class Replay(Exception):
    """This request was answered before; nothing is done."""

    def __init__(self, answered: Answered) -> None:
        super().__init__()
        self.answered = answered


@dataclass(frozen=True)
class Asked:
    """The key that a request carries, and a hash of what else it carries."""

    key: str
    method: str
    path: str
    body_hash: bytes

    def of(self, organization_id: UUID, caller_id: UUID, vault: Vault) -> Key:
        scope = "\x1f".join((str(caller_id), self.method, self.path, self.key))
        return Key(organization_id, sha256(scope.encode()).digest(), self.body_hash, vault)


@dataclass(frozen=True)
class Keeping:
    """Where the answer of a request under way is to be kept; `connection`: in this transaction."""

    key: Key
    now: datetime
    database: Database
    connection: Connection | None = None

    def scope(self) -> AbstractAsyncContextManager[Connection]:
        return self.database.organization(self.key.organization_id)

    async def settle(self, response: Response | None) -> None:
        """Keep a 2xx. Anything else was no effect: the next request is the first."""
        if response is not None and response.status_code < 300:
            if self.connection is not None:
                await self.key.keep(self.connection, response.status_code, bytes(response.body), self.now)
                return
            async with self.scope() as connection:
                await self.key.keep(connection, response.status_code, bytes(response.body), self.now)
        elif self.connection is None:
            async with self.scope() as connection:
                await self.key.release(connection)


async def asked(request: Request) -> Asked | None:
    """None for a request without the header. Raises Invalid for a key that is none."""
    key = request.headers.get(HEADER)
    if request.method != "POST" or key is None:
        return None
    if not _ACCEPTED.fullmatch(key):
        problem = FieldProblem(HEADER, "must be 1 to 255 printable ASCII characters without spaces")
        raise Invalid("The header does not fit.", problem)
    return Asked(key, request.method, request.url.path, await _hash(request))


async def begin(keeping: Keeping, request: Request) -> None:
    """Take the key for this request. Raises Replay, InFlight and Conflict."""
    if keeping.connection is not None:
        answered = await keeping.key.begin(keeping.connection, keeping.now)
    else:
        async with keeping.scope() as connection:
            answered = await keeping.key.claim(connection, keeping.now)
    if answered is not None:
        raise Replay(answered)
    request.state.keeping = keeping


async def settle(request: Request, response: Response | None) -> None:
    """The request is answered (None: it failed)."""
    keeping: Keeping | None = getattr(request.state, "keeping", None)
    if keeping is not None:
        await keeping.settle(response)


def tries() -> Iterator[float]:
    """Pauses, in seconds, between looks at a key that is in flight. Raises StillInFlight when there are no more."""
    waited, pause = 0.0, _FIRST_PAUSE
    while waited < WAIT_SECONDS:
        yield pause
        waited += pause
        pause = min(_LONGEST_PAUSE, pause * 2)
    raise StillInFlight("The first request with this Idempotency-Key is still under way.", 1)


def install(app: FastAPI) -> None:
    app.add_exception_handler(Replay, _replayed)


async def _replayed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Replay)
    media_type = "application/json" if error.answered.body else None
    headers = {"Idempotency-Replayed": "true"}
    return Response(error.answered.body, error.answered.status, headers, media_type=media_type)


async def _hash(request: Request) -> bytes:
    digest = sha256(request.url.query.encode() + b"\n")
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        # The boundary differs from one sending of the same form to the next: the parts count.
        for name, value in (await request.form()).multi_items():
            digest.update(f"\n{name}\n".encode())
            if isinstance(value, UploadFile):
                digest.update(f"{value.filename}\n".encode())
                while chunk := await value.read(_CHUNK_BYTES):
                    digest.update(chunk)
                await value.seek(0)
            else:
                digest.update(value.encode())
    else:
        digest.update(await request.body())
    return digest.digest()
