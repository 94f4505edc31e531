"""Limits keep a circuit breaker: how many dials failed of late, and when the next may be tried."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE dial_gates ADD COLUMN breaker jsonb NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE dial_gates DROP COLUMN breaker")
