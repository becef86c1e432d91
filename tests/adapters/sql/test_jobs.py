"""Jobs are there again after a restart, in their order."""

from datetime import timedelta

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.jobs import SqlJobs
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.jobs import Job
from samples import NOON


def a_job(name: str, **fields: object) -> Job:
    return Job(id=name, **{"created_at": NOON, "request": ImageRequest(prompt="a cat", seed=5), **fields})  # type: ignore[arg-type]


async def test_a_job_comes_back_as_it_was_after_a_restart(url: str) -> None:
    job = a_job("one", origin=Origin(way="chat", words="#generate a cat", session_id="s"), tries=1, error="It fell.")
    async with Database(url) as database:
        await SqlJobs(database).save(job)
    async with Database(url) as database:
        assert await SqlJobs(database).get("one") == job
        assert await SqlJobs(database).get("two") is None


async def test_unfinished_ones_come_in_the_order_they_were_asked_for(database: Database) -> None:
    jobs = SqlJobs(database)
    for number in range(5):  # the clock goes backwards: the order is kept all the same
        await jobs.save(a_job(f"job {number}", created_at=NOON - timedelta(hours=number)))
    await jobs.save(a_job("job 1", state="done", image_id="0" * 32))
    await jobs.save(a_job("job 2", state="running"))
    await jobs.save(a_job("job 3", state="cancelled"))
    assert [(job.id, job.state) for job in await jobs.unfinished()] == [
        ("job 0", "queued"),
        ("job 2", "running"),
        ("job 4", "queued"),
    ]


async def test_recent_ones_come_newest_first(database: Database) -> None:
    jobs = SqlJobs(database)
    for number in range(5):
        await jobs.save(a_job(f"job {number}", state="failed"))
    assert [job.id for job in await jobs.recent(3)] == ["job 4", "job 3", "job 2"]
