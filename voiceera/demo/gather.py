"""What the platform remembers of a campaign, read from its database; what the network remembers, from its ledger."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from voiceera.demo.outcome import CallEnd, ContactEnd, SpokenTurn
from voiceera.rules.calls import CallStatus, Speaker
from voiceera.store.base import Connection, Database
from voiceera.store.calls import call_turns, calls
from voiceera.store.contacts import contacts
from voiceera.store.recordings import recordings

_LINES = {"l16/16000": "l16_16k", "ulaw/8000": "ulaw_8k", "l16/8000": "l16_8k"}


async def gather(
    database: Database, organization_id: UUID, campaign_id: UUID, recordings_dir: Path
) -> tuple[tuple[CallEnd, ...], tuple[ContactEnd, ...]]:
    """Every call and every contact of the campaign, in the order of their making."""
    async with database.organization(organization_id) as connection:
        people = await _contacts(connection, organization_id, campaign_id)
        made = await _calls(connection, organization_id, campaign_id, recordings_dir)
    return made, people


async def _contacts(connection: Connection, organization_id: UUID, campaign_id: UUID) -> tuple[ContactEnd, ...]:
    statement = sa.select(contacts.c.name, contacts.c.phone_number, contacts.c.state).where(
        contacts.c.organization_id == organization_id, contacts.c.campaign_id == campaign_id
    )
    rows = await connection.execute(statement.order_by(contacts.c.id))
    return tuple(ContactEnd(row.name or row.phone_number, row.phone_number, row.state) for row in rows)


async def _calls(
    connection: Connection, organization_id: UUID, campaign_id: UUID, recordings_dir: Path
) -> tuple[CallEnd, ...]:
    spoken = await _turns(connection, organization_id, campaign_id)
    kept = await _recordings(connection, organization_id, campaign_id, recordings_dir)
    statement = sa.select(calls).where(calls.c.organization_id == organization_id, calls.c.campaign_id == campaign_id)
    tries: Counter[str] = Counter()
    made = []
    for row in await connection.execute(statement.order_by(calls.c.id)):
        tries[row.phone_number] += 1
        made.append(
            CallEnd(
                id=str(row.id),
                phone_number=row.phone_number,
                name=row.contact_name or row.phone_number,
                attempt=tries[row.phone_number],
                status=CallStatus(row.status),
                disposition=row.disposition,
                answered_by=row.answered_by,
                hangup_cause=row.hangup_cause,
                duration_seconds=float(row.duration_seconds or 0),
                line=_LINES.get(row.audio_format or ""),
                turns=tuple(spoken.get(row.id, ())),
                recording=kept.get(row.id),
            )
        )
    return tuple(made)


async def _turns(connection: Connection, organization_id: UUID, campaign_id: UUID) -> dict[UUID, list[SpokenTurn]]:
    turn = call_turns.c
    statement = (
        sa.select(call_turns)
        .join(calls, (calls.c.organization_id == turn.organization_id) & (calls.c.id == turn.call_id))
        .where(turn.organization_id == organization_id, calls.c.campaign_id == campaign_id)
        .order_by(turn.call_id, turn.index)
    )
    spoken: dict[UUID, list[SpokenTurn]] = {}
    for row in await connection.execute(statement):
        spoken.setdefault(row.call_id, []).append(
            SpokenTurn(
                speaker=Speaker(row.speaker),
                text=row.text,
                start_ms=row.start_ms,
                end_ms=row.end_ms,
                interrupted=row.interrupted,
                step=row.step,
                result=row.result,
                latency=row.latency,
            )
        )
    return spoken


async def _recordings(
    connection: Connection, organization_id: UUID, campaign_id: UUID, recordings_dir: Path
) -> dict[UUID, Path]:
    kept = recordings.c
    statement = (
        sa.select(kept.call_id, kept.key)
        .join(calls, (calls.c.organization_id == kept.organization_id) & (calls.c.id == kept.call_id))
        .where(kept.organization_id == organization_id, calls.c.campaign_id == campaign_id)
    )
    return {row.call_id: recordings_dir / row.key for row in await connection.execute(statement)}
