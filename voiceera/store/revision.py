"""Which schema a database has, which one this code needs, and refusing to work on another.

Every role asks this when it starts, so it does without alembic, whose import takes longer than the rest of a start.
"""

import re
from functools import cache
from pathlib import Path

import asyncpg

from voiceera.errors import StartupError

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_NAMED = re.compile(r"^(revision|down_revision)(?:: [^=]+)? = [\"'](\w+)[\"']", re.MULTILINE)
_STATE = """
    SELECT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses,
           to_regclass('alembic_version') IS NOT NULL AS is_migrated
"""


@cache
def head_revision() -> str | None:
    """The revision that this code needs: the one that no other follows. None while there is none."""
    names = [dict(_NAMED.findall(path.read_text())) for path in sorted(_VERSIONS.glob("*.py"))]
    followed = {name.get("down_revision") for name in names}
    heads = {name["revision"] for name in names if "revision" in name} - followed
    return heads.pop() if heads else None


async def current_revision(url: str) -> str | None:
    """The revision of the database at `url`; None on an empty one. Raises StartupError when it cannot be reached."""
    return (await _state(url))[0]


async def check(url: str, *, allow_bypass: bool = False) -> None:
    """Raise StartupError unless the database answers, has our revision, and holds us to row-level security."""
    current, bypasses = await _state(url)
    wanted = head_revision()
    if current != wanted:
        raise StartupError(
            f"The database is at revision {current or 'none'} and this version needs {wanted or 'none'}: "
            "run `voiceera migrate` (and the same version of VoiceERA everywhere)."
        )
    if bypasses and not allow_bypass:
        raise StartupError(
            "The database role is a superuser or bypasses row-level security, which keeps organizations apart: "
            "use an ordinary role, or set VOICEERA_ALLOW_BYPASS_ROLE=true."
        )


def unreachable(problem: BaseException) -> StartupError:
    """What to tell the operator about a connection that failed: its first line."""
    said = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    return StartupError(f"The database cannot be reached ({said}): check VOICEERA_DATABASE_URL.")


async def _state(url: str) -> tuple[str | None, bool]:
    """The revision, and whether our role could bypass row-level security."""
    try:
        connection = await asyncpg.connect("postgresql://" + url.partition("://")[2], timeout=10)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise unreachable(problem) from problem
    try:
        state = await connection.fetchrow(_STATE)
        query = "SELECT version_num FROM alembic_version"
        revision = await connection.fetchval(query) if state["is_migrated"] else None
    finally:
        await connection.close()
    return revision, state["bypasses"]
