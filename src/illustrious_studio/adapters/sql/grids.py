"""Grids over restarts: the `grids` table as the port `GridStore`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.jobs import keep_jobs
from illustrious_studio.adapters.sql.tables import grids
from illustrious_studio.domain.grids.values import Grid
from illustrious_studio.domain.jobs import Job


class SqlGrids:
    """Order is the order in which they came."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, grid: Grid, jobs: Sequence[Job]) -> None:
        def change(connection: Connection) -> None:
            keep_jobs(connection, jobs)
            connection.execute(insert(grids).values(id=grid.id, **_values(grid)))

        await self._database.write(change)

    async def finish(self, grid: Grid) -> None:
        finished = grid.model_copy(update={"finished": True})
        change = update(grids).where(grids.c.id == grid.id).values(_values(finished))
        await self._database.write(lambda connection: connection.execute(change))

    async def get(self, grid_id: str) -> Grid | None:
        found = await self._fetch(select(grids.c.value).where(grids.c.id == grid_id))
        return found[0] if found else None

    async def unfinished(self) -> list[Grid]:
        return await self._fetch(select(grids.c.value).where(grids.c.finished.is_(False)).order_by(grids.c.position))

    async def recent(self, limit: int) -> list[Grid]:
        return await self._fetch(select(grids.c.value).order_by(grids.c.position.desc()).limit(limit))

    async def _fetch(self, wanted: Select[Any]) -> list[Grid]:
        def fetch(connection: Connection) -> list[str]:
            return list(connection.execute(wanted).scalars())

        return [Grid.model_validate_json(value) for value in await self._database.read(fetch)]


def _values(grid: Grid) -> dict[str, Any]:
    return {"finished": grid.finished, "value": grid.model_dump_json()}
