"""Finding pictures: the `gallery` table as the port `GalleryIndex`. The folder is the truth; this can be rebuilt."""

import asyncio
import base64
import binascii
import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select, update

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.search import hits, searchable
from illustrious_studio.adapters.sql.tables import gallery, microseconds
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.gallery import GalleryItem, GalleryPage, GalleryQuery

T = TypeVar("T")

MOST_A_PAGE = 200
BATCH = 100
"""Rows in a transaction: a few milliseconds."""
_CURSOR = struct.Struct(">qI")


class SqlGalleryIndex:
    """Pages are found by position, not by counting, so the last costs what the first does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, item: GalleryItem) -> None:
        await self._database.write(lambda connection: _add(connection, item))

    async def get(self, item_id: str) -> GalleryItem | None:
        wanted = select(gallery.c.value).where(gallery.c.id == item_id)
        value = await self._database.read(lambda connection: connection.execute(wanted).scalar())
        return None if value is None else GalleryItem.from_json(value)

    async def remove(self, item_id: str) -> None:
        unwanted = delete(gallery).where(gallery.c.id == item_id)
        await self._database.write(lambda connection: connection.execute(unwanted))

    async def ids(self) -> set[str]:
        return await self._database.read(lambda connection: set(connection.execute(select(gallery.c.id)).scalars()))

    async def page(self, query: GalleryQuery, cursor: str | None, limit: int) -> GalleryPage:
        before = None if cursor is None else _position_of(cursor)
        limit = max(1, min(limit, MOST_A_PAGE))

        def fetch(connection: Connection) -> list[tuple[int, str]]:
            wanted = _selection(connection, query, before).limit(limit + 1)
            return [(row.position, row.value) for row in connection.execute(wanted)]

        rows = await self._database.read(fetch)
        items = [GalleryItem.from_json(value) for _, value in rows[:limit]]
        return GalleryPage(items, _cursor_of(rows[limit - 1][0]) if len(rows) > limit else None)

    async def count(self) -> int:
        return await self._database.read(_count)

    async def rebuild(self, items: Iterable[GalleryItem]) -> int:
        """In short transactions, each of them right by itself: there is one thread for all that is asked of the
        database, and who asks would wait for a long one."""
        rows = await asyncio.to_thread(lambda: _all_rows(items))
        known = await self._known()
        new = await asyncio.to_thread(lambda: [row for row in rows if known.pop(row["id"], None) != _print_of(row)])
        for batch in _batched(new):
            await self._database.write(partial(_replace, batch))
        for ids in _batched(list(known)):
            await self._database.write(partial(_remove, ids))
        return len(rows)

    async def _known(self) -> dict[str, bytes]:
        """The ids of all rows, each with its row's fingerprint."""
        known: dict[str, bytes] = {}
        last = -(2**63)
        while rows := await self._database.read(partial(_rows_after, last)):
            known |= {row.id: _fingerprint(row.position, row.value) for row in rows}
            last = rows[-1].position
        return known


def _batched(rows: list[T]) -> Iterator[list[T]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _rows_after(position: int, connection: Connection) -> Sequence[Any]:
    wanted = select(gallery.c.position, gallery.c.id, gallery.c.value).where(gallery.c.position > position)
    return connection.execute(wanted.order_by(gallery.c.position).limit(BATCH)).all()


def _replace(rows: list[dict[str, Any]], connection: Connection) -> None:
    """Another row in one of their positions goes: it is replaced, too, or belongs to nothing, or is mended after."""
    ids, positions = [row["id"] for row in rows], [row["position"] for row in rows]
    connection.execute(delete(gallery).where(or_(gallery.c.id.in_(ids), gallery.c.position.in_(positions))))
    connection.execute(insert(gallery), rows)


def _remove(ids: list[str], connection: Connection) -> None:
    connection.execute(delete(gallery).where(gallery.c.id.in_(ids)))


def _print_of(row: dict[str, Any]) -> bytes:
    return _fingerprint(row["position"], row["value"])


def _fingerprint(position: int, value: str) -> bytes:
    return hashlib.sha256(f"{position} {value}".encode()).digest()


def _selection(connection: Connection, query: GalleryQuery, before: int | None) -> Select[tuple[int, str]]:
    position: ColumnElement[int] = gallery.c.position
    wanted = select(gallery.c.position, gallery.c.value)
    if query.q.strip():
        found = hits(connection, gallery, query.q).subquery()
        position = found.c.position
        wanted = wanted.join(found, gallery.c.position == position)
    if before is not None:
        wanted = wanted.where(position < before)
    if query.since is not None:
        wanted = wanted.where(position >= microseconds(query.since))
    if query.checkpoint is not None:
        wanted = wanted.where(gallery.c.checkpoint == query.checkpoint)
    if query.session_id is not None:
        wanted = wanted.where(gallery.c.session_id == query.session_id)
    if query.grid_id is not None:
        wanted = wanted.where(gallery.c.grid_id == query.grid_id)
    if query.from_chat:
        wanted = wanted.where(gallery.c.session_id.is_not(None))
    if query.favourites:
        wanted = wanted.where(gallery.c.favourite.is_(True))
    return wanted.order_by(position.desc())


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(gallery)).scalar_one()


def _row(item: GalleryItem) -> dict[str, Any]:
    """All columns but the position."""
    of, request = item.metadata, item.metadata.request
    return {
        "id": item.id,
        "favourite": item.favourite,
        "checkpoint": of.checkpoint,
        "session_id": of.origin.session_id,
        "words": searchable(
            request.prompt,
            request.negative_prompt,
            of.checkpoint,
            of.checkpoint_hash or "",
            str(request.seed),
            of.origin.words,
        ),
        "value": item.model_dump_json(),
        "grid_id": of.origin.grid_id,
    }


def _add(connection: Connection, item: GalleryItem) -> None:
    row = _row(item)
    if connection.execute(update(gallery).where(gallery.c.id == item.id).values(row)).rowcount:
        return
    position = microseconds(item.metadata.created_at)
    while connection.execute(select(gallery.c.id).where(gallery.c.position == position)).first():
        position += 1
    connection.execute(insert(gallery).values(**row, position=position))


def _all_rows(items: Iterable[GalleryItem]) -> list[dict[str, Any]]:
    """The rows of all items; of two files of the same id, the later one's."""
    rows: dict[str, dict[str, Any]] = {}
    taken: set[int] = set()
    for item in items:
        position = microseconds(item.metadata.created_at)
        while position in taken:
            position += 1
        taken.add(position)
        rows[item.id] = {**_row(item), "position": position}
    return list(rows.values())


def _cursor_of(position: int) -> str:
    return base64.urlsafe_b64encode(_CURSOR.pack(position, _check(position))).decode()


def _position_of(cursor: str) -> int:
    try:
        position, check = _CURSOR.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, struct.error, ValueError) as error:
        raise _no_cursor() from error
    if check != _check(position):
        raise _no_cursor()
    return int(position)


def _check(position: int) -> int:
    return zlib.crc32(position.to_bytes(8, "big", signed=True))


def _no_cursor() -> InvalidRequest:
    return InvalidRequest("This cursor is none the gallery gave. Start without one, then use the one of each page.")
