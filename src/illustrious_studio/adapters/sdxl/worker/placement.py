"""The loaded model in the placement that a drawing gets, by what is free on the device now; and what is learned where
memory runs out after all: whatever was estimated, it was too little by that much."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from illustrious_studio.adapters.sdxl.worker.memory import clear_cuda_memory, unless_out_of_memory
from illustrious_studio.adapters.sdxl.worker.residence import Residence
from illustrious_studio.domain.accelerator.estimates import MIB, Weights, Work, work_of
from illustrious_studio.domain.accelerator.placement import RESIDENCIES, Placement, chosen, stages
from illustrious_studio.domain.controls import files_of
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import Pass, RenderPlan

if TYPE_CHECKING:
    from torch import device

T = TypeVar("T")

SPARED = 256 * MIB
"""Left free on a card: a desktop draws its windows with it."""
BACK = 1.1
"""A faster placement is gone back to where so many times as much is free as it takes, not before: each change moves
gigabytes."""


def free_on(device: "device") -> Callable[[], int | None]:
    """How many bytes a model may take now: what is free, and what this process has of it already. None where a device
    has no memory of its own to run out of, or does not tell."""

    def budget() -> int | None:
        import torch

        if device.type != "cuda":
            return None
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device)) - SPARED

    return budget


class PlacedModel:
    """A loaded model on a device. `budget`: how many bytes of it the model may take now; None: as many as it likes."""

    def __init__(self, pipeline: Any, device: "device", budget: Callable[[], int | None]) -> None:
        self.residence = Residence(pipeline, device)
        self.placer = Placer(budget)
        self._pipeline = pipeline
        self._plans: Sequence[RenderPlan] = ()
        """What is drawn now."""

    def place(self, plans: Sequence[RenderPlan], what: str = "the model") -> None:
        """Have its parts where these plans can be drawn. Raises OutOfMemory, which says for `what`."""
        self._plans = plans
        self.fit(lambda: self._use(self.placer.place(*self._needs())), what)

    def fit(self, work: Callable[[], T], what: str) -> T:
        """What the work gives, with as much less of the model on the device as it needs. Raises OutOfMemory."""
        while (done := unless_out_of_memory(work)) is None:
            clear_cuda_memory()
            self._take_less(what)
        return done

    def take_less(self) -> str:
        """After memory ran out: have less of the model on the device, as the next placement says. It is told in a few
        words; empty where there is none that takes less. Raises OutOfMemory where not even that has room."""
        if not self.placer.can_take_less:
            return ""
        self._take_less("the model")
        return self.placer.now.said

    def code_in_tiles(self) -> None:
        """After the VAE ran out of memory over a whole picture."""
        self.placer.vae_ran_out(*self._needs())

    def _take_less(self, what: str) -> None:
        while self.placer.can_take_less:
            self.placer.ran_out(*self._needs())
            if unless_out_of_memory(lambda: self._use(self.placer.now)) is not None:
                return
            clear_cuda_memory()
        raise OutOfMemory(
            f"The device has no memory left for {what}. "
            "Close other programs that use it, or choose a smaller checkpoint."
        )

    def _use(self, placement: Placement) -> Literal[True]:
        self.residence.use(placement)
        return True

    def _needs(self) -> tuple[Weights, Work]:
        number, vae_number = self._pipeline.unet.dtype.itemsize, self._pipeline.vae.dtype.itemsize
        steering = sum(file.parameters for file in files_of(self._plans[0].controls).values()) * number
        work = work_of(self._plans[0], pictures=len(self._plans), number=number, vae_number=vae_number)
        return weights_of(self._pipeline, steering), work


class Placer:
    """Chooses the placements of one loaded model."""

    def __init__(self, budget: Callable[[], int | None]) -> None:
        self._budget = budget
        self._more = 1.0
        """So many times as much as was estimated is taken, as far as is known."""
        self.now = Placement()

    @property
    def said(self) -> str:
        """The one in use, for people; empty where there is nothing to choose."""
        return "" if self._budget() is None else self.now.said

    @property
    def can_take_less(self) -> bool:
        return self._budget() is not None and self.now.residency != RESIDENCIES[-1]

    def place(self, weights: Weights, work: Work) -> Placement:
        """The one to draw with now: the fastest that fits, or the one in use where that is hardly slower. Where none
        fits, the thriftiest, which may do all the same."""
        budget = self._budget()
        if budget is None:
            return self.now
        fits = chosen(int(budget / self._more), weights, work)
        if fits is None:
            fits = Placement(residency=RESIDENCIES[-1], vae_in_tiles=True)
        elif _faster(fits, self.now) and chosen(int(budget / self._more / BACK), weights, work) != fits:
            still = stages(self.now, weights, work).peak * self._more <= budget
            fits = self.now if still else fits
        self.now = fits
        return fits

    def ran_out(self, weights: Weights, work: Work) -> None:
        """Memory ran out in spite of it: take the next one that takes less."""
        self._learn(stages(self.now, weights, work).peak)
        at = RESIDENCIES.index(self.now.residency) + 1
        self.now = Placement(residency=RESIDENCIES[at], vae_in_tiles=True)

    def vae_ran_out(self, weights: Weights, work: Work) -> None:
        """The same of the VAE alone, over a whole picture: have it work in tiles."""
        if self._budget() is not None and not self.now.vae_in_tiles:
            self._learn(stages(self.now, weights, work).vae)
            self.now = Placement(residency=self.now.residency, vae_in_tiles=True)

    def _learn(self, estimated: int) -> None:
        """So much was not enough, for there was not as much."""
        self._more = max(self._more, (self._budget() or 0) / estimated * 1.02)


def _faster(one: Placement, other: Placement) -> bool:
    return (one.vae_in_tiles, RESIDENCIES.index(one.residency)) < (
        other.vae_in_tiles,
        RESIDENCIES.index(other.residency),
    )


def weights_of(pipeline: Any, steering: int = 0) -> Weights:
    """Counted from the loaded networks, in the numbers that they have."""

    def size(*names: str) -> int:
        modules = [getattr(pipeline, name) for name in names]
        return sum(one.numel() * one.element_size() for module in modules for one in module.parameters())

    return Weights(size("unet"), size("text_encoder", "text_encoder_2"), size("vae"), steering)


def usual_plan(checkpoint: Checkpoint) -> RenderPlan:
    """Of the picture that the checkpoint was made for."""
    one = Pass(checkpoint.native_width, checkpoint.native_height, 1, "Euler", "Normal")
    return RenderPlan(ImageRequest(prompt="a"), checkpoint, (one,))
