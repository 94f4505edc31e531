"""The operators' own recordings of what their agents say."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE prompts (
            organization_id uuid NOT NULL REFERENCES organizations (id),
            id uuid NOT NULL,
            name text NOT NULL,
            description text NOT NULL,
            duration_seconds real NOT NULL,
            sha256 text NOT NULL,
            sound bytea NOT NULL,
            created_by uuid,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (organization_id, id)
        )
    """)
    op.execute("ALTER TABLE prompts ALTER COLUMN sound SET STORAGE EXTERNAL")
    op.execute("CREATE UNIQUE INDEX prompts_by_name ON prompts (organization_id, name)")
    protect("prompts")


def downgrade() -> None:
    op.execute("DROP TABLE prompts")
