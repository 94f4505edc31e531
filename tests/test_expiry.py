"""What nobody needs any more goes, and nothing else."""

from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from tests.api.conftest import Person, _quiet, ann, anyone, app, body, bus, post, settings
from tests.api.post import Post
from voiceera.clock import utc_now
from voiceera.services import expiry
from voiceera.store.base import Database

__all__ = ["_quiet", "ann", "anyone", "app", "bus", "post", "settings"]

TABLES = ("mails", "reset_tokens", "reset_requests", "invitations", "refresh_tokens", "sessions", "throttles")


async def counts(database: Database) -> dict[str, Any]:
    async with database.platform() as connection:
        return {table: await connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}


async def test_traces_are_kept_for_a_while_and_then_forgotten(
    ann: Person, anyone: httpx.AsyncClient, post: Post, database: Database
) -> None:
    for _ in range(2):
        await anyone.post("/auth/forgot-password", json={"email": ann.email})
        await ann.post("/invitations", email="mae@example.com")
        await post.goes_round()
    await anyone.post("/auth/forgot-password", json={"email": ann.email})
    refreshed = {"refresh_token": ann.tokens["refresh_token"]}
    body(await anyone.post("/auth/refresh-token", json=refreshed), 200)
    begun = await counts(database)
    assert all(begun.values())
    now = utc_now()
    await expiry.forget_old(database, now)
    assert await counts(database) == begun
    await expiry.forget_old(database, now + timedelta(hours=2))
    assert await counts(database) == {**begun, "throttles": 0, "reset_tokens": 0}
    await expiry.forget_old(database, now + timedelta(days=29))
    assert await counts(database) == {**begun, "throttles": 0, "reset_tokens": 0, "reset_requests": 0}
    await expiry.forget_old(database, now + timedelta(days=31))
    left = await counts(database)
    assert (left["mails"], left["invitations"], left["refresh_tokens"], left["sessions"]) == (0, 1, 0, 1)
    await expiry.forget_old(database, now + timedelta(days=200))
    assert not any((await counts(database)).values())
