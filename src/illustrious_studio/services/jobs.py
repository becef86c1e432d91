"""The queue: pictures wait in it, one a lane is drawn at a time, or several in one go where the executor says so, and
everybody can see how far each is.

A job fails only by its own doing. When drawing it ends the worker process, it is drawn once more; what only waited
waits on, also while nothing can be drawn at all.

It is bounded, it survives a restart (a job is on disk before it is acknowledged, and its request is settled, so that
drawing it again makes the same picture), and each job can be watched and cancelled by its id. How a picture
is drawn is for the JobExecutor that it is given.
"""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import takewhile
from types import TracebackType
from typing import Any, Protocol, Self

import structlog

from illustrious_studio.domain.errors import (
    Busy,
    Cancelled,
    Conflict,
    EngineDied,
    NotFound,
    StudioError,
    Unavailable,
    error_from_code,
)
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.jobs import FinishedWork, Job, JobProgress, JobStore, Once
from illustrious_studio.domain.rendering import Step
from illustrious_studio.domain.upscaling import UpscaleRequest
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.live_job import LiveJob

log = structlog.get_logger(__name__)

MAX_TRIES = 2
REMEMBERED = 100
"""How many of the jobs that ended last are known by the order in which they did."""


class JobExecutor(Protocol):
    """The two halves of making a picture. The second overlaps with the first of the next job."""

    @property
    def given_up(self) -> str:
        """Why nothing can be drawn until somebody does something; empty while it works."""
        ...

    async def works(self) -> None:
        """Wait while it is given up."""
        ...

    def at_once(self, jobs: Sequence[Job]) -> int:
        """How many of these, the first ones, are drawn in one go; at least 1."""
        ...

    async def render(
        self, jobs: Sequence[Job], on_step: Callable[[Step], None]
    ) -> Sequence[FinishedWork | StudioError]:
        """Draw them in one go: what became of each. Raises what befalls all of them."""
        ...

    async def keep(self, job: Job, drawn: FinishedWork) -> GalleryItem: ...


class JobQueue:
    """An async context manager: it resumes what a restart cut off, and leaves what is unfinished to the next start."""

    def __init__(
        self, store: JobStore, executor: JobExecutor, gallery: GalleryService, *, limit: int = 100, lanes: int = 1
    ) -> None:
        self._store = store
        self._executor = executor
        self._gallery = gallery
        self.limit = limit
        """How many may wait."""
        self._lanes = lanes
        self._live: dict[str, LiveJob] = {}
        self._waiting: deque[LiveJob] = deque()
        self._ended: deque[Job] = deque(maxlen=REMEMBERED)
        self._coming = 0
        self._work = asyncio.Semaphore(0)
        self._keepers = asyncio.Semaphore(2)
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        for job in await self._store.unfinished():
            if job.tries >= MAX_TRIES:
                detail = "The studio stopped twice while drawing this picture. Draw it again if you still want it."
                await self._store.save(
                    job.model_copy(update={"state": "failed", "error_code": "interrupted", "error": detail})
                )
                continue
            log.info("job resumed", job=job.id)
            self._enqueue(job.model_copy(update={"state": "queued"}))
        for _ in range(self._lanes):
            self._spawn(self._lane(), self._tasks)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:  # a slow step must not hold up the end: the engine, which closes next, cuts it off
            await asyncio.wait(self._tasks, timeout=1)
        await self._take_back_tries()
        if self._keeping:  # what is drawn is kept; what takes too long for that is drawn again at the next start
            _, late = await asyncio.wait(self._keeping, timeout=2)
            for task in late:
                task.cancel()

    async def _take_back_tries(self) -> None:
        """Stopping the studio is no failed try: only a crash counts against a job."""
        for live in list(self._live.values()):
            if live.task is not None and not (live.drawn or live.ending or live.cancelled):
                update = {"state": "queued", "tries": max(0, live.job.tries - 1)}
                with suppress(StudioError):
                    await self._store.save(live.job.model_copy(update=update))

    async def submit(self, request: ImageRequest, origin: Origin, checkpoint: str = "") -> Job:
        """Queue a settled request. Durable when it returns. Raises Busy when the queue is full."""
        (job,) = await self.submit_all([request], origin, checkpoint)
        return job

    async def submit_all(
        self,
        requests: Sequence[ImageRequest],
        origin: Origin,
        checkpoint: str = "",
        *,
        upscale: UpscaleRequest | None = None,
        stay: bool = True,
        once: Once | None = None,
    ) -> list[Job]:
        """Queue settled requests in their order. Raises Busy when there is no room for all of them, and queues none.
        With `upscale` nothing is drawn: that picture, which the request made, is upscaled.

        Who asks may go away in this moment: what is written down is queued all the same, and cancelled unless it may
        stay.
        """
        jobs = [
            Job(
                id=once.job_id(number) if once else uuid.uuid4().hex,
                created_at=datetime.now(UTC),
                request=request,
                upscale=upscale,
                origin=origin,
                checkpoint=checkpoint,
                asked=once.asked if once else "",
            )
            for number, request in enumerate(requests)
        ]
        await self.submit_jobs(jobs, stay=stay)
        return jobs

    async def submit_jobs(
        self, jobs: Sequence[Job], *, stay: bool = True, keep: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """The same of jobs that are made already. `keep` writes them down, with what belongs to them, all or none."""
        room = self.limit - len(self._live) - self._coming
        if len(jobs) > room:
            full = f"{self.limit} pictures are waiting already" if room <= 0 else f"The queue has room for {room} more"
            raise Busy(f"{full}. Try again when some are drawn.", retry_after=30)
        self._coming += len(jobs)
        taking = self._spawn(self._take(jobs, keep), self._keeping)
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            if not stay:
                await asyncio.wait([taking])
                await self.cancel_all(jobs)
            raise

    async def _take(self, jobs: Sequence[Job], keep: Callable[[], Awaitable[None]] | None) -> None:
        try:
            await (self._store.save(*jobs) if keep is None else keep())
        finally:
            self._coming -= len(jobs)
        for job in jobs:
            self._enqueue(job)

    async def known(self, once: Once, count: int) -> list[Job]:
        """The jobs of a request that came before; none when it is the first. Raises Conflict: its key was another's."""
        jobs = [job for number in range(count) if (job := await self._store.get(once.job_id(number)))]
        if any(job.asked != once.asked for job in jobs) or len(jobs) not in (0, count):
            raise Conflict("Idempotency-Key: this key came with another request before. Give each request its own.")
        return [live.job if (live := self._live.get(job.id)) else job for job in jobs]

    async def wait(self, job_id: str) -> GalleryItem:
        """The picture, once it is there. Raises the error that the job failed with, NotFound for an unknown id."""
        if live := self._live.get(job_id):
            while not live.job.finished:
                await live.changed.wait()
            if live.error is not None:
                raise live.error
            if live.item is not None:
                return live.item
        job = await self._get(job_id)
        if job.state == "done" and job.image_id is not None:
            return await self._gallery.get(job.image_id)
        raise error_from_code(job.error_code, job.error)

    async def cancel(self, job_id: str) -> None:
        """Stop a job, waiting or running. Raises NotFound, and Conflict when it is finished already."""
        live = self._live.get(job_id)
        if live is None or live.job.finished:
            job = await self._get(job_id)
            raise Conflict(f"This picture is finished already ({job.state}).")
        if live.drawn:
            raise Conflict("This picture is drawn already and is being saved.")
        if not (live.cancelled or live.ending):  # asked twice, or ending by itself: its end must not be cut off
            live.cancelled = True
            if live.task is not None and all(one.cancelled or one.ending for one in live.batch):
                live.task.cancel()
            else:  # of what is drawn in one go with others, only what it becomes is left
                if live.task is None:
                    self._waiting.remove(live)
                await asyncio.shield(self._spawn(self._finish(live, error=_cancelled()), self._keeping))
        while not live.job.finished:
            await live.changed.wait()

    async def cancel_all(self, jobs: Sequence[Job]) -> None:
        """Stop those that are not finished: the last first, so that none of them begins meanwhile."""
        for job in reversed(jobs):
            if job.id in self._live:
                with suppress(Conflict, NotFound):
                    await self.cancel(job.id)

    @asynccontextmanager
    async def waited_for(self, jobs: Sequence[Job], *, stay: bool) -> AsyncIterator[None]:
        """Around the waiting for these jobs: whoever leaves it cancels what is not drawn. Those that `stay` are
        cancelled by a failure alone."""
        try:
            yield
        except StudioError:
            await self.cancel_all(jobs)
            raise
        finally:
            if not stay:
                await self.cancel_all(jobs)

    async def progress(self, job_id: str) -> JobProgress:
        """Where a job is now. Raises NotFound."""
        if live := self._live.get(job_id):
            return self._progress(live)
        return JobProgress(job=await self._get(job_id))

    async def progress_of(self, job_ids: Sequence[str]) -> dict[str, JobProgress]:
        """The same of several, by their ids: those that there are."""
        now = {job_id: self._progress(self._live[job_id]) for job_id in job_ids if job_id in self._live}
        over = await self._store.those([job_id for job_id in job_ids if job_id not in now])
        return now | {job.id: JobProgress(job=job) for job in over}

    def active(self) -> list[JobProgress]:
        """Jobs that are drawn now, then those that wait, in order."""
        running = [live for live in self._live.values() if live not in self._waiting]
        return [self._progress(live) for live in (*running, *self._waiting)]

    def ended(self, after: str) -> list[Job]:
        """The jobs that ended after the one of this id, in that order.

        All that are remembered when it is not among them: who knows it has missed everything since, be it by a restart.
        """
        known = list(self._ended)
        place = next((number for number, job in enumerate(known) if job.id == after), -1)
        return known[place + 1 :]

    async def watch(self, job_id: str) -> AsyncGenerator[JobProgress, None]:
        """Every change of a job until it is finished; changes that come faster than they are read are merged."""
        live = self._live.get(job_id)
        if live is None:
            yield JobProgress(job=await self._get(job_id))
            return
        while True:
            changed, now = live.changed, self._progress(live)
            yield now
            if now.job.finished:
                return
            await changed.wait()

    async def recent(self, limit: int = 20) -> list[Job]:
        """The latest jobs, newest first, finished ones included."""
        return await self._store.recent(limit)

    async def _get(self, job_id: str) -> Job:
        job = await self._store.get(job_id)
        if job is None:
            raise NotFound("There is no such job.")
        return job

    def _progress(self, live: LiveJob) -> JobProgress:
        ahead = self._waiting.index(live) + self._running() if live in self._waiting else 0
        return JobProgress(
            job=live.job,
            ahead=ahead,
            step=live.step.step,
            steps=live.step.steps,
            seconds_left=live.seconds_left(),
            held_up=self._executor.given_up if live.job.state == "queued" else "",
            preview=live.step.preview,
        )

    def _running(self) -> int:
        return len(self._live) - len(self._waiting)

    def _enqueue(self, job: Job) -> None:
        live = LiveJob(job, Step(0, job.steps))
        self._live[job.id] = live
        self._waiting.append(live)
        self._work.release()

    def _spawn(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        return task

    async def _lane(self) -> None:
        while True:
            await self._work.acquire()
            if self._executor.given_up:
                self._publish_waiting()
                await self._executor.works()
            if not self._waiting:  # it was cancelled while it waited
                continue
            batch = self._next()
            task = self._spawn(self._draw(batch), self._tasks)
            for live in batch:
                live.task, live.batch = task, batch
            self._publish_waiting()
            await asyncio.wait([task])
            for live in batch:
                if live.cancelled and not live.ending:  # before its task had begun
                    await self._finish(live, error=_cancelled())

    def _next(self) -> tuple[LiveJob, ...]:
        """The first that waits, with those behind it that are drawn in one go with it. What was cut off once is drawn
        alone: it may have been too much."""
        fresh = list(takewhile(lambda live: live.job.tries == 0, self._waiting))
        count = self._executor.at_once([live.job for live in fresh]) if len(fresh) > 1 else 1
        return tuple(self._waiting.popleft() for _ in range(count))

    async def _draw(self, batch: Sequence[LiveJob]) -> None:
        batch = [live for live in batch if not live.ending]  # cancelled meanwhile

        def on_step(step: Step) -> None:
            for number, live in enumerate(batch):
                live.reach(step.of(number))

        try:
            for live in batch:
                live.job = live.job.model_copy(update={"state": "running", "tries": live.job.tries + 1})
            await self._store.save(*(live.job for live in batch))
            for live in batch:
                live.started = time.monotonic()
                live.publish()
            results = await self._executor.render([live.job for live in batch], on_step)
        except asyncio.CancelledError:
            if not all(live.cancelled or live.ending for live in batch):
                raise  # the studio shuts down: the jobs stay as they are and are resumed at the next start
            await self._fail(batch, _cancelled())
        except (EngineDied, Unavailable) as error:
            await self._put_back_or_fail(batch, error)
        except StudioError as error:
            await self._fail(batch, error)
        except Exception:
            log.exception("jobs failed", jobs=[live.job.id for live in batch])
            for live in batch:
                await self._fail([live], _our_mistake(live.job))
        else:
            await self._keep_all(batch, results)

    async def _fail(self, batch: Sequence[LiveJob], error: StudioError) -> None:
        for live in batch:
            if not live.ending:
                await self._finish(live, error=error)

    async def _put_back_or_fail(self, batch: Sequence[LiveJob], error: EngineDied | Unavailable) -> None:
        """What ended the engine is tried once more; what the engine could not even try waits on, as if never tried."""
        for live in reversed(batch):
            if live.ending:
                continue
            if isinstance(error, EngineDied) and live.job.tries < MAX_TRIES:
                await self._put_back(live, live.job.tries)
            elif isinstance(error, Unavailable) and self._executor.given_up:
                await self._put_back(live, live.job.tries - 1)
            else:
                await self._finish(live, error=error)

    async def _keep_all(self, batch: Sequence[LiveJob], results: Sequence[FinishedWork | StudioError]) -> None:
        ended = [(live, result) for live, result in zip(batch, results, strict=True) if not live.ending]
        for live, result in ended:
            live.drawn = not isinstance(result, StudioError)
        for live, result in ended:
            if isinstance(result, StudioError):
                await self._fail([live], result)
            else:
                await self._keepers.acquire()
                self._spawn(self._keep(live, result), self._keeping)

    async def _put_back(self, live: LiveJob, tries: int) -> None:
        """It waits again, before all others."""
        live.job = live.job.model_copy(update={"state": "queued", "tries": tries})
        with suppress(StudioError):  # a full disk does not keep it from being drawn
            await self._store.save(live.job)
        log.warning("job put back", job=live.job.id, tries=tries)
        live.begin_again()
        self._waiting.appendleft(live)
        self._work.release()
        self._publish_waiting()

    async def _keep(self, live: LiveJob, drawn: FinishedWork) -> None:
        try:
            item = await self._executor.keep(live.job, drawn)
        except StudioError as error:
            await self._finish(live, error=error)
        except Exception:
            log.exception("job failed", job=live.job.id)
            await self._finish(live, error=_our_mistake(live.job))
        else:
            await self._finish(live, item=item)
        finally:
            self._keepers.release()

    async def _finish(
        self, live: LiveJob, *, item: GalleryItem | None = None, error: StudioError | None = None
    ) -> None:
        live.ending = True
        if item is not None:
            update = {"state": "done", "image_id": item.id}
        else:
            assert error is not None
            state = "cancelled" if isinstance(error, Cancelled) else "failed"
            update = {"state": state, "error_code": error.code, "error": error.detail}
        job = live.job.model_copy(update=update)
        # A full disk must not leave the waiting ones waiting: they learn the outcome from memory.
        with suppress(StudioError):
            await self._store.save(job)
        live.item, live.error, live.job = item, error, job
        del self._live[job.id]
        self._ended.append(job)
        live.publish()
        self._publish_waiting()

    def _publish_waiting(self) -> None:
        for live in self._waiting:
            live.publish()


def _cancelled() -> Cancelled:
    return Cancelled("The picture was cancelled.")


def _our_mistake(job: Job) -> StudioError:
    return StudioError(f"The studio made a mistake while drawing (job {job.id}). The log says more.")
