"""Requests that bring pictures with them, as the APIs share them: one to start from and its mask, or one to look at."""

import asyncio
import re
from typing import Self

from pydantic import Field, model_validator

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.pictures import Picture, base64_bytes, open_picture
from illustrious_studio.domain.preprocessing import RESOLUTION
from illustrious_studio.domain.redrawing import Redraw
from illustrious_studio.domain.upscaling import UpscaleSettings
from illustrious_studio.domain.values import NonEmptyPrompt, Text, Value
from illustrious_studio.services.studio import Studio

_INPUT = re.compile(r"[0-9a-f]{64}")
_ITEM = re.compile(r"[0-9a-f]{32}")


class ImageRequestBody(ImageRequest):
    """A picture somebody wants; the picture to start from may come with it."""

    prompt: NonEmptyPrompt = Field(description="What to draw.")
    image: str | None = Field(
        None,
        description="A picture to start from, instead of a sketch: a PNG, JPEG or WebP file in base64, with or without "
        "a `data:` prefix, the id of a picture in the gallery, or `image` from the metadata of another one.",
    )
    mask: str | None = Field(
        None, description="What to redraw, in white, over the picture; given in the same ways. The rest stays."
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


async def resolve_inputs(body: ImageRequestBody, studio: Studio) -> ImageRequest:
    """The studio's own request. Raises what `store_inputs` raises."""
    fields = body.model_dump(include=set(ImageRequest.model_fields)) | await store_inputs(body, studio)
    return ImageRequest.model_validate(fields)


async def store_inputs(body: ImageRequestBody, studio: Studio) -> dict[str, str]:
    """The pictures that came with it by the names under which they are kept now.

    Raises NotAnImage, InvalidRequest, NotFound, StorageFull.
    """
    given = (("image", body.image), ("mask", body.mask))
    return {name: await _kept(text, name, studio) for name, text in given if text is not None}


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
    return await studio.inputs.keep(await asyncio.to_thread(base64_bytes, text, name))
