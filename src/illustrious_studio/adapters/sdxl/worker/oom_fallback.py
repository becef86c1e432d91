"""What is tried when memory does not suffice, or when the numbers come out wrong.

Several pictures in one go that memory does not hold together, or of which one comes out wrong, are drawn one by one.
A drawing's stages are its passes and the decoding, and both once more for each region of its details. What a stage
has made is kept: one that fails is repeated alone. Memory that runs out while decoding is cleared, and the VAE works
tile by tile. If that is not enough, or if it ran out during a pass, memory is cleared and the stage is repeated, on a
GPU with less of the model there (`placement`), until there is no less; elsewhere once. Then it is OutOfMemory. Numbers
that are not finite, or all of one colour, are found where they arise, in the latents or in the pixels: that part of the
model, the UNet or the VAE, works in float32 from then on and the stage is repeated; where it does already, the drawing
is refused. This module drives; `pipeline` works.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

from illustrious_studio.adapters.sdxl.worker.details import with_details
from illustrious_studio.adapters.sdxl.worker.memory import unless_out_of_memory
from illustrious_studio.adapters.sdxl.worker.progress import OfOnePicture, PlanProgress, ProgressCallback
from illustrious_studio.domain.details import DetectorFile, Found
from illustrious_studio.domain.errors import OutOfMemory, StudioError, Unavailable
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromPicture, RenderPlan

TILED = "memory cleared, VAE decoded in tiles"
AGAIN = "memory cleared, steps taken again, VAE decoded in tiles"
DECODED_AGAIN = "memory cleared, VAE decoded in tiles again"
SINGLY = "memory cleared, the pictures drawn one by one"
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


class BadNumbers(Exception):
    """A part of the model gave numbers that are no picture."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


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

    def detect(self, file: DetectorFile, picture: Picture, confidence: float) -> list[Found]:
        """Raises InvalidRequest."""
        ...

    def changed(self, plan: RenderPlan, latents: Any) -> Picture:
        """What of the latents of a last pass with soft inpainting is to be seen. Raises BadNumbers."""
        ...

    def upcast(self, part: Part) -> bool:
        """Let a part work in float32 from now on; whether that is a change."""
        ...

    @property
    def codes_in_tiles(self) -> bool:
        """Whether the VAE works in tiles from the beginning."""
        ...

    def code_in_tiles(self) -> None:
        """Have the VAE do so from now on, where it ran out of memory over a whole picture."""
        ...

    def place_thriftier(self) -> str:
        """Have less of the model on the device; said in a few words, empty where that is not possible."""
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
    """Carry the plan out. Raises OutOfMemory, Unavailable (bad numbers), InvalidRequest (a detector's file is none),
    Stopped."""
    return _drawn(stages, plan, PlanProgress(watch, plan.expected_steps))


def draw_batch(
    stages: PipelineStages, plans: Sequence[RenderPlan], watch: ProgressCallback
) -> list[Drawn | StudioError]:
    """Carry plans that are alike out in one go, and decode them one after another, as their details are drawn. Raises
    Stopped."""
    first, count = plans[0], len(plans)
    steps = first.expected_steps
    later = count * sum(one.expected_steps for one in first.details)
    progress = PlanProgress(watch, later + sum(one.expected_steps for one in first.passes))
    try:
        latents = unless_out_of_memory(partial(_through_all_passes, first, progress, partial(stages.denoise, plans)))
    except BadNumbers:  # of one of them, perhaps
        latents = None
    if latents is None:
        stages.clear()
    results: list[Drawn | StudioError] = []
    for number, plan in enumerate(plans):
        shown = OfOnePicture(watch, number)
        try:
            if latents is None:
                alone = PlanProgress(shown, (count - number) * steps, number * steps)
                drawn = _drawn(stages, plan, alone)
                results.append(replace(drawn, attempts=(SINGLY, *drawn.attempts)))
            else:
                drawing = _Drawing(stages)
                drawn = drawing.finished(plan, latents[number : number + 1])
                progress.watch = shown
                results.append(replace(drawing.detailed(plan, drawn, progress), batch_size=count))
        except StudioError as error:
            results.append(error)
    return results


def _drawn(stages: PipelineStages, plan: RenderPlan, progress: PlanProgress) -> Drawn:
    drawing = _Drawing(stages)
    if plan.picture is not None:
        return drawing.detailed(plan, Drawn(plan.picture, ()), progress)
    latents = _through_all_passes(plan, progress, partial(drawing.denoised, plan))
    return drawing.detailed(plan, drawing.finished(plan, latents), progress)


def _through_all_passes(
    plan: RenderPlan, progress: PlanProgress, denoised: Callable[[int, Any, ProgressCallback], T]
) -> T | None:
    latents: T | None = None
    for number, one in enumerate(plan.passes):
        with progress.of_pass(one.expected_steps) as watch:
            latents = denoised(number, latents, watch)
    return latents


class _Drawing:
    """The stages of one drawing, each with its second chance, and what was `tried`."""

    def __init__(self, stages: PipelineStages) -> None:
        self._stages = stages
        self._low_memory = False
        self.tried: list[str] = []
        self.detect = stages.detect

    def redrawn(self, plan: RenderPlan, watch: ProgressCallback) -> Picture:
        """A region of a picture, by a plan of one pass."""
        return self.decoded(plan, self.denoised(plan, 0, None, watch))

    def denoised(self, plan: RenderPlan, number: int, before: Any, watch: ProgressCallback) -> Any:
        work = partial(self._stages.denoise, [plan], number, before, watch)
        while (latents := self._attempt(work)) is None:
            self._retry_low_memory(plan, AGAIN)
        return latents

    def finished(self, plan: RenderPlan, latents: Any) -> Drawn:
        """What the latents of its passes are."""
        picture, changed = self.decoded(plan, latents), self._changed(plan, latents)
        return Drawn(picture, tuple(self.tried), changed=changed)

    def detailed(self, plan: RenderPlan, drawn: Drawn, progress: PlanProgress) -> Drawn:
        """The same with the plan's details."""
        picture = with_details(plan, drawn.picture, self, progress)
        return replace(drawn, picture=picture, attempts=tuple(self.tried))

    def _changed(self, plan: RenderPlan, latents: Any) -> Picture | None:
        last = plan.passes[-1].start
        if not isinstance(last, FromPicture) or last.mask is None or last.soft is None:
            return None
        work = partial(self._stages.changed, plan, latents)
        while (changed := self._attempt(work)) is None:
            self._retry_low_memory(plan, DECODED_AGAIN)
        return changed

    def decoded(self, plan: RenderPlan, latents: Any) -> Picture:
        tiled = self._low_memory or self._stages.codes_in_tiles or plan.passes[-1].coded_in_tiles
        while (picture := self._attempt(partial(self._stages.decode, latents, tiled=tiled))) is None:
            if tiled:
                self._retry_low_memory(plan, DECODED_AGAIN)
            else:
                self._stages.clear()
                self._stages.code_in_tiles()
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

    def _retry_low_memory(self, plan: RenderPlan, what: str) -> None:
        """Get ready to repeat a stage with less memory. Raises OutOfMemory where it was done before and there is
        nothing more to take off the device."""
        self._stages.clear()
        thriftier = self._stages.place_thriftier()
        if self._low_memory and not thriftier:
            width, height = plan.size
            raise OutOfMemory(
                f"The device's memory does not hold a picture of {width} x {height}, also after: "
                f"{'; '.join(self.tried)}. "
                "Make the picture smaller, close other programs that use the device, or choose a smaller checkpoint."
            )
        self._low_memory = True
        self.tried.append(f"{what}, {thriftier}" if thriftier else what)
