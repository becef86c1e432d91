"""Chat sessions and their messages: the port `SessionStore`. A deleted session can be restored for seven days."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, or_, select, update

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.search import hits, searchable
from illustrious_studio.adapters.sql.tables import messages, microseconds, sessions
from illustrious_studio.domain.chat import NEW_CHAT, Message, Session
from illustrious_studio.domain.errors import NotFound

KEPT_AFTER_DELETING = timedelta(days=7)


class SqlSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, session_id: str, title: str = NEW_CHAT) -> Session:
        return await self._database.write(lambda connection: _ensure(connection, session_id, title))

    async def add_user_message(self, message: Message, title: str) -> None:
        def change(connection: Connection) -> None:
            session = _ensure(connection, message.session_id, title)
            if session.title == NEW_CHAT and session.messages == 0:
                _rename(connection, session.id, title)
            _add(connection, message)

        await self._database.write(change)

    async def rename(self, session_id: str, title: str) -> Session:
        def change(connection: Connection) -> Session:
            _present(connection, session_id)
            _rename(connection, session_id, title)
            return _present(connection, session_id)

        return await self._database.write(change)

    async def delete(self, session_id: str) -> None:
        def change(connection: Connection) -> None:
            _present(connection, session_id)
            now = datetime.now(UTC)
            connection.execute(update(sessions).where(sessions.c.id == session_id).values(deleted_at=microseconds(now)))
            connection.execute(delete(sessions).where(sessions.c.deleted_at < microseconds(now - KEPT_AFTER_DELETING)))

        await self._database.write(change)

    async def restore(self, session_id: str) -> Session:
        def change(connection: Connection) -> Session:
            connection.execute(update(sessions).where(sessions.c.id == session_id).values(deleted_at=None))
            return _present(connection, session_id)

        return await self._database.write(change)

    async def messages(self, session_id: str) -> list[Message]:
        def fetch(connection: Connection) -> list[Message]:
            _present(connection, session_id)
            wanted = select(messages.c.value).where(messages.c.session_id == session_id).order_by(messages.c.position)
            return [Message.model_validate_json(value) for value in connection.execute(wanted).scalars()]

        return await self._database.read(fetch)

    async def add(self, message: Message) -> None:
        """Raises NotFound when there is no such session; one that was deleted meanwhile still takes its answer."""
        await self._database.write(lambda connection: _add(connection, message))

    async def list(self, query: str = "") -> list[Session]:
        def fetch(connection: Connection) -> list[Session]:
            wanted = _with_counts().where(sessions.c.deleted_at.is_(None))
            if query.strip():
                found = select(messages.c.session_id).where(messages.c.position.in_(hits(connection, messages, query)))
                titled = sessions.c.position.in_(hits(connection, sessions, query))
                wanted = wanted.where(or_(titled, sessions.c.id.in_(found)))
            ordered = wanted.order_by(sessions.c.updated_at.desc(), sessions.c.position.desc())
            return [_session(row) for row in connection.execute(ordered)]

        return await self._database.read(fetch)


def _with_counts() -> Select[Any]:
    count = select(func.count()).where(messages.c.session_id == sessions.c.id).scalar_subquery()
    return select(sessions, count.label("messages"))


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        title=row.title,
        created_at=_moment(row.created_at),
        updated_at=_moment(row.updated_at),
        messages=row.messages,
    )


def _moment(count: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=count)


def _present(connection: Connection, session_id: str) -> Session:
    wanted = _with_counts().where(sessions.c.id == session_id, sessions.c.deleted_at.is_(None))
    if (row := connection.execute(wanted).first()) is None:
        raise _not_found()
    return _session(row)


def _ensure(connection: Connection, session_id: str, title: str) -> Session:
    """A session that was deleted begins again under its name: its messages do not come back by themselves."""
    connection.execute(delete(sessions).where(sessions.c.id == session_id, sessions.c.deleted_at.is_not(None)))
    if not connection.execute(select(exists().where(sessions.c.id == session_id))).scalar():
        now = microseconds(datetime.now(UTC))
        new = {"id": session_id, "title": title, "words": searchable(title), "created_at": now, "updated_at": now}
        connection.execute(insert(sessions).values(new))
    return _present(connection, session_id)


def _rename(connection: Connection, session_id: str, title: str) -> None:
    new = {"title": title, "words": searchable(title)}
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(new))


def _add(connection: Connection, message: Message) -> None:
    its_session = sessions.c.id == message.session_id
    if not connection.execute(select(exists().where(its_session))).scalar():
        raise _not_found()
    values = {
        "session_id": message.session_id,
        "words": searchable(message.content),
        "value": message.model_dump_json(),
    }
    if not connection.execute(update(messages).where(messages.c.id == message.id).values(values)).rowcount:
        connection.execute(insert(messages).values(**values, id=message.id))
    at = microseconds(message.created_at)
    connection.execute(update(sessions).where(its_session, sessions.c.updated_at < at).values(updated_at=at))


def _not_found() -> NotFound:
    return NotFound("There is no such chat. It may have been deleted.")
