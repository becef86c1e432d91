"""Grids: the pictures of a request with its settings varied, queued together, cancelled together, shown together.

Its pictures stay jobs like any other; a grid only names them. So one that fails leaves a gap and the others go on, a
restart goes on with them, and progress is theirs. Everything is settled and checked before anything is queued: what
cannot be drawn is refused with the value that is to blame.
"""

import asyncio
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

import structlog

from illustrious_studio.domain.errors import Conflict, InvalidRequest, NotFound, StudioError
from illustrious_studio.domain.grids.axes import CHECKPOINT, LORA_WEIGHT, AxisValue, checked
from illustrious_studio.domain.grids.cells import SEEDS, drawing_order, with_values
from illustrious_studio.domain.grids.values import (
    Axis,
    Grid,
    GridAxes,
    GridAxis,
    GridCell,
    GridProgress,
    GridStore,
    Place,
    places_in,
    shape_of,
)
from illustrious_studio.domain.images import MAX_SEED, ImageRequest, Origin
from illustrious_studio.domain.jobs import Job, JobProgress, Once
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.services.images import ImageService
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.loras import LoraService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.sheets import SheetService
from illustrious_studio.services.vaes import VaeService

log = structlog.get_logger(__name__)


class GridService:
    """An async context manager: while it is open, the sheet of each grid is made as soon as its last picture ended."""

    def __init__(
        self,
        images: ImageService,
        jobs: JobQueue,
        models: ModelService,
        vaes: VaeService,
        loras: LoraService,
        grids: GridStore,
        sheets: SheetService,
    ) -> None:
        self._images = images
        self._jobs = jobs
        self._models = models
        self._vaes = vaes
        self._loras = loras
        self._grids = grids
        self._sheets = sheets
        self._following: dict[str, asyncio.Task[None]] = {}
        self._keys: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Held while a grid with that key is queued, so that of two requests one is the first."""

    async def __aenter__(self) -> Self:
        for grid in await self._grids.unfinished():
            self._follow(grid)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._following.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def start(
        self,
        request: ImageRequest,
        axes: GridAxes,
        origin: Origin | None = None,
        checkpoint: str = "",
        *,
        stay: bool = True,
        once: Once | None = None,
    ) -> Grid:
        """Queue a picture for each pair (or triple) of values. `checkpoint` names another one than that in use, where
        no axis does. They `stay` queued when who asks goes away meanwhile. With `once`, a request that came before has
        its grid already; Conflict when its key came with another one.

        Seeds that are left open are settled once, the same for all pictures. Raises InvalidRequest (more pictures than
        may wait; a value that cannot be drawn, by its place), NotFound (a checkpoint that is not there), Unavailable,
        Busy (no room for all of them now); then nothing is queued.
        """
        if once is None:
            return await self._started(request, axes, origin, checkpoint, stay=stay)
        lock = self._keys.setdefault(once.key, asyncio.Lock())
        async with lock:
            known = await self._grids.get(once.grid_id)
            if known is not None and known.asked != once.asked:
                raise Conflict("Idempotency-Key: this key came with another request before. Give each request its own.")
            return known or await self._started(request, axes, origin, checkpoint, once=once)

    async def get(self, grid_id: str) -> Grid:
        """Raises NotFound."""
        grid = await self._grids.get(grid_id)
        if grid is None:
            raise NotFound("There is no such grid. GET /grids lists those there are.")
        return grid

    async def recent(self, limit: int = 20) -> list[Grid]:
        """The latest, newest first."""
        return await self._grids.recent(limit)

    async def progress(self, grid_id: str) -> GridProgress:
        """Where its pictures are. Raises NotFound."""
        return await self._progress(await self.get(grid_id))

    async def progress_of_recent(self, limit: int = 20) -> list[GridProgress]:
        return [await self._progress(grid) for grid in await self.recent(limit)]

    async def jobs_of(self, grid: Grid) -> list[Job]:
        """Its jobs in the order in which they are drawn."""
        known = await self._of_jobs(grid)
        by_place = dict(zip(grid.places, grid.jobs, strict=True))
        return [known[by_place[place]].job for place in _drawing_order(grid)]

    async def cancel(self, grid_id: str) -> None:
        """Stop what is not drawn yet. Raises NotFound, and Conflict when all of it is over."""
        now = await self.progress(grid_id)
        if now.ended == len(now.cells):
            raise Conflict("This grid is finished already.")
        await self._jobs.cancel_all([known.job for known in (await self._of_jobs(now.grid)).values()])

    async def wait(self, grid_id: str, *, stay: bool = True) -> Grid:
        """The grid, once its last picture has ended and its sheet is there. Who stops waiting cancels it unless it may
        stay. Raises NotFound."""
        try:
            grid = await self.get(grid_id)
            if (following := self._following.get(grid_id)) is not None:
                await asyncio.wait([following])
        except asyncio.CancelledError:
            if not stay:
                with suppress(Conflict):
                    await self.cancel(grid_id)
            raise
        return grid

    async def sheet(self, grid_id: str) -> bytes:
        """Its sheet, a PNG file. Raises NotFound, and Conflict while pictures of it are still to come."""
        now = await self.progress(grid_id)
        if now.ended < len(now.cells):
            raise Conflict(f"{now.ended} of {len(now.cells)} pictures are over; the sheet is made after the last one.")
        if (following := self._following.get(grid_id)) is not None:
            await asyncio.wait([following])
        return await self._sheets.of(now)

    async def _started(
        self,
        request: ImageRequest,
        asked: GridAxes,
        origin: Origin | None,
        checkpoint: str,
        *,
        stay: bool = True,
        once: Once | None = None,
    ) -> Grid:
        self._refuse_too_many(asked)
        in_use = await self._models.checkpoint_named(checkpoint)
        x = await self._settled_axis("x", asked.x)
        y = None if asked.y is None else await self._settled_axis("y", asked.y)
        z = None if asked.z is None else await self._settled_axis("z", asked.z)
        base = _with_seeds(request)
        grid = Grid(
            id=once.grid_id if once else uuid.uuid4().hex,
            created_at=datetime.now(UTC),
            request=base,
            checkpoint=in_use.name,
            x=x,
            y=y,
            z=z,
            legend=asked.legend,
            margin=asked.margin,
            jobs=tuple(uuid.uuid4().hex for _ in places_in(shape_of((x, y, z)))),
            asked=once.asked if once else "",
        )
        jobs = await self._settled_jobs(grid, origin or Origin())
        by_place = dict(zip(grid.places, jobs, strict=True))
        in_order = [by_place[place] for place in _drawing_order(grid)]
        await self._jobs.submit_jobs(in_order, stay=stay, keep=lambda: self._grids.add(grid, in_order))
        self._follow(grid)
        return grid

    def _refuse_too_many(self, asked: GridAxes) -> None:
        limit, many = self._jobs.limit, asked.count
        if many > limit:
            sides = [f"{axis.spread.count:,}" for _, axis in asked.named]
            shape = f"{' x '.join(sides)} = " if len(sides) > 1 else ""
            raise InvalidRequest(
                f"The grid has {shape}{many:,} pictures, and {limit:,} may wait. Take fewer values, draw it in "
                "several grids, or start the studio with a larger queue_limit."
            )

    async def _settled_axis(self, name: str, asked: Axis) -> GridAxis:
        """With its values built, each within its limits, what they name there, and open seeds chosen."""
        values: list[AxisValue] = []
        for number, value in enumerate(asked.spread, 1):
            with _blaming(f"{name}, value {number} ({_short(value)})"):
                values.append(await self._settled_value(asked.setting, value))
        if asked.setting.startswith(LORA_WEIGHT):
            with _blaming(f"{name}, {asked.setting}"):
                await self._loras.named(asked.setting.removeprefix(LORA_WEIGHT))
        return GridAxis(setting=asked.setting, values=tuple(values), vary_seed=asked.vary_seed)

    async def _settled_value(self, setting: str, value: AxisValue) -> AxisValue:
        try:
            settled = checked(setting, value)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        if setting == CHECKPOINT:
            return (await self._models.checkpoint_named(str(settled))).name
        if setting == "vae":
            await self._vaes.named(str(settled))
        return secrets.randbelow(MAX_SEED + 1) if setting in SEEDS and settled in (None, -1) else settled

    async def _settled_jobs(self, grid: Grid, origin: Origin) -> list[Job]:
        """A job for each cell, in their order."""
        jobs: list[Job] = []
        laid_out: dict[tuple[object, ...], Layout] = {}
        for place, job_id in zip(grid.places, grid.jobs, strict=True):
            with _blaming(_place_of(grid, place)):
                chosen = [(axis.setting, value, axis.values) for axis, value in grid.values_at(place)]
                wanted = with_values(_seeded(grid, place), chosen)
                checkpoint = {axis.setting: value for axis, value in grid.values_at(place)}.get(CHECKPOINT)
                same = checkpoint, wanted.prompt, wanted.width, wanted.height
                if same in laid_out:  # a language model would say the same again, or worse, something else
                    wanted = wanted.model_copy(update={"layout": laid_out[same]})
                settled = await self._images.settled(wanted, 1, origin, str(checkpoint or grid.checkpoint))
            (request,) = settled.requests
            if request.layout is not None and request.layout.by == "model":
                laid_out[same] = request.layout
            jobs.append(
                Job(
                    id=job_id,
                    created_at=grid.created_at,
                    request=request,
                    origin=settled.origin.model_copy(update={"grid_id": grid.id}),
                    checkpoint=settled.checkpoint.name,
                )
            )
        return jobs

    def _follow(self, grid: Grid) -> None:
        task = asyncio.create_task(self._finish(grid))
        self._following[grid.id] = task
        task.add_done_callback(lambda _: self._following.pop(grid.id, None))

    async def _finish(self, grid: Grid) -> None:
        for job_id in grid.jobs:
            with suppress(StudioError):  # what became of it stands in the job
                await self._jobs.wait(job_id)
        try:
            await self._sheets.make(await self._progress(grid))
            await self._grids.finish(grid)
        except StudioError as error:  # it is made again when somebody asks for it, and at the next start
            log.warning("sheet not made", grid=grid.id, reason=error.detail)
        except Exception:  # the top of this task
            log.exception("sheet not made", grid=grid.id)

    async def _of_jobs(self, grid: Grid) -> Mapping[str, JobProgress]:
        return await self._jobs.progress_of(grid.jobs)

    async def _progress(self, grid: Grid) -> GridProgress:
        jobs = await self._of_jobs(grid)
        cells = tuple(_cell(grid, place, jobs[job_id]) for place, job_id in zip(grid.places, grid.jobs, strict=True))
        held_up = next((known.held_up for known in jobs.values() if known.held_up), "")
        now = GridProgress(grid=grid, cells=cells, held_up=held_up)
        return now.model_copy(update={"seconds_left": _seconds_left(now, list(jobs.values()))})


def _drawing_order(grid: Grid) -> list[Place]:
    axes = [None if axis is None else (axis.setting, axis.values) for axis in grid.axes]
    return drawing_order(axes, grid.checkpoint)


def _cell(grid: Grid, place: Place, known: JobProgress) -> GridCell:
    job = known.job
    return GridCell(
        place=place,
        label=grid.label_at(place),
        job_id=job.id,
        state=job.state,
        step=known.step,
        steps=known.steps or job.steps,
        image_id=job.image_id,
        error=job.error,
    )


def _seconds_left(now: GridProgress, jobs: Sequence[JobProgress]) -> float | None:
    """As long for each step of all that are left as for those of the picture that is drawn."""
    for known in jobs:
        if known.seconds_left is not None and 0 < known.step < known.steps:
            return known.seconds_left / (known.steps - known.step) * (now.steps - now.step)
    return None


def _with_seeds(request: ImageRequest) -> ImageRequest:
    """The request with the seeds chosen that it leaves open: all pictures have the same."""
    open_seeds = [name for name in ("seed", "variation_seed") if getattr(request, name) in (None, -1)]
    return request.model_copy(update={name: secrets.randbelow(MAX_SEED + 1) for name in open_seeds})


def _seeded(grid: Grid, place: Place) -> ImageRequest:
    """The request with the seed of a cell: the next one for each value of the axes that vary it."""
    more, times = 0, 1
    for axis, at in zip(grid.axes, place, strict=True):
        if axis is not None and axis.vary_seed:
            more += at * times
            times *= len(axis.values)
    return grid.request.model_copy(update={"seed": (grid.request.seed + more) % (MAX_SEED + 1)})


@contextmanager
def _blaming(what: str) -> Iterator[None]:
    """What is wrong in here is the fault of a value, and says which."""
    try:
        yield
    except (InvalidRequest, NotFound) as error:
        error.detail = f"{what}: {error.detail}"
        error.args = (error.detail,)
        raise


def _place_of(grid: Grid, place: Place) -> str:
    """Which values meet there, as they were given."""
    return " and ".join(
        f"{name}, value {at + 1} ({_short(axis.values[at])})"
        for name, axis, at in zip("xyz", grid.axes, place, strict=True)
        if axis is not None
    )


def _short(value: AxisValue) -> str:
    text = "left out" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
