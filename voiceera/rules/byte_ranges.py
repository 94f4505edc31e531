"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range begins past the end of the file."""


@dataclass(frozen=True)
class ByteRange:
    """From `start` up to `end`, which is excluded."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def asked_range(header: str | None, size: int) -> ByteRange | None:
    """The one range that the Range header asks for. None: the whole file, as for a header that is malformed, in other
    units, or asks for several ranges (a server may answer those so). Raises Unsatisfiable."""
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return _last_bytes(int(last), size) if last else None
    start, end = int(first), int(last) + 1 if last else size
    if last and end <= start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(end, size))


def _last_bytes(length: int, size: int) -> ByteRange:
    if length == 0 or size == 0:
        raise Unsatisfiable
    return ByteRange(max(0, size - length), size)
