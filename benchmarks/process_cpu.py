"""CPU time of every process that this one has started, by what it does; from /proc (Linux)."""

import os
from collections import Counter
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> Counter[str]:
    """User and system time so far of our descendants: api, lab, media, postgres, worker. What a process's children
    took that have ended is its own."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    names: dict[int, str] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal() and (told := _stat(directory)) is not None:
            pid = int(directory.name)
            parents[pid], used[pid], names[pid] = told
    found: Counter[str] = Counter()
    for pid, seconds in used.items():
        if pid != os.getpid() and _descends(pid, parents):
            found[names[pid]] += seconds  # type: ignore[assignment]
    return found


def peak_mb(pid: int) -> float:
    """The most memory that the process has held since `forget_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc tells no peak of {pid}")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5)


def _stat(directory: Path) -> tuple[int, float, str] | None:
    try:
        fields = (directory / "stat").read_text().rpartition(")")[2].split()
        command = (directory / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has just ended
        return None
    ticks = sum(int(field) for field in fields[11:15])
    return int(fields[1]), ticks / _TICKS, _name(command)


def _name(command: list[bytes]) -> str:
    if b"voiceera" in command:
        return command[command.index(b"voiceera") + 1].decode()
    return command[0].rpartition(b"/")[2].partition(b":")[0].decode() or "kernel"


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == os.getpid():
            return True
    return False
