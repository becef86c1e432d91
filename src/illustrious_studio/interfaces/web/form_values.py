"""What the form of Create holds: values by name, how they become a request and come back from one, and what a browser
remembers of them.

The names are those of the request's fields, and a few that are the form's own. A setting that the page merely shows
(`Setting.group`) is in no list here: it goes the way of its kind, so that a new one needs no line in this file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Annotated, Any, Literal, Self, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from illustrious_studio.domain.details import FACES
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.grids.text import LONGEST_TEXT
from illustrious_studio.domain.grids.values import NAMES, GridAxes
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.outpainting import SIDES, OutpaintContent
from illustrious_studio.domain.presets import Preset
from illustrious_studio.domain.setting import has_what_it_needs
from illustrious_studio.domain.sizes import LONGEST_IN_TILES
from illustrious_studio.domain.upscaling import USUAL_SCALE
from illustrious_studio.domain.values import Prompt
from illustrious_studio.interfaces.web.details_form import details_of, values_of
from illustrious_studio.interfaces.web.held import (
    HeldPicture,
    always_starts_from_sketch,
    controls_text,
    held_by,
    held_controls,
    held_layout,
    held_picture,
    held_regions,
    text_of_regions,
)
from illustrious_studio.services.render_plan import STRENGTH, strength_of

GROUPS = ("advanced", "img2img", "inpaint", "regions")
"""The folds of Create whose controls are made from the request's own list."""
MOST_AT_ONCE = 8
OF_THE_CHECKPOINT = ("width", "height", "steps", "guidance", "sketch_strength", "checkpoint")
"""What another checkpoint brings with it."""
POSITIONAL = (
    "prompt",
    "negative_prompt",
    "shape",
    "width",
    "height",
    "steps",
    "guidance",
    "seed",
    "sampler",
    "schedule",
    "clip_skip",
    "strength",
    "fit",
    "mask_area",
    "mask_content",
    "held_picture",
    "count",
    "layout_from_words",
    "sketch_strength",
    "held_layout",
    "checkpoint",
)
"""The form as pages remembered it before the values had names: a list in this order."""

HIRES_SHOWN = ("scale", "upscaler", "steps", "strength")
"""What of hires fix has a control. The rest stays with a picture's form unseen, until hires fix is switched off."""

Pixels = Annotated[int | None, Field(ge=0, le=LONGEST_IN_TILES)]
Shape = Literal["square", "portrait", "landscape", "custom"]


@dataclass(frozen=True)
class FormValues:
    """The form. `held_layout`, `held_regions`, `held_picture` and `held_controls` are texts: a HeldLayout, a list of
    regions, a HeldPicture, a list of controls, or empty."""

    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    shape: Shape = "square"
    width: int | None = 1024
    height: int | None = 1024
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    layout_from_words: bool = False
    sketch_strength: float | None = None
    """None: as the checkpoint and what is in the picture want it."""
    held_layout: str = ""
    regions_wanted: bool = False
    held_regions: str = ""
    held_picture: str = ""
    held_controls: str = ""
    outpaint: bool = False
    outpaint_left: Pixels = 128
    outpaint_right: Pixels = 128
    outpaint_top: Pixels = 128
    outpaint_bottom: Pixels = 128
    outpaint_strength: Annotated[float | None, Field(ge=0, le=1)] = None
    """None: as the model and what the new part begins with want it."""
    outpaint_seam: Annotated[int, Field(ge=0, le=512)] = 32
    outpaint_content: OutpaintContent = "fill"
    hires: bool = False
    hires_scale: Annotated[float, Field(ge=1, le=4)] = USUAL_SCALE
    hires_upscaler: str = ""
    hires_steps: int | None = None
    hires_strength: Annotated[float | None, Field(ge=0.01, le=1)] = None
    hires_others: str = ""
    """What else the second pass of a picture had, as JSON."""
    details: bool = False
    details_find: str = FACES
    details_prompt: Prompt = ""
    details_strength: Annotated[float | None, Field(ge=0.01, le=1)] = None
    details_side: int | None = None
    details_others: str = ""
    """What else its details had, as JSON."""
    grid_x: Annotated[str, Field(max_length=600)] = ""
    grid_x_values: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    grid_y: Annotated[str, Field(max_length=600)] = ""
    grid_y_values: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    grid_z: Annotated[str, Field(max_length=600)] = ""
    grid_z_values: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    """The axes of a grid: a setting, or nothing, and its values in a line."""
    checkpoint: str = ""
    """The name of the one that the values were set for."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The other settings of a request, by the names of its fields; None: left out."""

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> Self:
        """From values by name."""
        own = {one.name: named[one.name] for one in fields(cls) if one.name in named}
        return cls(**own, settings={name: named[name] for name in form_settings() if name in named})

    def by_name(self) -> dict[str, Any]:
        """All of them in one object, as the browser keeps them."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "settings"}
        return own | dict(self.settings)

    @classmethod
    def fresh(cls, checkpoint: Checkpoint | None) -> Self:
        """What a page shows that remembers nothing."""
        settings = {name: ImageRequest.model_fields[name].default for name in form_settings()} | {"strength": STRENGTH}
        if checkpoint is None:
            return cls(settings=settings)
        own = checkpoint.settings
        size = own.pop("width", checkpoint.native_width), own.pop("height", checkpoint.native_height)
        shape, width, height = sized(size, checkpoint)
        return cls(shape=shape, width=width, height=height, checkpoint=checkpoint.name, settings=settings | own)

    @classmethod
    def remembered(cls, saved: str, checkpoint: Checkpoint | None) -> Self:
        """The form as the browser remembers it. What it does not know, or what no longer fits, is as on a new page."""
        fresh = cls.fresh(checkpoint).by_name()
        kept = {name: value for name, value in _named(saved).items() if name in fresh and _fits(name, value)}
        return cls.of(fresh | kept).with_checkpoint(checkpoint)

    @classmethod
    def of_request(cls, request: ImageRequest, checkpoint: Checkpoint | None) -> Self:
        """The form as it makes this request."""
        fresh = cls.fresh(checkpoint)
        size = (request.width or fresh.width or 1024, request.height or fresh.height or 1024)
        shape, width, height = sized(size, checkpoint)
        given = {name: value for name in fresh.settings if (value := getattr(request, name)) is not None}
        held = None if request.image is None else HeldPicture(image=request.image, mask=request.mask)
        return replace(
            fresh,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            shape=shape,
            width=width,
            height=height,
            layout_from_words=request.layout_from_words or request.layout is not None,
            sketch_strength=_own_sketch_strength(request, checkpoint),
            held_layout=held_by(request),
            regions_wanted=bool(request.regions),
            held_regions=text_of_regions(request.regions),
            held_picture=held.text() if held else "",
            held_controls=controls_text(request.controls),
            **_outpaint_values(request),
            **_hires_values(request.hires),
            **values_of(request.details),
            settings={**fresh.settings, **given},
        )

    def with_checkpoint(self, checkpoint: Checkpoint | None) -> Self:
        """The words stay when another checkpoint draws; its own size, steps and guidance come with it, and what its
        preset sets."""
        fresh = type(self).fresh(checkpoint)
        if fresh.checkpoint == self.checkpoint:
            return self
        names = of_the_checkpoint(checkpoint)
        return self.of(self.by_name() | {name: value for name, value in fresh.by_name().items() if name in names})

    def with_preset(self, checkpoint: Checkpoint) -> Self:
        """With what the checkpoint's preset sets, and its words in the prompts, where they are not yet."""
        preset = checkpoint.override.preset or Preset()
        fresh, names = type(self).fresh(checkpoint).by_name(), of_the_checkpoint(checkpoint)
        words = {"prompt": preset.prompt(self.prompt), "negative_prompt": preset.negative(self.negative_prompt)}
        return self.of(self.by_name() | {name: fresh[name] for name in names} | words)

    def request(self, checkpoint: Checkpoint | None) -> ImageRequest:
        """The request that the form means. Raises InvalidRequest, and ValidationError."""
        width, height = self._size(checkpoint)
        picture, seed = held_picture(self.held_picture), self.settings["seed"]
        values: dict[str, Any] = {
            **self.settings,
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "width": width,
            "height": height,
            "image": picture and picture.image,
            "mask": picture and picture.mask,
            "controls": held_controls(self.held_controls),
            "hires": self._hires() if self.hires and picture is None else None,
            "regions": held_regions(self.held_regions) if self.regions_wanted else None,
            "details": self._details() if self.details else None,
        }
        if picture is not None and picture.mask is None and self.outpaint:
            values |= {"outpaint": self._outpaint(), "strength": self.outpaint_strength, "width": None, "height": None}
        if picture is None and (self.layout_from_words or always_starts_from_sketch(checkpoint)):
            held = held_layout(self.held_layout)
            if held and not held.edited and not held.fits(self.prompt, -1 if seed is None else seed, (width, height)):
                held = None  # the words are other ones now, and nobody's work is lost
            values["layout_from_words"] = self.layout_from_words or None
            values["layout"] = held.layout if held is not None else None
            values["sketch_strength"] = self.sketch_strength
        useful = {
            name: value
            for name, value in values.items()
            if value is not None and (name not in self.settings or has_what_it_needs(SETTINGS[name], values))
        }
        return ImageRequest.model_validate(useful)

    def _outpaint(self) -> dict[str, Any]:
        return {name: getattr(self, f"outpaint_{name}") or 0 for name in (*SIDES, "seam")} | {
            "content": self.outpaint_content
        }

    def grid_axes(self) -> GridAxes | None:
        """What the grid varies; None where there is none. Axes that are left out move up. Raises InvalidRequest, and
        ValidationError."""
        given = [(getattr(self, f"grid_{name}"), getattr(self, f"grid_{name}_values")) for name in NAMES]
        axes = [{"setting": setting, "values": values} for setting, values in given if setting]
        if not axes:
            return None
        if self.count > 1:
            raise InvalidRequest(
                "A grid draws one picture for each of its values. Set Pictures to 1, or vary the seed."
            )
        return GridAxes.model_validate(dict(zip(NAMES, axes, strict=False)))

    def _hires(self) -> dict[str, Any]:
        unseen = json.loads(self.hires_others) if self.hires_others else {}
        shown = {name: getattr(self, f"hires_{name}") for name in HIRES_SHOWN}
        if unseen.get("width") or unseen.get("height"):
            del shown["scale"]
        return {**unseen, **{name: value for name, value in shown.items() if value not in (None, "")}}

    def _details(self) -> list[dict[str, Any]]:
        return details_of(
            self.details_find, self.details_prompt, self.details_strength, self.details_side, self.details_others
        )

    def _size(self, checkpoint: Checkpoint | None) -> tuple[int, int]:
        if self.shape != "custom":
            known = shapes(checkpoint)
            return known.get(self.shape, known["square"])
        if self.width is None or self.height is None:
            raise InvalidRequest("Give the picture a width and a height, or choose a shape.")
        return self.width, self.height


def of_the_checkpoint(checkpoint: Checkpoint | None) -> list[str]:
    """The values that come with it."""
    preset = None if checkpoint is None else checkpoint.override.preset
    settings = {} if preset is None else preset.settings
    return [*OF_THE_CHECKPOINT, *(["shape"] if "width" in settings else []), *(settings.keys() - OF_THE_CHECKPOINT)]


def _outpaint_values(request: ImageRequest) -> dict[str, Any]:
    if request.outpaint is None:
        return {}
    shown = {f"outpaint_{name}": getattr(request.outpaint, name) for name in (*SIDES, "seam", "content")}
    return {"outpaint": True, "outpaint_strength": request.strength, **shown}


def _hires_values(hires: HiresFix | None) -> dict[str, Any]:
    if hires is None:
        return {}
    shown = {f"hires_{name}": value for name in HIRES_SHOWN if (value := getattr(hires, name)) is not None}
    unseen = hires.model_dump(exclude=set(HIRES_SHOWN), exclude_defaults=True)
    return {"hires": True, **shown, "hires_others": json.dumps(unseen) if unseen else ""}


def _own_sketch_strength(request: ImageRequest, checkpoint: Checkpoint | None) -> float | None:
    """That of the request; None where it would be the same unasked, so that it follows what is drawn next."""
    asked = request.sketch_strength
    if asked is None or checkpoint is None or request.image is not None:
        return asked
    return None if asked == strength_of(request.model_copy(update={"sketch_strength": None}), checkpoint) else asked


def shapes(checkpoint: Checkpoint | None) -> dict[Shape, tuple[int, int]]:
    """Square, portrait and landscape in the pixels that the checkpoint was made for."""
    native = checkpoint.native_width if checkpoint else 1024
    short, long = (max(64, native * share // 16 // 8 * 8) for share in (13, 19))
    return {"square": (native, native), "portrait": (short, long), "landscape": (long, short)}


def sized(size: tuple[int, int], checkpoint: Checkpoint | None) -> tuple[Shape, int, int]:
    """The controls of the size: its shape, width and height."""
    shape: Shape = next((name for name, known in shapes(checkpoint).items() if known == size), "custom")
    return shape, *size


def form_settings(*groups: str) -> list[str]:
    """The settings of these groups by name, in their order; without groups, all of which the form keeps the values."""
    if groups:
        return [name for name, setting in SETTINGS.items() if setting.group in groups]
    return ["seed", *form_settings(*GROUPS)]


def _named(saved: str) -> dict[str, Any]:
    """What the browser kept, by name; nothing where it is of no use."""
    try:
        values = json.loads(saved or "null")
    except ValueError:
        return {}
    if isinstance(values, list) and len(values) == len(POSITIONAL):
        return dict(zip(POSITIONAL, values, strict=True))
    return values if isinstance(values, dict) else {}


def _fits(name: str, value: object) -> bool:
    try:
        _checks()[name].validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _checks() -> dict[str, TypeAdapter[Any]]:
    """What each value must be, alone: of the form's type, where it has one, and within the request's limits. Of hires
    fix and details the form has a switch under the request's name."""
    own = get_type_hints(FormValues, include_extras=True)
    mine = {name for name, kind in own.items() if kind is not bool} | set(form_settings())
    its = {name: info for name, info in ImageRequest.model_fields.items() if name in mine}
    types = own | {name: Annotated[own.get(name, info.annotation), info] for name, info in its.items()}
    return {name: TypeAdapter(kind) for name, kind in types.items()}
