"""Lists of calls are read from their indexes, with row-level security on: no plan goes through a whole table."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import sqlalchemy as sa

from tests.world import World, make_world
from voiceera.store import call_counts, call_pages, call_search
from voiceera.store.base import Database
from voiceera.store.call_filter import CallFilter
from voiceera.store.call_pages import SORTABLE, Shape
from voiceera.store.filters import Span
from voiceera.store.wire import Statement

_CALLS = """
    INSERT INTO calls (organization_id, id, direction, status, agent_id, agent_version, campaign_id, contact_id,
                       phone_number, disposition, duration_seconds, cost, notes, created_at)
    SELECT organization_id, gen_random_uuid(), CASE WHEN n % 50 = 0 THEN 'inbound' ELSE 'outbound' END,
           (ARRAY['completed', 'no_answer', 'busy', 'failed'])[1 + n % 4], agent_id, version,
           md5((n % 20)::text)::uuid, md5(n::text)::uuid, '+1202' || (5550000 + n % 1000),
           CASE WHEN n % 4 = 0 THEN 'confirmed' END, CASE WHEN n % 4 = 0 THEN n % 300 END,
           CASE WHEN n % 4 = 0 THEN n % 300 * 0.001 END,
           CASE WHEN n % 10 = 0 THEN 'said ' || md5((n % 300)::text) END, now() - interval '1 minute' * n
    FROM agent_versions, generate_series(1, 500) n
"""
_WHENCE = datetime(2020, 1, 1, tzinfo=UTC)


def filters() -> Iterator[dict[str, Any]]:
    yield {}
    yield {"status": "completed"}
    yield {"status": "queued"}
    yield {"direction": "inbound"}
    yield {"disposition": "confirmed"}
    yield {"contact_id": UUID(int=1)}
    yield {"campaign_id": UUID(int=1)}
    yield {"phone_number": "+12025550001"}
    yield {"span": Span(_WHENCE, datetime.now(UTC))}


@pytest.fixture
async def world(database: Database, admin_url: str) -> AsyncIterator[World]:
    """Twelve organizations with five hundred calls each."""
    worlds = [await make_world(database) for _ in range(12)]
    async with database.platform() as connection:
        await connection.execute(sa.text(_CALLS))
    admin = await asyncpg.connect(admin_url)
    await admin.execute("ANALYZE calls; ANALYZE call_texts")
    await admin.close()
    yield worlds[0]


async def plan(world: World, statement: Statement, values: dict[str, Any], *, keep_plans: bool = True) -> str:
    values = {"organization_id": world.organization_id, "skip": 0, "size": 21, "reach": 21} | values
    async with world.database.organization(world.organization_id, keep_plans=keep_plans) as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        rows = await driver.fetch(f"EXPLAIN {statement.text}", *statement.arguments(values))
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("sort", [sign + name for name in SORTABLE for sign in ("", "-")])
async def test_every_filter_in_every_order_is_read_from_an_index(world: World, sort: str) -> None:
    for given in filters():
        wanted = CallFilter(**given)
        shape = Shape(wanted.shape(), sort, "asc", None)
        pages = (call_pages.page(shape), call_pages.page(shape, is_near=True), call_pages.gathered(shape))
        for statement in (*pages, call_counts._count(wanted.shape(), exact=False)):
            found = await plan(world, statement, wanted.values())
            assert "Seq Scan on calls" not in found, f"{given} by {sort}:\n{found}"
            assert "(organization_id = (InitPlan " in found, "row-level security is on, and asked once"


async def test_the_page_after_a_cursor_starts_at_its_row(world: World) -> None:
    shape = Shape(CallFilter(), "-created_at", "asc", (True, True))
    values = {"after_0": datetime.now(UTC), "after_1": uuid4()}
    found = await plan(world, call_pages.page(shape), values)
    assert re.search(r"Index Cond: \(\(organization_id = .*ROW\(created_at, id\) < ROW\(", found), found


async def test_words_are_looked_up_in_their_index(world: World) -> None:
    for wanted in (CallFilter(search="said"), CallFilter(search="said", status="completed")):
        shape = Shape(wanted.shape(), "-created_at", "asc", None)
        for asked in (call_search._gathered, call_search._by_month):
            await check_words(world, asked(shape), wanted)
        await check_words(world, call_search._counted(shape.wanted), wanted)


async def check_words(world: World, statement: Statement, wanted: CallFilter) -> None:
    found = await plan(world, statement, wanted.values(), keep_plans=False)
    assert "Bitmap Index Scan on call_texts_words" in found, found
    assert "Seq Scan on call" not in found, found
    assert "organization_id = (InitPlan " in found, "what the table's policy would ask is asked"
