"""Contact files as rows of text: CSV of any common delimiter and encoding, streamed, and XLSX."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from voiceera.errors import FieldProblem, Invalid
from voiceera.services import sheets

Row = list[str] | csv.Error
"""The cells, or why the line could not be read as a row."""

_DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 65_536
_CHUNK_BYTES = 1 << 20
_LONGEST_LINE = 500_000
"""Characters: two hundred columns of the longest value, and room."""
_TOO_LONG = "x" * (csv.field_size_limit() + 1) + "\n"
"""What the reader is given for a longer one: it says of this what it says of a field that is too long."""
_MOST_COLUMNS = 201
"""One more than a contact file may have, so that one that has more is seen to."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, whose mark begins the one of little-endian UTF-32.
    *((mark, "utf-32") for mark in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
    *((mark, "utf-16") for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)


def rows(file: BinaryIO) -> Iterator[Row]:
    """Every row of the file, header and empty ones included. `file` can seek. Raises Invalid for what is neither."""
    start = file.read(4)
    file.seek(0)
    if start == b"PK\x03\x04":
        return sheets.rows(file)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise _unreadable("is an old .xls workbook: save it as .xlsx or CSV")
    return _text_rows(file)


def _text_rows(file: BinaryIO) -> Iterator[Row]:
    encoding = _encoding(file)
    file.seek(0)
    sample = file.read(_SAMPLE_BYTES).decode(encoding, errors="ignore")
    file.seek(0)
    # A wrapper closes what it wraps when it goes; the file is its owner's.
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        reader = csv.reader(_lines(text), delimiter=_delimiter(sample))
        while True:
            try:
                yield next(reader)[:_MOST_COLUMNS]
            except StopIteration:
                return
            except csv.Error as problem:
                yield problem
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Line by line, but never one that fills the memory."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) < _LONGEST_LINE or line.endswith(("\n", "\r")):
            yield line
            continue
        while len(line) >= _LONGEST_LINE and not line.endswith(("\n", "\r")):
            line = text.readline(_LONGEST_LINE)
        yield _TOO_LONG


def _encoding(file: BinaryIO) -> str:
    """By the byte-order mark; else UTF-16 if every other byte is zero, UTF-8 if all of it is, else what Western
    spreadsheets write."""
    start = file.read(200)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return encoding
    if (half := len(start) // 2) > 4:
        for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if start[offset::2].count(0) > 0.9 * half and start[1 - offset :: 2].count(0) == 0:
                return encoding
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(sample: str) -> str:
    """The one that cuts the first lines into the most columns, evenly."""
    lines = sample.splitlines()[:10]
    if len(lines) > 1 and len(sample) >= _SAMPLE_BYTES:
        lines.pop()

    def evenness(delimiter: str) -> int:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return 0
        return sum(width == widths[0] for width in widths) * (widths[0] - 1) if widths else 0

    return max(_DELIMITERS, key=evenness)


def _unreadable(why: str) -> Invalid:
    return Invalid("The file cannot be read.", FieldProblem("file", why))
