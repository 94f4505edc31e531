"""Workbooks are read in a process of their own: a small file can name a sheet of billions of cells, and what reads it
asks for the memory at once and aborts. There, limits hold, and nothing else is lost.

`python -m voiceera.services.sheets < book.xlsx` writes a JSON list for each row.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, BinaryIO

from voiceera.errors import FieldProblem, Invalid, TooMany
from voiceera.processes import module

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 120
MOST_UNPACKED_BYTES = 400 << 20
MOST_COLUMNS = 201
"""One more than a contact file may have, so that one that has more is seen to."""
_AT_ONCE = threading.BoundedSemaphore(2)
_BUSY_SECONDS = 10
_REFUSED = 3


def rows(file: BinaryIO) -> Iterator[list[str]]:
    """The first sheet's rows. Raises Invalid for what is no workbook or asks for too much, and TooMany while others
    are being read."""
    if not _AT_ONCE.acquire(blocking=False):
        raise TooMany("Other workbooks are being read.", _BUSY_SECONDS)
    try:
        yield from _read(file)
    finally:
        _AT_ONCE.release()


def _read(file: BinaryIO) -> Iterator[list[str]]:
    command = module("voiceera.services.sheets")
    with (
        _on_disk(file) as book,
        subprocess.Popen(command, stdin=book, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child,
    ):
        assert child.stdout is not None
        try:
            for line in child.stdout:
                yield json.loads(line)
            code = child.wait()
        finally:
            child.kill()
    if code == _REFUSED:
        raise _unreadable("cannot be read as an .xlsx workbook")
    if code:
        raise _unreadable("is too large when unpacked: use CSV")


@contextmanager
def _on_disk(file: BinaryIO) -> Iterator[BinaryIO]:
    """A copy that the child may have: a spooled file may still be in memory."""
    with tempfile.TemporaryFile() as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.seek(0)
        yield copy


def _unreadable(why: str) -> Invalid:
    return Invalid("The file cannot be read.", FieldProblem("file", why))


# ── in the child ─────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    import resource
    import zipfile

    from python_calamine import CalamineError, CalamineWorkbook

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    book = open(0, "rb", closefd=False)  # noqa: SIM115 — it is our standard input
    try:
        with zipfile.ZipFile(book) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED_BYTES:
                return 1
        book.seek(0)
        for cells in CalamineWorkbook.from_filelike(book).get_sheet_by_index(0).iter_rows():
            row = [cell_text(value) for value in cells[:MOST_COLUMNS]]
            sys.stdout.write(json.dumps(row) + "\n")
    except (CalamineError, zipfile.BadZipFile, IndexError, OSError, ValueError):
        return _REFUSED
    sys.stdout.flush()
    return 0


def cell_text(value: Any) -> str:
    """A cell as a person reads it: whole numbers without a point, midnight's dates without a time."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("minutes")
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
