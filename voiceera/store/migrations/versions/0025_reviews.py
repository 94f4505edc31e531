"""What people found out about attempts of which nobody knows whether they rang."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX attempts_to_review ON attempts (organization_id, created_at, id)
            WHERE state = 'unknown_final'
        """
    )
    op.execute(
        """
        CREATE TABLE attempt_reviews (
            organization_id uuid NOT NULL,
            attempt_id uuid NOT NULL,
            rang boolean NOT NULL,
            note text NOT NULL,
            redialled boolean NOT NULL,
            reviewed_by uuid,
            reviewed_at timestamptz NOT NULL,
            PRIMARY KEY (organization_id, attempt_id),
            FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts (organization_id, id) ON DELETE CASCADE
        )
        """
    )
    protect("attempt_reviews")


def downgrade() -> None:
    op.execute("DROP TABLE attempt_reviews")
    op.execute("DROP INDEX attempts_to_review")
