"""What the form of Create holds besides plain values: a layout, a picture to start from with its mask, and controls.

Each is a text in the form, so that it is remembered and brought back like every other value; the pictures themselves
are kept by the studio under their names.
"""

import json
from collections.abc import Sequence

from pydantic import Field, TypeAdapter

from illustrious_studio.domain.controls import Control, Controls
from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.regions import Region
from illustrious_studio.domain.sizes import LONGEST_IN_TILES, SHORTEST
from illustrious_studio.domain.values import Prompt, Text, Value


class HeldPicture(Value):
    """The picture that the form starts from (image to image), and the mask, if a part of it is painted (inpaint)."""

    image: InputId
    mask: InputId | None = None

    def text(self) -> str:
        return self.model_dump_json()


def held_picture(text: object) -> HeldPicture | None:
    """What the form holds; None for nothing, or nothing of use."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return HeldPicture.model_validate_json(text)
    except ValueError:
        return None


_CONTROLS: TypeAdapter[tuple[Control, ...]] = TypeAdapter(Controls)


def held_controls(text: object) -> tuple[Control, ...]:
    """What the form holds. Raises ValidationError for what a person has left without sense, such as an end before its
    start."""
    if not isinstance(text, str) or not text:
        return ()
    return _CONTROLS.validate_json(text)


def controls_text(controls: Controls) -> str:
    """The text to hold for these; empty for none."""
    said = [one.model_dump(mode="json", exclude_defaults=True) for one in controls]
    return json.dumps(said) if said else ""


class HeldLayout(Value):
    """A layout that the form holds, and what it was made for: it is another one for other words, seed or shape."""

    layout: Layout
    prompt: Prompt
    seed: int = Field(ge=-1, le=MAX_SEED, description="That of the form, which may be -1: any.")
    width: int = Field(ge=SHORTEST, le=LONGEST_IN_TILES)
    height: int = Field(ge=SHORTEST, le=LONGEST_IN_TILES)
    told: Text = Field("", description="What there is to say about it.")

    @property
    def edited(self) -> bool:
        return self.layout.by == "hand"

    def fits(self, prompt: str, seed: int, size: tuple[int, int]) -> bool:
        """Whether it is what these settings would be laid out as."""
        return self.prompt == prompt and self.seed == seed and abs(self.width / self.height - size[0] / size[1]) < 0.01

    def text(self) -> str:
        return self.model_dump_json()


def held_layout(text: object) -> HeldLayout | None:
    """What the form holds; None for nothing, or nothing of use."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return HeldLayout.model_validate_json(text)
    except ValueError:
        return None


def held_by(request: ImageRequest) -> str:
    """The text to hold for a request that brings its layout; empty for one that brings none."""
    if request.layout is None:
        return ""
    return HeldLayout(
        layout=request.layout,
        prompt=request.prompt,
        seed=request.seed,
        width=request.width or 1024,
        height=request.height or 1024,
    ).text()


def held_regions(text: object) -> list[object]:
    """What the form holds of regions, as it stands there: a request says what is wrong with one."""
    try:
        held = json.loads(text) if isinstance(text, str) and text else []
    except ValueError:
        return []
    return held if isinstance(held, list) else []


def text_of_regions(regions: Sequence[Region]) -> str:
    """The text to hold for these; empty for none."""
    return json.dumps([one.model_dump(mode="json") for one in regions]) if regions else ""


def always_starts_from_sketch(checkpoint: Checkpoint | None) -> bool:
    """Whether this checkpoint starts from a sketch without being asked."""
    return checkpoint is not None and checkpoint.sketch_strength is not None
