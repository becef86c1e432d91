"""How far a drawing is, over all of its passes, for whoever follows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from illustrious_studio.domain.rendering import Step


class Stopped(Exception):
    """Somebody cancelled the drawing."""


class ProgressCallback(Protocol):
    """Whoever follows a drawing. `check` and `step` raise Stopped once it was cancelled."""

    def check(self) -> None: ...
    def step(self, step: Step) -> None: ...
    def wants_preview(self) -> bool: ...


class NobodyWatching:
    """Follows a short piece of work of which nothing is shown, and which nobody stops."""

    def check(self) -> None: ...
    def step(self, step: Step) -> None: ...
    def wants_preview(self) -> bool:
        return False


class PlanProgress:
    """Steps over all passes: how many are done, and how many are still to come, as far as that is known."""

    def __init__(self, watch: ProgressCallback, to_come: int, done: int = 0) -> None:
        self.watch = watch
        self.to_come = to_come
        self.done = done

    @contextmanager
    def of_pass(self, expected: int) -> Iterator["PassProgress"]:
        """Follows one pass, of which so many steps were expected. Raises Stopped once it was cancelled."""
        self.to_come -= expected
        one = PassProgress(self)
        yield one
        self.done += one.steps
        self.watch.check()


class PassProgress:
    """Counts the steps of one pass on from those of the passes before."""

    def __init__(self, progress: PlanProgress) -> None:
        self._progress = progress
        self.steps = 0
        """How many steps the pass has, once it has taken one."""
        self.check = progress.watch.check
        self.wants_preview = progress.watch.wants_preview

    def step(self, step: Step) -> None:
        progress = self._progress
        self.steps = step.steps
        all_of_it = progress.done + step.steps + progress.to_come
        progress.watch.step(replace(step, step=progress.done + step.step, steps=all_of_it))


class OfOnePicture:
    """Follows one of several pictures that are drawn in one go, by its number from 0: previews are of that one."""

    def __init__(self, watch: ProgressCallback, number: int) -> None:
        self._watch = watch
        self._number = number
        self.check = watch.check
        self.wants_preview = watch.wants_preview

    def step(self, step: Step) -> None:
        if self._number and step.preview:
            others = (*[b""] * (self._number - 1), step.preview)
            step = replace(step, preview=None, others=others)
        self._watch.step(step)
