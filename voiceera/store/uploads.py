"""Contact files that were uploaded, and the rows of them that were refused."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from voiceera.store.base import metadata

_WHEN = TIMESTAMP(timezone=True)
_ID = sa.Uuid()

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("campaign_id", _ID, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("columns", JSONB, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("added", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_by", _ID),
    sa.Column("created_at", _WHEN, nullable=False),
    sa.Column("finished_at", _WHEN),
)

upload_errors = sa.Table(
    "upload_errors",
    metadata,
    sa.Column("organization_id", _ID, primary_key=True),
    sa.Column("upload_id", _ID, primary_key=True),
    sa.Column("index", sa.BigInteger, primary_key=True),
    sa.Column("row", sa.BigInteger, nullable=False),
    sa.Column("column", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)
