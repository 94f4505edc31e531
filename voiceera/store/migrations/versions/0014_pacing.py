"""Limits remember which calls they have let start, in slots, instead of when the next one may."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE dial_gates DROP COLUMN next_at, ADD COLUMN starts jsonb NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE dial_gates DROP COLUMN starts, ADD COLUMN next_at timestamptz NOT NULL DEFAULT '1970-01-01Z'"
    )
