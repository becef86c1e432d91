"""Details: regions of a finished picture that are drawn again larger, each put back with a soft seam.

What ADetailer does for A1111 (`adetailer/args.py`, `adetailer/mask.py`): a region is what a detector finds, and here
also what the picture's own layout knows, what a person says, or what one has painted. Each is cut out with some of the
picture around it, drawn in a size of its own by image to image, and put back as far as its mask goes: beyond that no
pixel is another. Regions are drawn one after another, each over what the ones before have become.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import dist
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from PIL import Image, ImageChops, ImageOps
from pydantic import BeforeValidator, Field, model_validator

from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.sampling import Guidance, SamplerName, ScheduleName, Steps, check_together, img2img_steps
from illustrious_studio.domain.sizes import LONGEST, SHORTEST, too_large
from illustrious_studio.domain.values import Prompt, Text, Value

MOST_DETAILS = 8
"""Kinds of details in one picture."""
MOST_BOXES = 24
MOST_REGIONS = 32
"""Of one kind: a detector that finds more in a picture finds crumbs."""
USUAL_STRENGTH = 0.4
"""ADetailer's."""
FACES, PEOPLE = "faces", "people"
"""What a layout's figures have; anything else is the name of a thing."""
SEPARATOR, THE_PROMPT, SKIP = "[SEP]", "[PROMPT]", "[SKIP]"
"""ADetailer's words in a prompt: between those of single regions, for the picture's own, and for one left as it is."""
ROUNDING = 1e-6

Find = Literal["layout", "boxes", "detector", "mask"]
Order = Literal["found", "left to right", "centre to edge", "largest first"]
"""ADetailer's "Sort bounding boxes by": None, and the three others."""


class DetailBox(Value):
    """A region, as a layout has a thing's place: its centre and its size, as shares of the picture's sides."""

    x: float = Field(ge=0, le=1, description="Centre, from the left.")
    y: float = Field(ge=0, le=1, description="Centre, from the top.")
    w: float = Field(gt=0, le=1)
    h: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        left, top, right, bottom = self.edges
        if min(left, top) < -ROUNDING or max(right, bottom) > 1 + ROUNDING:
            raise ValueError(
                "reaches out of the picture: x and y are its centre, w and h its size, as shares of the picture; keep "
                "x - w/2, x + w/2, y - h/2 and y + h/2 between 0 and 1"
            )
        return self

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom, in the same shares."""
        return self.x - self.w / 2, self.y - self.h / 2, self.x + self.w / 2, self.y + self.h / 2


def _found_by(given: object) -> object:
    """What is to be found follows from what is given for it."""
    if not isinstance(given, dict) or given.get("find") is not None:
        return given
    named = next((name for name in ("detector", "boxes", "mask") if given.get(name) is not None), "layout")
    return {**{name: value for name, value in given.items() if name != "find"}, "find": named}


def as_tuple(given: object) -> object:
    """JSON has no tuples, and strict values take nothing else."""
    return tuple(given) if isinstance(given, list) else given


class Detail(Value):
    """One kind of regions, and how they are drawn. What is left out is as in the picture."""

    find: Annotated[
        Find,
        Field(
            description="Where the regions are: by a detector's file, in the layout that the picture starts from, in "
            "boxes, or in a mask. Left out: what is given of these; nothing: the layout's."
        ),
    ] = "layout"
    detector: Annotated[
        Text | None, Field(max_length=500, description="Which one finds them, by its name in GET /detectors.")
    ] = None
    confidence: Annotated[float, Field(ge=0, le=1, description="How sure a detector must be.")] = 0.3
    what: Annotated[
        Text,
        Field(
            max_length=100,
            description=f"Of a layout: {FACES} (the default), {PEOPLE}, or the name of a thing. Of a detector: a name "
            "of what it finds; empty: everything.",
        ),
    ] = ""
    boxes: Annotated[
        tuple[DetailBox, ...],
        BeforeValidator(as_tuple),
        Field(max_length=MOST_BOXES, description="Regions by hand: centre and size as shares of the picture."),
    ] = ()
    mask: Annotated[InputId | None, Field(description="A painted region, in white, over the whole picture.")] = None
    most: Annotated[
        int | None, Field(ge=1, le=MOST_REGIONS, description="Only so many, the largest; left out: all of them.")
    ] = None
    smallest: Annotated[float, Field(ge=0, le=1, description="Only those of at least this share of the picture.")] = 0.0
    largest: Annotated[float, Field(ge=0, le=1, description="Only those of at most this share of it.")] = 1.0
    order: Annotated[Order, Field(description="In which order they are drawn.")] = "found"
    prompt: Annotated[
        Prompt,
        Field(
            description=f"Other words; empty: the picture's. {THE_PROMPT} stands for those, {SEPARATOR} between the "
            f"words of single regions, and a region whose words are {SKIP} is left as it is."
        ),
    ] = ""
    negative_prompt: Annotated[Prompt, Field(description="The same of what to keep out.")] = ""
    strength: Annotated[
        float | None,
        Field(
            ge=0.01,
            le=1,
            description=f"Denoising strength: how much of a region is redrawn. {USUAL_STRENGTH} by default; with a "
            "checkpoint that always begins with a sketch, 0.1.",
        ),
    ] = None
    steps: Annotated[Steps | None, Field(description="Other steps than the picture's.")] = None
    sampler: Annotated[SamplerName | None, Field(description="Another sampler.")] = None
    schedule: Annotated[ScheduleName | None, Field(description="Another schedule.")] = None
    guidance: Annotated[Guidance | None, Field(description="Another CFG scale.")] = None
    width: Annotated[
        int | None,
        Field(
            ge=SHORTEST,
            le=LONGEST,
            multiple_of=8,
            description="In which size a region is drawn, in pixels; left out: the checkpoint's native width.",
        ),
    ] = None
    height: Annotated[
        int | None, Field(ge=SHORTEST, le=LONGEST, multiple_of=8, description="The same of its height.")
    ] = None
    padding: Annotated[int, Field(ge=0, le=256, description="Pixels of the picture to see around a region.")] = 32
    blur: Annotated[int, Field(ge=0, le=64, description="Pixels over which its edge is softened.")] = 4
    dilate: Annotated[
        int, Field(ge=-128, le=128, description="By how many pixels a region is made larger; below 0: smaller.")
    ] = 4

    _find_from_the_rest = model_validator(mode="before")(_found_by)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        for name in ("detector", "boxes", "mask"):
            value = getattr(self, name)
            if name == self.find and (value is None or name not in self.model_fields_set):  # no boxes are boxes, too
                raise ValueError(f"find is {name}, so it needs {name}")
            if name != self.find and value:
                raise ValueError(f"find is {self.find}, so {name} means nothing; leave it out")
        if self.smallest > self.largest:
            raise ValueError("smallest must not be above largest")
        if limit := too_large((self.width or 0, self.height or 0), in_tiles=False):
            raise ValueError(f"width x height: {limit}")
        if self.sampler is not None and self.schedule is not None:
            check_together(self.sampler, self.schedule)
        return self

    @property
    def words(self) -> dict[str, str]:
        """Its prompts as they are read, without ADetailer's words in them."""
        both = {"prompt": self.prompt, "negative prompt": self.negative_prompt}
        return {which: " \n ".join(_parts(prompt)) for which, prompt in both.items() if prompt}

    def expected_steps(self, steps: int) -> int:
        """Of all its regions in a picture of so many steps, as far as that is known before it is drawn."""
        regions = len(self.boxes) if self.find == "boxes" else 1
        return regions * img2img_steps(self.steps or steps, self.strength or USUAL_STRENGTH)

    def words_for(self, number: int, prompt: str, negative_prompt: str) -> tuple[str, str] | None:
        """The prompts of a region, counted from 0, in a picture of these; None for one that is left as it is. Regions
        beyond the last words get those."""
        own = _nth(self.prompt, number, prompt), _nth(self.negative_prompt, number, negative_prompt)
        return None if own[0].strip() == SKIP else own


def _nth(text: str, number: int, whole: str) -> str:
    texts = re.split(r"\s*\[SEP\]\s*", text)
    return texts[min(number, len(texts) - 1)].replace(THE_PROMPT, whole) or whole


def _parts(text: str) -> Iterator[str]:
    for part in text.split(SEPARATOR):
        if part.strip() != SKIP:
            yield part.replace(THE_PROMPT, "").strip()


Details = Annotated[tuple[Detail, ...], BeforeValidator(as_tuple)]
"""As JSON has it: a list."""


class DetectorFile(Value):
    """A detector on the disk, as far as its header says."""

    name: str
    path: Path
    size_bytes: int = 0
    finds: tuple[str, ...] = Field((), description="What it finds, where its file names it.")
    masks: bool = Field(False, description="Whether it finds outlines, or only boxes.")
    side: int = Field(640, description="Pixels of the picture's longer side as it sees it.")
    stamp: str = Field("", description="Another one when the file was changed or replaced.")


DetectorFiles = list[DetectorFile]
RefusedFiles = list[RefusedFile]


class DetectorCatalogue(Protocol):
    """The detectors there are."""

    async def list(self) -> DetectorFiles: ...
    async def refused(self) -> RefusedFiles:
        """What lies among them and cannot be used, each with its reason."""
        ...


@dataclass(frozen=True)
class Found:
    """A region that something was found in."""

    box: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels; the last two are just outside."""
    outline: Image.Image | None = None
    """Grey, in the picture's size, white where it is; None: all of the box."""
    name: str = ""

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)

    @property
    def centre(self) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2


def boxes_found(boxes: Sequence[DetailBox], size: tuple[int, int]) -> list[Found]:
    """The boxes as regions of a picture of that size."""
    width, height = size
    return [
        Found((left * width, top * height, right * width, bottom * height))
        for left, top, right, bottom in (box.edges for box in boxes)
    ]


def chosen(found: Sequence[Found], detail: Detail, size: tuple[int, int]) -> list[Found]:
    """Those that the detail wants of what was found in a picture of that size, in its order (ADetailer's)."""
    pixels, named = size[0] * size[1], detail.find == "detector" and detail.what
    low, high = detail.smallest * pixels, detail.largest * pixels
    wanted = [one for one in found if low <= one.area <= high and (not named or one.name == detail.what)]
    if detail.most is not None:
        wanted = sorted(wanted, key=lambda one: -one.area)[: detail.most]
    middle = size[0] / 2, size[1] / 2
    keys: dict[Order, Any] = {
        "left to right": lambda one: one.box[0],
        "centre to edge": lambda one: dist(one.centre, middle),
        "largest first": lambda one: -one.area,
    }
    return (sorted(wanted, key=keys[detail.order]) if detail.order in keys else wanted)[:MOST_REGIONS]


def mask_of(found: Found, size: tuple[int, int], dilate: int) -> Image.Image:
    """Grey, in that size: white where it is redrawn, before its edge is softened."""
    mask = found.outline
    if mask is None:
        mask = Image.new("L", size)
        left, top, right, bottom = map(round, found.box)
        mask.paste(255, (left, top, max(right, left + 1), max(bottom, top + 1)))
    return dilated(mask, dilate)


def dilated(mask: Image.Image, by: int) -> Image.Image:
    """The mask grown by a square of so many pixels, to the right and below by the larger half of it, as OpenCV's
    `dilate` does; below 0 shrunk by it, but not from the picture's edges."""
    box = mask.getbbox()
    if by == 0 or box is None:
        return mask
    # Only where something may change: all of a large picture would take seconds.
    around = max(box[0] - abs(by), 0), max(box[1] - abs(by), 0), box[2] + abs(by), box[3] + abs(by)
    around = *around[:2], min(around[2], mask.width), min(around[3], mask.height)
    part = mask.crop(around)
    changed = mask.copy()
    changed.paste(_grown(part, by) if by > 0 else ImageOps.invert(_grown(ImageOps.invert(part), -by)), around[:2])
    return changed


def _grown(mask: Image.Image, by: int) -> Image.Image:
    after = by // 2
    before = by - 1 - after
    for sideways in (True, False):
        grown = mask.copy()
        for shift in range(-before, after + 1):
            moved = Image.new("L", mask.size)
            moved.paste(mask, (shift, 0) if sideways else (0, shift))
            grown = ImageChops.lighter(grown, moved)
        mask = grown
    return mask
