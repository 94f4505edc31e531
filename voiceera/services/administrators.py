"""The platform's administrators: never made by registering, only by whoever runs the machine."""

from datetime import datetime

from pydantic import EmailStr, TypeAdapter, ValidationError

from voiceera import ids
from voiceera.config import Settings
from voiceera.errors import Conflict, StartupError
from voiceera.rules.permissions import Role
from voiceera.services.passwords import Passwords
from voiceera.store import audit, organizations, users
from voiceera.store.base import Connection, Database
from voiceera.store.users import User

SHORTEST_PASSWORD = 8
_ORGANIZATION = "Platform"

_email = TypeAdapter(EmailStr)


async def create(database: Database, passwords: Passwords, email: str, password: str, now: datetime) -> User:
    """An administrator, in an organization of their own. Raises StartupError for an address that is none or taken and
    for a password that is too short."""
    email = _checked(email, password)
    password_hash = await passwords.hash(password)
    async with database.platform() as connection:
        return await _add(connection, email, password_hash, now)


async def make_first(database: Database, passwords: Passwords, settings: Settings, now: datetime) -> User | None:
    """The one whom the settings name, if the platform has none yet: once, also when several processes start at once.
    Raises StartupError."""
    if settings.admin_email is None or await _is_there(database):
        return None
    if settings.admin_password is None:
        raise StartupError("VOICEERA_ADMIN_EMAIL is set and VOICEERA_ADMIN_PASSWORD is not: set both.")
    email = _checked(settings.admin_email, settings.admin_password.get_secret_value())
    password_hash = await passwords.hash(settings.admin_password.get_secret_value())
    async with database.platform() as connection:
        await users.lock_administrators(connection)
        if await users.count_administrators(connection):
            return None
        return await _add(connection, email, password_hash, now)


async def _is_there(database: Database) -> bool:
    async with database.platform() as connection:
        return await users.count_administrators(connection) > 0


async def _add(connection: Connection, email: str, password_hash: str, now: datetime) -> User:
    user = User(
        id=ids.new_id(),
        organization_id=ids.new_id(),
        email=email,
        first_name="",
        last_name="",
        role=Role.ADMIN,
        is_active=True,
        created_at=now,
        last_login_at=None,
    )
    await organizations.add(connection, user.organization_id, _ORGANIZATION, now)
    try:
        await users.add(connection, user, password_hash)
    except Conflict:
        raise StartupError("Somebody has registered with the administrator's address: choose another one.") from None
    await audit.write(connection, user.organization_id, "admin.created", now, subject="user", subject_id=user.id)
    return user


def _checked(email: str, password: str) -> str:
    """The address in its proper spelling."""
    try:
        checked = _email.validate_python(email)
    except ValidationError as problem:
        raise StartupError(f"The administrator's address is none: {problem.errors()[0]['msg']}.") from None
    if len(password) < SHORTEST_PASSWORD:
        raise StartupError(f"The administrator's password must have at least {SHORTEST_PASSWORD} characters.")
    return checked
