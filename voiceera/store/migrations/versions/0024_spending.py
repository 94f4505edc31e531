"""Caps on what calls cost: purses, what an open attempt puts aside, and an organization's own limits."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE purses (
            organization_id uuid NOT NULL REFERENCES organizations (id),
            key text NOT NULL,
            spent numeric(14, 5) NOT NULL,
            reserved numeric(14, 5) NOT NULL,
            PRIMARY KEY (organization_id, key)
        )
        """
    )
    protect("purses")
    op.execute(
        """
        ALTER TABLE attempts ADD COLUMN reserved numeric(14, 5), ADD COLUMN price_per_minute numeric(14, 5),
            ADD COLUMN latest_ring_at timestamptz
        """
    )
    op.execute("ALTER TABLE organizations ADD COLUMN dialing jsonb NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE organizations DROP COLUMN dialing")
    op.execute("ALTER TABLE attempts DROP COLUMN reserved, DROP COLUMN price_per_minute, DROP COLUMN latest_ring_at")
    op.execute("DROP TABLE purses")
