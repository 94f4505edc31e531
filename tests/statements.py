"""Every statement that the platform's own code sends is held to naming its organization.

In a transaction of one organization a statement about tenants' rows compares `organization_id` with a value; in one
of the platform it must at least say which organization's rows it means. What the tests themselves send is theirs.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from voiceera import store
from voiceera.store import wire
from voiceera.store.base import metadata
from voiceera.store.wire import Statement

for module in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
    if not module.ispkg:
        importlib.import_module(module.name)

TENANTS = frozenset(table.name for table in metadata.tables.values() if "organization_id" in table.columns)
BY_OTHER_KEYS: dict[str, str] = {
    "logins": "the directory that sign-in asks by e-mail address, before it knows the organization",
}
"""Tenants' tables that are looked into by another key, and why."""

OVER_ALL = (
    "SELECT count(*) AS count_1 \nFROM attempts \nWHERE attempts.state IN",
    "FROM users \nWHERE users.deleted_at IS NULL",
    "FROM users \nWHERE users.role = $1::VARCHAR AND users.is_active",
    "INSERT INTO system_logs",
    "DELETE FROM system_logs",
    "FROM campaign_counts n JOIN campaigns c",
    "(SELECT count(*) FROM organizations WHERE deleted_at IS NULL) AS organizations",
    "SELECT count(*) FROM calls WHERE deleted_at IS NULL",
)
"""Parts of statements about every organization at once, on purpose: how many calls the media processes hold, and the
operator's list of users, how many operators there are, the operator's log and the operator's statistics."""

_ours: ContextVar[bool] = ContextVar("ours", default=False)
_NAME = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?\"?([a-z_]+)", re.IGNORECASE)
_VALUE = r"(?:\$\d+|any\s*\(|nullif\(|current_setting\()"
_NAMES_IT = re.compile(
    rf"organization_id\s*(?:=|IN)\s*\(?{_VALUE}|{_VALUE}[^,;=]{{0,20}}=\s*[a-z_.]*organization_id"
    r"|\([a-z_.]*organization_id\s*,[^)]*\)\s*(?:=|IN)|INSERT INTO [^(]*\([^)]*organization_id",
    re.IGNORECASE | re.DOTALL,
)


def problem(statement: str, *, of_platform: bool) -> str | None:
    """Why the statement may not stand; None: it may."""
    about = {name.lower() for name in _NAME.findall(statement)} & TENANTS
    if not about or about <= BY_OTHER_KEYS.keys():
        return None
    if of_platform:
        is_meant = "organization_id" in statement or any(part in statement for part in OVER_ALL)
        return None if is_meant else "names no organization"
    return None if _NAMES_IT.search(statement) else "does not compare organization_id with a value"


@contextmanager
def watched() -> Iterator[dict[str, str]]:
    """Statement → what is wrong with it, as they are sent."""
    found: dict[str, str] = {}

    def before(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "set_config('voiceera." in statement:
            connection.info["of_platform"] = "voiceera.platform" in statement
        elif _ours.get():
            wrong = problem(statement, of_platform=connection.info.get("of_platform", False))
            if wrong is not None:
                found[statement] = wrong

    tell, rows = wire.tell, Statement.rows

    async def telling(connection: AsyncConnection, driver: Any, statements: str) -> None:
        if "SET LOCAL voiceera." in statements:
            _info(connection)["of_platform"] = "voiceera.platform" in statements
        await tell(connection, driver, statements)

    async def asking(statement: Statement, connection: AsyncConnection, **values: Any) -> Any:
        wrong = problem(statement.text, of_platform=_info(connection).get("of_platform", False))
        if wrong is not None:
            found[statement.text] = wrong
        return await rows(statement, connection, **values)

    for owner, name, watching in ((wire, "tell", telling), (Statement, "rows", asking)):
        setattr(owner, name, watching)
    originals = {name: getattr(AsyncConnection, name) for name in ("execute", "scalar", "scalars", "exec_driver_sql")}
    for name, original in originals.items():
        setattr(AsyncConnection, name, _marking(original))
    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        for owner, name, restored in ((wire, "tell", tell), (Statement, "rows", rows)):
            setattr(owner, name, restored)
        for name, original in originals.items():
            setattr(AsyncConnection, name, original)


def _info(connection: AsyncConnection) -> dict[Any, Any]:
    assert connection.sync_connection is not None
    return connection.sync_connection.info


def _marking(original: Any) -> Any:
    """`original`, during which it is known whether the platform's code called it."""

    @wraps(original)
    def call(*arguments: Any, **options: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        is_ours = _ours.get() if caller.startswith("sqlalchemy.") else caller.startswith("voiceera.")

        async def marked() -> Any:
            token = _ours.set(is_ours)
            try:
                return await original(*arguments, **options)
            finally:
                _ours.reset(token)

        return marked()

    return call
