"""Alembic's entry: run the migrations on the connection that `database.py` hands in, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
