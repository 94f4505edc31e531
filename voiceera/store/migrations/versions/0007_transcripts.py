"""Versions of transcripts, requests for them, and the analyses of calls."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    # Version 1 is what was heard in the call itself: it lies in call_turns.
    """
    CREATE TABLE transcripts (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        version integer NOT NULL CHECK (version > 1),
        provider text NOT NULL,
        language text NOT NULL,
        segments jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, call_id, version),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE transcriptions (
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        call_id uuid NOT NULL,
        provider text NOT NULL,
        language text NOT NULL,
        state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
        reason text,
        version integer,
        tries smallint NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        created_by uuid,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE UNIQUE INDEX transcriptions_open ON transcriptions (organization_id, call_id)
        WHERE state IN ('queued', 'running')
    """,
    "CREATE INDEX transcriptions_due ON transcriptions (due_at) WHERE state IN ('queued', 'running')",
    "CREATE INDEX transcriptions_of_call ON transcriptions (organization_id, call_id, created_at)",
    """
    CREATE TABLE analyses (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
        error text,
        tries smallint NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        transcript_version integer,
        details jsonb NOT NULL DEFAULT '{}',
        analyzed_at timestamptz,
        PRIMARY KEY (organization_id, call_id),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX analyses_due ON analyses (due_at) WHERE state = 'pending'",
)
NAMES = ("transcripts", "transcriptions", "analyses")


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for name in NAMES:
        protect(name)


def downgrade() -> None:
    for name in reversed(NAMES):
        op.execute(f"DROP TABLE {name}")
