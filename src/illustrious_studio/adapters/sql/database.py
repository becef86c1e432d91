"""The one way to the database: a single connection, used by a single thread. It knows no table's meaning.

`read` and `write` take a function of the connection and run it there, in a transaction, while the event loop goes on.
Opening brings the tables up to date. Library errors become the studio's here and nowhere else.
"""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from illustrious_studio.domain.errors import Busy, StorageFull, StudioError, Unavailable

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"
HEADER = b"SQLite format 3\0"
FULL = "The disk of the data folder is full, so this could not be kept. Free some space and try again."

log = structlog.get_logger(__name__)


class Database:
    """`async with Database(where) as database`: a file of SQLite, or the URL of any database.

    `busy_seconds`: how long to wait for another process that is writing.
    """

    def __init__(self, where: Path | str, *, busy_seconds: float = 5.0, migrations: Path = MIGRATIONS) -> None:
        self._migrations = migrations
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        try:
            self._url = URL.create("sqlite", database=str(where)) if isinstance(where, Path) else make_url(where)
            self._sqlite = self._url.get_backend_name() == "sqlite"
            self._engine = self._make_engine()
        except (ArgumentError, ImportError) as error:
            raise Unavailable(
                f"The database URL cannot be used ({error}). Write it as SQLAlchemy does, for example "
                "postgresql+psycopg://user@host/name, and install the driver that it names."
            ) from error
        self._closed = False

    async def __aenter__(self) -> Self:
        """Raises Unavailable when the database is damaged, newer than the studio, or cannot be reached or written."""
        async with AsyncExitStack() as unless_opened:
            unless_opened.push_async_callback(self.__aexit__)
            await self._call(self._open)
            unless_opened.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Raises Busy, Unavailable."""

        def transaction() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return await self._call(transaction)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Durable when it returns; when it raises, nothing was written. Raises Busy, StorageFull, Unavailable."""

        def transaction() -> T:
            with self._engine.execution_options(writes=True).begin() as connection:
                return work(connection)

        return await self._call(transaction)

    async def _call(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("The studio is shutting down.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except DBAPIError as error:
            if (translated := _translated(error)) is None:
                raise
            raise translated from error

    def _make_engine(self) -> Engine:
        # One connection. Parameters stay out of errors, and so out of the log: they are what people wrote.
        if not self._sqlite:
            return create_engine(self._url, pool_size=1, max_overflow=0, hide_parameters=True, pool_pre_ping=True)
        waits = {"timeout": self._busy_seconds}
        engine = create_engine(self._url, pool_size=1, max_overflow=0, hide_parameters=True, connect_args=waits)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _open(self) -> None:
        if self._file is not None:
            _prepare_file(self._file)
        newest = max(path.name[:4] for path in (self._migrations / "versions").glob("[0-9]*.py"))
        with self._engine.begin() as connection:
            present = _version_of(connection)
        if present is not None and present > newest:
            raise Unavailable(
                f"The database was written by a newer version of the studio (its tables are number {present}, this "
                f"version knows up to {newest}). Install the newer version again, or use another data folder."
            )
        if present != newest:
            self._migrate(present)

    @property
    def _file(self) -> Path | None:
        name = self._url.database
        return Path(name) if self._sqlite and name and name != ":memory:" else None

    def _migrate(self, present: str | None) -> None:
        # Importing Alembic takes about 0.2 s, which a start with tables that are up to date need not spend.
        from alembic import command
        from alembic.config import Config

        if present is not None and self._file is not None:
            _copy(self._file, self._file.with_name(f"{self._file.name}.before-{present}-{_stamp()}"))
        config = Config()
        config.set_main_option("script_location", str(self._migrations).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with self._engine.execution_options(writes=True).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        log.info("database brought up to date", before=present)


def _configure_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, never by the driver
    # Not WAL: SQLite before 3.51.3 can lose commits of a WAL database when two connections reset its log at once
    # (the "WAL-reset bug"), and Debian 12 has 3.40. A commit costs 0.8 ms so instead of 0.2: no matter here.
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then writes fails at once, whatever the timeout, if another wrote meanwhile.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_file(path: Path) -> None:
    """Make the file where there is none; set aside what is no database at all. Raises StorageFull, Unavailable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:  # chats are private
            start = file.read(len(HEADER))
        if start in (b"", HEADER):
            return
        aside = path.with_name(f"{path.name}.damaged-{_stamp()}")
        path.rename(aside)
        # A journal belongs to the file it was written for; beside a new one it would be played back into that.
        journal = path.with_name(f"{path.name}-journal")
        if journal.exists():
            journal.rename(aside.with_name(f"{aside.name}-journal"))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(FULL) from error
        raise Unavailable(_unusable(str(error.strerror))) from error
    log.error("database was no database, a new one is made", kept_as=aside.name)


def _version_of(connection: Connection) -> str | None:
    """The number of the last migration that was run; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _copy(source: Path, target: Path) -> None:
    """Through SQLite itself: a copy of the bare file may lack what still lies in the journal."""
    part = target.with_name(f"{target.name}.part")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
        old.backup(new)
    part.replace(target)


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _unusable(reason: str) -> str:
    return (
        f"The database cannot be used ({reason}). "
        "Check that the disk of the data folder is there and not full, and that you may write to it."
    )


def _translated(error: DBAPIError) -> StudioError | None:
    """What the library's error means to a person; None when it is a mistake in the studio's own code."""
    if not isinstance(error.orig, sqlite3.Error):
        if isinstance(error, OperationalError | InterfaceError):
            return Unavailable("The database server does not answer. Check that it runs and that its URL is right.")
        return None
    match getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy("Another program is writing to the studio's database. Try again in a moment.", retry_after=2)
        case sqlite3.SQLITE_FULL:
            return StorageFull(FULL)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Unavailable(
                "The database is damaged. The pictures are safe in the gallery folder. Stop the studio, put back a "
                "copy of the database, or move the file away: a new one is made, with all pictures but without chats."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return Unavailable(_unusable(str(error.orig)))
    return None
