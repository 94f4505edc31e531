"""Rows of CSV that a spreadsheet shows and never runs (OWASP, "CSV Injection")."""

import csv
import io
from collections.abc import Iterable
from typing import Any

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    """The rows as lines (RFC 4180). Text that a spreadsheet could take for a formula begins with an apostrophe."""
    lines = io.StringIO()
    csv.writer(lines).writerows([_cell(value) for value in row] for row in rows)
    return lines.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_RUNS):
        return f"'{value}"
    return value
