"""Calls of a status in the order of their dispositions: most have none, and are not looked for among the others."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX calls_by_status_and_disposition ON calls (organization_id, status, disposition, created_at, id)
            WHERE disposition IS NOT NULL
        """
    )


def downgrade() -> None:
    op.execute("DROP INDEX calls_by_status_and_disposition")
