"""Campaigns and their contacts, attempts, calls with turns and recordings, do-not-call, uploads, media nodes."""

from alembic import op

from voiceera.store.migrations.security import protect, protect_platform

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = "('claimed', 'dialing', 'ringing', 'in_progress', 'unknown')"

TABLES = (
    """
    CREATE TABLE campaigns (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        agent_id uuid NOT NULL,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        status text NOT NULL
            CHECK (status IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'stopped')),
        config jsonb NOT NULL,
        start_time timestamptz,
        end_time timestamptz,
        launched_at timestamptz,
        completed_at timestamptz,
        created_by uuid,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, agent_id) REFERENCES agents (organization_id, id),
        FOREIGN KEY (organization_id, created_by) REFERENCES users (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX campaigns_name_key ON campaigns (organization_id, lower(name)) WHERE deleted_at IS NULL",
    "CREATE INDEX campaigns_newest ON campaigns (organization_id, created_at, id) WHERE deleted_at IS NULL",
    "CREATE INDEX campaigns_of_agent ON campaigns (organization_id, agent_id)",
    "CREATE INDEX campaigns_running ON campaigns (organization_id, id) WHERE status IN ('active', 'scheduled')",
    # Kept by triggers, so that no path can forget them; one row a campaign, so that a reader sees one instant.
    """
    CREATE TABLE campaign_counts (
        organization_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        total bigint NOT NULL DEFAULT 0,
        pending bigint NOT NULL DEFAULT 0,
        in_progress bigint NOT NULL DEFAULT 0,
        reached bigint NOT NULL DEFAULT 0,
        exhausted bigint NOT NULL DEFAULT 0,
        suppressed bigint NOT NULL DEFAULT 0,
        invalid bigint NOT NULL DEFAULT 0,
        canceled bigint NOT NULL DEFAULT 0,
        duplicates bigint NOT NULL DEFAULT 0,
        rejected bigint NOT NULL DEFAULT 0,
        ended_reached bigint NOT NULL DEFAULT 0,
        ended_no_answer bigint NOT NULL DEFAULT 0,
        ended_busy bigint NOT NULL DEFAULT 0,
        ended_voicemail bigint NOT NULL DEFAULT 0,
        ended_failed bigint NOT NULL DEFAULT 0,
        ended_dropped_early bigint NOT NULL DEFAULT 0,
        ended_invalid bigint NOT NULL DEFAULT 0,
        ended_canceled bigint NOT NULL DEFAULT 0,
        ended_unknown bigint NOT NULL DEFAULT 0,
        opted_out bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (organization_id, campaign_id),
        FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE,
        CONSTRAINT campaign_counts_add_up
            CHECK (total = pending + in_progress + reached + exhausted + suppressed + invalid + canceled)
    )
    """,
    """
    CREATE TABLE campaign_events (
        organization_id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        message text NOT NULL,
        actor_id uuid,
        details jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, campaign_id, id),
        FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE contacts (
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        phone_number text NOT NULL,
        name text,
        timezone text,
        priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
        variables jsonb NOT NULL DEFAULT '{}',
        state text NOT NULL DEFAULT 'pending' CHECK (state IN
            ('pending', 'in_progress', 'reached', 'exhausted', 'suppressed', 'invalid', 'canceled')),
        due_at timestamptz NOT NULL,
        reason text,
        attempts smallint NOT NULL DEFAULT 0,
        faults smallint NOT NULL DEFAULT 0,
        last_outcome text,
        opted_out boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, id),
        UNIQUE (organization_id, campaign_id, phone_number),
        FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX contacts_due ON contacts (organization_id, campaign_id, priority, due_at, id)
        WHERE state = 'pending'
    """,
    "CREATE INDEX contacts_of_campaign ON contacts (organization_id, campaign_id, id)",
    """
    CREATE TABLE attempts (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        campaign_id uuid,
        contact_id uuid,
        agent_id uuid NOT NULL,
        phone_number text NOT NULL,
        variables jsonb NOT NULL DEFAULT '{}',
        state text NOT NULL CHECK (state IN
            ('queued', 'claimed', 'dialing', 'ringing', 'in_progress', 'unknown', 'ended', 'unknown_final')),
        due_at timestamptz NOT NULL,
        fence integer NOT NULL DEFAULT 0,
        claimed_by text,
        claim_expires_at timestamptz,
        settings jsonb NOT NULL DEFAULT '{}',
        caller_id text,
        provider text,
        carrier_call_id text,
        dialed_at timestamptz,
        accepted_at timestamptz,
        ringing_at timestamptz,
        answered_at timestamptz,
        conversation_started_at timestamptz,
        conversation_ended_at timestamptz,
        media_node_id uuid,
        carrier_ended_at timestamptz,
        ended_as text,
        unknown_since timestamptz,
        check_at timestamptz,
        hangup_requested boolean NOT NULL DEFAULT false,
        conversation_outcome text,
        conversation_fault boolean NOT NULL DEFAULT false,
        opted_out boolean NOT NULL DEFAULT false,
        callback_at timestamptz,
        outcome text,
        consumed boolean NOT NULL DEFAULT true,
        reason text,
        created_by uuid,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, agent_id) REFERENCES agents (organization_id, id),
        FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE,
        FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
    )
    """,
    # Nobody's telephone rings twice at once: the database says so, whoever dials.
    f"CREATE UNIQUE INDEX attempts_open_number ON attempts (organization_id, phone_number) WHERE state IN {OPEN}",
    f"CREATE INDEX attempts_open ON attempts (organization_id, campaign_id, state) WHERE state IN {OPEN}",
    "CREATE INDEX attempts_queued ON attempts (organization_id, due_at) WHERE state = 'queued'",
    "CREATE INDEX attempts_of_number ON attempts (organization_id, phone_number, dialed_at)",
    "CREATE INDEX attempts_of_contact ON attempts (organization_id, contact_id, dialed_at)",
    # When the next call may start, by campaign and by trunk: locked by whoever hands out dials.
    """
    CREATE TABLE dial_gates (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        key text NOT NULL,
        next_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, key)
    )
    """,
    """
    CREATE TABLE calls (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        direction text NOT NULL CHECK (direction IN ('outbound', 'inbound', 'browser')),
        status text NOT NULL CHECK (status IN ('queued', 'dialing', 'ringing', 'in_progress', 'completed',
            'no_answer', 'busy', 'failed', 'canceled', 'voicemail')),
        agent_id uuid NOT NULL,
        agent_version integer NOT NULL,
        campaign_id uuid,
        contact_id uuid,
        contact_name text,
        phone_number text,
        caller_id text,
        provider text,
        carrier_call_id text,
        variables jsonb NOT NULL DEFAULT '{}',
        outcome text,
        answered_by text,
        hangup_cause text,
        disposition text,
        extracted jsonb NOT NULL DEFAULT '{}',
        notes text,
        duration_seconds numeric(10, 3),
        cost numeric(12, 5),
        cost_parts jsonb NOT NULL DEFAULT '{}',
        audio_format text,
        turns integer NOT NULL DEFAULT 0,
        interruptions integer NOT NULL DEFAULT 0,
        latency jsonb NOT NULL DEFAULT '{}',
        error text,
        created_by uuid,
        created_at timestamptz NOT NULL,
        ringing_at timestamptz,
        answered_at timestamptz,
        ended_at timestamptz,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, agent_id, agent_version)
            REFERENCES agent_versions (organization_id, agent_id, version)
    ) PARTITION BY RANGE (id)
    """,
    "CREATE TABLE calls_default PARTITION OF calls DEFAULT",
    "CREATE INDEX calls_newest ON calls (organization_id, created_at, id)",
    "CREATE INDEX calls_of_campaign ON calls (organization_id, campaign_id, created_at, id)",
    "CREATE INDEX calls_of_agent ON calls (organization_id, agent_id, created_at, id)",
    "CREATE INDEX calls_of_number ON calls (organization_id, phone_number, created_at, id)",
    "CREATE INDEX calls_by_status ON calls (organization_id, status, created_at, id)",
    """
    CREATE TABLE call_turns (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        index integer NOT NULL,
        speaker text NOT NULL CHECK (speaker IN ('caller', 'agent')),
        text text NOT NULL,
        start_ms integer NOT NULL,
        end_ms integer NOT NULL,
        confidence double precision,
        interrupted boolean NOT NULL DEFAULT false,
        step text,
        result text,
        latency jsonb,
        PRIMARY KEY (organization_id, call_id, index),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE recordings (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        store text NOT NULL,
        key text NOT NULL,
        format text NOT NULL,
        channels smallint NOT NULL,
        sample_rate integer NOT NULL,
        duration_seconds numeric(10, 3) NOT NULL,
        size_bytes bigint NOT NULL,
        sha256 text,
        fault text,
        created_at timestamptz NOT NULL,
        deleted_at timestamptz,
        PRIMARY KEY (organization_id, call_id),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX recordings_newest ON recordings (organization_id, created_at, call_id)",
    """
    CREATE TABLE media_tokens (
        organization_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        call_id uuid NOT NULL,
        media_node_id uuid NOT NULL,
        carrier text NOT NULL,
        expires_at timestamptz NOT NULL,
        redeemed_at timestamptz,
        PRIMARY KEY (organization_id, token_hash),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
    # Processes, not anybody's rows.
    """
    CREATE TABLE media_nodes (
        id uuid PRIMARY KEY,
        url text NOT NULL,
        capacity integer NOT NULL,
        live integer NOT NULL,
        seen_at timestamptz NOT NULL,
        started_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE do_not_call (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        phone_number text NOT NULL,
        reason text NOT NULL,
        call_id uuid,
        created_by uuid,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, phone_number)
    )
    """,
    """
    CREATE TABLE uploads (
        organization_id uuid NOT NULL,
        id uuid NOT NULL,
        campaign_id uuid NOT NULL,
        file_name text NOT NULL,
        dry_run boolean NOT NULL,
        status text NOT NULL CHECK (status IN ('running', 'done', 'failed')),
        columns jsonb NOT NULL DEFAULT '{}',
        rows bigint NOT NULL DEFAULT 0,
        added bigint NOT NULL DEFAULT 0,
        duplicates bigint NOT NULL DEFAULT 0,
        rejected bigint NOT NULL DEFAULT 0,
        error text,
        created_by uuid,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        PRIMARY KEY (organization_id, id),
        FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE upload_errors (
        organization_id uuid NOT NULL,
        upload_id uuid NOT NULL,
        index bigint NOT NULL,
        row bigint NOT NULL,
        "column" text NOT NULL,
        value text NOT NULL,
        code text NOT NULL,
        message text NOT NULL,
        PRIMARY KEY (organization_id, upload_id, index),
        FOREIGN KEY (organization_id, upload_id) REFERENCES uploads (organization_id, id) ON DELETE CASCADE
    )
    """,
)

STATES = ("pending", "in_progress", "reached", "exhausted", "suppressed", "invalid", "canceled")
OUTCOMES = ("reached", "no_answer", "busy", "voicemail", "failed", "dropped_early", "invalid", "canceled", "unknown")


def _sum(column: str, word: str) -> str:
    return f"sum(sign) FILTER (WHERE {column} = '{word}')"


def _add(rows: str, columns: dict[str, str]) -> str:
    """Add what changed, by campaign, to the counters; leave the row alone (and unlocked) where nothing did."""
    moves = ", ".join(f"{name} = c.{name} + coalesce(d.{name}, 0)" for name in columns)
    sums = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    changed = " OR ".join(f"coalesce(d.{name}, 0) <> 0" for name in columns)
    return f"""
        UPDATE campaign_counts c SET {moves}
        FROM (SELECT organization_id, campaign_id, {sums} FROM ({rows}) r GROUP BY 1, 2) d
        WHERE c.organization_id = d.organization_id AND c.campaign_id = d.campaign_id AND ({changed});
    """


def _counter(table: str, fields: str, columns: dict[str, str]) -> tuple[str, ...]:
    key = "organization_id, campaign_id"
    added = f"SELECT {key}, {fields}, 1 AS sign FROM added"
    removed = f"SELECT {key}, {fields}, -1 AS sign FROM removed"
    function = f"""
    CREATE FUNCTION count_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN {_add(added, columns)}
        ELSIF TG_OP = 'DELETE' THEN {_add(removed, columns)}
        ELSE {_add(f"{added} UNION ALL {removed}", columns)}
        END IF;
        RETURN NULL;
    END $$
    """
    tables = {
        "INSERT": "NEW TABLE AS added",
        "UPDATE": "OLD TABLE AS removed NEW TABLE AS added",
        "DELETE": "OLD TABLE AS removed",
    }
    triggers = (
        f"CREATE TRIGGER count_{table}_{event.lower()} AFTER {event} ON {table} REFERENCING {transition} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION count_{table}()"
        for event, transition in tables.items()
    )
    return (function, *triggers)


COUNTERS = (
    *_counter(
        "contacts",
        "state, opted_out",
        {"total": "sum(sign)"}
        | {state: _sum("state", state) for state in STATES}
        | {"opted_out": "sum(sign) FILTER (WHERE opted_out)"},
    ),
    *_counter("attempts", "outcome", {f"ended_{outcome}": _sum("outcome", outcome) for outcome in OUTCOMES}),
)

OF_ORGANIZATIONS = (
    *("campaigns", "campaign_counts", "campaign_events", "contacts", "attempts", "dial_gates"),
    *("calls", "calls_default", "call_turns", "recordings", "media_tokens"),
    *("do_not_call", "uploads", "upload_errors"),
)


def upgrade() -> None:
    for statement in (*TABLES, *COUNTERS):
        op.execute(statement)
    for table in OF_ORGANIZATIONS:
        protect(table)
    protect_platform("media_nodes")


def downgrade() -> None:
    for table in ("media_nodes", *reversed(OF_ORGANIZATIONS)):
        op.execute(f"DROP TABLE {table}")
    for table in ("contacts", "attempts"):
        op.execute(f"DROP FUNCTION count_{table}")
