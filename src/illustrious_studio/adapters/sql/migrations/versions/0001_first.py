"""The first tables: gallery, sessions with their messages, jobs; and on SQLite the full-text search over them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "gallery",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("favourite", sa.Boolean, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("session_id", sa.String(100)),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("gallery_checkpoint", "gallery", ["checkpoint", "position"])
    op.create_index("gallery_session", "gallery", ["session_id", "position"])
    from_chat = sa.column("session_id", sa.String).is_not(None)
    op.create_index("gallery_from_chat", "gallery", ["position"], sqlite_where=from_chat, postgresql_where=from_chat)
    favourite = sa.column("favourite", sa.Boolean).is_(True)
    op.create_index("gallery_favourite", "gallery", ["position"], sqlite_where=favourite, postgresql_where=favourite)
    op.create_table(
        "sessions",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(100), nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("sessions_updated", "sessions", ["updated_at"])
    op.create_table(
        "messages",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(100), nullable=False, unique=True),
        sa.Column("session_id", sa.String(100), sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("messages_session", "messages", ["session_id", "position"])
    op.create_table(
        "jobs",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(100), nullable=False, unique=True),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    unfinished = sa.column("finished", sa.Boolean).is_(False)
    op.create_index("jobs_unfinished", "jobs", ["position"], sqlite_where=unfinished, postgresql_where=unfinished)
    if op.get_bind().dialect.name == "sqlite":
        for table in ("gallery", "sessions", "messages"):
            _make_searchable(table)


def _make_searchable(table: str) -> None:
    """An FTS5 index over the `words` column. It keeps no text of its own; triggers keep it true."""
    remove = f"INSERT INTO {table}_search({table}_search, rowid, words) VALUES ('delete', old.position, old.words);"
    insert = f"INSERT INTO {table}_search(rowid, words) VALUES (new.position, new.words);"
    for statement in (
        f"CREATE VIRTUAL TABLE {table}_search USING fts5(words, content='{table}', content_rowid='position', "
        "tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')",
        f"CREATE TRIGGER {table}_search_insert AFTER INSERT ON {table} BEGIN {insert} END",
        f"CREATE TRIGGER {table}_search_delete AFTER DELETE ON {table} BEGIN {remove} END",
        f"CREATE TRIGGER {table}_search_update AFTER UPDATE OF position, words ON {table} BEGIN {remove} {insert} END",
    ):
        op.get_bind().exec_driver_sql(statement)
