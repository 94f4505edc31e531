"""The two wrong designs of a dialer, which a chaos run must catch: negative controls of the harness.

    python -m benchmarks.chaos_wrong naive|requeue   (its world comes in the environment, see `World`)

Both claim a contact, send the dial, and mark it; neither writes down before the dial that it is about to happen.
`naive` never looks back: what it was doing when it died, or when the carrier's answer was lost, stays as it was or is
given up. `requeue` puts such contacts back, and so rings people again who have been rung already.
"""

import asyncio
import os
import sys
from uuid import UUID

import httpx
import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError

from voiceera.store.base import Database

VARIABLE = "CHAOS_WORLD"
_AT_ONCE = 8
_TIMEOUT_SECONDS = 2.0
_REST_SECONDS = 0.2


class World(msgspec.Struct, frozen=True):
    database_url: str
    organization_id: str
    campaign_id: str
    lab_url: str
    auth_id: str
    auth_token: str
    caller_id: str
    per_second: float


_CLAIM = """
    UPDATE contacts SET state = 'in_progress'
    WHERE organization_id = :organization AND id = (
        SELECT id FROM contacts
        WHERE organization_id = :organization AND campaign_id = :campaign AND state = 'pending'
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, phone_number
"""
_MARK = "UPDATE contacts SET state = :state WHERE organization_id = :organization AND id = :id"
_PUT_BACK = """
    UPDATE contacts SET state = 'pending'
    WHERE organization_id = :organization AND campaign_id = :campaign AND state = 'in_progress'
"""


class WrongDialer:
    def __init__(self, world: World, *, requeues: bool) -> None:
        self._world = world
        self._requeues = requeues
        self._database = Database(world.database_url)
        self._keys = {"organization": UUID(world.organization_id), "campaign": UUID(world.campaign_id)}

    async def run(self) -> None:
        if self._requeues:
            await self._execute(_PUT_BACK, **self._keys)
        async with httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS, auth=(self._world.auth_id, self._world.auth_token), trust_env=False
        ) as carrier:
            await asyncio.gather(*(self._dial_one_after_the_other(carrier) for _ in range(_AT_ONCE)))

    async def _dial_one_after_the_other(self, carrier: httpx.AsyncClient) -> None:
        while True:
            claimed = await self._execute(_CLAIM, **self._keys)
            if claimed:
                await self._dial(carrier, *claimed[0])
            await asyncio.sleep(_AT_ONCE / self._world.per_second if claimed else _REST_SECONDS)

    async def _dial(self, carrier: httpx.AsyncClient, contact_id: UUID, number: str) -> None:
        state = "reached"
        try:
            response = await carrier.post(
                f"{self._world.lab_url}/Account/{self._world.auth_id}/Call/",
                json={
                    "from": self._world.caller_id.lstrip("+"),
                    "to": number.lstrip("+"),
                    "answer_url": f"http://127.0.0.1:9/answer/{contact_id}",
                    "ring_timeout": 5,
                },
            )
            response.raise_for_status()
        except httpx.HTTPError:
            state = "pending" if self._requeues else "exhausted"
        await self._execute(_MARK, organization=self._keys["organization"], id=contact_id, state=state)

    async def _execute(self, statement: str, **values: object) -> list[tuple[UUID, str]]:
        """A database that is away for a moment is waited for; what it did not do is not done."""
        while True:
            try:
                async with self._database.platform() as connection:
                    result = await connection.execute(text(statement), values)
                    return [(row[0], row[1]) for row in result] if result.returns_rows else []
            except (DBAPIError, InterfaceError, OSError):
                await asyncio.sleep(_REST_SECONDS)


if __name__ == "__main__":
    told = msgspec.json.decode(os.environ[VARIABLE], type=World)
    asyncio.run(WrongDialer(told, requeues=sys.argv[1] == "requeue").run())
