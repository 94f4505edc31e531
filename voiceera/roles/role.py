"""What every role does around its own work: logs, the database checked, signals, an end in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvloop

from voiceera import log
from voiceera.config import Settings
from voiceera.errors import StartupError, VoiceEraError
from voiceera.processes import STOPPED_BY_SIGNAL, process_name, stop_on_signals
from voiceera.services.presence import present
from voiceera.services.system_logs import written_down
from voiceera.store.base import Database
from voiceera.store.bus import Bus, PostgresBus
from voiceera.store.postgres import running_url
from voiceera.store.revision import check

Ready = Callable[[int | None], None]
"""Called once, when the role works; with the port that it really listens on, if it has one."""

Work = Callable[[Settings, Database, Bus, asyncio.Event, Ready], Awaitable[None]]
"""A role's own work, until the event says stop and what it holds has ended."""


def run_role(name: str, settings: Settings, work: Work, ready: Ready) -> int:
    """Run `work` until a signal ends it; the exit status. Raises StartupError.

    The first SIGINT or SIGTERM asks the work to drain, the second ends the process at once.
    """

    spool, process = log.Spool(), process_name()

    async def over_the_database(stop: asyncio.Event) -> None:
        async with (
            opened(settings, name) as (database, bus),
            written_down(database, spool, process),
            present(database, name, process),
        ):
            try:
                await work(settings, database, bus, stop, ready)
            except VoiceEraError:
                raise
            except Exception:
                log.get_logger("role").critical("role_failed", exc_info=True)
                raise

    return run_until_signal(name, settings.log_level, over_the_database, spool)


def run_until_signal(
    name: str, log_level: str, work: Callable[[asyncio.Event], Awaitable[None]], spool: log.Spool | None = None
) -> int:
    """The same for a program without a database: the lab. `spool`: where lines for the database go."""

    async def run() -> int:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await work(stop)
        return STOPPED_BY_SIGNAL if stop.is_set() else 0

    log.configure(name, log_level, spool=spool)
    log.take_in_uncaught()
    return uvloop.run(run())


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[tuple[Database, Bus]]:
    """The database that the settings mean, at the right revision, and the bus over it. Raises StartupError."""
    url = database_url(settings)
    await check(url, allow_bypass=settings.allow_bypass_role)
    database, bus = Database(url, name=f"voiceera {name}"), PostgresBus(url)
    try:
        yield database, bus
    finally:
        await bus.close()
        await database.close()


def database_url(settings: Settings) -> str:
    """The one that is set, or the embedded server that `serve` runs on the same data directory."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    if (url := running_url(settings.data_dir)) is not None:
        return url
    raise StartupError(
        f"There is no database: set VOICEERA_DATABASE_URL, or run `voiceera serve` on {settings.data_dir} first."
    )
