"""Run by Alembic for each migration: uses the connection that our caller opened."""

from alembic import context

from webvdi.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
