"""Preprocessors: what makes of a picture the map that a control model reads (its edges, its depth, a pose), and the
port of what computes it.

Names, numbers and their ranges are those of sd-webui-controlnet, so that settings and habits from there hold; what it
calls a module is `module` here. None of them downloads anything: depth and poses are found by a network in a file that
the user has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import Field

from illustrious_studio.domain.controls import NO_PREPROCESSOR, UnionType
from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.pictures import MAX_PIXELS, Picture
from illustrious_studio.domain.values import Value

Size = tuple[int, int]

Network = Literal["depth", "pose"]
"""What only a network finds."""

MapKind = Literal["lines", "areas", "colours", "smooth"]
"""How a map comes to another size: white lines that stay as thin, black and white areas with sharp edges, single
colours that do not mix, or shades."""


class Parameter(Value):
    """A number of a preprocessor, as sd-webui-controlnet's slider for it."""

    label: str
    minimum: float
    maximum: float
    default: float
    step: float

    def checked(self, value: float | None, field: str) -> float:
        """The number, or where there is none the usual one. Raises InvalidRequest outside of its range."""
        if value is None:
            return self.default
        if not self.minimum <= value <= self.maximum:
            raise InvalidRequest(
                f"{field}: must be from {self.minimum:g} to {self.maximum:g} ({self.label}), and it is {value:g}"
            )
        return value

    def within(self, value: float | None) -> float:
        """The number, or where it is outside of its range (-1 says so on purpose) the usual one."""
        return value if value is not None and self.minimum <= value <= self.maximum else self.default


RESOLUTION = Parameter(label="Resolution", minimum=64, maximum=2048, default=512, step=8)
"""Pixels of the shorter side. The usual 512 is what sd-webui-controlnet takes; here it is the picture's own size."""


@dataclass(frozen=True)
class Numbers:
    """What a preprocessor works with. `resolution`: pixels of the shorter side; None: those of the picture. A number
    that it does not take is 0."""

    resolution: int | None = None
    threshold_a: float = 0.0
    threshold_b: float = 0.0


class Preprocessor(Value):
    """What makes a map of a picture."""

    name: str
    label: str = Field(description="What a page calls it.")
    about: str = Field(description="What the map shows.")
    module: str = Field(description="What sd-webui-controlnet calls it; the same name where it has none.")
    module_label: str = Field(description="What its page calls it.")
    aliases: tuple[str, ...] = Field((), description="Further modules of it that mean the same here.")
    control_types: tuple[str, ...] = Field((), description="For which of its control types it is.")
    union_type: UnionType | None = Field(None, description="What a ControlNet-Union is told that the map shows.")
    resolution: Parameter | None = Field(None, description="Pixels of the shorter side in which it works.")
    threshold_a: Parameter | None = None
    threshold_b: Parameter | None = None
    network: Network | None = Field(None, description="The network that it needs, in a file of the user's.")
    map: MapKind = Field("smooth", description="How the map comes to another size.")

    def numbers(
        self, resolution: int | None = None, threshold_a: float | None = None, threshold_b: float | None = None
    ) -> Numbers:
        """What it works with. Raises InvalidRequest, naming the field, for a number outside of its range, and for one
        that would have no effect. A resolution has none where it works pixel by pixel, and is let pass."""
        if self.resolution is None:
            resolution = None
        elif resolution is not None:
            resolution = int(self.resolution.checked(resolution, "resolution"))
        return Numbers(
            resolution,
            self._checked(self.threshold_a, threshold_a, "threshold_a"),
            self._checked(self.threshold_b, threshold_b, "threshold_b"),
        )

    def numbers_of_a1111(
        self, resolution: float | None, threshold_a: float | None, threshold_b: float | None
    ) -> Numbers:
        """The same of what sd-webui-controlnet's clients send, as it reads that: each with all three, and what is
        outside of a range means the usual number."""
        a, b = self.threshold_a, self.threshold_b
        return Numbers(
            None if self.resolution is None else int(self.resolution.within(resolution)),
            0.0 if a is None else a.within(threshold_a),
            0.0 if b is None else b.within(threshold_b),
        )

    def working_size(self, picture: Size, numbers: Numbers) -> Size:
        """Width and height in which it makes the map of a picture of that size: where no resolution is said, the
        picture's own, with at most 2048 pixels to the shorter side.

        Raises InvalidRequest where that would be a picture too large to open.
        """
        if self.resolution is None:
            return picture
        shorter = min(numbers.resolution or min(picture), int(self.resolution.maximum))
        width, height = (max(1, round(side * shorter / min(picture))) for side in picture)
        if width * height > MAX_PIXELS:
            raise InvalidRequest(
                f"resolution: this picture would become {width} x {height}, more than {MAX_PIXELS // 1_000_000} "
                "megapixels; choose a smaller one"
            )
        return width, height

    def _checked(self, parameter: Parameter | None, value: float | None, field: str) -> float:
        if parameter is not None:
            return parameter.checked(value, field)
        if value is not None:
            raise InvalidRequest(f"{field}: the preprocessor {self.name} takes no such number; leave it out")
        return 0.0


class Annotator(Protocol):
    """Computes maps. Named as the part of ControlNet that does it."""

    async def detect(self, preprocessor: Preprocessor, picture: Picture, numbers: Numbers) -> Picture:
        """The map, in the preprocessor's `working_size` of the picture.

        Raises InvalidRequest where the picture shows nothing of what is looked for, NotFound where the network's file
        is not there, and Unavailable where it cannot be used.
        """
        ...

    async def resized(self, map: Picture, kind: MapKind, size: Size) -> Picture:
        """A map in another size."""
        ...

    async def missing(self) -> Mapping[Network, str]:
        """For each network that is not there, which file goes where, in a sentence."""
        ...


def _gamma(name: str, label: str, about: str) -> Preprocessor:
    gamma = Parameter(label="Gamma Correction", minimum=0.1, maximum=2, default=1, step=0.001)
    return Preprocessor(
        name=name, label=label, about=about, module=name, module_label=name, control_types=("Recolor",),
        threshold_a=gamma,
    )  # fmt: skip


def _pose(name: str, label: str, about: str, *aliases: str) -> Preprocessor:
    return Preprocessor(
        name=name, label=label, about=about, module=name, module_label=name, aliases=aliases,
        control_types=("OpenPose",), union_type="openpose", resolution=RESOLUTION, network="pose",
        map="colours",
    )  # fmt: skip


NOTHING = Preprocessor(
    name=NO_PREPROCESSOR,
    label="None",
    about="The picture as it is.",
    module="none",
    module_label="none",
)

PREPROCESSORS: dict[str, Preprocessor] = {
    one.name: one
    for one in (
        NOTHING,
        Preprocessor(
            name="canny", label="Canny", about="Hard edges, one pixel wide.",
            module="canny", module_label="canny", control_types=("Canny",), union_type="canny",
            resolution=RESOLUTION, map="lines",
            threshold_a=Parameter(label="Low Threshold", minimum=1, maximum=255, default=100, step=1),
            threshold_b=Parameter(label="High Threshold", minimum=1, maximum=255, default=200, step=1),
        ),
        Preprocessor(
            name="lineart", label="Line art", about="The dark lines of a drawing, white on black.",
            module="lineart_standard", module_label="lineart_standard (from white bg & black line)",
            control_types=("Lineart",), union_type="canny", resolution=RESOLUTION,
        ),
        Preprocessor(
            name="softedge", label="Soft edge", about="Outlines, the stronger the whiter; texture is left out.",
            module="softedge", module_label="softedge", control_types=("SoftEdge",),
            union_type="softedge", resolution=RESOLUTION,
        ),
        Preprocessor(
            name="scribble", label="Scribble", about="Broad strokes along dark lines and edges.",
            module="scribble_xdog", module_label="scribble_xdog", control_types=("Scribble", "SparseCtrl"),
            union_type="softedge", resolution=RESOLUTION, map="areas",
            threshold_a=Parameter(label="XDoG Threshold", minimum=1, maximum=64, default=32, step=0.01),
        ),
        Preprocessor(
            name="invert", label="Invert", about="The negative: black lines on white become white on black.",
            module="invert", module_label="invert (from white bg & black line)",
            control_types=("Canny", "Lineart", "Scribble", "MLSD"), union_type="canny",
        ),
        Preprocessor(
            name="threshold", label="Threshold", about="White where the picture is brighter than the threshold.",
            module="threshold", module_label="threshold", resolution=RESOLUTION, map="areas",
            threshold_a=Parameter(label="Binarization Threshold", minimum=0, maximum=255, default=127, step=0.01),
        ),
        Preprocessor(
            name="tile", label="Tile", about="The picture without its fine detail, to be drawn anew.",
            module="tile_resample", module_label="tile_resample", control_types=("Tile",), union_type="tile",
            threshold_a=Parameter(label="Down Sampling Rate", minimum=1, maximum=8, default=1, step=0.01),
        ),
        Preprocessor(
            name="blur", label="Blur", about="The picture, blurred.",
            module="blur_gaussian", module_label="blur_gaussian", control_types=("Tile",), union_type="tile",
            resolution=RESOLUTION,
            threshold_a=Parameter(label="Sigma", minimum=0.01, maximum=64, default=9, step=0.01),
        ),
        _gamma("recolor_luminance", "Recolor, luminance", "How light each place is to the eye (Lab's L), as grey."),
        _gamma("recolor_intensity", "Recolor, intensity", "The strongest of red, green and blue (HSV's V), as grey."),
        Preprocessor(
            name="shuffle", label="Shuffle", about="The picture's colours and patterns, without its arrangement.",
            module="shuffle", module_label="shuffle", control_types=("Shuffle",), resolution=RESOLUTION,
        ),
        Preprocessor(
            name="depth", label="Depth", about="How near each place is: what is white is nearest.",
            module="depth", module_label="depth_midas",
            aliases=("depth_anything", "depth_anything_v2", "depth_zoe"), control_types=("Depth",),
            union_type="depth", resolution=RESOLUTION, network="depth",
        ),
        _pose("openpose", "Pose", "Bodies as OpenPose draws them."),
        _pose("openpose_face", "Pose and face", "Bodies and the points of faces."),
        _pose("openpose_faceonly", "Face points", "The points of faces alone."),
        _pose("openpose_hand", "Pose and hands", "Bodies and hands."),
        _pose("openpose_full", "Pose, face and hands", "Bodies, faces and hands.", "dw_openpose_full"),
    )
}  # fmt: skip
"""In the order in which they are shown."""

NEAREST: dict[str, str] = {
    "softedge_": "softedge", "hed": "softedge", "pidinet": "softedge", "scribble_": "scribble", "lineart": "lineart",
    "mlsd": "canny", "depth": "depth", "normal": "depth", "animal_openpose": "openpose", "tile_colorfix": "tile",
}  # fmt: skip
"""What is nearest to modules that need a network which does not come with the studio, by how their names begin."""


def preprocessor_named(name: str) -> Preprocessor:
    """By the studio's name or by one of sd-webui-controlnet's, in any case. Raises NotFound, which lists them."""
    wanted = name.strip().casefold()
    for one in PREPROCESSORS.values():
        if wanted in (one.name, one.module, one.module_label.casefold(), *one.aliases):
            return one
    near = next((near for start, near in NEAREST.items() if wanted.startswith(start)), "")
    hint = f" The nearest to it is {near}." if near else ""
    raise NotFound(f"There is no preprocessor {name[:100]!r}.{hint} There are: {', '.join(PREPROCESSORS)}.")
