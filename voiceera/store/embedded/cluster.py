"""The embedded PostgreSQL's files below the data directory: the cluster, its socket, its password."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from voiceera.errors import StartupError
from voiceera.ids import new_secret
from voiceera.store.embedded.account import Account, account_for, refuse_unreachable
from voiceera.store.embedded.programs import find_programs, version_of

PORT = 5432
_SOCKET_NAME = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET_PATH = 107
"""sun_path holds 108 bytes with its closing zero (unix(7))."""


@dataclass(frozen=True)
class Cluster:
    """A prepared cluster: start `programs/postgres` on `data` as `account`, with its socket in `sockets`."""

    home: Path
    data: Path
    sockets: Path
    programs: Path
    account: Account
    password: str


def prepare(data_dir: Path) -> Cluster:
    """Make or find the cluster below `data_dir`. Raises StartupError, saying what to change."""
    home = data_dir / "postgres"
    data = home / "data"
    account = account_for(data)
    refuse_unreachable(home, account)
    programs = find_programs(home, account)
    if not (data / "PG_VERSION").exists():
        _initialize(home, data, programs, account)
    _refuse_other_major(data, programs)
    _write_authentication(data, account)
    return Cluster(home, data, _socket_directory(home, account), programs, account, _password(data_dir / "keys"))


def make_directories(data_dir: Path) -> Path:
    """The cluster's home below `data_dir`, which may not exist yet. Raises StartupError when it cannot be written."""
    home = data_dir / "postgres"
    try:
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        home.mkdir(mode=0o711, exist_ok=True)
        (data_dir / "keys").mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            # The other account passes through these two; it cannot list them, and keys/ stays closed.
            for directory in (data_dir, home):
                directory.chmod(directory.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
        probe = home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise StartupError(
            f"The data directory {data_dir} cannot be written ({_why(problem)}): "
            "set VOICEERA_DATA_DIR to a directory that this user may write."
        ) from problem
    return home


def _why(problem: OSError) -> str:
    return (
        "it is no directory" if isinstance(problem, FileExistsError | NotADirectoryError) else str(problem.strerror)
    )


def _initialize(home: Path, data: Path, programs: Path, account: Account) -> None:
    """`initdb` beside the final place, then one rename: a half-made cluster is never taken for a whole one."""
    for leftover in home.glob("new-*"):
        shutil.rmtree(leftover)
    making = Path(tempfile.mkdtemp(dir=home, prefix="new-"))
    account.owns(making)
    version = version_of(programs, account) or "0"
    locale = (
        ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if int(version.split(".")[0]) >= 17
        else ["--no-locale"]
    )
    options = ["--username=postgres", "--encoding=UTF8", "--auth=reject", "--data-checksums", "--no-sync", *locale]
    answer = subprocess.run(
        [programs / "initdb", "-D", making, *options],
        capture_output=True,
        text=True,
        cwd="/",
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
        **account.switch,
    )
    if answer.returncode != 0:
        free = shutil.disk_usage(home).free // 1_000_000
        why = next(iter(answer.stderr.strip().splitlines()), "it does not say why")
        raise StartupError(f"PostgreSQL could not make its cluster in {home}, where {free} MB are free: {why}")
    making.rename(data)
    os.sync()


def _refuse_other_major(data: Path, programs: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    version = version_of(programs, None) or "?"
    if version.split(".")[0] != made_by:
        raise StartupError(
            f"The cluster in {data} was made by PostgreSQL {made_by}, and {programs}/postgres is {version}: "
            "dump it with the old version and restore it into a new data directory."
        )


def _write_authentication(data: Path, account: Account) -> None:
    """The superuser only for the account that supervises (checked by the kernel); everyone else by password."""
    supervisor = pwd.getpwuid(os.geteuid()).pw_name
    rules = "local all postgres peer map=supervisor\nlocal all all scram-sha-256\n"
    for name, content in (
        ("pg_hba.conf", rules),
        ("pg_ident.conf", f'supervisor "{supervisor}" postgres\n'),
    ):
        (data / name).write_text(content)
        account.owns(data / name)


def _socket_directory(home: Path, account: Account) -> Path:
    """`run/` in the cluster's home; where its path is too long for a socket, a remembered temporary directory."""
    sockets = home / "run"
    if len(os.fsencode(sockets / _SOCKET_NAME)) > _LONGEST_SOCKET_PATH:
        sockets = _short_directory(home / "socket_directory", account)
    sockets.mkdir(mode=0o700, exist_ok=True)
    account.owns(sockets)
    return sockets


def _short_directory(remembered: Path, account: Account) -> Path:
    if remembered.exists():
        known = Path(remembered.read_text())
        if known.is_dir() and not known.is_symlink() and known.stat().st_uid == account.uid:
            return known
    made = Path(tempfile.mkdtemp(prefix="voiceera-"))
    if len(os.fsencode(made / _SOCKET_NAME)) > _LONGEST_SOCKET_PATH:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="voiceera-", dir="/tmp"))
    remembered.write_text(str(made))
    return made


def _password(keys: Path) -> str:
    """The role's password, made on the first start (0600)."""
    path = keys / "postgres.password"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_secret())
    return path.read_text()
