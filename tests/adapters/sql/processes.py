"""What other processes do in these tests."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection, select, update

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.jobs import SqlJobs
from illustrious_studio.adapters.sql.tables import sessions
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job
from samples import NOON


def die_in_migration(url: str, migrations: Path) -> None:
    async def main() -> None:
        async with Database(url, migrations=migrations):
            pass

    asyncio.run(main())


def write_much(url: str, name: str, count: int) -> None:
    """Saves jobs; and counts in a title that both programs read before they write it."""

    def count_on(connection: Connection) -> None:
        title = connection.execute(select(sessions.c.title)).scalar_one()
        connection.execute(update(sessions).values(title=str(int(title) + 1)))

    async def main() -> None:
        async with Database(url, busy_seconds=60) as database:
            for number in range(count):
                job = Job(id=f"{name} {number}", created_at=NOON, request=ImageRequest(prompt="a cat"))
                await SqlJobs(database).save(job)
                await database.write(count_on)

    asyncio.run(main())
