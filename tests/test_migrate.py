"""The schema's revisions, on a real server."""

import asyncio
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from voiceera.errors import StartupError
from voiceera.ids import new_id
from voiceera.store import migrate, revision
from voiceera.store.base import Database


async def test_a_migrated_database_is_at_the_head_and_passes_the_check(database: Database) -> None:
    assert await revision.current_revision(database.url) == revision.head_revision()
    await revision.check(database.url)


async def test_down_and_up_again(database: Database) -> None:
    await migrate.downgrade(database.url, "base")
    assert await revision.current_revision(database.url) is None
    with pytest.raises(StartupError, match="voiceera migrate"):
        await revision.check(database.url)
    await asyncio.gather(migrate.upgrade(database.url), migrate.upgrade(database.url))
    await revision.check(database.url)


async def test_a_role_that_bypasses_row_level_security_is_refused(admin_url: str) -> None:
    with pytest.raises(StartupError, match="bypasses row-level security"):
        await revision.check(admin_url)
    await revision.check(admin_url, allow_bypass=True)


async def test_an_unreachable_database_is_said_in_one_line() -> None:
    for ask in (revision.check, migrate.upgrade):
        with pytest.raises(StartupError, match="cannot be reached") as caught:
            await ask("postgresql://nobody@127.0.0.1:1/none")
        assert "\n" not in caught.value.message


async def test_the_head_that_roles_read_is_the_one_that_alembic_would_go_to() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert revision.head_revision() == scripts.get_current_head()


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
