"""Jobs over restarts: the `jobs` table as the port `JobStore`."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.tables import jobs
from illustrious_studio.domain.jobs import Job


class SqlJobs:
    """Order is the order of the first `save`, whatever the clock did meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, *changed: Job) -> None:
        await self._database.write(lambda connection: keep_jobs(connection, changed))

    async def get(self, job_id: str) -> Job | None:
        found = await self._fetch(select(jobs.c.value).where(jobs.c.id == job_id))
        return found[0] if found else None

    async def those(self, job_ids: Sequence[str]) -> list[Job]:
        return await self._fetch(select(jobs.c.value).where(jobs.c.id.in_(job_ids)))

    async def unfinished(self) -> list[Job]:
        return await self._fetch(select(jobs.c.value).where(jobs.c.finished.is_(False)).order_by(jobs.c.position))

    async def recent(self, limit: int) -> list[Job]:
        return await self._fetch(select(jobs.c.value).order_by(jobs.c.position.desc()).limit(limit))

    async def _fetch(self, wanted: Select[Any]) -> list[Job]:
        def fetch(connection: Connection) -> list[str]:
            return list(connection.execute(wanted).scalars())

        return [Job.model_validate_json(value) for value in await self._database.read(fetch)]


def keep_jobs(connection: Connection, changed: Iterable[Job]) -> None:
    """Insert them, or replace the rows of the same ids."""
    for job in changed:
        values = {"finished": job.finished, "value": job.model_dump_json()}
        if not connection.execute(update(jobs).where(jobs.c.id == job.id).values(values)).rowcount:
            connection.execute(insert(jobs).values(**values, id=job.id))
