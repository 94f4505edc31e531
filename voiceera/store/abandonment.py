"""How many of a campaign's calls were answered, and in how many of these nobody spoke in time."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from voiceera.rules.progressive import Record
from voiceera.store.base import Connection

SPOKEN_WITHIN_MS = 2000

_RECORD = sa.text("""
    SELECT count(*), count(*) FILTER (WHERE answered_by = 'human'),
           count(*) FILTER (WHERE answered_by = 'human' AND NOT EXISTS (
               SELECT 1 FROM call_turns t WHERE t.organization_id = c.organization_id AND t.call_id = c.id
               AND t.speaker = 'agent' AND t.start_ms <= :within))
    FROM calls c
    WHERE organization_id = :organization_id AND campaign_id = :campaign_id AND created_at >= :since
      AND ended_at IS NOT NULL
""").bindparams(sa.bindparam("organization_id", type_=sa.Uuid()), sa.bindparam("campaign_id", type_=sa.Uuid()))


async def record(connection: Connection, organization_id: UUID, campaign_id: UUID, since: datetime) -> Record:
    key = {"organization_id": organization_id, "campaign_id": campaign_id, "since": since}
    placed, answered, abandoned = (await connection.execute(_RECORD, key | {"within": SPOKEN_WITHIN_MS})).one()
    return Record(placed, answered, abandoned)
