"""Every route × every kind of caller, against the checked-in table role_matrix.tsv.

A cell says what the caller meets: 401, 403, or `ok`, which is whatever else the route has to say. Requests name rows
that never were and bodies that fit nothing, so that `ok` changes nothing.
"""

import csv
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import Person, client_of
from tests.api.surface import Route, fitting_body, routes
from voiceera import ids
from voiceera.api.depends import Backend
from voiceera.rules.permissions import Access, Role, allows
from voiceera.services.tokens import Claims
from voiceera.store import api_keys, sessions, users
from voiceera.store.base import Connection, Database
from voiceera.store.users import User

CALLERS = ("none", "viewer", "member", "owner", "admin", "deactivated", "expired", "read_key")
UNSIGNED = ("none", "deactivated", "expired")
TABLE = Path(__file__).with_name("role_matrix.tsv")
NOTHING_FITS: dict[str, Any] = {"json": {"no_such_field": True}}
UNSPOKEN = ("/carriers/", "/docs", "/redoc")
"""Routes whose callers are carriers and browsers: tested where they are made."""


def rows() -> dict[str, dict[str, str]]:
    with TABLE.open() as table:
        return {f"{row['method']} {row['path']}": row for row in csv.DictReader(table, delimiter="\t")}


def spoken(app: FastAPI) -> list[Route]:
    return [route for route in routes(app) if not route.path.startswith(UNSPOKEN)]


def declared_row(route: Route) -> str:
    cells = (_cell(route.access, caller) for caller in CALLERS)
    return "\t".join((route.method, route.path, *cells))


def _cell(access: Access, caller: str) -> str:
    if access is Access.PUBLIC:
        return "ok"
    if caller in UNSIGNED:
        return "401"
    is_key = caller == "read_key"
    return "ok" if allows(access, Role.OWNER if is_key else Role(caller), read_only=is_key) else "403"


def test_every_route_has_a_row_and_every_row_a_route(app: FastAPI) -> None:
    there, known = {str(route): route for route in spoken(app)}, rows()
    lines = "\n".join(declared_row(there[name]) for name in sorted(there.keys() - known.keys()))
    assert not lines, f"add these rows to tests/api/role_matrix.tsv, if they say what you want:\n{lines}"
    assert known.keys() <= there.keys(), f"no such routes: {sorted(known.keys() - there.keys())}"


@pytest.fixture
async def credentials(app: FastAPI, ann: Person, database: Database) -> Mapping[str, str]:
    """Caller → its bearer token, of sessions that are good for one route each."""
    organization_id = UUID(ann.organization_id)
    return {name: await _credential(app, database, organization_id, name) for name in CALLERS if name != "none"}


async def _credential(app: FastAPI, database: Database, organization_id: UUID, name: str) -> str:
    now = datetime.now(UTC)
    role = name if name in ("viewer", "member", "admin") else "owner"
    user = User(
        id=ids.new_id(),
        organization_id=organization_id,
        email=f"{name}@example.org",
        first_name=name,
        last_name="",
        role=role,
        is_active=name != "deactivated",
        created_at=now,
        last_login_at=None,
    )
    session_id = ids.new_id()
    async with database.platform() as connection:
        await users.add(connection, user, None)
        await sessions.add(
            connection,
            organization_id,
            session_id,
            user.id,
            address=None,
            user_agent=None,
            now=now,
            expires_at=now + timedelta(days=1),
        )
        if name == "read_key":
            return await _key(connection, user, now)
    issued_at = now - timedelta(hours=1) if name == "expired" else now
    tokens = cast(Backend, app.state.backend).accounts.tokens
    return tokens.issue(Claims(organization_id, user.id, session_id), issued_at)


async def _key(connection: Connection, user: User, now: datetime) -> str:
    key = f"{api_keys.PREFIX}{user.organization_id.hex}.{ids.new_secret()}"
    row = {"organization_id": user.organization_id, "id": ids.new_id(), "user_id": user.id, "name": "reader"}
    row |= {"scope": "read", "key_hash": sessions.hashed(key), "last_four": key[-4:], "created_at": now}
    await connection.execute(api_keys.api_keys.insert().values(**row))
    return key


async def answer_of(client: httpx.AsyncClient, route: Route, token: str | None) -> str:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    fitting = fitting_body(route)
    options = fitting if "files" in fitting else NOTHING_FITS if fitting else {}
    async with client.stream(route.method, route.filled({}), headers=headers, **options) as response:
        pass
    return str(response.status_code) if response.status_code in (401, 403) else "ok"


async def test_every_route_meets_every_caller_as_the_table_says(
    app: FastAPI, ann: Person, database: Database, credentials: Mapping[str, str]
) -> None:
    table = rows()
    ending = [route for route in spoken(app) if route.path == "/auth/logout"]
    wrong = []
    async with client_of(app) as client:
        for route in [each for each in spoken(app) if each not in ending] + ending:
            if (row := table.get(str(route))) is None:
                continue
            met = {name: await answer_of(client, route, credentials.get(name)) for name in CALLERS}
            wrong += [
                f"{route}: {name} met {met[name]}, not {row[name]}" for name in CALLERS if met[name] != row[name]
            ]
    assert not wrong, "\n".join(wrong)
