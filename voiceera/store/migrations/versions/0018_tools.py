"""What was done in a call besides talking, and what its vendors counted."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE call_tools (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        index integer NOT NULL,
        name text NOT NULL,
        arguments text NOT NULL,
        answer text NOT NULL,
        worked boolean NOT NULL,
        at_ms integer NOT NULL,
        took_ms integer NOT NULL,
        PRIMARY KEY (organization_id, call_id, index),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE call_usage (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        unit text NOT NULL,
        amount bigint NOT NULL CHECK (amount >= 0),
        PRIMARY KEY (organization_id, call_id, unit),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in ("call_tools", "call_usage"):
        protect(table)


def downgrade() -> None:
    for table in ("call_usage", "call_tools"):
        op.execute(f"DROP TABLE {table}")
