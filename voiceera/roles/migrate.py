"""`voiceera migrate`: bring the database that the settings mean to this version's schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voiceera.config import Settings
from voiceera.store.migrate import upgrade
from voiceera.store.postgres import embedded_postgres, running_url
from voiceera.store.revision import head_revision


async def migrate(settings: Settings) -> tuple[str | None, str | None]:
    """Upgrade; the revisions before and after. Raises StartupError."""
    async with available_database(settings) as url:
        return await upgrade(url), head_revision()


@asynccontextmanager
async def available_database(settings: Settings) -> AsyncIterator[str]:
    """The URL of the database that is set, or of the embedded one: running already, or started for this while."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    elif (url := running_url(settings.data_dir)) is not None:
        yield url
    else:
        async with embedded_postgres(settings.data_dir) as server:
            yield server.url
