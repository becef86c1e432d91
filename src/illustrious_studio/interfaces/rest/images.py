"""Drawing and analyzing: POST /generate-image, /prompts/enhance and /analyze-image."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.pictures import picture_from_base64
from illustrious_studio.domain.values import NonEmptyPrompt, Prompt, Value
from illustrious_studio.domain.vision import DEFAULT_QUESTION
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors_of_body, errors_of_drawing, image_link
from illustrious_studio.interfaces.shared.image_inputs import ImageRequestBody, resolve_inputs
from illustrious_studio.interfaces.shared.records import PictureMetadata
from illustrious_studio.services.studio import Studio

router = APIRouter(tags=["Pictures"])

MOST_AT_ONCE = 32


class DrawRequest(ImageRequestBody):
    """A picture somebody wants, or several; the picture to start from may come with it."""

    n: int = Field(1, ge=1, le=MOST_AT_ONCE, description="How many pictures: with this seed, the next one, and so on.")


class OtherImage(BaseModel):
    """One of several pictures of a request."""

    image_base64: str = Field(description="The PNG file, its settings inside.")
    seed: int
    image_id: str
    url: str
    metadata: PictureMetadata


class DrawnImage(OtherImage):
    """A picture, drawn and kept."""

    success: bool = True
    message: str
    others: list[OtherImage] = Field([], description="The second and further ones, where several were asked for.")


class AnalyzeRequest(Value):
    """A picture, and what to find out about it."""

    image_base64: str = Field(description="A PNG, JPEG or WebP file in base64, with or without a `data:` prefix.")
    question: NonEmptyPrompt = DEFAULT_QUESTION


class AnalyzeAnswer(BaseModel):
    """What the vision model answered, and which it was."""

    analysis: str
    model: str


class EnhanceRequest(Value):
    """A prompt to be put into the words that the picture model was trained on."""

    prompt: NonEmptyPrompt


class EnhancedPrompt(BaseModel):
    """The prompt after enhancement; unchanged when there was nothing of use to do, which `note` then says."""

    prompt: str
    changed: bool
    note: str
    model: str


@router.post("/generate-image", summary="Draw a picture", responses=errors_of_drawing(404, 409, 503, 507))
async def generate_image(body: DrawRequest, request: Request, studio: StudioIn) -> DrawnImage:
    """Draws, keeps what was drawn in the gallery, and answers when it is there. Closing the connection cancels it."""
    wanted = await resolve_inputs(body, studio)
    origin, once = Origin(way="api", words=body.prompt), once_of(request, wanted, body.n)
    items = await while_connected(request, studio.images.generate_images(wanted, body.n, origin, once=once))
    return await drawn_image(items, request, studio)


async def drawn_image(items: Sequence[GalleryItem], request: Request, studio: Studio) -> DrawnImage:
    """Pictures that were drawn for one request."""
    first, *others = [await _drawn(item, request, studio) for item in items]
    seconds = sum(item.metadata.seconds for item in items)
    message = f"Drawn with {first['metadata'].checkpoint} in {seconds:.1f} s."
    return DrawnImage(**first, message=message, others=[OtherImage(**other) for other in others])


async def _drawn(item: GalleryItem, request: Request, studio: Studio) -> dict[str, Any]:
    png = await studio.gallery.png(item.id)
    return {
        "image_base64": await asyncio.to_thread(_base64, png),
        "seed": item.metadata.request.seed,
        "image_id": item.id,
        "url": image_link(request, item.id),
        "metadata": PictureMetadata.of(item.metadata),
    }


@router.post("/analyze-image", summary="Analyze a picture", responses=errors_of_body(502, 503, 504))
async def analyze_image(body: AnalyzeRequest, request: Request, studio: StudioIn) -> AnalyzeAnswer:
    """Answers a question about a picture. Nothing of it is kept."""
    picture = await asyncio.to_thread(picture_from_base64, body.image_base64, "image_base64")
    seen = await while_connected(request, studio.vision.analyze(picture, body.question))
    return AnalyzeAnswer(analysis=seen.analysis, model=seen.model)


@router.post("/prompts/enhance", summary="Improve a prompt", responses=errors_of_body(502, 503, 504))
async def enhance_prompt(body: EnhanceRequest, request: Request, studio: StudioIn) -> EnhancedPrompt:
    """Weights, LoRA tags and wildcards stay as they are."""
    enhanced = await while_connected(request, studio.prompts.enhance(body.prompt))
    return EnhancedPrompt(prompt=enhanced.prompt, changed=enhanced.changed, note=enhanced.note, model=enhanced.model)


class CountRequest(Value):
    """Words to count."""

    prompt: Prompt


class TokenCount(BaseModel):
    """How the text encoders read a prompt."""

    count: int = Field(description="Tokens; a chunk that is full, or was ended by BREAK, counts as 75.")
    limit: int = Field(description="So many fit into the chunks there are.")
    chunks: tuple[int, ...] = Field(description="The tokens in each chunk.")
    loras: tuple[str, ...] = Field(description="What its tags name.")
    embeddings: tuple[str, ...] = Field(description="The embeddings it names.")
    problem: str = Field(
        description="Why it would be refused, as far as its words say that: a tag that cannot be meant, a file "
        "that is not there. Empty where it would not."
    )


@router.post("/prompts/tokens", summary="Count a prompt's tokens", responses=errors_of_body())
async def count_tokens(body: CountRequest, studio: StudioIn) -> TokenCount:
    """Both of SDXL's text encoders read the same tokens. Of a prompt that changes while drawing the longest counts."""
    found = await studio.tokens.of(body.prompt)
    return TokenCount.model_validate({**vars(found), "loras": tuple(one.name for one in found.loras)})


@router.get("/prompts/wildcards", summary="List the wildcards")
async def list_wildcards(studio: StudioIn) -> list[str]:
    """The names that prompts may have between two underscores each (`__name__`): files of the folder `wildcards`."""
    return await studio.images.wildcards()


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
