"""Rollups of calls: what reports add up, by quarter of an hour and by day (UTC), and which quarters have changed."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATUSES = (
    *("queued", "dialing", "ringing", "in_progress", "completed"),
    *("no_answer", "busy", "failed", "canceled", "voicemail"),
)
OUTCOMES = ("reached", "no_answer", "busy", "voicemail", "failed", "dropped_early", "invalid", "canceled", "unknown")
SENTIMENTS = ("positive", "neutral", "negative")
EMOTIONS = (
    *("joy", "satisfaction", "trust", "surprise", "confusion"),
    *("worry", "sadness", "frustration", "anger", "neutral"),
)
COUNTS = (
    *("total", "answered", "timed", "turns", "interruptions", "goals", "priced"),
    *(f"is_{status}" for status in STATUSES),
    *(f"ended_{outcome}" for outcome in OUTCOMES),
    *SENTIMENTS,
    *(f"felt_{emotion}" for emotion in EMOTIONS),
)
SUMS = ("talk_seconds", "cost")

# level: of all calls (0), by agent (1), by campaign (2), by both (3). What a level does not tell apart is NULL.
KEY = """
        organization_id uuid NOT NULL,
        grain text NOT NULL CHECK (grain IN ('quarter', 'day')),
        level smallint NOT NULL,
        start timestamptz NOT NULL,
        agent_id uuid,
        campaign_id uuid,
"""
TABLES = (
    f"""
    CREATE TABLE call_rollups (
        {KEY}
        {", ".join(f"{name} bigint NOT NULL" for name in COUNTS)},
        {", ".join(f"{name} numeric NOT NULL" for name in SUMS)}
    )
    """,
    f"""
    CREATE TABLE latency_rollups (
        {KEY}
        bin smallint NOT NULL,
        times bigint NOT NULL
    )
    """,
    # A row for each change, so that whoever writes never waits for whoever counts; gone once it is counted in.
    """
    CREATE TABLE call_changes (
        organization_id uuid NOT NULL,
        quarter timestamptz NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        PRIMARY KEY (organization_id, quarter, id)
    )
    """,
    # Whose turn it was to count: a count in an older snapshot than the last one's fails on its row.
    """
    CREATE TABLE rollup_turns (
        organization_id uuid PRIMARY KEY,
        turn bigint NOT NULL
    )
    """,
    # Phrases by day only, and of days that are over only; a day whose phrases are counted stands in phrase_days.
    """
    CREATE TABLE phrase_rollups (
        organization_id uuid NOT NULL,
        day timestamptz NOT NULL,
        phrase text COLLATE "C" NOT NULL,
        times bigint NOT NULL,
        PRIMARY KEY (organization_id, day, phrase)
    )
    """,
    "CREATE INDEX phrase_rollups_commonest ON phrase_rollups (organization_id, day, times DESC, phrase)",
    """
    CREATE TABLE phrase_days (
        organization_id uuid NOT NULL,
        day timestamptz NOT NULL,
        PRIMARY KEY (organization_id, day)
    )
    """,
    """
    CREATE UNIQUE INDEX call_rollups_key
        ON call_rollups (organization_id, grain, level, start, agent_id, campaign_id) NULLS NOT DISTINCT
    """,
    """
    CREATE INDEX call_rollups_of_one
        ON call_rollups (organization_id, grain, level, agent_id, campaign_id, start) WHERE level <> 0
    """,
    """
    CREATE UNIQUE INDEX latency_rollups_key
        ON latency_rollups (organization_id, grain, level, start, agent_id, campaign_id, bin) NULLS NOT DISTINCT
    """,
)
NAMES = ("call_rollups", "latency_rollups", "call_changes", "phrase_rollups", "phrase_days", "rollup_turns")

QUARTER = "date_bin('15 minutes', created_at, '2000-01-01 00:00:00+00')"
ROWS = {"INSERT": ("added",), "DELETE": ("removed",), "UPDATE": ("added", "removed")}
TABLES_OF = {"added": "NEW TABLE AS added", "removed": "OLD TABLE AS removed"}


def _noted(rows: tuple[str, ...]) -> str:
    changed = " UNION ".join(f"SELECT organization_id, {QUARTER} FROM {each}" for each in rows)
    return f"INSERT INTO call_changes (organization_id, quarter) {changed};"


FUNCTION = f"""
    CREATE FUNCTION note_call_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN {_noted(ROWS["INSERT"])}
        ELSIF TG_OP = 'DELETE' THEN {_noted(ROWS["DELETE"])}
        ELSE {_noted(ROWS["UPDATE"])}
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, FUNCTION):
        op.execute(statement)
    for name in NAMES:
        protect(name)
    for event, rows in ROWS.items():
        transition = " ".join(TABLES_OF[each] for each in rows)
        op.execute(
            f"CREATE TRIGGER note_call_{event.lower()} AFTER {event} ON calls REFERENCING {transition} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_call_change()"
        )
    op.execute("SELECT set_config('voiceera.platform', 'on', true)")
    op.execute(
        f"INSERT INTO call_changes (organization_id, quarter) SELECT DISTINCT organization_id, {QUARTER} FROM calls"
    )


def downgrade() -> None:
    for event in ROWS:
        op.execute(f"DROP TRIGGER note_call_{event.lower()} ON calls")
    op.execute("DROP FUNCTION note_call_change")
    for name in reversed(NAMES):
        op.execute(f"DROP TABLE {name}")
