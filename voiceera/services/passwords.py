"""Password hashing: argon2id, off the event loop, a few at a time, and as much work for a stranger as for a user."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from voiceera.config import Settings

T = TypeVar("T")


class Passwords:
    """`hash` and `verify` take about 0.2 s and `argon2_memory_kib` each, in threads of their own."""

    def __init__(self, settings: Settings) -> None:
        hasher = Argon2Hasher(memory_cost=settings.argon2_memory_kib, time_cost=settings.argon2_passes)
        self._hasher = PasswordHash((hasher,))
        self._threads = ThreadPoolExecutor(settings.password_hashes_at_once, thread_name_prefix="argon2")
        self._nobody: str | None = None
        self.hashed = 0
        """How many hashes were worked, for the test that every path works the same."""

    async def hash(self, password: str) -> str:
        return await self._off_loop(partial(self._hash, password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; without a stored one it is not, after the same work."""
        return await self._off_loop(partial(self._verify, password, stored))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        self.hashed += 1
        return self._hasher.hash(password)

    def _verify(self, password: str, stored: str | None) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody's password")
        self.hashed += 1
        try:
            return self._hasher.verify(password, stored or self._nobody) and stored is not None
        except UnknownHashError:
            return False

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
