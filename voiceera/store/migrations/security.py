"""Row-level security: the second wall behind the code. Every migration that makes a tenant table calls `protect`.

The settings are read in sub-selects, once a statement: read in the condition itself they would be read, and parsed as
a UUID, for every row, which costs several times what an index takes to find it.
"""

from alembic import op

ORGANIZATION = "(SELECT nullif(current_setting('voiceera.organization_id', true), '')::uuid)"
PLATFORM = "(SELECT current_setting('voiceera.platform', true) = 'on')"


def protect(table: str, column: str = "organization_id") -> None:
    """Let a transaction see the rows of the organization it was opened for; all, if opened for the platform."""
    _force(table)
    op.execute(f"CREATE POLICY {table}_organization ON {table} USING ({column} = {ORGANIZATION} OR {PLATFORM})")


def protect_platform(table: str) -> None:
    """A table that belongs to no organization: seen from platform transactions only."""
    _force(table)
    op.execute(f"CREATE POLICY {table}_platform ON {table} USING ({PLATFORM})")


def _force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
