"""Where the sound of calls lies: in a local directory, and once it is encoded in an object store, if there is one."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from voiceera.config import Settings
from voiceera.errors import NotFound, StartupError
from voiceera.providers.protocols import Storage
from voiceera.providers.registry import Kind, load
from voiceera.rules.sound_files import keys_of

LOCAL = "local"
"""The store below the directory. Any other store is named by its URL."""


def no_recording() -> NotFound:
    return NotFound("RECORDING_001", "No such recording.")


class SoundArchive:
    """`directory`: where calls are recorded to. `url`: the store in which they are kept; empty: there, too."""

    def __init__(self, directory: Path, url: str = "", options: Mapping[str, str] | None = None) -> None:
        """Raises StartupError for a store that cannot be."""
        self.directory = directory
        self._url = url.rstrip("/")
        self._options = dict(options or {})
        self._stores: dict[str, Storage] = {}
        if self._url:
            self._remote(self._url)

    @classmethod
    def of(cls, settings: Settings) -> "SoundArchive":
        options = settings.recording_store_options
        try:
            told = json.loads(options.get_secret_value()) if options else {}
        except ValueError:
            raise StartupError("VOICEERA_RECORDING_STORE_OPTIONS is no JSON object.") from None
        if not isinstance(told, dict):
            raise StartupError("VOICEERA_RECORDING_STORE_OPTIONS is no JSON object.")
        named = {str(name): str(value) for name, value in told.items()}
        return cls(settings.recordings_dir, settings.recording_store, named)

    def path(self, key: str) -> Path:
        """Where a local recording lies. Raises NotFound for a key that leads out of the directory."""
        root = self.directory.resolve()
        path = (root / key).resolve()
        if root not in path.parents:
            raise no_recording()
        return path

    async def open(self, store: str, key: str) -> BinaryIO:
        """For reading and seeking, in a thread. It can be read to its end whoever deletes it meanwhile, if it is
        local. Raises NotFound, and ProviderError."""
        try:
            if store == LOCAL:
                return await asyncio.to_thread(self.path(key).open, "rb")
            return await self._remote(store).open(key)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise no_recording() from None

    @asynccontextmanager
    async def local(self, store: str, key: str) -> AsyncIterator[Path]:
        """A file of it for libraries that want one; of what lies elsewhere a copy that goes with the context."""
        if store == LOCAL:
            yield self.path(key)
            return
        with tempfile.TemporaryDirectory(prefix="voiceera-sound-") as folder:
            path = Path(folder) / key.rpartition("/")[2]
            with await self.open(store, key) as there, path.open("wb") as here:
                await asyncio.to_thread(shutil.copyfileobj, there, here)
            yield path

    async def keep(self, key: str) -> str:
        """Bring a local file to where recordings are kept; the store's name. The file stays. Raises ProviderError."""
        if not self._url:
            return LOCAL
        await self._remote(self._url).put(key, self.path(key))
        return self._url

    async def remove(self, store: str, key: str) -> None:
        """Every file of the call's sound, wherever: as it was recorded, and encoded. Raises NotFound for a key that
        leads away, and ProviderError."""
        keys = [key, *keys_of(key)]
        paths = [self.path(each) for each in keys]
        for kept_in in {store, self._url} - {LOCAL, ""}:
            for each in keys:
                await self._remote(kept_in).delete(each)
        await self._unlink(paths)

    async def remove_spare(self, store: str, key: str) -> None:
        """Only what the kept one has made superfluous."""
        keys = [each for each in keys_of(key) if store != LOCAL or each != key]
        await self._unlink([self.path(each) for each in keys])

    async def _unlink(self, paths: list[Path]) -> None:
        for path in paths:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _remote(self, url: str) -> Storage:
        if url not in self._stores:
            self._stores[url] = load(Kind.STORAGE, "objects")(url, self._options)
        return self._stores[url]
