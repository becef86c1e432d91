"""Drawing and looking: POST /generate-image, /prompts/enhance and /analyze-image."""

import asyncio
import binascii
import re
from base64 import b64decode, b64encode
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from illustrious_studio.domain.errors import NotAnImage
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageMetadata, ImageRequest, Origin
from illustrious_studio.domain.pictures import OpenedPicture, open_picture
from illustrious_studio.domain.values import SpokenPrompt, Value
from illustrious_studio.domain.vision import DEFAULT_QUESTION
from illustrious_studio.interfaces.rest.common import StudioIn, errors, image_link
from illustrious_studio.interfaces.rest.streams import while_connected
from illustrious_studio.services.studio import Studio

router = APIRouter(tags=["Pictures"])

MOST_AT_ONCE = 32
_INPUT = re.compile(r"[0-9a-f]{64}")
_ITEM = re.compile(r"[0-9a-f]{32}")


class DrawRequest(ImageRequest):
    """A picture somebody wants; the picture to draw over may come with it."""

    image: str | None = Field(
        None,
        description="A picture to draw over, instead of a sketch: a PNG, JPEG or WebP file in base64, with or without "
        "a `data:` prefix, the id of a picture in the gallery, or `image` from the metadata of another one.",
    )
    mask: str | None = Field(
        None, description="What to draw anew, in white, over the picture; given in the same ways. The rest stays."
    )
    n: int = Field(1, ge=1, le=MOST_AT_ONCE, description="How many pictures: with this seed, the next one, and so on.")


class OtherImage(BaseModel):
    """One of several pictures of a request."""

    image_base64: str = Field(description="The PNG file, its settings inside.")
    seed: int
    image_id: str
    url: str
    metadata: ImageMetadata


class DrawnImage(OtherImage):
    """A picture, drawn and kept."""

    success: bool = True
    message: str
    others: list[OtherImage] = Field([], description="The second and further ones, where several were asked for.")


class LookRequest(Value):
    """A picture, and what to find out about it."""

    image_base64: str = Field(description="A PNG, JPEG or WebP file in base64, with or without a `data:` prefix.")
    question: SpokenPrompt = DEFAULT_QUESTION


class LookAnswer(BaseModel):
    """What was seen, and which model looked."""

    analysis: str
    model: str


class EnhanceRequest(Value):
    """A prompt to be put into the words that the picture model was trained on."""

    prompt: SpokenPrompt


class EnhancedPrompt(BaseModel):
    """The prompt after enhancement; unchanged when the language model gave nothing of use, which `note` then says."""

    prompt: str
    changed: bool
    note: str
    model: str


@router.post("/generate-image", summary="Draw a picture", responses=errors(400, 404, 409, 503, 507))
async def generate_image(body: DrawRequest, request: Request, studio: StudioIn) -> DrawnImage:
    """Draws, keeps what was drawn in the gallery, and answers when it is there. Closing the connection cancels it."""
    wanted = await asked_for(body, studio)
    origin = Origin(way="api", words=body.prompt)
    items = await while_connected(request, studio.images.generate_images(wanted, body.n, origin))
    first, *others = [await _drawn(item, request, studio) for item in items]
    seconds = sum(item.metadata.seconds for item in items)
    message = f"Drawn with {first['metadata'].checkpoint} in {seconds:.1f} s."
    return DrawnImage(**first, message=message, others=[OtherImage(**other) for other in others])


async def _drawn(item: GalleryItem, request: Request, studio: Studio) -> dict[str, Any]:
    png = await studio.gallery.png(item.id)
    return {
        "image_base64": await asyncio.to_thread(_base64, png),
        "seed": item.metadata.seed,
        "image_id": item.id,
        "url": image_link(request, item.id),
        "metadata": item.metadata,
    }


@router.post("/analyze-image", summary="Look at a picture", responses=errors(400, 502, 503, 504))
async def analyze_image(body: LookRequest, request: Request, studio: StudioIn) -> LookAnswer:
    """Answers a question about a picture. Nothing of it is kept."""
    picture = await asyncio.to_thread(picture_of, body.image_base64)
    seen = await while_connected(request, studio.vision.analyze(picture, body.question))
    return LookAnswer(analysis=seen.analysis, model=seen.model)


@router.post("/prompts/enhance", summary="Improve a prompt", responses=errors(502, 503, 504))
async def enhance_prompt(body: EnhanceRequest, request: Request, studio: StudioIn) -> EnhancedPrompt:
    """Weights, LoRA tags and wildcards stay as they are."""
    enhanced = await while_connected(request, studio.prompts.enhance(body.prompt))
    return EnhancedPrompt(prompt=enhanced.prompt, changed=enhanced.changed, note=enhanced.note, model=enhanced.model)


async def asked_for(body: DrawRequest, studio: Studio) -> ImageRequest:
    """The studio's own request, in which the pictures are kept and stand by their names."""
    kept = {
        name: await _kept(text, name, studio)
        for name, text in (("image", body.image), ("mask", body.mask))
        if text is not None
    }
    return ImageRequest.model_validate(body.model_dump(exclude={"n"}) | kept)


async def _kept(text: str, name: str, studio: Studio) -> str:
    """Raises NotAnImage, InvalidRequest, NotFound, StorageFull."""
    if _INPUT.fullmatch(text):
        return text
    if _ITEM.fullmatch(text):
        return await studio.inputs.keep_from_gallery(text)
    return await studio.inputs.keep(await asyncio.to_thread(_bytes_of, text, name))


def picture_of(text: str) -> OpenedPicture:
    """The picture in `image_base64`. Raises NotAnImage and InvalidRequest. Blocking."""
    return open_picture(_bytes_of(text, "image_base64"))


def _bytes_of(text: str, name: str) -> bytes:
    """Raises NotAnImage."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotAnImage(f"{name} is not base64. Send the bytes of a PNG, JPEG or WebP file in base64.") from None


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
