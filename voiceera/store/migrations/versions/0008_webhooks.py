"""Webhooks, the events that happened while somebody listened, their deliveries and each try of one."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE webhooks (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        url text NOT NULL,
        description text NOT NULL DEFAULT '',
        events text[] NOT NULL,
        secrets bytea NOT NULL,
        secret_ending text NOT NULL,
        previous_secret_until timestamptz,
        is_active boolean NOT NULL DEFAULT true,
        disabled_at timestamptz,
        disabled_reason text,
        consecutive_failures integer NOT NULL DEFAULT 0,
        failing_since timestamptz,
        paused_until timestamptz,
        last_success_at timestamptz,
        last_failure_at timestamptz,
        created_by uuid,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, id),
        CHECK (deleted_at IS NULL OR NOT is_active),
        FOREIGN KEY (organization_id, created_by) REFERENCES users (organization_id, id)
    )
    """,
    # What an event asks, in the transaction that it is part of.
    "CREATE INDEX webhooks_listening ON webhooks (organization_id) WHERE is_active",
    """
    CREATE TABLE events (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        type text NOT NULL,
        data jsonb NOT NULL,
        occurred_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE INDEX events_oldest ON events (occurred_at)",
    """
    CREATE TABLE deliveries (
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        webhook_id uuid NOT NULL,
        event_id uuid NOT NULL,
        event text NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'canceled')),
        tries integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        resent_from uuid,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, webhook_id) REFERENCES webhooks (organization_id, id),
        FOREIGN KEY (organization_id, event_id) REFERENCES events (organization_id, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX deliveries_due ON deliveries (organization_id, webhook_id, due_at) WHERE status = 'pending'",
    "CREATE INDEX deliveries_overdue ON deliveries (due_at) WHERE status = 'pending'",
    "CREATE INDEX deliveries_newest ON deliveries (organization_id, webhook_id, created_at, id)",
    "CREATE INDEX deliveries_of_event ON deliveries (organization_id, event_id)",
    """
    CREATE TABLE delivery_tries (
        organization_id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        number integer NOT NULL,
        at timestamptz NOT NULL,
        status_code integer,
        latency_ms double precision NOT NULL,
        response_excerpt text NOT NULL,
        error text,
        PRIMARY KEY (organization_id, delivery_id, number),
        FOREIGN KEY (organization_id, delivery_id) REFERENCES deliveries (organization_id, id) ON DELETE CASCADE
    )
    """,
)

OF_ORGANIZATIONS = ("webhooks", "events", "deliveries", "delivery_tries")


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in OF_ORGANIZATIONS:
        protect(table)


def downgrade() -> None:
    for table in reversed(OF_ORGANIZATIONS):
        op.execute(f"DROP TABLE {table}")
