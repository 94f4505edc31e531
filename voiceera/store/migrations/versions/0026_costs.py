"""The organization's price list, and a ledger of what each call used of whom."""

from alembic import op

from voiceera.store.migrations.security import protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_PARTS = "('carrier', 'stt', 'tts', 'llm')"
_UNITS = "('call', 'minute', 'character', 'prompt_token', 'completion_token')"

TABLES = (
    f"""
    CREATE TABLE prices (
        organization_id uuid NOT NULL REFERENCES organizations (id),
        id uuid NOT NULL,
        part text NOT NULL CHECK (part IN {_PARTS}),
        provider text NOT NULL,
        model text NOT NULL,
        unit text NOT NULL CHECK (unit IN {_UNITS}),
        price numeric(18, 9) NOT NULL CHECK (price >= 0),
        per numeric(18, 6) NOT NULL CHECK (per > 0),
        increment numeric(18, 6) NOT NULL CHECK (increment >= 0),
        created_by uuid,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX prices_of_what ON prices (organization_id, part, provider, model, unit)",
    f"""
    CREATE TABLE call_costs (
        organization_id uuid NOT NULL,
        call_id uuid NOT NULL,
        part text NOT NULL CHECK (part IN {_PARTS}),
        provider text NOT NULL,
        model text NOT NULL,
        unit text NOT NULL CHECK (unit IN {_UNITS}),
        quantity numeric(18, 6) NOT NULL,
        billed numeric(18, 6) NOT NULL,
        amount numeric(18, 6),
        PRIMARY KEY (organization_id, call_id, part, provider, model, unit),
        FOREIGN KEY (organization_id, call_id) REFERENCES calls (organization_id, id) ON DELETE CASCADE
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in ("prices", "call_costs"):
        protect(table)
    op.execute("ALTER TABLE calls ADD COLUMN carrier_cost numeric(12, 5)")


def downgrade() -> None:
    op.execute("ALTER TABLE calls DROP COLUMN carrier_cost")
    for table in ("call_costs", "prices"):
        op.execute(f"DROP TABLE {table}")
