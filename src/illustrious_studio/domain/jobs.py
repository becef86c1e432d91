"""Jobs: work that waits or runs, and the port that keeps it over a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import prod
from typing import Literal, Protocol
from uuid import UUID, uuid5

from pydantic import Field

from illustrious_studio.domain.images import ImageRequest, Origin, apart_from_chance
from illustrious_studio.domain.inputs import PreparedInit
from illustrious_studio.domain.rendering import Rendered, RenderPlan
from illustrious_studio.domain.upscaling import Upscaled, UpscaleRequest
from illustrious_studio.domain.values import Value

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
FINISHED: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})
_ONCE = UUID("6f1c8f52-5a0e-4c1b-9f0f-0d6c1b9f7a34")
"""The namespace of jobs' ids that come from a key."""


class Job(Value):
    """A picture that is waited for. Its request is settled: the job makes the same picture also after a restart."""

    id: str
    created_at: datetime
    request: ImageRequest = Field(description="What is drawn; where a picture is upscaled, what made that picture.")
    upscale: UpscaleRequest | None = Field(
        None, exclude_if=lambda upscale: upscale is None, description="What is upscaled, where nothing is drawn."
    )
    origin: Origin = Origin()
    checkpoint: str = Field("", description="Which checkpoint draws it: the one in use when it was asked for.")
    state: JobState = "queued"
    tries: int = Field(0, description="How often it was started; a job that was cut off twice by a crash fails.")
    asked: str = Field("", description="What was asked under an Idempotency-Key, as a hash.")
    image_id: str | None = None
    error_code: str = ""
    error: str = ""

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the largest pass in pixels; None where that is not known yet."""
        request = self.request
        if self.upscale is not None or request.width is None or request.height is None:
            return None
        size = request.width, request.height
        size = size if request.hires is None else request.hires.sizes(size)[1]
        details = [(one.width, one.height) for one in request.details if one.width and one.height]
        return max([*([] if request.skip_img2img else [size]), *details], key=prod, default=size)

    def is_like(self, other: "Job") -> bool:
        """Whether both pictures can be drawn in one go: they differ in their seeds, and what comes of these, alone."""
        return (
            self.upscale is other.upscale is None
            and self.checkpoint == other.checkpoint
            and apart_from_chance(self.request) == apart_from_chance(other.request)
        )

    @property
    def steps(self) -> int:
        """As far as they are known before it begins; 0: they are not."""
        if self.upscale is not None:
            return 0
        request, hires = self.request, self.request.hires
        details = sum(one.expected_steps(request.steps) for one in request.details)
        if request.skip_img2img:
            return details
        return request.steps + (0 if hires is None else hires.steps_of(request.steps)[1]) + details


@dataclass(frozen=True)
class Once:
    """A request that is carried out once, however often it is sent: its sender's key, and a hash of what is asked.

    Its jobs' ids come from the key, so that they are found again by it, after a restart, too.
    """

    key: str
    asked: str

    def job_id(self, number: int) -> str:
        return uuid5(_ONCE, f"{number} {self.key}").hex

    @property
    def grid_id(self) -> str:
        return uuid5(_ONCE, f"grid {self.key}").hex

    def message_id(self, role: str) -> str:
        """Of a chat's message that asks for the drawing, or answers with it. Another request has others."""
        return uuid5(_ONCE, f"{role} {self.key} {self.asked}").hex


@dataclass(frozen=True)
class RenderedJob:
    """All that keeping a drawn picture needs. It travels with the job, so that no process has to remember it."""

    plan: RenderPlan
    rendered: Rendered
    prepared: PreparedInit | None = None
    """How what was drawn comes into the picture that was given, where there was one."""


@dataclass(frozen=True)
class UpscaledJob:
    """The same of an upscaled picture."""

    file: bytes
    """The picture's, as it was kept."""
    upscaled: Upscaled
    second: Upscaled | None = None
    """What is mixed in."""


FinishedWork = RenderedJob | UpscaledJob


class JobProgress(Value):
    """Where a job is now. `ahead` counts the jobs before it; `seconds_left` is an estimate, None when unknown."""

    job: Job
    ahead: int = 0
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    held_up: str = Field("", description="Why no waiting picture is drawn now, and what to do; empty while they are.")
    preview: bytes | None = Field(None, exclude=True)


class JobStore(Protocol):
    """Keeps jobs. `save` is durable when it returns, and keeps all of them or none."""

    async def save(self, *jobs: Job) -> None: ...
    async def get(self, job_id: str) -> Job | None: ...
    async def those(self, job_ids: Sequence[str]) -> list[Job]:
        """Of these ids those that there are, in any order."""
        ...

    async def unfinished(self) -> list[Job]:
        """Queued and running ones, oldest first."""
        ...

    async def recent(self, limit: int) -> list[Job]:
        """Newest first."""
        ...
