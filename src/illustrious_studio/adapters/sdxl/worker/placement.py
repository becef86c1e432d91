"""Which placement a drawing gets, by what is free on the device now, and what is learned where memory runs out after
all: whatever was estimated, it was too little by that much."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from illustrious_studio.domain.accelerator.estimates import MIB, Weights, Work, work_of
from illustrious_studio.domain.accelerator.placement import RESIDENCIES, Placement, chosen, stages
from illustrious_studio.domain.rendering import RenderPlan

if TYPE_CHECKING:
    from torch import device

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


class Placer:
    """Of one loaded checkpoint. `budget`: how many bytes it may take now; None: as many as it likes."""

    def __init__(self, budget: Callable[[], int | None]) -> None:
        self._budget = budget
        self._more = 1.0
        """So many times as much as was estimated is taken, as far as is known."""
        self.now = Placement()

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

    @property
    def said(self) -> str:
        """The one in use, for people; empty where there is nothing to choose."""
        return "" if self._budget() is None else self.now.said

    def ran_out(self, weights: Weights, work: Work) -> Placement | None:
        """After memory ran out in spite of it: the next one that takes less. None after the last."""
        budget, at = self._budget(), RESIDENCIES.index(self.now.residency) + 1
        if budget is None or at == len(RESIDENCIES):
            return None
        self._more = max(self._more, budget / stages(self.now, weights, work).peak * 1.02)
        self.now = Placement(residency=RESIDENCIES[at], vae_in_tiles=True)
        return self.now


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


def work_on(pipeline: Any, plans: Sequence[RenderPlan]) -> Work:
    """What these plans compute with, in the numbers of the loaded networks."""
    number, vae_number = pipeline.unet.dtype.itemsize, pipeline.vae.dtype.itemsize
    return work_of(plans[0], pictures=len(plans), number=number, vae_number=vae_number)
