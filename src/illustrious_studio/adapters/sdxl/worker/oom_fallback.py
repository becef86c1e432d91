"""What is tried when memory does not suffice, or when the numbers come out wrong.

Several pictures in one go that memory does not hold together, or of which one comes out wrong, are drawn one by one.
A drawing's stages are its passes and the decoding. What a stage has made is kept: one that fails is repeated alone.
Memory that runs out while decoding is cleared, and the VAE works tile by tile. If that is not enough, or if it ran out
during a pass, memory is cleared and the stage is repeated, on a GPU with the model moved there part by part from then
on. That is done once a drawing; then it is OutOfMemory. Numbers that are not finite, or all of one colour, are found
where they arise, in the latents or in the pixels: that part of the model, the UNet or the VAE, works in float32 from
then on and the stage is repeated; where it does already, the drawing is refused. This module drives; `pipeline` works.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

from illustrious_studio.adapters.sdxl.worker.memory import unless_out_of_memory
from illustrious_studio.domain.errors import OutOfMemory, StudioError, Unavailable
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromPicture, RenderPlan, Step

TILED = "memory cleared, VAE decoded in tiles"
AGAIN = "memory cleared, steps taken again, VAE decoded in tiles"
DECODED_AGAIN = "memory cleared, VAE decoded in tiles again"
SINGLY = "memory cleared, the pictures drawn one by one"
OFFLOADED = ", the model moved to the device part by part"
Part = Literal["unet", "vae"]
UPCAST: dict[Part, str] = {
    "unet": "UNet gave numbers that are not finite, steps taken again in float32",
    "vae": "VAE gave numbers that are no picture, used again in float32",
}
REFUSED: dict[Part, str] = {
    "unet": "The checkpoint gave no picture: the numbers of its UNet are not finite, also in float32.",
    "vae": "The checkpoint gave no picture: the numbers of its VAE are not finite or all alike, also in float32.",
}


T = TypeVar("T")


class Stopped(Exception):
    """Somebody cancelled the drawing."""


class BadNumbers(Exception):
    """A part of the model gave numbers that are no picture."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


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


class PipelineStages(Protocol):
    """A pass, the decoding, and clearing between attempts. Latents are the pipeline's own matter."""

    def denoise(self, plans: Sequence[RenderPlan], number: int, before: Any, watch: ProgressCallback) -> Any:
        """The latents of one of the passes, by its number, of plans that are alike, a row for each plan; `before` are
        those of the pass before, None for the first.

        Raises BadNumbers, Stopped.
        """
        ...

    def decode(self, latents: Any, *, tiled: bool) -> Picture:
        """Raises BadNumbers."""
        ...

    def changed(self, plan: RenderPlan, latents: Any) -> Picture:
        """What of the latents of a last pass with soft inpainting is to be seen. Raises BadNumbers."""
        ...

    def upcast(self, part: Part) -> bool:
        """Let a part work in float32 from now on; whether that is a change."""
        ...

    def enable_offload(self) -> bool:
        """Keep the model off the device but for the part that works; whether that is possible."""
        ...

    def clear(self) -> None: ...


@dataclass(frozen=True)
class Drawn:
    picture: Picture
    attempts: tuple[str, ...]
    batch_size: int = 1
    changed: Picture | None = None
    """With soft inpainting: how much of each pixel is to be seen."""


def draw(stages: PipelineStages, plan: RenderPlan, watch: ProgressCallback) -> Drawn:
    """Carry the plan out. Raises OutOfMemory, Unavailable (bad numbers), Stopped."""
    drawing = _Drawing(stages, plan)
    return drawing.finished(_through_all_passes(plan, watch, drawing.denoised))


def draw_batch(
    stages: PipelineStages, plans: Sequence[RenderPlan], watch: ProgressCallback
) -> list[Drawn | StudioError]:
    """Carry plans that are alike out in one go, and decode them one after another. Raises Stopped."""

    def denoised(number: int, before: Any, watch: ProgressCallback) -> Any:
        return stages.denoise(plans, number, before, watch)

    try:
        latents = unless_out_of_memory(partial(_through_all_passes, plans[0], watch, denoised))
    except BadNumbers:  # of one of them, perhaps
        latents = None
    if latents is None:
        stages.clear()
    results: list[Drawn | StudioError] = []
    steps = sum(one.expected_steps for one in plans[0].passes)
    for number, plan in enumerate(plans):
        try:
            if latents is None:
                alone = _PassProgress(watch, number * steps, (len(plans) - number - 1) * steps)
                drawn = draw(stages, plan, alone)
                results.append(replace(drawn, attempts=(SINGLY, *drawn.attempts)))
            else:
                finished = _Drawing(stages, plan).finished(latents[number : number + 1])
                results.append(replace(finished, batch_size=len(plans)))
        except StudioError as error:
            results.append(error)
    return results


def _through_all_passes(
    plan: RenderPlan, watch: ProgressCallback, denoised: Callable[[int, Any, ProgressCallback], T]
) -> T | None:
    latents: T | None = None
    done = 0
    for number in range(len(plan.passes)):
        to_come = sum(later.expected_steps for later in plan.passes[number + 1 :])
        progress = _PassProgress(watch, done, to_come)
        latents = denoised(number, latents, progress)
        done += progress.steps
        watch.check()
    return latents


class _PassProgress:
    """Counts the steps of one pass on from those of the passes before."""

    def __init__(self, watch: ProgressCallback, done: int, to_come: int) -> None:
        self._watch = watch
        self._done = done
        self._to_come = to_come
        self.steps = 0
        """How many steps the pass has, once it has taken one."""
        self.check = watch.check
        self.wants_preview = watch.wants_preview

    def step(self, step: Step) -> None:
        self.steps = step.steps
        all_of_it = self._done + step.steps + self._to_come
        self._watch.step(replace(step, step=self._done + step.step, steps=all_of_it))


class _Drawing:
    """The stages of one drawing, each with its second chance, and what was `tried`."""

    def __init__(self, stages: PipelineStages, plan: RenderPlan) -> None:
        self._stages = stages
        self._plan = plan
        self._low_memory = False
        self.tried: list[str] = []

    def denoised(self, number: int, before: Any, watch: ProgressCallback) -> Any:
        work = partial(self._stages.denoise, [self._plan], number, before, watch)
        while (latents := self._attempt(work)) is None:
            self._retry_low_memory(AGAIN)
        return latents

    def finished(self, latents: Any) -> Drawn:
        """What the latents of its passes are."""
        picture, changed = self._decoded(latents), self._changed(latents)
        return Drawn(picture, tuple(self.tried), changed=changed)

    def _changed(self, latents: Any) -> Picture | None:
        last = self._plan.passes[-1].start
        if not isinstance(last, FromPicture) or last.mask is None or last.soft is None:
            return None
        work = partial(self._stages.changed, self._plan, latents)
        while (changed := self._attempt(work)) is None:
            self._retry_low_memory(DECODED_AGAIN)
        return changed

    def _decoded(self, latents: Any) -> Picture:
        tiled = self._low_memory or self._plan.passes[-1].coded_in_tiles
        while (picture := self._attempt(partial(self._stages.decode, latents, tiled=tiled))) is None:
            if tiled:
                self._retry_low_memory(DECODED_AGAIN)
            else:
                self._stages.clear()
                self.tried.append(TILED)
                tiled = True
        return picture

    def _attempt(self, work: Callable[[], T]) -> T | None:
        """What the work gives, with a part of the model in float32 where it needs that; None when memory ran out."""
        while True:
            try:
                return unless_out_of_memory(work)
            except BadNumbers as error:
                part = error.part
            self._stages.clear()
            changed = unless_out_of_memory(partial(self._stages.upcast, part))
            if changed is None:
                return None
            if not changed:
                raise Unavailable(
                    f"{REFUSED[part]} Try another seed or a guidance below 15; if it stays so, choose another "
                    f"{'VAE or ' if part == 'vae' else ''}checkpoint."
                )
            self.tried.append(UPCAST[part])

    def _retry_low_memory(self, what: str) -> None:
        """Get ready to repeat a stage with as little memory as can be. Raises OutOfMemory the second time."""
        self._stages.clear()
        if self._low_memory:
            width, height = self._plan.size
            raise OutOfMemory(
                f"The device's memory does not hold a picture of {width} x {height}, also after: "
                f"{'; '.join(self.tried)}. "
                "Make the picture smaller, close other programs that use the device, or choose a smaller checkpoint."
            )
        self._low_memory = True
        self.tried.append(what + (OFFLOADED if self._stages.enable_offload() else ""))
