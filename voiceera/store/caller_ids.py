"""How the numbers that calls come from are doing: dials of a day, answers of late, and rests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, insert

from voiceera.rules.caller_ids import BEFORE, RECENT, Record, Tally
from voiceera.store.attempts import attempts
from voiceera.store.base import Connection, metadata
from voiceera.store.phone_numbers import phone_numbers

_WHEN = TIMESTAMP(timezone=True)

rests = sa.Table(
    "caller_id_rests",
    metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("caller_id", sa.Text, primary_key=True),
    sa.Column("since", _WHEN, nullable=False),
    sa.Column("until", _WHEN, nullable=False),
    sa.Column("answer_rate", sa.Float, nullable=False),
    sa.Column("earlier_rate", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Rest:
    """A number's latest rest, which may be over, and the answer rates (0–1) that it was given for."""

    since: datetime
    until: datetime
    answer_rate: float
    earlier_rate: float


@dataclass(frozen=True)
class Use:
    """`dials`: since an instant; `oldest_at`: the first of them."""

    dials: int
    oldest_at: datetime


async def rests_of(connection: Connection, organization_id: UUID) -> dict[str, Rest]:
    c = rests.c
    query = sa.select(c.caller_id, c.since, c.until, c.answer_rate, c.earlier_rate)
    found = await connection.execute(query.where(c.organization_id == organization_id))
    return {row.caller_id: Rest(*row[1:]) for row in found}


async def rest(
    connection: Connection, organization_id: UUID, record: Record, since: datetime, until: datetime
) -> None:
    values: dict[str, Any] = {"since": since, "until": until}
    values |= {"answer_rate": record.recent.rate, "earlier_rate": record.before.rate}
    statement = insert(rests).values(organization_id=organization_id, caller_id=record.number, **values)
    key = [rests.c.organization_id, rests.c.caller_id]
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values))


async def uses(
    connection: Connection, organization_id: UUID, numbers: Sequence[str], since: datetime
) -> dict[str, Use]:
    """Dials from each of the numbers; such as the carrier refused rang nobody and are left out."""
    a = attempts.c
    query = (
        sa.select(a.caller_id, sa.func.count(), sa.func.min(a.dialed_at))
        .where(a.organization_id == organization_id, a.caller_id == _any(numbers), a.dialed_at > since)
        .where(a.accepted_at.is_not(None) | a.ended_at.is_(None))
        .group_by(a.caller_id)
    )
    return {row[0]: Use(row[1], row[2]) for row in await connection.execute(query)}


async def hold(connection: Connection, organization_id: UUID, numbers: Sequence[str]) -> None:
    """Let nobody else call from these until the transaction ends, in the order in which everybody locks them."""
    n = phone_numbers.c
    query = sa.select(n.id).where(n.organization_id == organization_id, n.phone_number == _any(numbers))
    await connection.execute(query.order_by(n.phone_number).with_for_update(key_share=True))


async def last_used(connection: Connection, organization_id: UUID, phone_numbers: Sequence[str]) -> dict[str, str]:
    """Number rung → the number that it was last rung from."""
    found = await connection.execute(_LAST, {"organization_id": organization_id, "numbers": list(phone_numbers)})
    return {row.number: row.caller_id for row in found}


_LAST = sa.text("""
    SELECT asked.number, last.caller_id FROM unnest(CAST(:numbers AS text[])) AS asked (number), LATERAL (
        SELECT caller_id FROM attempts
        WHERE organization_id = :organization_id AND phone_number = asked.number AND caller_id IS NOT NULL
          AND dialed_at IS NOT NULL
        ORDER BY dialed_at DESC LIMIT 1
    ) last
""").bindparams(sa.bindparam("organization_id", type_=sa.Uuid))


async def records(
    connection: Connection, organization_id: UUID, numbers: Sequence[str], rested: dict[str, Rest]
) -> list[Record]:
    """Of each number's latest calls that rang, how many a person answered; what was before a rest is not recent."""
    given = {"numbers": list(numbers), "after": [rested[n].until if n in rested else None for n in numbers]}
    rows = await connection.execute(_RECORDS, {"organization_id": organization_id} | given)
    return [Record(row.number, Tally(*row[1:3]), Tally(*row[3:5])) for row in rows]


_RECORDS = sa.text(f"""
    SELECT asked.number,
        count(*) FILTER (WHERE is_recent), count(*) FILTER (WHERE is_recent AND answered),
        count(*) FILTER (WHERE nth > {RECENT}), count(*) FILTER (WHERE nth > {RECENT} AND answered)
    FROM unnest(CAST(:numbers AS text[]), CAST(:after AS timestamptz[])) AS asked (number, after), LATERAL (
        SELECT outcome IN ('reached', 'dropped_early') AS answered,
            row_number() OVER newest AS nth,
            row_number() OVER newest <= {RECENT} AND (after IS NULL OR dialed_at > after) AS is_recent
        FROM attempts
        WHERE organization_id = :organization_id AND caller_id = asked.number AND dialed_at IS NOT NULL
          AND outcome IN ('reached', 'dropped_early', 'voicemail', 'no_answer', 'busy')
        WINDOW newest AS (ORDER BY dialed_at DESC) ORDER BY dialed_at DESC LIMIT {RECENT + BEFORE}
    ) latest
    GROUP BY 1 ORDER BY 1
""").bindparams(sa.bindparam("organization_id", type_=sa.Uuid), sa.bindparam("after", type_=ARRAY(_WHEN)))


def _any(numbers: Sequence[str]) -> Any:
    return sa.any_(sa.literal(list(numbers), ARRAY(sa.Text)))
