"""The tables as they are now. Each row keeps its value as JSON, and as columns only what is searched or sorted by.

So a value can get a field without a migration. `migrations/` makes these tables; a test holds the two together.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

# On SQLite only a column called exactly INTEGER is the row's own number, by which it is stored, and by which a
# full-text search gives its hits in order.
_Number = BigInteger().with_variant(Integer, "sqlite")

gallery = Table(
    "gallery",
    metadata,
    # When it was made, in microseconds since 1970, moved on by one where two pictures share the microsecond: the sort
    # key, the row's number and the cursor in one, so that every page costs the same however deep it is.
    Column("position", _Number, primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False, unique=True),
    Column("favourite", Boolean, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("session_id", String(100)),
    Column("words", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("grid_id", String(32)),
)
Index("gallery_checkpoint", gallery.c.checkpoint, gallery.c.position)
Index("gallery_session", gallery.c.session_id, gallery.c.position)
Index("gallery_grid", gallery.c.grid_id, gallery.c.position)
Index(
    "gallery_from_chat",
    gallery.c.position,
    sqlite_where=gallery.c.session_id.is_not(None),
    postgresql_where=gallery.c.session_id.is_not(None),
)
Index(
    "gallery_favourite",
    gallery.c.position,
    sqlite_where=gallery.c.favourite.is_(True),
    postgresql_where=gallery.c.favourite.is_(True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("position", _Number, primary_key=True, autoincrement=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("words", Text, nullable=False),
)
Index("sessions_updated", sessions.c.updated_at)

messages = Table(
    "messages",
    metadata,
    Column("position", _Number, primary_key=True, autoincrement=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("session_id", String(100), ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("words", Text, nullable=False),
    Column("value", Text, nullable=False),
)
Index("messages_session", messages.c.session_id, messages.c.position)

jobs = Table(
    "jobs",
    metadata,
    Column("position", _Number, primary_key=True, autoincrement=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("finished", Boolean, nullable=False),
    Column("value", Text, nullable=False),
)
Index(
    "jobs_unfinished",
    jobs.c.position,
    sqlite_where=jobs.c.finished.is_(False),
    postgresql_where=jobs.c.finished.is_(False),
)

grids = Table(
    "grids",
    metadata,
    Column("position", _Number, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("finished", Boolean, nullable=False),
    Column("value", Text, nullable=False),
)
Index(
    "grids_unfinished",
    grids.c.position,
    sqlite_where=grids.c.finished.is_(False),
    postgresql_where=grids.c.finished.is_(False),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Since 1970. A moment without a time zone is taken as local time, and as UTC in years that have no local time."""
    if moment.tzinfo is None:
        try:
            moment = moment.astimezone()
        except (OverflowError, OSError, ValueError):
            moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
