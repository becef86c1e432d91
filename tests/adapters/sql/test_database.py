"""The database opens, is brought up to date, and says plainly what is wrong with it. F14: row of the fault table."""

import asyncio
import multiprocessing
import shutil
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from tests.adapters.sql.processes import die_in_migration, write_much

from illustrious_studio.adapters.sql.database import MIGRATIONS, Database
from illustrious_studio.adapters.sql.jobs import SqlJobs
from illustrious_studio.adapters.sql.sessions import SqlSessions
from illustrious_studio.adapters.sql.tables import metadata
from illustrious_studio.domain.errors import Busy, StorageFull, Unavailable
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job
from samples import NOON

FORKS = multiprocessing.get_context("forkserver")


def a_job(name: str) -> Job:
    return Job(id=name, created_at=NOON, request=ImageRequest(prompt="a cat"))


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def with_migration(folder: Path, body: str) -> Path:
    """The studio's migrations and one more."""
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    last = max(path.name[:4] for path in (migrations / "versions").glob("[0-9]*.py"))
    head = f"from alembic import op\nimport os\nrevision = '9999'\ndown_revision = '{last}'\n\n\ndef upgrade():\n"
    (migrations / "versions" / "9999_more.py").write_text(head + f"    {body}\n")
    return migrations


async def test_migrations_make_exactly_the_tables_that_the_code_uses(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_name": lambda name, kind, _: not (kind == "table" and "_search" in name)}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await database.read(differences) == []


async def test_only_a_migration_needs_alembic(url: str) -> None:
    async with Database(url):
        pass
    program = (
        "import asyncio, sys\n"
        "from illustrious_studio.adapters.sql.database import Database\n"
        "async def main():\n"
        f"    async with Database({url!r}): pass\n"
        "asyncio.run(main())\n"
        "assert 'alembic' not in sys.modules\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment)
    assert await child.wait() == 0


async def test_a_newer_database_is_refused_and_left_alone(url: str) -> None:
    async with Database(url) as database:
        await database.write(
            lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
        )
    before = file_of(url).read_bytes()
    with pytest.raises(Unavailable, match="newer version of the studio"):
        async with Database(url):
            pass
    assert file_of(url).read_bytes() == before


async def test_an_older_database_is_migrated_and_a_copy_of_it_kept(url: str, tmp_path: Path) -> None:
    async with Database(url) as database:
        await SqlJobs(database).save(a_job("one"))
    migrations = with_migration(tmp_path, "op.execute('CREATE TABLE later (x INTEGER)')")
    async with Database(url, migrations=migrations) as database:
        await database.read(lambda connection: connection.execute(text("SELECT x FROM later")).all())
        assert [job.id for job in await SqlJobs(database).recent(9)] == ["one"]
    (copy,) = tmp_path.glob("studio.db.before-*")
    async with Database(f"sqlite:///{copy}") as database:
        assert [job.id for job in await SqlJobs(database).recent(9)] == ["one"]


async def test_a_migration_that_is_cut_off_has_changed_nothing_f15(url: str, tmp_path: Path) -> None:
    async with Database(url) as database:
        await SqlJobs(database).save(a_job("one"))
    migrations = with_migration(tmp_path, "op.execute('DELETE FROM jobs'); op.execute('DROP TABLE jobs'); os._exit(9)")
    child = FORKS.Process(target=die_in_migration, args=(url, migrations))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    async with Database(url) as database:
        assert [job.id for job in await SqlJobs(database).recent(9)] == ["one"]


async def test_a_file_that_is_no_database_is_kept_aside_and_a_new_one_made_f14(url: str, tmp_path: Path) -> None:
    file_of(url).write_bytes(b"this was a database once" * 1000)
    Path(f"{file_of(url)}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
    async with Database(url) as database:
        await SqlJobs(database).save(a_job("one"))
    aside, _journal = sorted(tmp_path.glob("studio.db.damaged-*"))
    assert aside.read_bytes().startswith(b"this was a database once")
    async with Database(url) as database:
        assert len(await SqlJobs(database).recent(9)) == 1


@pytest.mark.parametrize("damage", ["pages", "cut short"])
async def test_a_damaged_database_is_refused_with_what_to_do_f14(url: str, damage: str) -> None:
    async with Database(url) as database:
        for number in range(50):
            await SqlJobs(database).save(a_job(f"job {number}"))
    whole = file_of(url).read_bytes()
    file_of(url).write_bytes(whole[:4096] + (b"\xff" * (len(whole) - 4096) if damage == "pages" else b""))
    with pytest.raises(Unavailable, match="pictures are safe"):
        async with Database(url) as database:
            await SqlJobs(database).recent(9)


async def test_a_write_waits_for_another_program_and_then_says_busy_f10(url: str) -> None:
    async with Database(url, busy_seconds=0.1) as database:
        other = sqlite3.connect(file_of(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy) as busy:
            await SqlJobs(database).save(a_job("one"))
        assert busy.value.retry_after
        assert await SqlJobs(database).recent(9) == []  # reading goes on meanwhile
        other.execute("ROLLBACK")
        other.close()
        await SqlJobs(database).save(a_job("one"))
        assert len(await SqlJobs(database).recent(9)) == 1


async def test_two_programs_that_write_at_once_lose_nothing_f11_f12(url: str) -> None:
    async with Database(url) as database:
        await SqlSessions(database).ensure("session", title="0")
    children = [FORKS.Process(target=write_much, args=(url, name, 60)) for name in ("left", "right")]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0]
    async with Database(url) as database:
        assert {job.id for job in await SqlJobs(database).recent(1000)} == {
            f"{name} {number}" for name in ("left", "right") for number in range(60)
        }
        assert (await SqlSessions(database).list())[0].title == "120"


async def test_a_full_disk_is_said_so_and_nothing_kept_is_lost_f6(database: Database) -> None:
    jobs = SqlJobs(database)
    await jobs.save(a_job("before"))
    pages = await database.read(lambda connection: connection.execute(text("PRAGMA page_count")).scalar_one())
    await database.read(lambda connection: connection.execute(text(f"PRAGMA max_page_count = {pages + 4}")))

    async def save_many() -> None:
        for number in range(1000):
            await jobs.save(a_job(f"job {number}"))

    with pytest.raises(StorageFull):
        await save_many()
    kept = {job.id for job in await jobs.recent(2000)}
    assert kept == {"before", *(f"job {number}" for number in range(len(kept) - 1))}
    await database.read(lambda connection: connection.execute(text("PRAGMA max_page_count = 100000")))
    await jobs.save(a_job("after"))
    check = await database.read(lambda connection: connection.execute(text("PRAGMA integrity_check")).scalar_one())
    assert check == "ok"


async def test_a_write_that_fails_half_way_leaves_nothing(database: Database) -> None:
    def half(connection: Connection) -> None:
        connection.execute(text("INSERT INTO jobs (id, finished, value) VALUES ('x', 0, '')"))
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        await database.write(half)
    assert await SqlJobs(database).get("x") is None


async def test_a_place_that_cannot_be_written_to_is_named_as_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="you may write"):
        async with Database(f"sqlite:///{tmp_path}/file/studio.db"):
            pass


async def test_its_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "why? 100% #1 & ü" / "studio.db"
    async with Database(path) as database:
        await SqlJobs(database).save(a_job("one"))
    assert path.stat().st_size > 0


@pytest.mark.parametrize("url", ["", "garbage", "nosuchbase://here/x", "postgresql+nosuchdriver://here/x"])
def test_a_wrong_url_is_said_so(url: str) -> None:
    with pytest.raises(Unavailable, match="database URL"):
        Database(url)


async def test_others_on_the_machine_cannot_read_it(database: Database, url: str) -> None:
    assert stat.S_IMODE(file_of(url).stat().st_mode) == 0o600


async def test_what_people_wrote_does_not_stand_in_errors(database: Database) -> None:
    wrong = text("INSERT INTO jobs (id, finished, value) VALUES (:id, NULL, 'x')")
    with pytest.raises(Exception, match="NOT NULL") as error:
        await database.write(lambda connection: connection.execute(wrong, {"id": "a secret wish"}))
    assert "a secret wish" not in str(error.value)


async def test_after_closing_it_says_that_the_studio_stops(url: str) -> None:
    async with Database(url) as database:
        pass
    with pytest.raises(Unavailable, match="shutting down"):
        await SqlJobs(database).recent(1)
