"""Calls by the number that they came from, and the numbers that rest."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX attempts_of_caller_id ON attempts (organization_id, caller_id, dialed_at)
            WHERE caller_id IS NOT NULL
        """
    )
    op.execute(
        """
        CREATE TABLE caller_id_rests (
            organization_id uuid NOT NULL REFERENCES organizations (id),
            caller_id text NOT NULL,
            since timestamptz NOT NULL,
            until timestamptz NOT NULL,
            answer_rate double precision NOT NULL,
            earlier_rate double precision NOT NULL,
            PRIMARY KEY (organization_id, caller_id)
        )
        """
    )
    protect("caller_id_rests")


def downgrade() -> None:
    op.execute("DROP TABLE caller_id_rests")
    op.execute("DROP INDEX attempts_of_caller_id")
