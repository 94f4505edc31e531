"""Where the sound of a call lies: `store` and `key`, never a path."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, insert

from voiceera.rules.sound_files import EncodingState
from voiceera.rules.waveforms import Waveform
from voiceera.store.base import Connection, metadata
from voiceera.store.call_filter import CallFilter
from voiceera.store.calls import calls
from voiceera.store.jobs import DueRow
from voiceera.store.page import Page, PageRequest, page

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

recordings = sa.Table(
    "recordings",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("store", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("channels", sa.SmallInteger, nullable=False),
    sa.Column("sample_rate", sa.Integer, nullable=False),
    sa.Column("duration_seconds", sa.Numeric(10, 3), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text),
    sa.Column("fault", sa.Text),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("deleted_at", _WHEN),
    sa.Column("encoding_state", sa.Text, nullable=False),
    sa.Column("encoding_error", sa.Text),
    sa.Column("encoding_tries", sa.SmallInteger, nullable=False),
    sa.Column("encoding_due_at", _WHEN),
    sa.Column("silences", JSONB, nullable=False),
)

waveforms = sa.Table(
    "waveforms",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("points_per_second", sa.REAL, nullable=False),
    sa.Column("channels", sa.SmallInteger, nullable=False),
    sa.Column("peaks", sa.LargeBinary, nullable=False),
)


SORTABLE = {name: recordings.c[name] for name in ("created_at", "duration_seconds", "size_bytes")}
_OF_THE_CALL = (
    *("direction", "status", "agent_id", "campaign_id", "contact_id", "contact_name"),
    *("phone_number", "disposition"),
)


def _with_calls(organization_id: UUID) -> sa.Select[Any]:
    """Recordings that are not deleted, with what their calls were."""
    told = [calls.c[name] for name in _OF_THE_CALL]
    its_call = (calls.c.organization_id == recordings.c.organization_id) & (calls.c.id == recordings.c.call_id)
    kept = recordings.c.organization_id == organization_id, recordings.c.deleted_at.is_(None)
    return sa.select(recordings, *told).join(calls, its_call).where(*kept)


async def get(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    """With its call's columns."""
    found = await connection.execute(_with_calls(organization_id).where(recordings.c.call_id == call_id))
    row: sa.Row[Any] | None = found.one_or_none()
    return row


async def find(
    connection: Connection, organization_id: UUID, request: PageRequest, wanted: CallFilter
) -> Page[sa.Row[Any]]:
    """With their calls' columns; the span is that of the recordings."""
    query = _with_calls(organization_id).where(*wanted.of_calls(), *wanted.span.of(recordings.c.created_at))
    return await page(connection, query, request, SORTABLE, recordings.c.call_id)


async def put(connection: Connection, row: dict[str, Any]) -> None:
    """A recording as it is now known; one that was deleted stays so."""
    statement = insert(recordings).values(**row)
    keys = ["organization_id", "call_id"]
    still_there = recordings.c.deleted_at.is_(None)
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=row, where=still_there))


async def lock(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    """The recording that is not deleted, held until the transaction ends."""
    statement = sa.select(recordings).where(*_is_kept(organization_id, call_id)).with_for_update()
    return (await connection.execute(statement)).one_or_none()


async def delete(connection: Connection, organization_id: UUID, call_id: UUID, now: datetime) -> None:
    """Note that its files are gone. While it is being encoded, the encoder's lease stays: it erases once more."""
    statement = sa.update(recordings).where(*_is_kept(organization_id, call_id))
    await connection.execute(statement.values(deleted_at=now))
    outline = waveforms.c.organization_id == organization_id, waveforms.c.call_id == call_id
    await connection.execute(sa.delete(waveforms).where(*outline))


def _is_kept(organization_id: UUID, call_id: UUID) -> Sequence[sa.ColumnElement[bool]]:
    kept = recordings.c
    return kept.organization_id == organization_id, kept.call_id == call_id, kept.deleted_at.is_(None)


# ── encoding ─────────────────────────────────────────────────────────────────────────────────────────────────────

_TO_ENCODE = recordings.c.encoding_state.in_((EncodingState.PENDING, EncodingState.SPARE))


async def due_encodings(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Of all organizations, the longest due first; a platform's transaction."""
    due_at = recordings.c.encoding_due_at
    statement = sa.select(recordings.c.organization_id, recordings.c.call_id, due_at).where(_TO_ENCODE, due_at <= now)
    return [DueRow(*row) for row in await connection.execute(statement.order_by(due_at).limit(limit))]


async def claim_encoding(
    connection: Connection, organization_id: UUID, call_id: UUID, now: datetime, until: datetime
) -> sa.Row[Any] | None:
    """Take up what is due on a recording, deleted or not, until then. None: nothing is, or somebody is at it."""
    kept = recordings.c
    is_due = kept.organization_id == organization_id, kept.call_id == call_id, _TO_ENCODE, kept.encoding_due_at <= now
    statement = sa.update(recordings).where(*is_due)
    statement = statement.values(encoding_tries=kept.encoding_tries + 1, encoding_due_at=until)
    row: sa.Row[Any] | None = (await connection.execute(statement.returning(recordings))).one_or_none()
    return row


async def change_encoding(connection: Connection, organization_id: UUID, call_id: UUID, **values: Any) -> None:
    """Of a recording that may be deleted."""
    its_own = recordings.c.organization_id == organization_id, recordings.c.call_id == call_id
    await connection.execute(sa.update(recordings).where(*its_own).values(**values))


async def put_waveform(connection: Connection, organization_id: UUID, call_id: UUID, waveform: Waveform) -> None:
    drawn = {"points_per_second": waveform.points_per_second, "channels": waveform.channels, "peaks": waveform.peaks}
    statement = insert(waveforms).values(organization_id=organization_id, call_id=call_id, **drawn)
    keys = ["organization_id", "call_id"]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=drawn))


async def waveform(connection: Connection, organization_id: UUID, call_id: UUID) -> Waveform | None:
    its_own = waveforms.c.organization_id == organization_id, waveforms.c.call_id == call_id
    found = (await connection.execute(sa.select(waveforms).where(*its_own))).one_or_none()
    return Waveform(found.points_per_second, found.channels, found.peaks) if found else None
