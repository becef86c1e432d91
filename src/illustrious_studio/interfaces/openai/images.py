"""POST /v1/images/generations: pictures by their words, whole or with previews on the way; and their files."""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field, ValidationError, model_validator

from illustrious_studio.domain.encoding import FileKind, to_file
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import SETTINGS, ImageRequest, Origin
from illustrious_studio.domain.pictures import open_image
from illustrious_studio.domain.values import NonEmptyPrompt, Text
from illustrious_studio.interfaces.http.errors import sentences
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import EventStream, Frame, Sent, while_connected
from illustrious_studio.interfaces.openai.common import Body, NotHad, StudioIn, failed
from illustrious_studio.services.studio import Studio

router = APIRouter()

MOST_PICTURES = 10
OPENAIS = frozenset(
    ("dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "chatgpt-image-latest")
)
"""Models of OpenAI's. Clients send one where a person chose none: they mean the checkpoint in use."""
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_OTHER_NAMES = {
    *(theirs for setting in SETTINGS.values() for theirs in (*setting.a1111, *setting.aliases)),
    *("step", "batch_size"),
}
"""What other servers call what the studio has, or has not: dropped without a word, they would change the picture."""


class ImagesBody(Body):
    """OpenAI's fields; beside them those of the studio's own request (`steps`, `seed`, `negative_prompt`, ...)."""

    model_config = ConfigDict(extra="allow")

    prompt: NonEmptyPrompt
    model: Text | None = None
    n: int | None = Field(None, ge=1, le=MOST_PICTURES)
    size: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    output_format: FileKind | None = None
    output_compression: int | None = Field(None, ge=0, le=100)
    background: Literal["auto", "opaque"] | None = None
    quality: Literal["auto", "low", "medium", "high", "standard", "hd"] | None = None
    style: Literal["vivid", "natural"] | None = None
    stream: bool | None = None
    partial_images: int | None = Field(None, ge=0, le=3)
    input_fidelity: Literal["low"] | None = None
    enhance: bool = False
    complexity: NotHad = None
    frame_count: NotHad = None
    frame_duration_ms: NotHad = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if unknown := _OTHER_NAMES & set(self.model_extra or ()) - set(ImageRequest.model_fields):
            raise ValueError(f"has {min(unknown)}, which is not known here; /docs has the names of the studio's fields")
        if self.stream and (self.n or 1) > 1:
            raise ValueError("must have n = 1 with stream: the events do not say which picture they are about")
        if self.output_compression not in (None, 100) and self.output_format in (None, "png"):
            raise ValueError("must have output_format jpeg or webp with output_compression")
        return self

    @property
    def kind(self) -> FileKind:
        return self.output_format or "png"

    @property
    def file_quality(self) -> int:
        return 100 if self.output_compression is None else max(1, self.output_compression)

    async def order(self, studio: Studio) -> "Order":
        """What to draw. Raises NotFound (no such checkpoint) and InvalidRequest."""
        checkpoint = await studio.models.checkpoint_named("" if self.model in OPENAIS else self.model or "")
        enhanced = await studio.prompts.enhance(self.prompt) if self.enhance else None
        own = {name: value for name, value in (self.model_extra or {}).items() if name in ImageRequest.model_fields}
        if own.get("steps") == 0:  # a field that was left empty
            del own["steps"]
        asked = studio.images.suggested(enhanced.prompt if enhanced else self.prompt, checkpoint).model_dump()
        if "sampler" in own:
            del asked["schedule"]  # that was for the sampler of the checkpoint's preset
        try:
            request = ImageRequest.model_validate(asked | own | self._pixels())
        except ValidationError as error:
            raise InvalidRequest(sentences(error.errors())) from None
        revised = enhanced.prompt if enhanced and enhanced.changed else None
        return Order(request, Origin(way="api", words=self.prompt), checkpoint.name, revised)

    def _pixels(self) -> dict[str, int]:
        if self.size in (None, "auto"):
            return {}
        found = _SIZE.fullmatch(self.size or "")
        if not found:
            raise InvalidRequest("size: must be auto, or width x height in pixels, such as 1024x1024")
        return {"width": int(found[1]), "height": int(found[2])}


@dataclass(frozen=True)
class Order:
    """A picture to draw; `revised` is its prompt when the language model changed it."""

    request: ImageRequest
    origin: Origin
    checkpoint: str
    revised: str | None

    def revision(self) -> dict[str, object]:
        return {} if self.revised is None else {"revised_prompt": self.revised}


@router.post("/images/generations")
async def generate_images(body: ImagesBody, request: Request, studio: StudioIn) -> Response:
    """Closing the connection cancels what is not drawn yet. Every picture is kept in the gallery."""
    return await drawn(body, request, studio, "image_generation")


async def drawn(body: ImagesBody, request: Request, studio: Studio, events: str) -> Response:
    """The answer with the pictures; where it streams, its events are called `events` and what they are of."""
    if body.stream:
        return await EventStream.open(_events(body, request, studio, events), failed=failed)
    return JSONResponse(await while_connected(request, _pictures(body, request, studio)))


@router.get("/images/{item_id}.{kind}")
async def read_image(
    item_id: str, kind: FileKind, studio: StudioIn, quality: Annotated[int, Query(ge=1, le=100)] = 100
) -> Response:
    """Where the addresses in answers lead."""
    data = await studio.gallery.file(item_id, kind, quality)
    return Response(data, media_type=f"image/{kind}", headers={"cache-control": "private, max-age=31536000, immutable"})


async def _pictures(body: ImagesBody, request: Request, studio: Studio) -> dict[str, object]:
    order = await body.order(studio)
    items = await studio.images.generate_images(
        order.request, body.n or 1, order.origin, order.checkpoint, once=once_of(request, body)
    )
    data = [
        {**await _file(body, request, studio, item), **order.revision(), "seed": item.metadata.request.seed}
        for item in items
    ]
    return {"created": int(time.time()), "data": data, **_how(body), "size": _size(items[0])}


async def _file(body: ImagesBody, request: Request, studio: Studio, item: GalleryItem) -> dict[str, object]:
    if body.response_format == "url":
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
        better = "" if body.kind == "png" else f"?quality={body.file_quality}"
        return {"url": f"{base}/images/{item.id}.{body.kind}{better}"}
    return {"b64_json": await _base64(await studio.gallery.file(item.id, body.kind, body.file_quality))}


async def _events(body: ImagesBody, request: Request, studio: Studio, name: str) -> AsyncGenerator[Sent, None]:
    """Previews evenly over the steps, as many as are wanted and there are; then the picture."""
    order, once = await body.order(studio), once_of(request, body)
    wanted, shown, last = body.partial_images or 0, 0, None
    drawing = studio.images.follow_image(order.request, order.origin, order.checkpoint, once=once)
    async with aclosing(drawing) as changes:
        async for change in changes:
            if isinstance(change, GalleryItem):
                picture = await studio.gallery.file(change.id, body.kind, body.file_quality)
                more: dict[str, object] = {**order.revision(), "usage": _NOTHING_COUNTED, "size": _size(change)}
                yield await _event(f"{name}.completed", body, picture, more)
                continue
            due = shown < wanted and change.step * (wanted + 1) >= change.steps * (shown + 1)
            if due and change.preview and change.preview is not last:
                last, size = change.preview, f"{change.job.request.width}x{change.job.request.height}"
                preview = await asyncio.to_thread(_converted, last, body.kind)
                more = {"partial_image_index": shown, "size": size}
                yield await _event(f"{name}.partial_image", body, preview, more)
                shown += 1


_NOTHING_COUNTED = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
}
"""Pictures are not drawn in tokens here, but strict clients want the field."""


async def _event(name: str, body: ImagesBody, picture: bytes, more: dict[str, object]) -> Frame:
    made = {"b64_json": await _base64(picture), "created_at": int(time.time())}
    return Frame(name, {"type": name, **made, **_how(body), **more})


def _how(body: ImagesBody) -> dict[str, object]:
    return {"background": "opaque", "output_format": body.kind, "quality": "auto"}


def _size(item: GalleryItem) -> str:
    return f"{item.metadata.width}x{item.metadata.height}"


def _converted(preview: bytes, kind: FileKind) -> bytes:
    return preview if kind == "jpeg" else to_file(open_image(preview), kind)


async def _base64(data: bytes) -> str:
    return (await asyncio.to_thread(b64encode, data)).decode("ascii")
