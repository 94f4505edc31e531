"""Organizations, their users, sessions, agents, integrations and keys; audit, idempotency, sign-in throttling."""

from alembic import op

from voiceera.store.migrations.security import protect, protect_platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE organizations (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        created_at timestamptz NOT NULL,
        deleted_at timestamptz
    )
    """,
    """
    CREATE TABLE users (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        email text,
        first_name text NOT NULL DEFAULT '',
        last_name text NOT NULL DEFAULT '',
        role text NOT NULL CHECK (role IN ('owner', 'member', 'viewer', 'admin')),
        password_hash text,
        is_active boolean NOT NULL DEFAULT true,
        last_login_at timestamptz,
        last_address text,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, id)
    )
    """,
    # The directory that sign-in asks before it knows the organization: one person for one address, everywhere.
    """
    CREATE TABLE logins (
        email text PRIMARY KEY,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL UNIQUE,
        FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
    )
    """,
    """
    CREATE TABLE sessions (
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        address text,
        user_agent text,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        ended_by text,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
    )
    """,
    "CREATE INDEX sessions_of_user ON sessions (organization_id, user_id) WHERE ended_at IS NULL",
    """
    CREATE TABLE refresh_tokens (
        organization_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        session_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        PRIMARY KEY (organization_id, token_hash),
        FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE agents (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        status text NOT NULL CHECK (status IN ('active', 'inactive', 'archived')),
        version integer NOT NULL CHECK (version > 0),
        created_by uuid,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, created_by) REFERENCES users (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX agents_name_key ON agents (organization_id, lower(name)) WHERE deleted_at IS NULL",
    "CREATE INDEX agents_newest ON agents (organization_id, created_at, id) WHERE deleted_at IS NULL",
    """
    CREATE TABLE agent_versions (
        organization_id uuid NOT NULL,
        agent_id uuid NOT NULL,
        version integer NOT NULL CHECK (version > 0),
        config jsonb NOT NULL,
        created_by uuid,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, agent_id, version),
        FOREIGN KEY (organization_id, agent_id) REFERENCES agents (organization_id, id),
        FOREIGN KEY (organization_id, created_by) REFERENCES users (organization_id, id)
    )
    """,
    """
    CREATE FUNCTION agent_versions_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'an agent version never changes' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER agent_versions_never_change BEFORE UPDATE ON agent_versions
        FOR EACH ROW EXECUTE FUNCTION agent_versions_never_change()
    """,
    """
    CREATE TABLE integrations (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        name text NOT NULL,
        type text NOT NULL,
        provider text NOT NULL,
        config jsonb NOT NULL DEFAULT '{}',
        credentials bytea,
        credential_endings jsonb NOT NULL DEFAULT '{}',
        status text NOT NULL DEFAULT 'untested',
        status_detail text,
        status_latency_ms double precision,
        tested_at timestamptz,
        created_by uuid,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, created_by) REFERENCES users (organization_id, id)
    )
    """,
    """
    CREATE UNIQUE INDEX integrations_name_key ON integrations (organization_id, lower(name))
        WHERE deleted_at IS NULL
    """,
    "CREATE INDEX integrations_of_type ON integrations (organization_id, type, provider) WHERE deleted_at IS NULL",
    """
    CREATE TABLE api_keys (
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        scope text NOT NULL CHECK (scope IN ('read', 'write')),
        key_hash bytea NOT NULL,
        last_four text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz,
        PRIMARY KEY (organization_id, id),
        UNIQUE (organization_id, key_hash),
        FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
    )
    """,
    """
    CREATE TABLE audit (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        at timestamptz NOT NULL,
        actor_id uuid,
        action text NOT NULL,
        subject text,
        subject_id uuid,
        address text,
        request_id text,
        details jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (organization_id, id)
    )
    """,
    """
    CREATE TABLE idempotency_keys (
        organization_id uuid NOT NULL,
        key_hash bytea NOT NULL,
        body_hash bytea NOT NULL,
        status integer,
        answer bytea,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, key_hash)
    )
    """,
    # Tries of a minute, by a hash of what is limited: belongs to nobody until somebody has signed in.
    """
    CREATE TABLE throttles (
        key_hash bytea NOT NULL,
        minute timestamptz NOT NULL,
        tries integer NOT NULL,
        PRIMARY KEY (key_hash, minute)
    )
    """,
)

OF_ORGANIZATIONS = (
    *("users", "logins", "sessions", "refresh_tokens", "agents", "agent_versions"),
    *("integrations", "api_keys", "audit", "idempotency_keys"),
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    protect("organizations", "id")
    for table in OF_ORGANIZATIONS:
        protect(table)
    protect_platform("throttles")


def downgrade() -> None:
    for table in ("throttles", *reversed(OF_ORGANIZATIONS), "organizations"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION agent_versions_never_change")
