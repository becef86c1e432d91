"""A job that is not finished: how far it is, and those who watch it. Only the queue changes it."""

import asyncio
import time
from dataclasses import dataclass, field

from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.jobs import Job
from illustrious_studio.domain.rendering import Step


@dataclass
class LiveJob:
    """A job that is not finished yet, and those who watch it."""

    job: Job
    step: Step
    started: float | None = None
    first_step: float | None = None
    task: asyncio.Task[None] | None = None
    batch: "tuple[LiveJob, ...]" = ()
    """Those that this task draws in one go, itself among them."""
    cancelled: bool = False
    drawn: bool = False
    ending: bool = False
    item: GalleryItem | None = None
    error: StudioError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def seconds_left(self) -> float | None:
        if self.started is None or self.first_step is None or self.step.step < 2:
            return None
        pace = (time.monotonic() - self.first_step) / (self.step.step - 1)
        return max(0.0, pace * (self.step.steps - self.step.step))

    def reach(self, step: Step) -> None:
        """The drawing went on. A step without a preview keeps the one before."""
        if self.first_step is None and step.step >= 1:
            self.first_step = time.monotonic()
        self.step = Step(step.step, step.steps, step.preview or self.step.preview)
        self.publish()

    def begin_again(self) -> None:
        """As before it was drawn."""
        self.task = self.started = self.first_step = None
        self.batch = ()
        self.step = Step(0, self.job.steps)
        self.publish()
