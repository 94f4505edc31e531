"""Policies that read whose transaction it is once a statement; partitions of calls that are vacuumed sooner."""

import re

from alembic import op
from sqlalchemy import text

from voiceera.store.migrations.security import ORGANIZATION, PLATFORM

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_POLICIES = text("SELECT tablename, policyname, qual FROM pg_policies WHERE schemaname = current_schema()")
_PARTITIONS = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'calls'::regclass")
_SCALES = ("autovacuum_vacuum_scale_factor", "autovacuum_vacuum_insert_scale_factor")
_OF_ORGANIZATION = re.compile(r"\(?\(?(?P<column>\w+) = [( ]")


def upgrade() -> None:
    _alter(ORGANIZATION, PLATFORM)
    for partition in op.get_bind().execute(_PARTITIONS).scalars().all():
        op.execute(f"ALTER TABLE {partition} SET ({', '.join(f'{scale} = 0.02' for scale in _SCALES)})")


def downgrade() -> None:
    for partition in op.get_bind().execute(_PARTITIONS).scalars().all():
        op.execute(f"ALTER TABLE {partition} RESET ({', '.join(_SCALES)})")
    _alter(
        "nullif(current_setting('voiceera.organization_id', true), '')::uuid",
        "current_setting('voiceera.platform', true) = 'on'",
    )


def _alter(organization: str, platform: str) -> None:
    """All policies of `protect`, `protect_platform` and the partitions; the queue's own looks elsewhere."""
    for table, policy, condition in op.get_bind().execute(_POLICIES).all():
        if policy == f"{table}_platform":
            op.execute(f"ALTER POLICY {policy} ON {table} USING ({platform})")
        elif policy == f"{table}_organization" and (of := _OF_ORGANIZATION.match(condition)):
            op.execute(f"ALTER POLICY {policy} ON {table} USING ({of['column']} = {organization} OR {platform})")
