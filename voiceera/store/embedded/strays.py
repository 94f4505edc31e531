"""What an earlier server left behind: processes that still end, files that name a process id long since reused."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from voiceera.store.embedded.cluster import Cluster

_PATIENCE_SECONDS = 10


def clear_strays(cluster: Cluster) -> None:
    """Make way for a new server. Call with the data directory's lock held: whatever runs on it then is a stray.

    PostgreSQL refuses to start when the process id in its lock files is alive, and in a container that id is soon
    somebody else's; so once nobody works in the cluster the files go.
    """
    patience_ends = time.monotonic() + _PATIENCE_SECONDS
    while strays := _working_in(cluster.data):
        for pid in strays:
            _signal(pid, signal.SIGINT if time.monotonic() < patience_ends else signal.SIGKILL)
        time.sleep(0.02)
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    for leftover in cluster.sockets.glob(".s.PGSQL.*"):
        leftover.unlink(missing_ok=True)


def _working_in(data: Path) -> list[int]:
    """Server processes whose working directory is the cluster: `postgres` and all its children go there."""
    home = data.resolve()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink() == home and (entry / "comm").read_text().startswith("postgres"):
                found.append(int(entry.name))
    return found


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
