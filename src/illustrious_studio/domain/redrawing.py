"""Upscale and redraw: a picture made larger, then drawn over in tiles (A1111's script "SD upscale" does so, too)."""

from pydantic import Field

from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.inputs import GRAIN
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.sampling import SamplerName, Steps
from illustrious_studio.domain.sizes import LARGEST_TILE, SMALLEST_TILE
from illustrious_studio.domain.values import Prompt, Value

USUAL_STRENGTH = 0.3
SKETCH_MODEL_STRENGTH = 0.1
"""Of a checkpoint that always begins with a sketch, as the built-in one: what it draws over at more loses lines, and
people their faces (docs/models.md)."""


class Redraw(Value):
    """How a picture that became larger is drawn over. All else is as its record says; what it does not say is as the
    checkpoint in use wants it, and without words."""

    strength: float | None = Field(
        None,
        ge=0.01,
        le=1,
        description="Denoising strength: how much of the larger picture is drawn anew. "
        f"{USUAL_STRENGTH} by default; {SKETCH_MODEL_STRENGTH} with a checkpoint that always begins with a sketch.",
    )
    prompt: Prompt | None = Field(None, description="Other words. Left out: those that the picture was drawn with.")
    negative_prompt: Prompt | None = Field(None, description="The same of what to keep out.")
    sampler: SamplerName | None = Field(None, description="Another sampler than the picture's.")
    steps: Steps | None = Field(None, description="Of a schedule; the last are taken, by the strength.")
    seed: int | None = Field(None, ge=-1, le=MAX_SEED, description="Left out: the picture's own; -1: a new one.")
    tile: int | None = Field(
        None,
        ge=SMALLEST_TILE,
        le=LARGEST_TILE,
        multiple_of=GRAIN,
        description="Pixels of a tile's sides; left out: of what the checkpoint was made for.",
    )
    tile_overlap: int = Field(
        ImageRequest.model_fields["tile_overlap"].default,
        ge=0,
        le=LARGEST_TILE // 2,
        multiple_of=GRAIN,
        description="Pixels over which tiles overlap and are blended; at most half of a tile.",
    )


def usual_strength(checkpoint: Checkpoint) -> float:
    return USUAL_STRENGTH if checkpoint.sketch_strength is None else SKETCH_MODEL_STRENGTH


def usual_tile(checkpoint: Checkpoint) -> int:
    """As large as what the checkpoint was made for."""
    return min(max(checkpoint.native_width, checkpoint.native_height, SMALLEST_TILE), LARGEST_TILE)
