"""Contact files as rows of text: CSV of any common delimiter and encoding, streamed, and XLSX."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook

from voiceera.errors import FieldProblem, Invalid

Row = list[str] | csv.Error
"""The cells, or why the line could not be read as a row."""

_DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 65_536
_CHUNK_BYTES = 1 << 20
_MAXIMUM_UNPACKED_BYTES = 400 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def rows(file: BinaryIO) -> Iterator[Row]:
    """Every row of the file, header and empty ones included. `file` can seek. Raises Invalid for what is neither."""
    start = file.read(4)
    file.seek(0)
    if start == b"PK\x03\x04":
        return _sheet_rows(file)
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
        reader = csv.reader(text, delimiter=_delimiter(sample))
        while True:
            try:
                yield next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                yield problem
    finally:
        text.detach()


def _encoding(file: BinaryIO) -> str:
    """By the byte-order mark; else UTF-8 if all of it is, else what Western spreadsheets write."""
    start = file.read(4)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
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


def _sheet_rows(file: BinaryIO) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAXIMUM_UNPACKED_BYTES:
                raise _unreadable("is too large when unpacked: use CSV")
        file.seek(0)
        sheet = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0)
        for cells in sheet.iter_rows():
            yield [_cell(value) for value in cells]
    except (CalamineError, zipfile.BadZipFile, IndexError) as problem:
        raise _unreadable("cannot be read as an .xlsx workbook") from problem


def _cell(value: Any) -> str:
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


def _unreadable(why: str) -> Invalid:
    return Invalid("The file cannot be read.", FieldProblem("file", why))
