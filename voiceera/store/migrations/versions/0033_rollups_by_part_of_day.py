"""Rollups by part of a day (six hours): a zone's days are put together from fewer rows. Phrases by part alone.

Latencies are added up from the index: of the thousands of rows at the ends of a period each was a page of the table.
Phrases are counted anew by the workers; until then reports count them from the calls.
"""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

MEASURES = (
    *("total", "answered", "timed", "turns", "interruptions", "goals", "priced"),
    *("is_queued", "is_dialing", "is_ringing", "is_in_progress", "is_completed"),
    *("is_no_answer", "is_busy", "is_failed", "is_canceled", "is_voicemail"),
    *("ended_reached", "ended_no_answer", "ended_busy", "ended_voicemail", "ended_failed"),
    *("ended_dropped_early", "ended_invalid", "ended_canceled", "ended_unknown"),
    *("positive", "neutral", "negative"),
    *("felt_joy", "felt_satisfaction", "felt_trust", "felt_surprise", "felt_confusion"),
    *("felt_worry", "felt_sadness", "felt_frustration", "felt_anger", "felt_neutral"),
    *("talk_seconds", "cost"),
)
OF = {"call_rollups": ("", MEASURES), "latency_rollups": (", bin", ("times",))}
LATENCIES = "latency_rollups (organization_id, grain, level, start, agent_id, campaign_id, bin)"

PART = "date_bin('6 hours', start, '2000-01-01 00:00:00+00')"


def _phrases(grain: str, order: str) -> tuple[str, ...]:
    return (
        f"""
        CREATE TABLE phrase_rollups (
            organization_id uuid NOT NULL,
            {grain} timestamptz NOT NULL,
            phrase text COLLATE "C" NOT NULL,
            times bigint NOT NULL,
            PRIMARY KEY (organization_id, {order})
        )
        """,
        f"CREATE INDEX phrase_rollups_commonest ON phrase_rollups (organization_id, {grain}, times DESC, phrase)",
        f"""
        CREATE TABLE phrase_{grain}s (
            organization_id uuid NOT NULL,
            {grain} timestamptz NOT NULL,
            PRIMARY KEY (organization_id, {grain})
        )
        """,
    )


def upgrade() -> None:
    op.execute("SELECT set_config('voiceera.platform', 'on', true)")
    op.execute("DROP INDEX latency_rollups_key")
    for table, (more, sums) in OF.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_grain_check")
        op.execute(f"ALTER TABLE {table} ADD CHECK (grain IN ('quarter', 'part', 'day'))")
        key = "agent_id, campaign_id" + more
        op.execute(f"""
            INSERT INTO {table} (organization_id, grain, level, start, {key}, {", ".join(sums)})
            SELECT organization_id, 'part', level, {PART} AS part, {key}, {", ".join(f"sum({name})" for name in sums)}
            FROM {table} WHERE grain = 'quarter' GROUP BY organization_id, level, part, {key}
        """)
    op.execute(f"CREATE UNIQUE INDEX latency_rollups_key ON {LATENCIES} INCLUDE (times) NULLS NOT DISTINCT")
    _remake("day", _phrases("part", "phrase, part) INCLUDE (times"))


def downgrade() -> None:
    op.execute("SELECT set_config('voiceera.platform', 'on', true)")
    for table in OF:
        op.execute(f"DELETE FROM {table} WHERE grain = 'part'")
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_grain_check")
        op.execute(f"ALTER TABLE {table} ADD CHECK (grain IN ('quarter', 'day'))")
    op.execute("DROP INDEX latency_rollups_key")
    op.execute(f"CREATE UNIQUE INDEX latency_rollups_key ON {LATENCIES} NULLS NOT DISTINCT")
    _remake("part", _phrases("day", "day, phrase"))


def _remake(old: str, made: tuple[str, ...]) -> None:
    """Phrases by another length of time; they are counted anew."""
    op.execute("DROP TABLE phrase_rollups")
    op.execute(f"DROP TABLE phrase_{old}s")
    for statement in made:
        op.execute(statement)
    protect("phrase_rollups")
    protect("phrase_parts" if old == "day" else "phrase_days")
