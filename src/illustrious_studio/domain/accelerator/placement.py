"""Where the parts of a model lie while a picture is drawn, chosen by what fits, before anything is loaded.

From the fastest to the slowest, and all of them give the same pixels: everything on the device; the text encoders in
main memory once the prompts are read (embeddings are kept); one part of the model at a time; the UNet's layers one
after another, the next on its way while one works. Only a picture that the VAE does not hold as a whole in any of them
is coded in tiles, which shows a little: that comes last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from illustrious_studio.domain.accelerator.estimates import MIB, Weights, Work
from illustrious_studio.domain.values import Value

Residency = Literal["full", "text encoders offloaded", "model offload", "group offload"]
"""diffusers' words: `enable_model_cpu_offload`, `enable_group_offload`."""
RESIDENCIES: Final[tuple[Residency, ...]] = ("full", "text encoders offloaded", "model offload", "group offload")
LAYERS = 320 * MIB
"""Of the UNet on the device with group offload: the largest of its layers, and those on their way."""


class Placement(Value):
    """Where the model's parts lie, and how the VAE works."""

    residency: Residency = "full"
    vae_in_tiles: bool = False

    @property
    def said(self) -> str:
        """In a few words, for people."""
        return self.residency + (", VAE in tiles" if self.vae_in_tiles else "")


@dataclass(frozen=True)
class Stages:
    """Bytes on the device at most in each stage."""

    text: int
    steps: int
    vae: int

    @property
    def peak(self) -> int:
        return max(self.text, self.steps, self.vae)


def stages(placement: Placement, weights: Weights, work: Work) -> Stages:
    """What a placement takes."""
    vae = work.vae_in_tiles if placement.vae_in_tiles else work.vae
    drawing = weights.unet + weights.vae + weights.steering
    match placement.residency:
        case "full":
            return Stages(weights.all + work.text, weights.all + work.steps, weights.all + vae)
        case "text encoders offloaded":
            return Stages(weights.all + work.text, drawing + work.steps, drawing + vae)
        case "model offload":
            return Stages(
                weights.text_encoders + work.text, weights.unet + weights.steering + work.steps, weights.vae + vae
            )
        case "group offload":
            return Stages(weights.text_encoders + work.text, LAYERS + weights.steering + work.steps, weights.vae + vae)


def chosen(budget: int, weights: Weights, work: Work) -> Placement | None:
    """The fastest placement whose peak is within a budget of bytes; None where none is."""
    return next((one for one in placements() if stages(one, weights, work).peak <= budget), None)


def placements() -> Iterator[Placement]:
    """All there are, in the order in which they are tried."""
    for tiles in (False, True):
        for residency in RESIDENCIES:
            yield Placement(residency=residency, vae_in_tiles=tiles)


def moved(placement: Placement, weights: Weights, evaluations: int) -> int:
    """Bytes over the bus for one picture whose prompts are new, with so many evaluations of the UNet."""
    match placement.residency:
        case "full":
            return 0
        case "text encoders offloaded":
            return weights.text_encoders
        case "model offload":
            return weights.text_encoders + weights.unet + weights.vae
        case "group offload":
            return weights.text_encoders + weights.vae + weights.unet * evaluations
