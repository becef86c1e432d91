"""The queue as its users meet it: order, bounds, progress, cancelling, failing, and what a restart keeps."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeEngine
from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.jobs import SqlJobs
from illustrious_studio.domain.errors import (
    Busy,
    Cancelled,
    Conflict,
    EngineDied,
    NotFound,
    OutOfMemory,
    StudioError,
)
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job
from illustrious_studio.domain.models import DeviceMemory
from illustrious_studio.services.jobs import JobQueue
from studio_for_tests import studio_for_tests
from waiting import turns, until


def image_request(prompt: str = "a cat", **more: object) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": prompt, "steps": 4, "width": 64, "height": 64, **more})


def queueing(jobs: JobQueue) -> asyncio.Event:
    """Set once something is about to be queued: what comes before looks at files, which takes threads their time."""
    begun, submit_all = asyncio.Event(), type(jobs).submit_all

    def noting(*arguments: Any, **more: Any) -> Any:
        begun.set()
        return submit_all(jobs, *arguments, **more)

    jobs.submit_all = noting  # type: ignore[method-assign]
    return begun


async def test_a_picture_is_drawn_and_found_in_the_gallery(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        item = await made.studio.images.generate_image(image_request(seed=5))
        assert item.metadata.request.seed == 5
        assert (await made.studio.gallery.get(item.id)).metadata.request.prompt == "a cat"
        assert [job.state for job in await made.studio.jobs.recent()] == ["done"]


async def test_an_open_seed_is_settled_and_written_down(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        item = await made.studio.images.generate_image(image_request())
        assert item.metadata.request.seed >= 0
        assert made.engine.plans[0].request.seed == item.metadata.request.seed


async def test_an_open_size_becomes_the_checkpoints_own(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        checkpoint = made.studio.models.checkpoint()
        item = await made.studio.images.generate_image(ImageRequest(prompt="a cat", steps=1))
        assert (item.metadata.width, item.metadata.height) == (checkpoint.native_width, checkpoint.native_height)


async def test_pictures_are_drawn_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        jobs = [
            await made.studio.images.start_image(image_request(word)) for word in ("one cat", "two cats", "three cats")
        ]
        await made.engine.drawing.wait()
        assert [(live.job.id, live.ahead) for live in made.studio.jobs.active()] == [
            (jobs[0].id, 0),
            (jobs[1].id, 1),
            (jobs[2].id, 2),
        ]
        made.engine.go_on.set()
        await made.studio.jobs.wait(jobs[2].id)
        assert [plan.request.prompt for plan in made.engine.plans] == ["one cat", "two cats", "three cats"]


async def test_a_full_queue_says_busy_and_loses_nothing_it_took(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, queue_limit=2) as made:
        made.engine.go_on.clear()
        taken = [await made.studio.images.start_image(image_request()) for _ in range(2)]
        with pytest.raises(Busy) as busy:
            await made.studio.images.start_image(image_request())
        assert busy.value.retry_after
        made.engine.go_on.set()
        for job in taken:
            await made.studio.jobs.wait(job.id)


async def test_who_leaves_while_a_picture_is_queued_leaves_none_behind(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        for moments in range(12):  # so many turns of the event loop after asking: before, while, and after it is queued
            begun = queueing(made.studio.jobs)
            asking = asyncio.create_task(made.studio.images.generate_images(image_request(), 2))
            await begun.wait()
            await turns(moments)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            assert made.studio.jobs.active() == []
        made.engine.go_on.set()
        assert {job.state for job in await made.studio.jobs.recent()} <= {"cancelled"}


async def test_the_bound_holds_for_many_who_ask_at_once(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, queue_limit=2) as made:
        made.engine.go_on.clear()
        asked = [made.studio.images.start_image(image_request(f"a cat, {number}")) for number in range(6)]
        taken = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in taken] == [Job, Job, Busy, Busy, Busy, Busy]


async def test_watching_shows_the_steps_and_ends_with_the_end(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        job = await made.studio.images.start_image(image_request())
        seen = [change async for change in made.studio.jobs.watch(job.id)]
        assert seen[-1].job.state == "done"
        assert [change.step for change in seen] == sorted(change.step for change in seen)
        assert seen[-1].step == 4


async def test_a_waiting_job_is_cancelled_without_being_drawn(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        first = await made.studio.images.start_image(image_request("one cat"))
        second = await made.studio.images.start_image(image_request("two cats"))
        third = await made.studio.images.start_image(image_request("three cats"))
        await made.studio.jobs.cancel(second.id)
        with pytest.raises(Cancelled):
            await made.studio.jobs.wait(second.id)
        made.engine.go_on.set()
        await made.studio.jobs.wait(first.id)
        await made.studio.jobs.wait(third.id)
        assert [plan.request.prompt for plan in made.engine.plans] == ["one cat", "three cats"]


async def test_a_running_job_is_cancelled_and_the_next_is_drawn(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        first = await made.studio.images.start_image(image_request("one cat"))
        second = await made.studio.images.start_image(image_request("two cats"))
        await made.engine.drawing.wait()
        await made.studio.jobs.cancel(first.id)
        assert made.engine.stopped.is_set()
        assert (await made.studio.jobs.progress(first.id)).job.state == "cancelled"
        made.engine.go_on.set()
        assert (await made.studio.jobs.wait(second.id)).metadata.request.prompt == "two cats"


async def test_cancelling_twice_at_once_is_cancelling_once(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        running = await made.studio.images.start_image(image_request("one cat"))
        waiting = await made.studio.images.start_image(image_request("two cats"))
        await made.engine.drawing.wait()
        for job in (waiting, running):
            impatient = [asyncio.create_task(made.studio.jobs.cancel(job.id)) for _ in range(3)]
            await turns(2)  # now its end is being written down
            impatient.append(asyncio.create_task(made.studio.jobs.cancel(job.id)))
            async with asyncio.timeout(60):
                await asyncio.gather(*impatient)
            assert (await made.studio.jobs.progress(job.id)).job.state == "cancelled"
        assert made.studio.jobs.active() == []


async def test_cancelling_what_fails_in_this_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        for moments in range(40):
            made.engine.faults += [EngineDied("It ended. Draw again."), EngineDied("It ended. Draw again.")]
            job = await made.studio.images.start_image(image_request())
            await turns(moments % 20)
            async with asyncio.timeout(60):
                with suppress(Conflict):
                    await made.studio.jobs.cancel(job.id)
                with pytest.raises((Cancelled, EngineDied)):
                    await made.studio.jobs.wait(job.id)
            made.engine.faults.clear()
        assert made.studio.jobs.active() == []


async def test_who_stops_waiting_cancels_the_job(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        caller = asyncio.create_task(made.studio.images.generate_image(image_request()))
        await made.engine.drawing.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert made.studio.jobs.active() == []
        assert [job.state for job in await made.studio.jobs.recent()] == ["cancelled"]


async def test_a_finished_job_cannot_be_cancelled(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        item = await made.studio.images.generate_image(image_request())
        with pytest.raises(Conflict):
            await made.studio.jobs.cancel(item.id)
        with pytest.raises(NotFound):
            await made.studio.jobs.cancel("0" * 32)


async def test_who_was_away_learns_how_each_job_ended_in_that_order(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        jobs = made.studio.jobs
        assert jobs.ended("") == []
        first = await made.studio.images.generate_image(image_request())
        made.engine.faults.append(OutOfMemory("Too large."))
        with suppress(OutOfMemory):
            await made.studio.images.generate_image(image_request())
        last = await made.studio.images.generate_image(image_request())
        assert [job.state for job in jobs.ended("")] == ["done", "failed", "done"]
        assert [job.state for job in jobs.ended(first.id)] == ["failed", "done"]
        assert jobs.ended(last.id) == []
        assert jobs.ended("of a studio before") == jobs.ended("")


@pytest.mark.parametrize("faults", [[OutOfMemory("Too large.")], [EngineDied("It ended."), EngineDied("It ended.")]])
async def test_a_failure_reaches_who_waits_and_the_next_picture_works(tmp_path: Path, faults: list[Exception]) -> None:
    engine = FakeEngine()
    fault = faults[-1]
    assert isinstance(fault, StudioError)
    engine.faults += faults
    async with studio_for_tests(tmp_path, engine=engine) as made:
        job = await made.studio.images.start_image(image_request())
        with pytest.raises(type(fault), match=fault.detail):
            await made.studio.jobs.wait(job.id)
        await made.studio.images.generate_image(image_request())
        # Long after, its reason is still known.
        with pytest.raises(type(fault), match=fault.detail):
            await made.studio.jobs.wait(job.id)


async def test_a_picture_that_ended_the_worker_once_is_drawn_again_before_all_others(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.go_on.clear()
    engine.faults.append(EngineDied("It ended."))
    async with studio_for_tests(tmp_path, engine=engine) as made:
        jobs = [await made.studio.images.start_image(image_request(word)) for word in ("one cat", "two cats")]
        await engine.midway.wait()
        assert [(live.job.id, live.job.tries, live.ahead) for live in made.studio.jobs.active()] == [
            (jobs[0].id, 2, 0),
            (jobs[1].id, 0, 1),
        ]
        engine.go_on.set()
        for job in jobs:
            await made.studio.jobs.wait(job.id)
        assert [plan.request.prompt for plan in engine.plans] == ["one cat", "one cat", "two cats"]


async def test_while_drawing_is_given_up_all_wait_visibly_and_then_go_on(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.go_on.clear()
    async with studio_for_tests(tmp_path, engine=engine) as made:
        queue, checkpoint = made.studio.jobs, made.studio.models.checkpoint().name
        jobs = [await made.studio.images.start_image(image_request()) for _ in range(3)]
        await engine.midway.wait()
        watch = queue.watch(jobs[2].id)
        assert (await anext(watch)).held_up == ""
        engine.give_up("It ended five times. Choose a checkpoint again.")
        engine.go_on.set()
        while not (await anext(watch)).held_up:
            pass
        active = queue.active()
        assert [(live.job.id, live.job.state, live.job.tries) for live in active] == [
            (job.id, "queued", 0) for job in jobs
        ]
        assert {live.held_up for live in active} == {engine.given_up}
        await queue.cancel(jobs[1].id)
        await made.studio.models.switch(checkpoint=checkpoint)
        for job in (jobs[0], jobs[2]):
            await queue.wait(job.id)
        async for now in watch:
            last = now
        assert (last.job.state, last.held_up) == ("done", "")


async def test_a_mistake_of_the_studio_itself_fails_one_job_only(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.faults.append(ZeroDivisionError())
    async with studio_for_tests(tmp_path, engine=engine) as made:
        with pytest.raises(StudioError, match="made a mistake"):
            await made.studio.images.generate_image(image_request())
        await made.studio.images.generate_image(image_request())


async def test_a_restart_goes_on_with_what_was_acknowledged(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        jobs = [await made.studio.images.start_image(image_request(word)) for word in ("one cat", "two cats")]
        await made.engine.drawing.wait()
    async with studio_for_tests(tmp_path) as made:
        items = [await made.studio.jobs.wait(job.id) for job in jobs]
        assert [item.metadata.request.prompt for item in items] == ["one cat", "two cats"]
        assert [item.metadata.request.seed for item in items] == [job.request.seed for job in jobs]


async def test_stopping_the_studio_often_never_gives_a_job_up(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        job = await made.studio.images.start_image(image_request())
        await made.engine.drawing.wait()
    for _ in range(3):
        engine = FakeEngine()
        engine.go_on.clear()  # before the studio opens: it goes on with the job at once
        async with studio_for_tests(tmp_path, engine=engine):
            await engine.drawing.wait()
    async with studio_for_tests(tmp_path) as made:
        assert (await made.studio.jobs.wait(job.id)).metadata.request.seed == job.request.seed


async def test_a_job_that_was_cut_off_twice_fails_instead_of_trying_for_ever(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path):
        pass
    async with Database(f"sqlite:///{tmp_path / 'studio.db'}") as database:
        job = Job(id="a" * 32, created_at=datetime.now(UTC), request=image_request(seed=1), state="running", tries=2)
        await SqlJobs(database).save(job)
    async with studio_for_tests(tmp_path) as made:
        with pytest.raises(StudioError, match="stopped twice"):
            await made.studio.jobs.wait(job.id)
        assert made.engine.plans == []


async def test_a_job_remembers_which_checkpoint_was_in_use(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        job = await made.studio.images.start_image(image_request())
        await made.studio.jobs.wait(job.id)
        assert job.checkpoint == made.engine.plans[0].checkpoint.name == made.studio.models.checkpoint().name


async def test_who_leaves_while_a_job_is_written_down_leaves_a_job_that_is_drawn(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        begun = queueing(made.studio.jobs)
        caller = asyncio.create_task(made.studio.images.start_image(image_request()))
        await begun.wait()
        await turns()
        caller.cancel()
        await asyncio.wait([caller])
        (known,) = await until(made.studio.jobs.recent)
        assert (await made.studio.jobs.wait(known.id)).metadata.request.prompt == "a cat"


async def test_pictures_of_one_request_are_drawn_in_one_go_and_each_is_kept_as_its_own(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, batch_size=3) as made:
        items = await made.studio.images.generate_images(image_request(seed=5), 4)
        assert [item.metadata.request.seed for item in items] == [5, 6, 7, 8]
        assert [item.metadata.batch_size for item in items] == [3, 3, 3, 1]
        for item, plan in zip(items, made.engine.plans, strict=True):
            assert item.metadata.request == plan.request
        pictures = {await made.studio.gallery.png(item.id) for item in items}
        assert len(pictures) == 4


async def test_only_what_differs_in_its_seed_alone_is_drawn_in_one_go(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, batch_size=4) as made:
        made.engine.go_on.clear()
        waiting = [await made.studio.images.start_image(image_request("a dog"))]
        for prompt in ("a cat", "a cat", "a {big|small} fox", "a cat"):
            waiting += await made.studio.images.start_images(image_request(prompt, seed=3), 1)
        made.engine.go_on.set()
        items = [await made.studio.jobs.wait(job.id) for job in waiting]
        assert [item.metadata.batch_size for item in items] == [1, 2, 2, 1, 1]


async def test_one_of_a_batch_is_cancelled_alone_and_all_of_them_stop_the_engine(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, batch_size=3) as made:
        made.engine.go_on.clear()
        jobs = await made.studio.images.start_images(image_request(), 3)
        await made.engine.midway.wait()
        assert [one.step for one in made.studio.jobs.active()] == [2, 2, 2]
        await made.studio.jobs.cancel(jobs[1].id)
        assert not made.engine.stopped.is_set()
        made.engine.go_on.set()
        assert (await made.studio.jobs.wait(jobs[0].id)).metadata.batch_size == 3
        await made.studio.jobs.wait(jobs[2].id)
        with pytest.raises(Cancelled):
            await made.studio.jobs.wait(jobs[1].id)
        assert len((await made.studio.gallery.page()).items) == 2
        made.engine.go_on.clear()
        jobs = await made.studio.images.start_images(image_request(), 3)
        await made.engine.midway.wait()
        for job in jobs:
            await made.studio.jobs.cancel(job.id)
        await made.engine.stopped.wait()
        assert made.studio.jobs.active() == []


async def test_one_of_a_batch_that_fails_leaves_the_others_theirs(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, batch_size=3) as made:
        made.engine.batch_faults.append({1: OutOfMemory("Too large.")})
        jobs = await made.studio.images.start_images(image_request(), 3)
        with pytest.raises(OutOfMemory, match="Too large"):
            await made.studio.jobs.wait(jobs[1].id)
        for job in (jobs[0], jobs[2]):
            await made.studio.jobs.wait(job.id)


async def test_a_batch_that_ends_the_engine_is_drawn_one_by_one(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, batch_size=3) as made:
        made.engine.faults.append(EngineDied("Killed."))
        items = await made.studio.images.generate_images(image_request(seed=1), 3)
        assert [item.metadata.batch_size for item in items] == [1, 1, 1]
        assert [item.metadata.request.seed for item in items] == [1, 2, 3]


async def test_a_batch_that_a_restart_cuts_off_is_drawn_after_it(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, batch_size=3) as made:
        made.engine.go_on.clear()
        jobs = await made.studio.images.start_images(image_request(), 3)
        await made.engine.midway.wait()
    async with studio_for_tests(tmp_path, batch_size=3) as made:
        items = [await made.studio.jobs.wait(job.id) for job in jobs]
        assert [item.metadata.request for item in items] == [job.request for job in jobs]


@pytest.mark.parametrize(
    ("free", "kind", "size", "count"),
    [(2, "cuda", 1024, 3), (1, "cuda", 1024, 1), (12, "cuda", 1024, 4), (12, "mps", 512, 4), (24, "cpu", 512, 1)],
)
async def test_so_many_are_drawn_in_one_go_as_memory_allows(
    tmp_path: Path, free: int, kind: str, size: int, count: int
) -> None:
    async with studio_for_tests(tmp_path) as made:
        await made.studio.images.generate_image(image_request())  # with a checkpoint loaded, its status stays
        memory = DeviceMemory(device="a card", total=32 * 2**30, used=(32 - free) * 2**30)
        made.engine.status = made.engine.status.model_copy(update={"memory": memory, "device_type": kind})
        items = await made.studio.images.generate_images(image_request(width=size, height=size, steps=1), 4)
        assert items[0].metadata.batch_size == count
