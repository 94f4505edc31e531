"""CSV files as answers, streamed."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A CSV file with a header row; text that a spreadsheet could run begins with an apostrophe.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


def csv_answer(lines: AsyncIterator[str], name: str) -> StreamingResponse:
    """`lines`: as `csv_lines` makes them, some at a time. `name`: of the file, without its ending."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(lines, headers=headers, media_type="text/csv; charset=utf-8")
