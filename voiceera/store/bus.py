"""The bus: small messages between processes, by PostgreSQL's NOTIFY. Losing it loses no call."""

from collections.abc import AsyncIterator
from typing import Any, Protocol


class Bus(Protocol):
    """Messages are JSON objects of at most 7 kB, delivered at most once, to whoever subscribes at the time."""

    async def publish(self, channel: str, message: dict[str, Any]) -> None: ...

    def subscribe(self, channel: str) -> AsyncIterator[dict[str, Any]]:
        """Messages from now on. Survives a lost connection (messages meanwhile are lost)."""

    async def close(self) -> None: ...
