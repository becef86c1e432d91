"""A grid as it is asked for, as it is kept, and where it is now; and the ports that keep it and its sheet."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Protocol, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from illustrious_studio.domain.grids.axes import (
    AxisValue,
    Values,
    check_setting,
    label_of,
    label_of_value,
    values_of,
)
from illustrious_studio.domain.grids.cells import sets
from illustrious_studio.domain.grids.text import LONGEST_TEXT
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job, JobState
from illustrious_studio.domain.values import Text, Value

NAMES = ("x", "y", "z")
MOST_VALUES = 10_000
"""Of an axis that are given one by one."""
USUAL_MARGIN = 8
Place = tuple[int, int, int]
"""A cell: which value of x, of y and of z it has, each from 0 on."""


class Axis(Value):
    """One axis of a grid: a setting, and the values that it takes in turn."""

    setting: Text = Field(
        max_length=600,
        description="A setting by its name, one of hires fix as `hires.steps`; or `checkpoint`, `size` (`832x1216`), "
        "`search_replace` (A1111's Prompt S/R: the first value is searched in the prompts, and replaced by each), "
        "`prompt_order` (every order of these words of the prompt), `loras` (a LoRA as `name` or `name:0.8`; `none`), "
        "`lora:NAME` (the weight of that LoRA).",
    )
    values: Annotated[
        Annotated[Text, Field(max_length=LONGEST_TEXT)]
        | Annotated[tuple[AxisValue, ...], Field(max_length=MOST_VALUES)],
        BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given),
    ] = Field(
        description='A list, or a line as A1111 has it: `20, 30`, `10-30 (+10)`, `1-10 [5]`, `"with, commas", others`.'
    )
    vary_seed: bool = Field(False, description="Another seed for each value: the next one.")

    @field_validator("setting")
    @classmethod
    def _can_be_varied(cls, setting: str) -> str:
        check_setting(setting)
        return setting

    @field_validator("values")
    @classmethod
    def _can_be_read(cls, values: str | tuple[AxisValue, ...], known: ValidationInfo) -> str | tuple[AxisValue, ...]:
        if "setting" in known.data:
            values_of(known.data["setting"], values)
        return values

    @property
    def spread(self) -> Values:
        """The values, counted and not built yet."""
        return values_of(self.setting, self.values)


class GridAxes(Value):
    """What a grid varies, and how its sheet looks."""

    x: Axis = Field(description="From left to right.")
    y: Axis | None = Field(None, description="From top to bottom.")
    z: Axis | None = Field(None, description="A block of x and y for each of its values.")
    legend: bool = Field(True, description="Write the values at the rows and columns of the sheet.")
    margin: int = Field(USUAL_MARGIN, ge=0, le=500, description="Pixels between the pictures of the sheet.")

    @model_validator(mode="after")
    def _each_its_own(self) -> Self:
        before: dict[str, str] = {}
        for name, axis in self.named:
            for setting in sets(axis.setting):
                if setting in before:
                    raise ValueError(f"{before[setting]} and {name} both vary {setting}; let each axis vary its own")
                before[setting] = name
        return self

    @property
    def named(self) -> list[tuple[str, Axis]]:
        """Those there are, with their names."""
        given = ((name, getattr(self, name)) for name in NAMES)
        return [(name, axis) for name, axis in given if axis is not None]

    @property
    def count(self) -> int:
        """So many pictures. Nothing is built for it."""
        pictures = 1
        for _, axis in self.named:
            pictures *= axis.spread.count
        return pictures


class GridAxis(Value):
    """An axis of a grid that is drawn: its values are settled, and within their limits."""

    setting: str
    values: tuple[AxisValue, ...]
    vary_seed: bool = False

    @property
    def label(self) -> str:
        return label_of(self.setting)

    @property
    def labels(self) -> list[str]:
        """What stands at each row or column."""
        return [label_of_value(self.setting, value) for value in self.values]


class Grid(Value):
    """Pictures of one request in which the axes' settings differ, each a job of its own.

    `jobs` are their ids, x quickest, then y, then z; in which order they are drawn is another matter.
    """

    id: str
    created_at: datetime
    request: ImageRequest = Field(description="What all of them have in common, as it was asked for.")
    checkpoint: str = Field(description="What draws them, where no axis says it.")
    x: GridAxis
    y: GridAxis | None = None
    z: GridAxis | None = None
    legend: bool = True
    margin: int = USUAL_MARGIN
    jobs: tuple[str, ...]
    asked: str = Field("", description="What was asked under an Idempotency-Key, as a hash.")
    finished: bool = Field(False, description="Whether all of them have ended, and the sheet was made.")

    @property
    def axes(self) -> tuple[GridAxis | None, GridAxis | None, GridAxis | None]:
        return self.x, self.y, self.z

    @property
    def shape(self) -> Place:
        """How many values each axis has; 1 where there is none."""
        return shape_of(self.axes)

    @property
    def places(self) -> Iterator[Place]:
        """The cells, in the order of `jobs`."""
        return places_in(self.shape)

    def values_at(self, place: Place) -> list[tuple[GridAxis, AxisValue]]:
        """What the axes are in a cell."""
        return [(axis, axis.values[at]) for axis, at in zip(self.axes, place, strict=True) if axis is not None]

    def label_at(self, place: Place) -> str:
        """A cell in words."""
        return ", ".join(label_of_value(axis.setting, value) for axis, value in self.values_at(place))


def shape_of(axes: Sequence[GridAxis | None]) -> Place:
    x, y, z = (1 if axis is None else len(axis.values) for axis in axes)
    return x, y, z


def places_in(shape: Place) -> Iterator[Place]:
    """x quickest, then y, then z."""
    return ((x, y, z) for z in range(shape[2]) for y in range(shape[1]) for x in range(shape[0]))


class GridCell(Value):
    """A picture of a grid, and where its job is."""

    place: Place
    label: str
    job_id: str
    state: JobState
    step: int = 0
    steps: int = 0
    image_id: str | None = None
    error: str = Field("", description="Why there is no picture.")


class GridProgress(Value):
    """Where a grid is now: that of its jobs together. `seconds_left` is an estimate, None when unknown."""

    grid: Grid
    cells: tuple[GridCell, ...]
    seconds_left: float | None = None
    held_up: str = Field("", description="Why no waiting picture is drawn now, and what to do; empty while they are.")

    @property
    def done(self) -> int:
        """So many pictures are there."""
        return sum(cell.state == "done" for cell in self.cells)

    @property
    def ended(self) -> int:
        """So many are over, drawn or not."""
        return sum(cell.state in ("done", "failed", "cancelled") for cell in self.cells)

    @property
    def step(self) -> int:
        """Steps of all together; those of a picture that is over count as all of its own."""
        return sum(cell.steps if cell.state in ("done", "failed", "cancelled") else cell.step for cell in self.cells)

    @property
    def steps(self) -> int:
        return sum(cell.steps for cell in self.cells)


class GridStore(Protocol):
    """Keeps grids."""

    async def add(self, grid: Grid, jobs: Sequence[Job]) -> None:
        """Keep a new one with its jobs, all or none; durable when it returns."""
        ...

    async def get(self, grid_id: str) -> Grid | None: ...
    async def finish(self, grid: Grid) -> None:
        """Keep that it is finished."""
        ...

    async def unfinished(self) -> list[Grid]: ...
    async def recent(self, limit: int) -> list[Grid]:
        """Newest first."""
        ...


class SheetFiles(Protocol):
    """Keeps sheets: PNG files that can be made again, so what of them is lost is only time."""

    async def save(self, grid_id: str, png: bytes) -> None:
        """Raises StorageFull, Unavailable."""
        ...

    async def read(self, grid_id: str) -> bytes | None:
        """None where there is none. Raises Unavailable."""
        ...
