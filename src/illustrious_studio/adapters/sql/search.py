"""Searching the `words` columns: FTS5 on SQLite, ILIKE elsewhere. What a person types is never syntax."""

import re

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, column, select, table

# Chinese and Japanese are written without spaces: each character stands for itself, and a word is a phrase of them.
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
_WORD = re.compile(r"[^\W_]+")


def searchable(*texts: str) -> str:
    """The text to keep in a `words` column."""
    return _ALONE.sub(r" \1 ", "\n".join(texts))


def phrases(query: str) -> list[str]:
    """What must all be found: each run without spaces, as its words in a row (`cat_ears` is found as `cat ears`)."""
    found = (" ".join(_WORD.findall(_ALONE.sub(r" \1 ", part))) for part in query.split())
    return [phrase for phrase in found if phrase]


def hits(connection: Connection, rows: Table, query: str) -> Select[tuple[int]]:
    """Selects the positions of the rows in which every phrase occurs; the last may be the beginning of a word.

    On SQLite the positions come out in order, either way round, without sorting. Elsewhere the words of a phrase may
    stand apart. Nothing matches a query without words.
    """
    wanted = phrases(query)
    if connection.dialect.name == "sqlite":
        index = table(f"{rows.name}_search", column("rowid"), column(f"{rows.name}_search"))
        expression = " ".join(f'"{phrase}"' for phrase in wanted) + "*" if wanted else '""'
        matches: ColumnElement[bool] = index.c[1].op("MATCH")(expression)
        return select(index.c[0].label("position")).where(matches)
    if not wanted:
        return select(rows.c.position).where(rows.c.position.is_(None))
    words = [word for phrase in wanted for word in phrase.split()]
    return select(rows.c.position).where(and_(*(rows.c.words.icontains(word) for word in words)))
