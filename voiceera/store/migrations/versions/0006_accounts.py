"""Mail as due rows, tokens for a new password, invitations; the order in which administrators list users."""

from alembic import op

from voiceera.store.migrations.security import protect, protect_platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE mails (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        kind text NOT NULL,
        recipient text,
        subject_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('due', 'sent', 'failed', 'dropped')),
        tries integer NOT NULL,
        due_at timestamptz NOT NULL,
        problem text,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        PRIMARY KEY (organization_id, id),
        CHECK (state <> 'due' OR recipient IS NOT NULL)
    )
    """,
    "CREATE INDEX mails_due ON mails (due_at) WHERE state = 'due'",
    "CREATE INDEX mails_about ON mails (organization_id, subject_id, created_at)",
    # Asked for by address, before anybody has looked up whose it is: belongs to no organization.
    """
    CREATE TABLE reset_requests (
        id uuid PRIMARY KEY,
        email text NOT NULL,
        address text,
        request_id text,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE reset_tokens (
        organization_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        user_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, token_hash),
        FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
    )
    """,
    """
    CREATE TABLE invitations (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        email text,
        role text NOT NULL CHECK (role IN ('member', 'viewer')),
        token_hash bytea,
        invited_by uuid NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        user_id uuid,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, invited_by) REFERENCES users (organization_id, id)
    )
    """,
    """
    CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, lower(email)) WHERE ended_at IS NULL
    """,
    "CREATE UNIQUE INDEX invitations_token ON invitations (organization_id, token_hash)",
    "CREATE INDEX users_newest ON users (created_at, id) WHERE deleted_at IS NULL",
)

OF_ORGANIZATIONS = ("mails", "reset_tokens", "invitations")


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in OF_ORGANIZATIONS:
        protect(table)
    protect_platform("reset_requests")


def downgrade() -> None:
    op.execute("DROP INDEX users_newest")
    for table in (*OF_ORGANIZATIONS, "reset_requests"):
        op.execute(f"DROP TABLE {table}")
