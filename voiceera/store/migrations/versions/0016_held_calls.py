"""Calls that a media process holds without a carrier: by whom, so that they are given up when it has gone."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE calls ADD COLUMN media_node_id uuid")
    op.execute(
        """
        CREATE INDEX calls_held ON calls (media_node_id) WHERE media_node_id IS NOT NULL AND ended_at IS NULL
        """
    )


def downgrade() -> None:
    op.execute("ALTER TABLE calls DROP COLUMN media_node_id")
