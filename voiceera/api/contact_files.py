"""A campaign's people and what came of each, as a file."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from voiceera.api.campaigns import no_campaign
from voiceera.api.csv_answers import CSV, csv_answer
from voiceera.api.depends import Watch, Watching
from voiceera.api.routing import router
from voiceera.api.shapes import iso
from voiceera.rules.campaigns import ContactState
from voiceera.rules.csv_cells import csv_lines
from voiceera.store import campaigns, exported_contacts
from voiceera.store.exported_contacts import ExportedContact

routes = router("Campaigns")

_ROWS_AT_ONCE = 1000
BEFORE = ("phone_number", "name", "timezone", "priority")
AFTER = (
    *("status", "reason", "attempts", "last_outcome", "opted_out", "next_attempt_at"),
    *("call_id", "called_at", "caller_id", "answered_at", "duration_seconds", "disposition", "extracted"),
    *("summary", "notes", "other_variables"),
)


@routes.get("/campaigns/{campaign_id}/contacts/export", response_class=Response, responses=CSV)
async def export_contacts(
    watch: Watching,
    campaign_id: UUID,
    status: Annotated[ContactState | None, Query(description="Only those that stand there.")] = None,
) -> Response:
    """Everybody in the campaign, with their own columns, where they stand, and their last call: CSV, streamed."""
    async with watch.scope() as connection:
        if await campaigns.get(connection, watch.organization_id, campaign_id) is None:
            raise no_campaign()
        names = await exported_contacts.variable_names(connection, watch.organization_id, campaign_id)
    return csv_answer(_lines(watch, campaign_id, status, names), "contacts")


async def _lines(
    watch: Watch, campaign_id: UUID, status: ContactState | None, names: Sequence[str]
) -> AsyncIterator[str]:
    yield csv_lines([[*BEFORE, *names, *AFTER]])
    last: UUID | None = None
    while True:
        async with watch.scope() as connection:
            rows = await exported_contacts.rows_after(
                connection, watch.organization_id, campaign_id, last, _ROWS_AT_ONCE, state=status
            )
        yield csv_lines(_cells(row, names) for row in rows)
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = rows[-1].id


def _cells(row: ExportedContact, names: Sequence[str]) -> list[Any]:
    others = {name: value for name, value in row.variables.items() if name not in names}
    is_pending = row.state == ContactState.PENDING
    return [
        *(row.phone_number, row.name, row.timezone, row.priority),
        *(row.variables.get(name) for name in names),
        *(row.state, row.reason, row.attempts, row.last_outcome, row.opted_out),
        iso(row.due_at) if is_pending else None,
        row.call_id,
        row.called_at and iso(row.called_at),
        row.caller_id,
        row.answered_at and iso(row.answered_at),
        row.duration_seconds,
        row.disposition,
        _json(row.extracted),
        row.summary,
        row.notes,
        _json(others),
    ]


def _json(values: dict[str, Any] | None) -> str | None:
    return json.dumps(values, ensure_ascii=False) if values else None
