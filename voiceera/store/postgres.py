"""The embedded PostgreSQL's supervisor: one `postgres` child that ends with us and comes back when it dies.

The server listens on a Unix socket in a closed directory, and on nothing else.
"""

import asyncio
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg

from voiceera.errors import StartupError
from voiceera.log import get_logger
from voiceera.processes import die_with_parent, ended
from voiceera.store.embedded.cluster import Cluster, make_directories, prepare
from voiceera.store.embedded.strays import clear_strays

ROLE = "voiceera"
_STOP_SECONDS = 20
_LONGEST_PAUSE_SECONDS = 5.0
_LOG_BYTES = 10_000_000
_MB = 1 << 20

log = get_logger("postgres")


@asynccontextmanager
async def embedded_postgres(data_dir: Path) -> AsyncIterator["PostgresServer"]:
    """A running server on `data_dir`, started again whenever it dies. Raises StartupError. Main thread only."""
    server = PostgresServer(data_dir)
    await server.start()
    keeper = asyncio.create_task(_keep_running(server))
    try:
        yield server
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await asyncio.to_thread(server.stop)


def running_url(data_dir: Path) -> str | None:
    """The URL of the embedded server that another process runs on `data_dir`; None when none is ready."""
    try:
        status = (data_dir / "postgres" / "data" / "postmaster.pid").read_text().split("\n")
        password = (data_dir / "keys" / "postgres.password").read_text()
        pid, sockets, ready = int(status[0]), status[4], status[7].strip() == "ready"
    except (OSError, ValueError, IndexError):
        return None
    return _url(ROLE, password, Path(sockets)) if ready and _is_alive(pid) else None


async def _keep_running(server: "PostgresServer") -> None:
    while True:
        code = await server.exited()
        log.warning("postgres_died", returncode=code)
        pause = 0.05
        while True:
            try:
                await server.launch()
            except StartupError as problem:
                log.error("postgres_restart_failed", problem=problem.message)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                log.info("postgres_restarted", pid=server.pid)
                break


class PostgresServer:
    """One embedded server over one data directory, locked against a second one."""

    def __init__(self, data_dir: Path, *, durable: bool = True, connections: int = 200) -> None:
        """`durable=False` trades safety in a power cut for speed: for tests alone."""
        self.data_dir = data_dir.absolute()
        self._durable = durable
        self._connections = connections
        self._cluster: Cluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """For the unprivileged role that owns the database `voiceera`."""
        return self.url_of(ROLE)

    def url_of(self, database: str) -> str:
        """The same for another database of this server."""
        return _url(database, self._prepared.password, self._prepared.sockets)

    @property
    def admin_url(self) -> str:
        """For the superuser; the server lets in only the system account that supervises it."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._prepared.sockets), safe='')}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def _prepared(self) -> Cluster:
        assert self._cluster is not None, "not started"
        return self._cluster

    async def start(self) -> None:
        """Prepare what is missing, start, wait until it answers. Raises StartupError. Main thread only."""
        home = make_directories(self.data_dir)
        self._lock = _locked(home / "lock", self.data_dir)
        try:
            self._cluster = await asyncio.to_thread(prepare, self.data_dir)
            await self.launch()
            await self._ensure_role()
        except BaseException:
            self.stop()
            raise

    async def launch(self) -> None:
        """Start the server process on the prepared cluster, or again after it has died."""
        cluster = self._prepared
        await asyncio.to_thread(clear_strays, cluster)
        self._process = self._spawn(cluster)
        await _until_ready(self._process, cluster)

    def _spawn(self, cluster: Cluster) -> subprocess.Popen[bytes]:
        with _journal(cluster).open("ab") as output:
            return subprocess.Popen(
                [cluster.programs / "postgres", "-D", cluster.data, *self._options(cluster)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
                **cluster.account.switch,
            )

    async def exited(self) -> int:
        """Wait for the server process to end; its return code."""
        assert self._process is not None, "not started"
        return await ended(self._process)

    def stop(self) -> None:
        """Fast shutdown: connections are closed, everything committed is on disk. Safe to call twice."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _options(self, cluster: Cluster) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(cluster.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": str(self._connections),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "password_encryption": "scram-sha-256",
            # Its log must quote no row: neither DETAIL lines nor the statement that failed.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            **_sized(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MB),
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for key, value in options.items() for part in ("-c", f"{key}={value}")]

    async def _ensure_role(self) -> None:
        """The role and its database: made on the first start, repaired after a lost password."""
        try:
            connection = await asyncpg.connect(self.url)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError):
            await _make_role(self.admin_url, self._prepared.password)
        else:
            await connection.close()


def _sized(memory_mb: int) -> dict[str, str]:
    """What PostgreSQL leaves at the size of a small machine of long ago, by this one's memory; its disk is an SSD.

    Shared buffers take memory only as they fill. Compiling plans costs more than these queries run.
    """
    return {
        "shared_buffers": f"{min(2048, max(128, memory_mb // 16))}MB",
        "effective_cache_size": f"{max(512, memory_mb // 2)}MB",
        "maintenance_work_mem": f"{min(512, max(64, memory_mb // 64))}MB",
        "work_mem": "16MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",
        "jit": "off",
    }


def _url(database: str, password: str, sockets: Path) -> str:
    return f"postgresql://{ROLE}:{password}@/{database}?host={quote(str(sockets), safe='')}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and alive
        pass
    return True


async def _make_role(admin_url: str, password: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", ROLE):
            await connection.execute(f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB")
        # The password is our own, from an alphabet without quotes; utility statements take no parameters.
        await connection.execute(f"ALTER ROLE {ROLE} PASSWORD '{password}'")
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", ROLE):
            await connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE} TEMPLATE template0")
    finally:
        await connection.close()


def _locked(path: Path, data_dir: Path) -> IO[str]:
    """An exclusive lock that the kernel frees when we end, with our process id for those who meet it."""
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StartupError(
            f"Another VoiceERA (process {holder}) runs on the data directory {data_dir}: "
            "stop it, or set VOICEERA_DATA_DIR to another directory."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _journal(cluster: Cluster) -> Path:
    """The server's own log; a long one is put aside."""
    journal = cluster.home / "postgres.log"
    if journal.exists() and journal.stat().st_size > _LOG_BYTES:
        journal.rename(journal.with_suffix(".log.1"))
    journal.touch(mode=0o600)
    return journal


async def _until_ready(process: subprocess.Popen[bytes], cluster: Cluster) -> None:
    """Until the server takes connections, however long its recovery takes. Raises StartupError when it ends first."""
    status = cluster.data / "postmaster.pid"
    while process.poll() is None:
        with suppress(FileNotFoundError):
            lines = status.read_text().split("\n")
            if lines[0] == str(process.pid) and len(lines) > 7 and lines[7].strip() == "ready":
                return
        await asyncio.sleep(0.01)
    last_words = _journal(cluster).read_text(errors="replace").splitlines()[-5:]
    raise StartupError("PostgreSQL did not start: " + " | ".join(last_words))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then an immediate one, then the end."""
    deadline = time.monotonic() + _STOP_SECONDS
    for number, until in ((signal.SIGINT, deadline), (signal.SIGQUIT, deadline + 5)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0, until - time.monotonic()))
    process.kill()
    process.wait()
