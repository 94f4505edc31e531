"""Alembic's entry: runs the revisions on the connection that `voiceera.store.migrate` hands over."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
# Row-level security holds the tables' owner too: a revision that moves rows moves those of every organization.
connection.execute(text("SELECT set_config('voiceera.platform', 'on', false)"))
connection.commit()
with context.begin_transaction():
    context.run_migrations()
