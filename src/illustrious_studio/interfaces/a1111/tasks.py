"""What was asked for through this API and is not answered yet: A1111's clients ask about it and stop it, globally.

"Globally" here means among this API's own: a client that goes away sends `interrupt`, and must not stop what somebody
draws in the chat meanwhile.
"""

import contextlib
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from illustrious_studio.domain.errors import Cancelled, Conflict, NotFound
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.jobs import Job
from illustrious_studio.services.jobs import JobQueue

LONGEST_ID = 200
ENDED_IDS = 100


@dataclass
class Task:
    """One request: the jobs of its pictures, in their order."""

    id: str
    jobs: list[Job] = field(default_factory=list)


class Tasks:
    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._open: dict[str, Task] = {}
        self._ended: dict[str, None] = {}

    @contextlib.contextmanager
    def open(self, task_id: str | None) -> Iterator[Task]:
        """A task while it is drawn. Raises Conflict when one of this id is drawn already."""
        task = Task(task_id or f"task({uuid.uuid4().hex[:15]})")
        if task.id in self._open:
            raise Conflict("force_task_id: a task of this id is being drawn already. Give each its own.")
        self._open[task.id] = task
        try:
            yield task
        finally:
            del self._open[task.id]
            self._ended[task.id] = None
            while len(self._ended) > ENDED_IDS:
                del self._ended[next(iter(self._ended))]

    async def finished(self, task: Task, *, stay: bool = False) -> list[GalleryItem]:
        """The pictures of the task that were not stopped. Raises what the first failed one failed with, having stopped
        the rest, and Cancelled when all were stopped. They `stay` when who waits goes away."""
        items: list[GalleryItem] = []
        async with self._queue.waited_for(task.jobs, stay=stay):
            for job in task.jobs:
                with suppress(Cancelled):
                    items.append(await self._queue.wait(job.id))
        if task.jobs and not items:
            raise Cancelled("The picture was cancelled.")
        return items

    def oldest(self) -> Task | None:
        """The one that is drawn now, or will be next."""
        return next((task for task in self._open.values() if task.jobs), None)

    def all(self) -> list[Task]:
        return list(self._open.values())

    def named(self, task_id: str) -> Task | None:
        return self._open.get(task_id)

    def has_ended(self, task_id: str) -> bool:
        return task_id in self._ended

    async def interrupt(self) -> None:
        """Stop the oldest task. What of it is drawn already is still answered."""
        if task := self.oldest():
            await self._queue.cancel_all(task.jobs)

    async def skip(self) -> None:
        """Stop the picture of the oldest task that is drawn now, and go on with its next."""
        if (task := self.oldest()) is None:
            return
        for job in task.jobs:
            with suppress(Conflict, NotFound):
                await self._queue.cancel(job.id)
                return
