"""The whole platform as one process tree: PostgreSQL, then the roles over it, and back in order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from voiceera import log
from voiceera.config import Settings
from voiceera.errors import StartupError
from voiceera.processes import STOPPED_BY_SIGNAL, ending_signals, process_name
from voiceera.roles.child import Child
from voiceera.roles.ports import bound_socket
from voiceera.services.system_logs import written_down
from voiceera.store.base import Database
from voiceera.store.postgres import PostgresServer, embedded_postgres
from voiceera.store.revision import current_revision, head_revision

_GRACE_SECONDS = 15
"""Beyond the drain, for writing down what was said and closing connections."""


@dataclass(frozen=True)
class Platform:
    """A running platform. URLs carry no trailing slash; `media_urls` are ws://."""

    api_url: str
    media_urls: tuple[str, ...]
    database_url: str
    settings: Settings
    """As the roles got them: with the real ports and URLs."""
    children: tuple[Child, ...]
    postgres: PostgresServer | None

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that run now, the database server's among them."""
        own = [child.pid for child in self.children if child.pid is not None]
        return (*own, self.postgres.pid) if self.postgres is not None else tuple(own)


def run_serve(settings: Settings, ready: Callable[[Platform], None]) -> int:
    """Run the platform until a signal ends it; the exit status. Raises StartupError.

    The first SIGINT or SIGTERM drains, the second ends everything at once.
    """
    spool = log.Spool()
    log.configure("serve", settings.log_level, spool=spool)
    log.take_in_uncaught()
    return asyncio.run(_serve(settings, ready, spool))


async def _serve(settings: Settings, ready: Callable[[Platform], None], spool: log.Spool) -> int:
    work = asyncio.current_task()
    assert work is not None
    for number in ending_signals():
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        async with running_platform(settings) as platform, _logs_written(platform.database_url, spool):
            ready(platform)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        return STOPPED_BY_SIGNAL
    return 0


@asynccontextmanager
async def _logs_written(database_url: str, spool: log.Spool) -> AsyncIterator[None]:
    """That a role died is known here alone."""
    database = Database(database_url, pool_size=1)
    try:
        async with written_down(database, spool, process_name()):
            yield
    finally:
        await database.close()


@asynccontextmanager
async def running_platform(settings: Settings, *, output: Path | None = None) -> AsyncIterator[Platform]:
    """Every role, ready to work; at the end they drain in order and nothing is left. Raises StartupError.

    `output`: a file for what the roles log; None: our own standard error. Leaving drains for at most
    `settings.drain_seconds`; a cancellation during that ends everything at once. Main thread only.
    """
    async with AsyncExitStack() as stack:
        # Bound here, so that everyone can be told the port at once and a new API process goes on where one died.
        listener = stack.enter_context(bound_socket(settings.api_host, settings.api_port, "VOICEERA_API_PORT"))
        settings = settings.with_public_url(listener.getsockname()[1])
        media = [Child("media", output) for _ in range(settings.media_processes)]
        children = (*media, Child("worker", output), Child("api", output, listener))
        for child in children:  # they load their code while the database starts
            stack.callback(child.kill)
            child.load()
        postgres = None
        if settings.database_url is None:
            postgres = await stack.enter_async_context(embedded_postgres(settings.data_dir))
            settings = settings.model_copy(update={"database_url": SecretStr(postgres.url)})
            await _migrate(postgres.url)
        stack.push_async_callback(_end_in_order, children, settings.drain_seconds)
        each = [*_for_each_media(settings), settings, settings]
        await _start_all(dict(zip(children, each, strict=True)))
        assert settings.database_url is not None
        yield Platform(
            api_url=_local_url("http", settings.api_host, settings.api_port),
            media_urls=tuple(_local_url("ws", settings.media_host, child.port) for child in media),
            database_url=settings.database_url.get_secret_value(),
            settings=settings,
            children=children,
            postgres=postgres,
        )


async def _migrate(url: str) -> None:
    if await current_revision(url) != head_revision():
        from voiceera.store.migrate import upgrade  # alembic is long to load, and mostly not needed

        await upgrade(url)


async def _start_all(children: Mapping[Child, Settings]) -> None:
    """At once; raises the first StartupError."""
    async with asyncio.TaskGroup() as tasks:
        starts = [tasks.create_task(_problem_of(child, settings)) for child, settings in children.items()]
    for problem in filter(None, (start.result() for start in starts)):
        raise problem


async def _problem_of(child: Child, settings: Settings) -> StartupError | None:
    try:
        await child.start(settings)
    except StartupError as problem:
        return problem
    return None


def _for_each_media(settings: Settings) -> list[Settings]:
    """The ports follow one another from the first; 0 has each picked."""
    first = settings.media_port
    ports = [first + number if first else 0 for number in range(settings.media_processes)]
    return [settings.model_copy(update={"media_port": port}) for port in ports]


def _local_url(scheme: str, host: str, port: int | None) -> str:
    return f"{scheme}://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"


async def _end_in_order(children: Sequence[Child], drain_seconds: float) -> None:
    """Media first, whose calls drain; then the worker, which hears how they ended; the API last."""
    try:
        for child in children:
            if child.role == "api":
                child.tell(signal.SIGUSR1)  # /readiness says from now on that we drain
        for role in ("media", "worker", "api"):
            async with asyncio.TaskGroup() as tasks:
                for child in children:
                    if child.role == role:
                        tasks.create_task(child.drain(drain_seconds + _GRACE_SECONDS))
    finally:
        for child in children:
            child.kill()
