"""The indexes of an agent's, a campaign's and a status's calls know the other filters, so that passing over costs no
look at the row."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEXES = {
    "calls_of_campaign": ("organization_id, campaign_id, created_at, id", "status"),
    "calls_of_agent": ("organization_id, agent_id, created_at, id", "status"),
    "calls_by_status": ("organization_id, status, created_at, id", "agent_id, campaign_id"),
}


def upgrade() -> None:
    for name, (columns, more) in INDEXES.items():
        _instead(name, f"{columns}, {more}")


def downgrade() -> None:
    for name, (columns, _) in INDEXES.items():
        _instead(name, columns)


def _instead(name: str, columns: str) -> None:
    op.execute(f"DROP INDEX {name}")
    op.execute(f"CREATE INDEX {name} ON calls ({columns})")
