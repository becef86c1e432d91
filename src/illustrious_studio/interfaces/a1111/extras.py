"""What is done to a picture after it was drawn: POST /extra-single-image and /extra-batch-images, which upscale."""

import asyncio
from base64 import b64encode
from html import escape
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.metadata.infotext import text_of_upscale
from illustrious_studio.domain.pictures import base64_bytes, check_picture
from illustrious_studio.domain.upscaling import LARGEST_SIDE, MOST_TIMES, UpscaleSettings
from illustrious_studio.interfaces.a1111.common import NO_UPSCALER, ApiState, Body, StateIn, only
from illustrious_studio.interfaces.a1111.image_info import sent
from illustrious_studio.interfaces.http.sse import while_connected

router = APIRouter()

Name = Annotated[str | None, Field(max_length=500)]


class ExtrasBody(Body):
    """How pictures are upscaled. Faces are not restored here."""

    resize_mode: Literal[0, 1] | None = 0
    upscaling_resize: float | None = Field(2.0, ge=1, le=MOST_TIMES)
    upscaling_resize_w: int | None = Field(512, ge=1, le=LARGEST_SIDE)
    upscaling_resize_h: int | None = Field(512, ge=1, le=LARGEST_SIDE)
    upscaling_crop: bool | None = True
    upscaler_1: Name = None
    upscaler_2: Name = None
    extras_upscaler_2_visibility: float | None = Field(0.0, ge=0, le=1)
    gfpgan_visibility: Annotated[Any, only()] = None
    codeformer_visibility: Annotated[Any, only()] = None

    def settings(self) -> UpscaleSettings | None:
        """None where nothing is to be done."""
        if self.upscaler_1 in (None, "", NO_UPSCALER):
            return None
        size: dict[str, Any] = {"scale": self.upscaling_resize}
        if self.resize_mode == 1:
            width, height = self.upscaling_resize_w or 512, self.upscaling_resize_h or 512
            size = {"width": width, "height": height, "crop": self.upscaling_crop is not False}
        second = None if self.upscaler_2 in (None, "", NO_UPSCALER) else self.upscaler_2
        return UpscaleSettings(
            upscaler=self.upscaler_1 or "",
            upscaler_2=second,
            upscaler_2_visibility=self.extras_upscaler_2_visibility or 0.0,
            **size,
        )


class SingleBody(ExtrasBody):
    image: str | None = None


class FileData(Body):
    data: str | None = None
    name: str | None = None


class BatchBody(ExtrasBody):
    imageList: list[FileData] | None = Field(None, max_length=100)


@router.post("/extra-single-image")
async def extra_single_image(body: SingleBody, request: Request, state: StateIn) -> Response:
    """Closing the connection cancels it. Every picture is kept in the gallery."""
    files = [base64_bytes(sent(body.image, "image"), "image")]
    images, info = await while_connected(request, _done(files, body, state))
    return JSONResponse({"html_info": info, "image": images[0]})


@router.post("/extra-batch-images")
async def extra_batch_images(body: BatchBody, request: Request, state: StateIn) -> Response:
    """The same for several, one after the other."""
    if not body.imageList:
        raise NotFound("imageList: no picture came. Send PNG, JPEG or WebP files in base64.")
    files = [base64_bytes(sent(one.data, "imageList"), "imageList") for one in body.imageList]
    images, info = await while_connected(request, _done(files, body, state))
    return JSONResponse({"html_info": info, "images": images})


async def _done(files: list[bytes], body: ExtrasBody, state: ApiState) -> tuple[list[str], str]:
    """The pictures in base64, and what was done to the last of them."""
    settings = body.settings()
    if settings is None:
        for file in files:
            await asyncio.to_thread(check_picture, file)
        return [b64encode(file).decode("ascii") for file in files], _html("")
    with state.tasks.open(None) as task:
        async with state.studio.jobs.waited_for(task.jobs, stay=False):
            for file in files:
                task.jobs.append(await state.studio.upscaling.start(file, settings, Origin(way="api"), stay=False))
            items = await state.tasks.finished(task)
    record = items[-1].metadata.upscale
    assert record is not None
    return [await _base64(item, state) for item in items], _html(text_of_upscale(record))


async def _base64(item: GalleryItem, state: ApiState) -> str:
    data = await state.studio.gallery.file(item.id, state.options.kind, state.options.quality)
    return (await asyncio.to_thread(b64encode, data)).decode("ascii")


def _html(text: str) -> str:
    """As A1111's page shows a text."""
    return f"<p>{escape(text)}</p>"
