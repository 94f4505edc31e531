"""`voiceera admin create`: an administrator, made by whoever runs the machine."""

from voiceera import clock
from voiceera.config import Settings
from voiceera.roles.migrate import available_database
from voiceera.services import administrators
from voiceera.services.passwords import Passwords
from voiceera.store.base import Database
from voiceera.store.revision import check


async def create_admin(settings: Settings, email: str, password: str) -> None:
    """Raises StartupError."""
    async with available_database(settings) as url:
        await check(url, allow_bypass=settings.allow_bypass_role)
        database, passwords = Database(url), Passwords(settings)
        try:
            await administrators.create(database, passwords, email, password, clock.utc_now())
        finally:
            passwords.close()
            await database.close()
