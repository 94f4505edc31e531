"""Recordings are encoded after the call, and have an outline that can be drawn."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = {
    # What was recorded before stays as it is.
    "encoding_state": "text NOT NULL DEFAULT 'done' CHECK (encoding_state IN ('pending', 'spare', 'done', 'failed'))",
    "encoding_error": "text",
    "encoding_tries": "smallint NOT NULL DEFAULT 0",
    "encoding_due_at": "timestamptz",
}


def upgrade() -> None:
    op.execute("ALTER TABLE recordings " + ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items()))
    op.execute(
        """
        CREATE INDEX recordings_to_encode ON recordings (encoding_due_at)
        WHERE encoding_state IN ('pending', 'spare')
        """
    )
    op.execute(
        """
        CREATE TABLE waveforms (
            organization_id uuid NOT NULL,
            call_id uuid NOT NULL,
            points_per_second real NOT NULL,
            channels smallint NOT NULL,
            peaks bytea NOT NULL,
            PRIMARY KEY (organization_id, call_id),
            FOREIGN KEY (organization_id, call_id) REFERENCES recordings (organization_id, call_id) ON DELETE CASCADE
        )
        """
    )
    protect("waveforms")


def downgrade() -> None:
    op.execute("DROP TABLE waveforms")
    op.execute("ALTER TABLE recordings " + ", ".join(f"DROP COLUMN {name}" for name in reversed(COLUMNS)))
