"""The schema's revisions, on a real server."""

import asyncio

import pytest
from sqlalchemy import text

from voiceera.errors import StartupError
from voiceera.ids import new_id
from voiceera.store import migrate
from voiceera.store.base import Database


async def test_a_migrated_database_is_at_the_head_and_passes_the_check(database: Database) -> None:
    assert await migrate.current_revision(database.url) == migrate.head_revision()
    await migrate.check(database)


async def test_down_and_up_again(database: Database) -> None:
    await migrate.downgrade(database.url, "base")
    assert await migrate.current_revision(database.url) is None
    with pytest.raises(StartupError, match="voiceera migrate"):
        await migrate.check(database)
    await asyncio.gather(migrate.upgrade(database.url), migrate.upgrade(database.url))
    await migrate.check(database)


async def test_a_role_that_bypasses_row_level_security_is_refused(database: Database, admin_url: str) -> None:
    admin = Database(admin_url)
    with pytest.raises(StartupError, match="bypasses row-level security"):
        await migrate.check(admin)
    await migrate.check(admin, allow_bypass=True)
    await admin.close()


async def test_an_unreachable_database_is_said_in_one_line() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StartupError, match="cannot be reached") as caught:
        await migrate.check(database)
    assert "\n" not in caught.value.message
    with pytest.raises(StartupError, match="cannot be reached"):
        await migrate.upgrade(database.url)
    await database.close()


async def test_row_level_security_hides_other_organizations_rows(database: Database) -> None:
    mine, theirs = new_id(), new_id()
    async with database.platform() as connection:
        for organization in (mine, theirs):
            await connection.execute(
                text("INSERT INTO organizations (id, name, created_at) VALUES (:id, 'x', now())"),
                {"id": organization},
            )
    async with database.organization(mine) as connection:
        assert (await connection.scalars(text("SELECT id FROM organizations"))).all() == [mine]
