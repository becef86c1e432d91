"""Requests that bring pictures with them, as the APIs share them: one to start from and its mask, or one to look at."""

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from illustrious_studio.domain.controls import MOST_CONTROLS, Control
from illustrious_studio.domain.details import MOST_DETAILS, Detail
from illustrious_studio.domain.errors import NotAnImage
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.pictures import Picture, base64_bytes, open_picture
from illustrious_studio.domain.preprocessing import RESOLUTION
from illustrious_studio.domain.redrawing import Redraw
from illustrious_studio.domain.regions import MOST_REGIONS, Region
from illustrious_studio.domain.upscaling import UpscaleSettings
from illustrious_studio.domain.values import NonEmptyPrompt, Text, Value, as_tuple
from illustrious_studio.services.studio import Studio

_INPUT = re.compile(r"[0-9a-f]{64}")
_ITEM = re.compile(r"[0-9a-f]{32}")


GIVEN = (
    "a PNG, JPEG or WebP file in base64, with or without a `data:` prefix, the id of a picture in the gallery, or "
    "`image` from the metadata of another one"
)
"""In which ways a picture comes with a request."""


class ControlBody(Control):
    """A picture that steers a drawing; it may come with it."""

    image: str | None = Field(None, description=f"The picture: {GIVEN}. Left out: what the drawing starts from.")


class RegionBody(Region):
    """A part of the picture and its words; its mask may come with it."""

    mask: str | None = Field(
        None,
        description="A picture in the same ways as `image`, brought to the drawing's size: the region is its white.",
    )


class DetailBody(Detail):
    """One kind of regions; a painted one may come with it."""

    mask: str | None = Field(
        None,
        description="A painted region, in white, over the whole picture: a PNG, JPEG or WebP file in base64, or an id "
        "as for `image`.",
    )


class ImageRequestBody(ImageRequest):
    """A picture somebody wants; the pictures that it starts from or is steered by may come with it."""

    prompt: NonEmptyPrompt = Field(description="What to draw.")
    image: str | None = Field(
        None,
        description=f"A picture to start from, instead of a sketch: {GIVEN}.",
    )
    mask: str | None = Field(
        None, description="What to redraw, in white, over the picture; given in the same ways. The rest stays."
    )
    controls: Annotated[tuple[ControlBody, ...], BeforeValidator(as_tuple)] = Field(
        (), max_length=MOST_CONTROLS, description=ImageRequest.model_fields["controls"].description
    )
    regions: Annotated[tuple[RegionBody, ...], BeforeValidator(as_tuple)] = Field(
        (), max_length=MOST_REGIONS, description="Parts of the picture with words of their own: boxes, or masks."
    )
    details: Annotated[tuple[DetailBody, ...], BeforeValidator(as_tuple)] = Field(
        (), max_length=MOST_DETAILS, description=ImageRequest.model_fields["details"].description
    )


class OnePicture(Value):
    """A picture, from the gallery or as it is."""

    image_id: str | None = Field(None, description="Id of a picture in the gallery; or give image_base64.")
    image_base64: str | None = Field(None, description="A PNG, JPEG or WebP file in base64; or give image_id.")

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        if (self.image_id is None) == (self.image_base64 is None):
            raise ValueError("must name one picture: image_id or image_base64")
        return self

    async def file(self, studio: Studio) -> bytes:
        """The picture's file. Raises NotAnImage and NotFound."""
        if self.image_id is not None:
            return await studio.gallery.png(self.image_id)
        assert self.image_base64 is not None
        return await asyncio.to_thread(base64_bytes, self.image_base64, "image_base64")


class PreprocessBody(Value):
    """A picture, and which preprocessor makes a map of it."""

    image: str = Field(
        description="A PNG, JPEG or WebP file in base64, with or without a `data:` prefix, the id of a picture in the "
        "gallery, or `image` from the metadata of another one."
    )
    preprocessor: Text = Field(
        max_length=100, description="By its name in GET /preprocessors, or by sd-webui-controlnet's."
    )
    resolution: int | None = Field(
        None,
        ge=RESOLUTION.minimum,
        le=RESOLUTION.maximum,
        description="Pixels of the shorter side in which it works; left out: the picture's own.",
    )
    threshold_a: float | None = Field(None, description="Its first number; left out: its usual one.")
    threshold_b: float | None = Field(None, description="Its second one.")

    async def map(self, studio: Studio) -> Picture:
        """Raises what `PreprocessingService.run` raises, and NotAnImage."""
        file = await _file(self.image, "image", studio)
        return await studio.preprocessing.run(
            self.preprocessor,
            (await asyncio.to_thread(open_picture, file)).picture,
            resolution=self.resolution,
            threshold_a=self.threshold_a,
            threshold_b=self.threshold_b,
        )


class UpscaleBody(OnePicture, UpscaleSettings):
    """A picture, from the gallery or as it is, and how much larger it becomes: twice where nothing is said."""

    redraw: Redraw | None = Field(
        None, description="Draw the larger picture over, tile by tile, with the settings of its record."
    )

    @property
    def settings(self) -> UpscaleSettings:
        return UpscaleSettings.model_validate(self.model_dump(include=set(UpscaleSettings.model_fields)))

    async def picture(self, studio: Studio) -> str | bytes:
        """The id of the gallery's, or the file."""
        return self.image_id or await self.file(studio)


class DetailRequest(OnePicture):
    """A picture, from the gallery or as it is, and what of it is drawn again."""

    details: Annotated[tuple[DetailBody, ...], BeforeValidator(as_tuple)] = Field(
        (),
        max_length=MOST_DETAILS,
        description="One kind of regions after the other. Left out: faces, by the layout that the picture was drawn "
        "from, or else by a detector.",
    )

    async def request(self, studio: Studio) -> ImageRequest:
        """What draws it. Raises what `DetailService.request` raises."""
        picture = self.image_id or await self.file(studio)
        return await studio.details.request(picture, await kept_details(self.details, studio))


async def resolve_inputs(body: ImageRequestBody, studio: Studio) -> ImageRequest:
    """The studio's own request. Raises what `store_inputs` raises."""
    fields = body.model_dump(include=set(ImageRequest.model_fields)) | await store_inputs(body, studio)
    return ImageRequest.model_validate(fields)


async def store_inputs(body: ImageRequestBody, studio: Studio) -> dict[str, Any]:
    """The fields of the pictures that came with it, by the names under which these are kept now.

    Raises NotAnImage, InvalidRequest, NotFound, StorageFull.
    """
    given = (("image", body.image), ("mask", body.mask))
    stored: dict[str, Any] = {name: await _kept(text, name, studio) for name, text in given if text is not None}
    for name, picture in (("controls", "image"), ("regions", "mask")):
        if any(getattr(one, picture) is not None for one in getattr(body, name)):
            stored[name] = [one.model_dump() for one in getattr(body, name)]
            for number, one in enumerate(stored[name]):
                if one[picture] is not None:
                    one[picture] = await _kept(one[picture], f"{name}.{number}.{picture}", studio)
    if body.details:
        stored["details"] = await kept_details(body.details, studio)
    return stored


async def kept_details(details: Sequence[DetailBody], studio: Studio) -> tuple[Detail, ...]:
    """The details, with the masks that came with them kept. Raises what `store_inputs` raises."""
    found: list[Detail] = []
    for number, detail in enumerate(details):
        fields = detail.model_dump(include=detail.model_fields_set)
        if detail.mask is not None:
            fields["mask"] = await _kept(detail.mask, f"details.{number}.mask", studio)
        found.append(Detail.model_validate(fields))
    return tuple(found)


async def _file(text: str, name: str, studio: Studio) -> bytes:
    if _INPUT.fullmatch(text):
        return await studio.inputs.file(text)
    if _ITEM.fullmatch(text):
        return await studio.gallery.png(text)
    return await asyncio.to_thread(base64_bytes, text, name)


async def _kept(text: str, name: str, studio: Studio) -> str:
    if _INPUT.fullmatch(text):
        return text
    if _ITEM.fullmatch(text):
        return await studio.inputs.keep_from_gallery(text)
    data = await asyncio.to_thread(base64_bytes, text, name)
    try:
        return await studio.inputs.keep(data)
    except NotAnImage as error:
        raise NotAnImage(f"{name}: {error.detail}") from error
