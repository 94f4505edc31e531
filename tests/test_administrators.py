"""Administrators are made by whoever runs the machine."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.test_roles import environment
from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.errors import StartupError
from voiceera.services import administrators
from voiceera.services.passwords import Passwords
from voiceera.store import users
from voiceera.store.base import Database

PASSWORD = "correct horse battery"


def settings(**given: str) -> Settings:
    return Settings(argon2_memory_kib=64, argon2_passes=1, **given)  # type: ignore[arg-type]


async def administrators_of(database: Database) -> list[str]:
    async with database.platform() as connection:
        return list(await connection.scalars(text("SELECT email FROM users WHERE role = 'admin' ORDER BY email")))


def create(database_url: str, email: str, password: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "voiceera", "admin", "create", email, "--password-stdin"],
        env=environment(database_url=database_url),
        input=password + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_the_command_line_makes_an_administrator_who_signs_in(database: Database, database_url: str) -> None:
    made = create(database_url, "root@example.com", PASSWORD)
    assert (made.returncode, made.stdout) == (0, "root@example.com is an administrator now.\n"), made.stderr
    async with database.platform() as connection:
        login = await users.find_login(connection, "ROOT@example.com")
    assert login is not None
    assert login.user.role == "admin"
    assert await Passwords(settings()).verify(PASSWORD, login.password_hash)


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [("root", PASSWORD, "address is none"), ("root@example.com", "short", "at least 8"), ("", PASSWORD, "address")],
)
async def test_what_cannot_be_is_said_in_one_line(
    database: Database, database_url: str, email: str, password: str, said: str
) -> None:
    refused = create(database_url, email, password)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1), refused.stderr
    assert said in refused.stderr
    assert await administrators_of(database) == []


async def test_of_several_first_starts_one_makes_the_first_administrator(database: Database) -> None:
    named = settings(admin_email="root@example.com", admin_password=PASSWORD)
    made = await asyncio.gather(
        *(administrators.make_first(database, Passwords(named), named, utc_now()) for _ in range(4))
    )
    assert len([user for user in made if user is not None]) == 1
    assert await administrators_of(database) == ["root@example.com"]
    later = settings(admin_email="other@example.com", admin_password=PASSWORD)
    assert await administrators.make_first(database, Passwords(later), later, utc_now()) is None


async def test_who_registered_with_the_administrators_address_does_not_become_one(database: Database) -> None:
    await administrators.create(database, Passwords(settings()), "root@example.com", PASSWORD, utc_now())
    async with database.platform() as connection:
        await connection.execute(text("UPDATE users SET role = 'owner'"))
    named = settings(admin_email="root@example.com", admin_password=PASSWORD)
    with pytest.raises(StartupError, match="choose another"):
        await administrators.make_first(database, Passwords(named), named, utc_now())
    assert await administrators_of(database) == []


async def test_an_address_without_a_password_is_refused(database: Database, tmp_path: Path) -> None:
    named = settings(admin_email="root@example.com")
    with pytest.raises(StartupError, match="VOICEERA_ADMIN_PASSWORD"):
        await administrators.make_first(database, Passwords(named), named, utc_now())
