"""Calls that come in, as attempts of their own direction; and requests of carriers that were taken in already."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE attempts ADD COLUMN direction text NOT NULL DEFAULT 'outbound'")
    op.execute(
        """CREATE UNIQUE INDEX attempts_rung_in ON attempts (organization_id, provider, carrier_call_id)
           WHERE direction = 'inbound'"""
    )
    op.execute(
        """
        CREATE TABLE carrier_requests (
            organization_id uuid NOT NULL REFERENCES organizations (id),
            fingerprint bytea NOT NULL,
            seen_at timestamptz NOT NULL,
            PRIMARY KEY (organization_id, fingerprint)
        )
        """
    )
    op.execute("CREATE INDEX carrier_requests_old ON carrier_requests (seen_at)")
    protect("carrier_requests")


def downgrade() -> None:
    op.execute("DROP TABLE carrier_requests")
    op.execute("DELETE FROM attempts WHERE direction = 'inbound'")
    op.execute("ALTER TABLE attempts DROP COLUMN direction")
