"""What a drawing needs of a device's memory: weights, and what is computed beside them, stage by stage.

A drawing has three stages that never overlap: prompts are read by the text encoders, steps are taken by the UNet, and
the VAE makes latents of pixels and pixels of latents. What a stage computes is counted, not measured: the networks of
SDXL's size stand on torch's meta device and every tensor is followed to its end (`scripts/count_memory.py`; a test
counts again). It is the same number of bytes for each pixel, whatever the size of the picture.
"""

from dataclasses import dataclass

from illustrious_studio.domain.rendering import Pass, RenderPlan

MIB = 1 << 20
GIB = 1 << 30

UNET_PARAMETERS = 2_567_463_684
TEXT_PARAMETERS = 817_720_320
VAE_PARAMETERS = 83_653_863
"""Of SDXL: both text encoders together."""

STEP = 79.0
"""Numbers that live at once while the UNet is evaluated, for each pixel of each row of its batch."""
DECODE = 768.0
"""The same of the VAE, for each pixel; of one picture, for one is coded after another. Encoding takes less (643)."""
TILE_SIDE = 512
"""Pixels of the sides of the VAE's tiles (`worker/vae.py`)."""
TEXT = 64 * MIB
"""What the text encoders compute beside their weights, for prompts of many chunks."""
LOST = 1.12
KERNELS = 192 * MIB
"""What is not counted: how much of it the allocator loses to rounding, and what kernels take for a moment. An estimate
until a card has said it (`services/accelerator.py` learns from each drawing)."""
AT_ONCE = 2
"""Rows of one picture in an evaluation: the prompt and the negative prompt (`worker/conditioning.py`)."""


@dataclass(frozen=True)
class Weights:
    """Bytes on a device, in the numbers that are computed with there."""

    unet: int
    text_encoders: int
    vae: int
    steering: int = 0
    """ControlNets, adapters and what reads their pictures."""

    @property
    def all(self) -> int:
        return self.unet + self.text_encoders + self.vae + self.steering


@dataclass(frozen=True)
class Work:
    """Bytes that are computed with at most, beside the weights, in each stage."""

    text: int
    steps: int
    vae: int
    """Where the VAE sees the whole picture."""
    vae_in_tiles: int


def sdxl_weights(*, number: int = 2, vae_number: int = 4, steering: int = 0) -> Weights:
    """Of a checkpoint of SDXL's size. `number`: bytes of each number of UNet and text encoders; `vae_number`: of the
    VAE, which overflows in float16 unless it was mended."""
    return Weights(UNET_PARAMETERS * number, TEXT_PARAMETERS * number, VAE_PARAMETERS * vae_number, steering)


def work_of(plan: RenderPlan, *, pictures: int = 1, number: int = 2, vae_number: int = 4) -> Work:
    """Of a plan that so many pictures are drawn by in one go."""
    rows = AT_ONCE if plan.request.guidance > 1 else 1
    parts = [*plan.passes, *(one.drawn for one in plan.details)]
    steps = max((_step_pixels(one) for one in parts), default=0) * rows * pictures
    coded = max((one.width * one.height for one in parts), default=0)
    whole = max((one.width * one.height for one in parts if not one.coded_in_tiles), default=0)
    in_tiles = min(coded, TILE_SIDE * TILE_SIDE)
    return Work(
        text=_with_losses(TEXT),
        steps=_with_losses(steps * STEP * number),
        vae=_with_losses(max(whole, in_tiles) * DECODE * vae_number),
        vae_in_tiles=_with_losses(in_tiles * DECODE * vae_number),
    )


def _step_pixels(one: Pass) -> int:
    """That an evaluation sees at once."""
    if one.tile is None:
        return one.width * one.height
    return min(one.tile, one.width) * min(one.tile, one.height)


def _with_losses(counted: float) -> int:
    return int(counted * LOST) + KERNELS
