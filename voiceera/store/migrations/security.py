"""Row-level security: the second wall behind the code. Every migration that makes a tenant table calls `protect`."""

from alembic import op

_ORGANIZATION = "nullif(current_setting('voiceera.organization_id', true), '')::uuid"
_PLATFORM = "current_setting('voiceera.platform', true) = 'on'"


def protect(table: str, column: str = "organization_id") -> None:
    """Let a transaction see the rows of the organization it was opened for; all, if opened for the platform."""
    _force(table)
    op.execute(f"CREATE POLICY {table}_organization ON {table} USING ({column} = {_ORGANIZATION} OR {_PLATFORM})")


def protect_platform(table: str) -> None:
    """A table that belongs to no organization: seen from platform transactions only."""
    _force(table)
    op.execute(f"CREATE POLICY {table}_platform ON {table} USING ({_PLATFORM})")


def _force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
