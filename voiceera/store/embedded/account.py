"""Who runs the embedded PostgreSQL: ourselves, or as root (whom it refuses) another account."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceera.errors import StartupError

_ACCOUNTS = ("voiceera", "postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """Who runs `postgres`. `switch` is what `subprocess` needs to become it; empty when it is already us."""

    name: str
    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, Any]:
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, directory: Path) -> None:
        if self.uid != os.geteuid():
            os.chown(directory, self.uid, self.gid)


def account_for(data: Path) -> Account:
    """Ourselves; as root (whom PostgreSQL refuses) the owner of the cluster, or the first account that exists."""
    if os.geteuid() != 0:
        try:
            return Account(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid())
        except KeyError:
            raise StartupError(
                f"User id {os.geteuid()} has no name on this system, which PostgreSQL needs: "
                "add it to /etc/passwd, or set VOICEERA_DATABASE_URL to a PostgreSQL server."
            ) from None
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartupError(
        "PostgreSQL does not run as root, and none of the accounts "
        f"{', '.join(_ACCOUNTS)} exists: make one, or set VOICEERA_DATABASE_URL to a PostgreSQL server."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise StartupError(f"The cluster belongs to user id {uid}, which has no name on this system.") from None


def refuse_unreachable(home: Path, account: Account) -> None:
    for directory in home.resolve().parents:
        found = directory.stat()
        if found.st_uid == account.uid:
            passable = found.st_mode & stat.S_IXUSR
        elif found.st_gid == account.gid:
            passable = found.st_mode & stat.S_IXGRP
        else:
            passable = found.st_mode & stat.S_IXOTH
        if not passable:
            raise StartupError(
                f"PostgreSQL runs as the account {account.name!r}, which cannot pass through {directory}: "
                "set VOICEERA_DATA_DIR to a directory outside it, such as /var/lib/voiceera."
            )
