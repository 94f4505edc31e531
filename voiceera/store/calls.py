"""Calls, their turns, and the one-shot tokens that open their media sockets. Partitioned by month of the id."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TIMESTAMP, TSVECTOR, insert

from voiceera.rules.calls import TurnRecord
from voiceera.store.base import Connection, metadata
from voiceera.store.slices import insert_all, update_all
from voiceera.store.webhooks import LISTENING, is_listening

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("agent_id", _ID, nullable=False),
    sa.Column("agent_version", sa.Integer, nullable=False),
    sa.Column("campaign_id", _ID),
    sa.Column("contact_id", _ID),
    sa.Column("contact_name", sa.Text),
    sa.Column("phone_number", sa.Text),
    sa.Column("caller_id", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("carrier_call_id", sa.Text),
    sa.Column("variables", JSONB, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("answered_by", sa.Text),
    sa.Column("hangup_cause", sa.Text),
    sa.Column("disposition", sa.Text),
    sa.Column("extracted", JSONB, nullable=False),
    sa.Column("notes", sa.Text),
    sa.Column("duration_seconds", sa.Numeric(10, 3)),
    sa.Column("cost", sa.Numeric(12, 5)),
    sa.Column("carrier_cost", sa.Numeric(12, 5)),
    sa.Column("cost_parts", JSONB, nullable=False),
    sa.Column("audio_format", sa.Text),
    sa.Column("turns", sa.Integer, nullable=False),
    sa.Column("interruptions", sa.Integer, nullable=False),
    sa.Column("latency", JSONB, nullable=False),
    sa.Column("answer_ms", ARRAY(sa.REAL), nullable=False),
    sa.Column("goal_reached", sa.Boolean, nullable=False),
    sa.Column("analysis_state", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("sentiment", sa.Text),
    sa.Column("emotions", ARRAY(sa.Text)),
    sa.Column("key_phrases", ARRAY(sa.Text)),
    sa.Column("spoken_language", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("media_node_id", _ID),
    sa.Column("created_by", _ID),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("ringing_at", _WHEN),
    sa.Column("answered_at", _WHEN),
    sa.Column("ended_at", _WHEN),
    sa.Column("deleted_at", _WHEN),
)

call_turns = sa.Table(
    "call_turns",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("speaker", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("start_ms", sa.Integer, nullable=False),
    sa.Column("end_ms", sa.Integer, nullable=False),
    sa.Column("confidence", sa.Double),
    sa.Column("interrupted", sa.Boolean, nullable=False),
    sa.Column("step", sa.Text),
    sa.Column("result", sa.Text),
    sa.Column("latency", JSONB),
)

# What was said in a call and noted about it, as words to search for; kept by triggers. This table's own row-level
# security does not hold us, who own it, since no index of words serves under one: `call_words` asks the same itself.
call_texts = sa.Table(
    "call_texts",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("words", TSVECTOR, nullable=False),
)

media_tokens = sa.Table(
    "media_tokens",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("token_hash", BYTEA, primary_key=True),
    sa.Column("call_id", _ID, nullable=False),
    sa.Column("media_node_id", _ID, nullable=False),
    sa.Column("carrier", sa.Text, nullable=False),
    sa.Column("expires_at", _WHEN, nullable=False),
    sa.Column("redeemed_at", _WHEN),
)


def is_call(organization_id: UUID, call_id: UUID) -> sa.ColumnElement[bool]:
    return (calls.c.organization_id == organization_id) & (calls.c.id == call_id)


async def add(connection: Connection, row: dict[str, Any]) -> None:
    """A call is born: at a dial's intent, when a single call is asked for, or when somebody rings us."""
    empty: dict[str, Any] = {"variables": {}, "extracted": {}, "cost_parts": {}, "latency": {}, "answer_ms": []}
    values = empty | {"turns": 0, "interruptions": 0, "goal_reached": False} | row
    await connection.execute(sa.insert(calls).values(**values))


async def add_all(connection: Connection, organization_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """`add` for a slice: every row has the same columns; the others are empty."""
    await insert_all(connection, calls, organization_id, rows)


async def move_all(connection: Connection, organization_id: UUID, rows: Sequence[dict[str, Any]]) -> bool:
    """`move` for a slice: each row has its id, and the same columns to write."""
    told = await update_all(connection, calls, organization_id, rows, returning=LISTENING)
    return bool(told and told[0][0])


async def move_and_name(
    connection: Connection, organization_id: UUID, rows: Sequence[dict[str, Any]]
) -> tuple[bool, dict[UUID, str | None]]:
    """`move_all`, and what the calls' contacts are called."""
    returning = f"{LISTENING}, calls.id, calls.contact_name"
    told = await update_all(connection, calls, organization_id, rows, returning=returning)
    return bool(told and told[0][0]), {row.id: row.contact_name for row in told}


async def change(connection: Connection, organization_id: UUID, call_id: UUID, **values: Any) -> None:
    await connection.execute(sa.update(calls).where(is_call(organization_id, call_id)).values(**values))


async def move(connection: Connection, organization_id: UUID, call_id: UUID, **values: Any) -> bool:
    """`change`, for what may be an event: answers whether the organization listens to any."""
    statement = sa.update(calls).where(is_call(organization_id, call_id)).values(**values)
    return bool(await connection.scalar(statement.returning(is_listening(organization_id))))


async def remove(connection: Connection, organization_id: UUID, call_id: UUID) -> None:
    """Forget a call that never rang."""
    await connection.execute(sa.delete(calls).where(is_call(organization_id, call_id)))


async def get(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    return (await connection.execute(sa.select(calls).where(is_call(organization_id, call_id)))).one_or_none()


async def get_all(connection: Connection, organization_id: UUID, ids: Sequence[UUID]) -> Sequence[sa.Row[Any]]:
    chosen = calls.c.id == sa.any_(sa.literal(list(ids), ARRAY(_ID)))
    statement = sa.select(calls).where(calls.c.organization_id == organization_id, chosen)
    return (await connection.execute(statement)).all()


async def known(connection: Connection, organization_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Those of `ids` that are calls already."""
    chosen = calls.c.id == sa.any_(sa.literal(list(ids), ARRAY(_ID)))
    found = await connection.execute(sa.select(calls.c.id).where(calls.c.organization_id == organization_id, chosen))
    return set(found.scalars())


async def hold(connection: Connection, organization_id: UUID, call_id: UUID) -> sa.Row[Any] | None:
    """The call, which nobody deletes until the transaction ends."""
    statement = sa.select(calls).where(is_call(organization_id, call_id)).with_for_update(key_share=True)
    return (await connection.execute(statement)).one_or_none()


async def put_turn(
    connection: Connection, organization_id: UUID, call_id: UUID, index: int, turn: TurnRecord
) -> None:
    """The turn as it is now known; a later telling replaces an earlier one."""
    values = asdict(turn)
    statement = insert(call_turns).values(organization_id=organization_id, call_id=call_id, index=index, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["organization_id", "call_id", "index"], set_=values)
    )


async def turns(connection: Connection, organization_id: UUID, call_id: UUID) -> Sequence[sa.Row[Any]]:
    """In the order in which they were spoken."""
    statement = sa.select(call_turns).where(
        call_turns.c.organization_id == organization_id, call_turns.c.call_id == call_id
    )
    return (await connection.execute(statement.order_by(call_turns.c.index))).all()


async def add_token(
    connection: Connection,
    organization_id: UUID,
    call_id: UUID,
    node_id: UUID,
    *,
    token_hash: bytes,
    carrier: str,
    expires_at: datetime,
) -> None:
    row: dict[str, Any] = {"organization_id": organization_id, "call_id": call_id, "media_node_id": node_id}
    row |= {"token_hash": token_hash, "carrier": carrier, "expires_at": expires_at}
    await connection.execute(sa.insert(media_tokens).values(**row))


async def redeem_token(
    connection: Connection, organization_id: UUID, token_hash: bytes, *, carrier: str, now: datetime
) -> UUID | None:
    """The call that the token opens, once; None for one that is unknown, late, used or another carrier's."""
    tokens = media_tokens.c
    statement = (
        sa.update(media_tokens)
        .where(
            tokens.organization_id == organization_id,
            tokens.token_hash == token_hash,
            tokens.carrier == carrier,
            tokens.expires_at > now,
            tokens.redeemed_at.is_(None),
        )
        .values(redeemed_at=now)
        .returning(tokens.call_id)
    )
    call_id: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return call_id


async def count_held(connection: Connection, organization_id: UUID, user_id: UUID) -> int:
    """Calls under way that media processes hold without a carrier, for this user."""
    c = calls.c
    is_held = sa.and_(c.media_node_id.is_not(None), c.ended_at.is_(None))
    statement = sa.select(sa.func.count()).where(
        c.organization_id == organization_id, is_held, c.created_by == user_id
    )
    return int(await connection.scalar(statement) or 0)


_ABANDONED = sa.text(
    """
    SELECT organization_id, id FROM calls c
    WHERE media_node_id IS NOT NULL AND ended_at IS NULL AND created_at < :silent_since
      AND NOT EXISTS (SELECT 1 FROM media_nodes n WHERE n.id = c.media_node_id AND n.seen_at > :silent_since)
    """
).columns(organization_id=_ID, id=_ID)


async def abandoned(connection: Connection, silent_since: datetime) -> list[tuple[UUID, UUID]]:
    """(organization, call) of those whose media process has been silent since then. Needs a platform transaction."""
    rows = await connection.execute(_ABANDONED, {"silent_since": silent_since})
    return [(row.organization_id, row.id) for row in rows]


async def note_carrier_end(
    connection: Connection,
    organization_id: UUID,
    call_id: UUID,
    *,
    carrier_call_id: str | None,
    cause: str | None,
    duration_seconds: float | None,
    cost: str | None,
) -> None:
    """The carrier's account of a call: what it bills, and its cause where the conversation has told none."""
    values: dict[str, Any] = {
        "carrier_call_id": carrier_call_id,
        "hangup_cause": sa.func.coalesce(calls.c.hangup_cause, cause),
    }
    if duration_seconds is not None:
        values["duration_seconds"] = Decimal(str(duration_seconds))
    if cost is not None:
        values |= {"cost": Decimal(cost), "carrier_cost": Decimal(cost), "cost_parts": {"carrier": cost}}
    await change(connection, organization_id, call_id, **values)
