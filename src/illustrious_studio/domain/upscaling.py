"""Upscaling: what makes a picture larger, how much larger, and the port that finds upscalers.

As in A1111's extras: a network makes a picture larger by its own scale, again where that is not enough, and Lanczos's
filter brings it to the wanted size. Sizes by a scale are rounded down to multiples of 8 as there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Protocol

from PIL import Image
from pydantic import Field, ValidationInfo, field_validator

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.inputs import InputId, filled
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.pictures import (
    MAX_PIXELS,
    Picture,
    opacity_in,
    open_image,
    open_rgba,
    size_of_picture,
)
from illustrious_studio.domain.values import Text, Value

LANCZOS = "Lanczos"
BUILTIN_UPSCALER = "Real-ESRGAN anime"
BUILTIN_IN_A1111 = "R-ESRGAN AnimeVideo"
"""What A1111 calls the same network."""
MOST_TIMES = 8
"""As wide and high at most, as in A1111's extras."""
USUAL_SCALE = 2.0
LARGEST_SIDE = 16_384
"""Pixels."""
GRAIN = 8
MOST_PASSES = 3
"""How often a network is run, as in A1111: 64 times larger by one of 4x, and Lanczos does the rest."""

Size = tuple[int, int]


class Upscaler(Value):
    """What makes a picture larger."""

    name: str
    scale: int = Field(1, description="How much larger the network makes a picture in one run.")
    architecture: str = Field("", description="RRDBNet (ESRGAN) or SRVGGNetCompact; empty: no network.")
    builtin: bool = False
    size_bytes: int = 0


class UpscalerFile(Upscaler):
    """A network in a file."""

    path: Path


LANCZOS_FILTER = Upscaler(name=LANCZOS, builtin=True)
"""Every picture's size is reached by it; alone it is an upscaler, too."""


def not_beside_a_scale(side: int | None, known: ValidationInfo) -> int | None:
    """A validator of a side whose model has a `scale` before it."""
    if side is not None and known.data.get("scale") is not None:
        raise ValueError("cannot be used with scale: give a scale or a size, not both")
    return side


class UpscaleSettings(Value):
    """How much larger, and by what. A scale, or a size: twice as large where nothing is said."""

    scale: float | None = Field(None, ge=1, le=MOST_TIMES, description="How many times as wide and high; 2 by default.")
    width: int | None = Field(None, ge=1, le=LARGEST_SIDE, description="Pixels, instead of a scale; height follows.")
    height: int | None = Field(None, ge=1, le=LARGEST_SIDE, description="Pixels, instead of a scale; width follows.")
    crop: bool = Field(
        True, description="Where both sides are given: cut to their shape around the middle, else only filled by it."
    )
    upscaler: Text = Field(BUILTIN_UPSCALER, max_length=500, description="Which one, by its name in GET /upscalers.")
    upscaler_2: Text | None = Field(None, max_length=500, description="Another one, whose result is mixed in.")
    upscaler_2_visibility: float = Field(0.0, ge=0, le=1, description="How much of the second one's is seen.")

    _a_scale_or_a_size = field_validator("width", "height")(not_beside_a_scale)

    def sizes(self, picture: Size) -> tuple[Size, Size]:
        """To what a picture of that size is scaled, and how much of its middle is kept. Raises InvalidRequest."""
        scaled, kept = self._sizes(picture)
        if scaled[0] * scaled[1] > MAX_PIXELS:
            raise InvalidRequest(
                f"The picture would become {scaled[0]} x {scaled[1]}. The studio makes and opens pictures of at most "
                f"{MAX_PIXELS // 1_000_000} megapixels: choose a smaller scale or size."
            )
        return scaled, kept

    def _sizes(self, picture: Size) -> tuple[Size, Size]:
        width, height = picture
        if self.width is None and self.height is None:
            scale = USUAL_SCALE if self.scale is None else self.scale
            size = _rounded(width * scale), _rounded(height * scale)
            return size, size
        if self.width is None or self.height is None:
            size = (
                self.width or max(1, round(width * (self.height or 1) / height)),
                self.height or max(1, round(height * (self.width or 1) / width)),
            )
            return size, size
        scale = max(self.width / width, self.height / height)
        if not self.crop:
            size = _rounded(width * scale), _rounded(height * scale)
            return size, size
        # Not rounded: A1111 leaves a black border where its rounded size falls short of the one asked for.
        covering = max(self.width, round(width * scale)), max(self.height, round(height * scale))
        return covering, (self.width, self.height)


class UpscaleRequest(UpscaleSettings):
    """The same for one picture: nothing is left open, so that it can be done again after a restart."""

    image: InputId = Field(description="The picture, as it was kept.")


def _rounded(side: float) -> int:
    """Down to a multiple of 8, as A1111 does; what floating point took from a whole number is given back."""
    return max(GRAIN, int(side + 1e-6) // GRAIN * GRAIN)


def passes_needed(picture: Size, wanted: Size, scale: int) -> int:
    """How often a network of that scale is run: at least once, until both sides are long enough."""
    passes, grown = 1, scale
    while scale > 1 and passes < MOST_PASSES and (picture[0] * grown < wanted[0] or picture[1] * grown < wanted[1]):
        passes, grown = passes + 1, grown * scale
    return passes


def without_transparency(file: bytes) -> Picture:
    """A file's colours. Where nothing of it is seen they are those around: what lies there else is seen at the edges of
    the larger picture."""
    opacity = opacity_in(file)
    if opacity is None:
        return Picture.from_image(open_image(file))
    unseen = opacity.point(lambda value: 255 if value == 0 else 0)
    return Picture.from_image(filled(open_rgba(file).convert("RGB"), unseen))


def by_lanczos(picture: Picture, size: Size) -> "Upscaled":
    """By the filter alone."""
    started = perf_counter()
    larger = Picture.from_image(picture.image().resize(size, Image.Resampling.LANCZOS))
    return Upscaled(larger, "cpu", "uint8", perf_counter() - started)


def put_together(
    file: bytes, request: UpscaleSettings, upscaled: "Upscaled", second: "Upscaled | None" = None
) -> Image.Image:
    """The picture as it is kept: the second one mixed in, as transparent as the file's, cut to its size."""
    size, kept = request.sizes(size_of_picture(file))
    image = upscaled.picture.image()
    if second is not None:
        image = Image.blend(image, second.picture.image(), request.upscaler_2_visibility)
    if (opacity := opacity_in(file)) is not None:
        image.putalpha(opacity.resize(size, Image.Resampling.LANCZOS))
    left, top = (size[0] - kept[0]) // 2, (size[1] - kept[1]) // 2
    return image if size == kept else image.crop((left, top, left + kept[0], top + kept[1]))


@dataclass(frozen=True)
class UpscalePlan:
    """What an engine carries out: a picture, a network, and the size to come to. In tiles of `tile` x `tile` pixels of
    the picture that overlap by `overlap`; 0: whole."""

    picture: Picture
    network: Path
    width: int
    height: int
    tile: int
    overlap: int


@dataclass(frozen=True)
class Upscaled:
    """What an engine answers: the pixels, and how they were made."""

    picture: Picture
    device: str
    dtype: str
    seconds: float
    attempts: tuple[str, ...] = ()
    """What was tried for lack of memory or for bad numbers, in order; empty when the first attempt worked."""


class UpscaleRecord(Value):
    """How a picture became larger than it was drawn. What it was made of is the request's picture."""

    request: UpscaleRequest
    from_width: int
    from_height: int
    device: str = ""
    dtype: str = ""
    seconds: float = 0.0
    attempts: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """By the keys of A1111's text for what was done to a picture after it was drawn."""
        asked = self.request
        if asked.scale is not None:
            said = {"Postprocess upscale by": f"{asked.scale:g}"}
        else:
            size = f"{asked.width}x{asked.height}"
            said = {"Postprocess upscale to": size} | ({"Postprocess crop to": size} if asked.crop else {})
        said["Postprocess upscaler"] = asked.upscaler
        return said | ({"Postprocess upscaler 2": asked.upscaler_2} if asked.upscaler_2 is not None else {})


class UpscalerCatalogue(Protocol):
    """The networks that there are. Names from outside are looked up in it."""

    async def list(self) -> list[UpscalerFile]:
        """The built-in one first, then the user's, by their headers alone."""
        ...

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among the files and is not offered."""
        ...
