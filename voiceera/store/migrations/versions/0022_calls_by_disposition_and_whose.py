"""The index of dispositions knows whose a call is: an agent's calls of one are found without reading the others'."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_INDEX = (
    "CREATE INDEX {name} ON calls (organization_id, disposition, created_at, id{more}) WHERE disposition IS NOT NULL"
)


def upgrade() -> None:
    _replace(", agent_id, campaign_id")


def downgrade() -> None:
    _replace("")


def _replace(more: str) -> None:
    op.execute("DROP INDEX calls_by_disposition")
    op.execute(_INDEX.format(name="calls_by_disposition", more=more))
