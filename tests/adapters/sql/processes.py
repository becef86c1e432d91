"""What other processes do in these tests."""

import asyncio
from pathlib import Path

from tests.samples import NOON

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.jobs import SqlJobs
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job


def die_in_migration(url: str, migrations: Path) -> None:
    async def main() -> None:
        async with Database(url, migrations=migrations):
            pass

    asyncio.run(main())


def save_jobs(url: str, name: str, count: int) -> None:
    async def main() -> None:
        async with Database(url, busy_seconds=60) as database:
            jobs = SqlJobs(database)
            for number in range(count):
                job = Job(id=f"{name} {number}", created_at=NOON, request=ImageRequest(prompt="a cat"))
                await jobs.save(job)
                await jobs.save(job.model_copy(update={"tries": job.tries + 1}))

    asyncio.run(main())
