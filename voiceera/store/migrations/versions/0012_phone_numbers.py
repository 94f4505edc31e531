"""An organization's own phone numbers: whose line, who answers, and whether calls come from them."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE phone_numbers (
            organization_id uuid NOT NULL REFERENCES organizations (id),
            id uuid NOT NULL,
            phone_number text NOT NULL,
            label text NOT NULL DEFAULT '',
            integration_id uuid NOT NULL,
            agent_id uuid,
            missed_call text NOT NULL DEFAULT 'none' CHECK (missed_call IN ('none', 'callback')),
            is_caller_id boolean NOT NULL DEFAULT true,
            daily_cap integer CHECK (daily_cap > 0),
            is_active boolean NOT NULL DEFAULT true,
            created_by uuid,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (organization_id, id),
            CONSTRAINT phone_numbers_key UNIQUE (organization_id, phone_number),
            FOREIGN KEY (organization_id, integration_id) REFERENCES integrations (organization_id, id),
            FOREIGN KEY (organization_id, agent_id) REFERENCES agents (organization_id, id),
            FOREIGN KEY (organization_id, created_by) REFERENCES users (organization_id, id)
        )
        """
    )
    # A call that comes in names the number rung, before anybody knows whose it is.
    op.execute("CREATE INDEX phone_numbers_answering ON phone_numbers (phone_number) WHERE is_active")
    protect("phone_numbers")


def downgrade() -> None:
    op.execute("DROP TABLE phone_numbers")
