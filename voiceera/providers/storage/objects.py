"""An object store (S3 and what speaks like it, Google Cloud Storage, Azure), by obstore."""

import asyncio
import io
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import obstore
from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from voiceera.errors import ProviderError, StartupError

if TYPE_CHECKING:
    from obstore import ReadableFile

_CLIENT = {"timeout": "60s", "connect_timeout": "5s"}
_RETRIES = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
_PERMANENT = (PermissionDeniedError, UnauthenticatedError, InvalidPathError)
_READ_AHEAD_BYTES = 512 * 1024


class ObjectStorage:
    """One bucket, below a prefix. What it raises names neither keys nor credentials."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        """`url`: "s3://bucket/prefix", "gs://…", "az://…"; `options`: as obstore names them (region, endpoint,
        access_key_id …). Raises StartupError for what no store can be made of."""
        client = _CLIENT | ({"allow_http": True} if options.get("endpoint", "").startswith("http://") else {})
        try:
            made = from_url(
                url,
                config=cast(Any, dict(options)),
                client_options=cast(Any, client),
                retry_config=cast(Any, _RETRIES),
            )
        except (BaseError, ValueError) as problem:
            said = str(problem).partition("\n")[0].rstrip()
            raise StartupError(
                f"VOICEERA_RECORDING_STORE and its options name no store of recordings: {said}"
            ) from None
        self._store = made

    async def put(self, key: str, path: Path) -> None:
        """Store a file, and see that all of it arrived. Raises ProviderError."""
        try:
            await obstore.put_async(self._store, key, path)
            found = await obstore.head_async(self._store, key)
            size = (await asyncio.to_thread(path.stat)).st_size
        except (BaseError, OSError) as problem:
            raise _failed(problem) from None
        if found["size"] != size:
            raise ProviderError("storage", "The store kept another file than it was given.")

    async def open(self, key: str) -> BinaryIO:
        """For reading and seeking. Raises FileNotFoundError, and ProviderError."""
        try:
            found = await asyncio.to_thread(obstore.open_reader, self._store, key, buffer_size=_READ_AHEAD_BYTES)
            return cast(BinaryIO, _Reader(found))
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as problem:
            raise _failed(problem) from None

    async def delete(self, key: str) -> None:
        """Also of a file that is not there. Raises ProviderError."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as problem:
            raise _failed(problem) from None


class _Reader(io.RawIOBase):
    """An object as a file. Blocking: for a thread that may wait for the network."""

    def __init__(self, found: "ReadableFile") -> None:
        self._found = found

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._found.seek(offset, whence)

    def tell(self) -> int:
        return self._found.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            piece = memoryview(self._found.read(len(buffer)))
        except BaseError as problem:
            raise OSError(type(problem).__name__) from None
        buffer[: len(piece)] = piece
        return len(piece)


def _failed(problem: Exception) -> ProviderError:
    message = f"The store of recordings does not answer as it should: {type(problem).__name__}."
    return ProviderError("storage", message, permanent=isinstance(problem, _PERMANENT))
