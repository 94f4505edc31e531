"""Trials: an agent talks with simulated people."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE trials (
            organization_id uuid NOT NULL REFERENCES organizations (id),
            id uuid NOT NULL,
            agent_id uuid NOT NULL,
            agent_version integer NOT NULL,
            status text NOT NULL,
            callees jsonb NOT NULL,
            outcomes jsonb NOT NULL DEFAULT '[]',
            seed integer NOT NULL,
            problem text,
            tries smallint NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            started_at timestamptz,
            finished_at timestamptz,
            PRIMARY KEY (organization_id, id)
        )
    """)
    op.execute("CREATE INDEX trials_by_agent ON trials (organization_id, agent_id, created_at DESC, id DESC)")
    op.execute("CREATE INDEX trials_due ON trials (due_at) WHERE status IN ('queued', 'running')")
    op.execute("""
        CREATE UNIQUE INDEX trials_open ON trials (organization_id, agent_id) WHERE status IN ('queued', 'running')
    """)
    protect("trials")


def downgrade() -> None:
    op.execute("DROP TABLE trials")
