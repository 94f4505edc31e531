"""The roles as their users start them: real processes, real ports, real signals."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from voiceera.roles.ports import bound_socket
from voiceera.store.base import Database
from voiceera.store.revision import current_revision

needs_worker = pytest.mark.skipif(find_spec("voiceera.worker.main") is None, reason="no worker yet")
VOICEERA = (sys.executable, "-m", "voiceera")


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One cluster for all who serve from it in turn: making one takes a second."""
    directory = Path(tempfile.mkdtemp(prefix="voiceera-test-"))
    yield directory
    shutil.rmtree(directory)


def environment(**settings: str) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("VOICEERA_")}
    return plain | {f"VOICEERA_{key.upper()}": value for key, value in settings.items()}


def refusal(*command: str, **settings: str) -> str:
    """What `voiceera …` says on standard error when it cannot start: one line, no traceback, status 1."""
    ended = subprocess.run(
        [*VOICEERA, *command], env=environment(**settings), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


@contextmanager
def running(*command: str, lines: int, **settings: str) -> Iterator[tuple[psutil.Popen, list[str]]]:
    """A started `voiceera …` and its first `lines`; killed at the end if it still runs."""
    process = psutil.Popen([*VOICEERA, *command], env=environment(**settings), stdout=subprocess.PIPE, text=True)
    try:
        yield process, [process.stdout.readline().rstrip() for _ in range(lines)]
    finally:
        process.stdout.close()
        if process.is_running() and process.poll() is None:
            process.kill()
        process.wait(30)


def test_a_port_in_use_is_said_with_its_setting(data_dir: Path) -> None:
    with bound_socket("127.0.0.1", 0, "") as taken:
        port = str(taken.getsockname()[1])
        said = refusal("serve", "--port", port, data_dir=str(data_dir))
    assert f"Port {port} on 127.0.0.1 is in use" in said
    assert "VOICEERA_API_PORT" in said


def test_a_data_directory_that_cannot_be_written_is_said() -> None:
    said = refusal("serve", "--port", "0", "--data-dir", "/proc/nowhere")
    assert "/proc/nowhere cannot be written" in said
    assert "VOICEERA_DATA_DIR" in said


def test_an_address_that_the_machine_lacks_is_said(data_dir: Path) -> None:
    said = refusal("serve", "--host", "192.0.2.1", data_dir=str(data_dir))
    assert "no address 192.0.2.1" in said
    assert "VOICEERA_API_HOST" in said


def test_a_file_where_the_data_directory_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "it is no directory" in refusal("serve", "--port", "0", data_dir=str(tmp_path / "file"))


def test_a_ledger_that_cannot_be_written_is_said() -> None:
    assert "The ledger /proc/ledger cannot be written" in refusal("lab", "--port", "0", "--ledger", "/proc/ledger")


async def test_another_revision_is_refused_with_what_to_run(database: Database, database_url: str) -> None:
    ours = await current_revision(database_url)
    await _move_to(database, "f00")
    try:
        assert "run `voiceera migrate`" in refusal("worker", database_url=database_url)
    finally:
        await _move_to(database, ours)  # the next test may get this database


async def _move_to(database: Database, revision: str | None) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_no_database_is_said(open_directory: Path) -> None:
    assert "VOICEERA_DATABASE_URL" in refusal("media", data_dir=str(open_directory))


def test_a_setting_that_does_not_fit_is_named() -> None:
    assert "VOICEERA_API_PORT" in refusal("serve", api_port="many")
    assert "must be like postgresql://" in refusal("serve", database_url="mysql://root@localhost/calls")


def test_the_api_alone_picks_a_port_prints_it_answers_and_ends_on_a_signal(
    database_url: str, open_directory: Path
) -> None:
    settings = {"data_dir": str(open_directory), "database_url": database_url}
    with running("api", "--port", "0", lines=1, **settings) as (process, lines):
        url = lines[0].removeprefix("api: ready on ")
        with urllib.request.urlopen(f"{url}/openapi.json", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_the_help_loads_nothing_heavy() -> None:
    heavy = ("sqlalchemy", "fastapi", "numpy", "alembic", "asyncpg", "pydantic")
    probe = f"import voiceera.cli, sys; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout.strip() == "[]"


@needs_worker
def test_serve_comes_up_replaces_a_dead_role_and_leaves_nothing_behind(data_dir: Path) -> None:
    settings = {"data_dir": str(data_dir), "media_port": "0", "drain_seconds": "0"}
    with running("serve", "--port", "0", lines=4, **settings) as (process, lines):
        url = lines[1].split()[1]
        family = process.children(recursive=True)
        api = next(child for child in family if "api" in child.cmdline())
        api.kill()
        # The port stays bound by the parent, so a request waits for the new process instead of failing.
        with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:
            assert answer.status == 200
        family += process.children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert not [child for child in family if is_alive(child)]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


@needs_worker
def test_a_killed_serve_takes_its_whole_tree_along(data_dir: Path) -> None:
    settings = {"data_dir": str(data_dir), "media_port": "0"}
    with running("serve", "--port", "0", lines=4, **settings) as (process, _lines):
        family = process.children(recursive=True)
        process.kill()
    _gone, alive = psutil.wait_procs([child for child in family if is_alive(child)], timeout=10)
    assert not [child for child in alive if is_alive(child)]


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
