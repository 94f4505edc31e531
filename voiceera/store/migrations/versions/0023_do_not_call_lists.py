"""Do-not-call lists of campaigns beside the organization's, with where each entry comes from; files of numbers."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UP = (
    """
    ALTER TABLE do_not_call
        ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
        ADD COLUMN campaign_id uuid,
        ADD COLUMN source text NOT NULL DEFAULT 'call' CHECK (source IN ('call', 'added', 'imported')),
        ADD COLUMN upload_id uuid,
        DROP CONSTRAINT do_not_call_pkey,
        ADD PRIMARY KEY (organization_id, id),
        ADD FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE
    """,
    "ALTER TABLE do_not_call ALTER COLUMN id DROP DEFAULT, ALTER COLUMN source DROP DEFAULT",
    """
    CREATE UNIQUE INDEX do_not_call_key ON do_not_call (organization_id, phone_number, campaign_id)
        NULLS NOT DISTINCT
    """,
    "CREATE INDEX do_not_call_newest ON do_not_call (organization_id, created_at, id)",
    "CREATE INDEX do_not_call_of_upload ON do_not_call (organization_id, upload_id) WHERE upload_id IS NOT NULL",
    """
    ALTER TABLE uploads
        ALTER COLUMN campaign_id DROP NOT NULL,
        ADD COLUMN kind text NOT NULL DEFAULT 'contacts' CHECK (kind IN ('contacts', 'do_not_call'))
    """,
    "ALTER TABLE uploads ALTER COLUMN kind DROP DEFAULT",
    "CREATE INDEX uploads_newest ON uploads (organization_id, created_at, id)",
)
DOWN = (
    "SELECT set_config('voiceera.platform', 'on', true)",
    "DROP INDEX uploads_newest",
    "DELETE FROM uploads WHERE kind = 'do_not_call'",
    "ALTER TABLE uploads DROP COLUMN kind, ALTER COLUMN campaign_id SET NOT NULL",
    "DELETE FROM do_not_call WHERE campaign_id IS NOT NULL",
    """
    ALTER TABLE do_not_call
        DROP COLUMN id, DROP COLUMN campaign_id, DROP COLUMN source, DROP COLUMN upload_id,
        ADD PRIMARY KEY (organization_id, phone_number)
    """,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
