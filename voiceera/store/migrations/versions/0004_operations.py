"""What the operator needs: the system's log in daily partitions, processes that say they are there, maintenance."""

from alembic import op

from voiceera.store.migrations.security import protect_platform

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE system_logs (
        id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        level text NOT NULL CHECK (level IN ('warning', 'error', 'critical')),
        role text NOT NULL,
        process text NOT NULL,
        component text NOT NULL,
        event text NOT NULL,
        request_id text,
        user_id uuid,
        organization_id uuid,
        details jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (created_at, id)
    ) PARTITION BY RANGE (created_at)
    """,
    "CREATE TABLE system_logs_default PARTITION OF system_logs DEFAULT",
    "CREATE INDEX system_logs_of_request ON system_logs (request_id, created_at)",
    "CREATE INDEX system_logs_of_user ON system_logs (user_id, created_at)",
    # The operator reads audit lines of all organizations, newest first or by request.
    "CREATE INDEX audit_newest ON audit (at, id)",
    "CREATE INDEX audit_of_request ON audit (request_id, at)",
    """
    CREATE TABLE processes (
        id uuid PRIMARY KEY,
        role text NOT NULL,
        name text NOT NULL,
        version text NOT NULL,
        started_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        problem text,
        counters jsonb NOT NULL DEFAULT '{}'
    )
    """,
    """
    CREATE TABLE maintenance (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        enabled boolean NOT NULL,
        message text,
        until timestamptz,
        set_by uuid,
        set_at timestamptz NOT NULL
    )
    """,
    # What the process itself counts, beside `live`, in which the dialer books places ahead.
    "ALTER TABLE media_nodes ADD COLUMN talking integer NOT NULL DEFAULT 0",
    # The request that asked for a single call: what goes wrong with it later is found under that id.
    "ALTER TABLE attempts ADD COLUMN request_id text",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in ("system_logs", "system_logs_default", "processes", "maintenance"):
        protect_platform(table)


def downgrade() -> None:
    op.execute("ALTER TABLE attempts DROP COLUMN request_id")
    op.execute("ALTER TABLE media_nodes DROP COLUMN talking")
    op.execute("DROP INDEX audit_of_request")
    op.execute("DROP INDEX audit_newest")
    for table in ("maintenance", "processes", "system_logs"):
        op.execute(f"DROP TABLE {table}")
