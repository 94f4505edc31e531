"""One effect for one key: a request sent again is answered as the first was, and does nothing.

Where the effect has one transaction, the answer is written in it, and a lock that ends with it says that the request
is in flight. An operation of several transactions leaves a claim first. A claim that its process did not live to
settle is given up after a while, so such operations must be harmless to repeat.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from voiceera.errors import Conflict
from voiceera.store import idempotency
from voiceera.store.base import Connection, Database
from voiceera.store.vault import Vault

KEPT_FOR = timedelta(hours=24)
CLAIMED_FOR = timedelta(minutes=10)


class InFlight(Exception):
    """The first request with this key has not been answered yet."""


@dataclass(frozen=True)
class Answered:
    """What the first request was answered."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Key:
    """`key_hash` covers caller, method, path and the key as it was sent; `body_hash` what else was sent."""

    organization_id: UUID
    key_hash: bytes
    body_hash: bytes
    vault: Vault

    async def begin(self, connection: Connection, now: datetime) -> Answered | None:
        """None: this request is the first, and holds the key until the transaction ends. Raises InFlight, and
        Conflict for a key that came with another body."""
        if not await idempotency.lock(connection, self.organization_id, self.key_hash):
            raise InFlight
        kept = await idempotency.find(connection, self.organization_id, self.key_hash)
        if kept is None or kept.created_at <= now - (KEPT_FOR if kept.status is not None else CLAIMED_FOR):
            return None
        if kept.body_hash != self.body_hash:
            raise Conflict("IDEMPOTENCY_001", "This Idempotency-Key was used with another request body.")
        if kept.status is None:
            raise InFlight
        return Answered(kept.status, self.vault.open(kept.answer or b"", *self._identity))

    async def claim(self, connection: Connection, now: datetime) -> Answered | None:
        """`begin`, for an effect with transactions of its own: settled by `keep`, or by `release`."""
        answered = await self.begin(connection, now)
        if answered is None:
            await self._write(connection, None, None, now)
        return answered

    async def keep(self, connection: Connection, status: int, body: bytes, now: datetime) -> None:
        await self._write(connection, status, self.vault.seal(body, *self._identity), now)

    async def release(self, connection: Connection) -> None:
        await idempotency.release(connection, self.organization_id, self.key_hash)

    @property
    def _identity(self) -> tuple[object, ...]:
        return ("idempotency_keys", self.organization_id, self.key_hash.hex())

    async def _write(self, connection: Connection, status: int | None, answer: bytes | None, now: datetime) -> None:
        await idempotency.keep(
            connection,
            self.organization_id,
            self.key_hash,
            body_hash=self.body_hash,
            status=status,
            answer=answer,
            now=now,
        )


async def forget(database: Database, now: datetime) -> None:
    """Delete every answer that is no longer kept."""
    gone = 1
    while gone:
        async with database.platform() as connection:
            gone = await idempotency.forget_before(connection, now - KEPT_FOR)
