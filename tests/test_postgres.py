"""The embedded PostgreSQL: real processes, killed in every way."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from voiceera.errors import StartupError
from voiceera.store.embedded.account import Account, refuse_unreachable
from voiceera.store.postgres import PostgresServer, embedded_postgres

SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from voiceera.store.postgres import embedded_postgres

async def main():
    async with embedded_postgres(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One cluster that these tests start and end in turn: making one takes a second."""
    directory = Path(tempfile.mkdtemp(prefix="voiceera-test-"))
    yield directory
    shutil.rmtree(directory)


async def until_answering(url: str) -> asyncpg.Connection:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncpg.connect(url)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.02)


async def test_a_killed_server_comes_back_with_what_was_committed(data_dir: Path) -> None:
    async with embedded_postgres(data_dir) as server:
        first_pid = server.pid
        connection = await asyncpg.connect(server.url)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        os.kill(first_pid, signal.SIGKILL)
        connection.terminate()
        connection = await until_answering(server.url)
        assert await connection.fetchval("SELECT value FROM kept") == 42
        await connection.close()
        assert server.pid != first_pid


async def test_a_stopped_server_is_gone(data_dir: Path) -> None:
    async with embedded_postgres(data_dir) as server:
        pid = server.pid
    assert not psutil.pid_exists(pid)
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()


async def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_recovers(data_dir: Path) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    with supervisor, supervisor.stdout:
        server = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.kill()
    # Started at once, while the orphan may still be shutting down.
    again = PostgresServer(data_dir)
    await again.start()
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE  # nobody has to collect it
    again.stop()


async def test_a_recycled_process_id_in_the_lock_files_does_not_stop_a_start(data_dir: Path) -> None:
    server = PostgresServer(data_dir)
    await server.start()
    lock_file = data_dir / "postgres" / "data" / "postmaster.pid"
    content = lock_file.read_text()
    server.stop()
    lock_file.write_text(content.replace(content.split("\n")[0], "1", 1))
    await server.start()
    server.stop()


async def test_a_lost_password_is_made_anew(data_dir: Path) -> None:
    server = PostgresServer(data_dir)
    await server.start()
    server.stop()
    (data_dir / "keys" / "postgres.password").unlink()
    await server.start()
    await (await asyncpg.connect(server.url)).close()
    server.stop()


async def test_two_clusters_run_side_by_side_and_one_directory_runs_once(
    data_dir: Path, postgres: PostgresServer
) -> None:
    server = PostgresServer(data_dir)
    await server.start()
    await (await asyncpg.connect(postgres.url)).close()
    with pytest.raises(StartupError, match=f"process {os.getpid()}.*VOICEERA_DATA_DIR"):
        await PostgresServer(data_dir).start()
    server.stop()


async def test_a_long_path_gets_its_socket_elsewhere(open_directory: Path) -> None:
    deep = open_directory / ("d" * 100)
    server = PostgresServer(deep)
    await server.start()
    await (await asyncpg.connect(server.url)).close()
    server.stop()
    sockets = Path((deep / "postgres" / "socket_directory").read_text())
    assert not list(sockets.iterdir())
    sockets.rmdir()


async def test_the_role_is_ordinary(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.url)
    row = await connection.fetchrow("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = user")
    await connection.close()
    assert tuple(row) == (False, False, False)


async def test_a_data_directory_that_cannot_be_written_is_said() -> None:
    with pytest.raises(StartupError, match=r"/proc/nowhere cannot be written.*VOICEERA_DATA_DIR"):
        await PostgresServer(Path("/proc/nowhere")).start()


def test_a_directory_closed_to_the_servers_account_is_said(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data" / "postgres").mkdir(parents=True)
    closed.chmod(0o700)
    stranger = Account("stranger", uid=os.geteuid() + 4711, gid=os.getegid() + 4711)
    with pytest.raises(StartupError, match="'stranger', which cannot pass through"):
        refuse_unreachable(closed / "data" / "postgres", stranger)
