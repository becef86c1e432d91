"""LoRAs, embeddings and models that steer: which there are, what they were made for, and previews."""

from typing import Self
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.controls import ControlKind
from illustrious_studio.domain.loras import LoraFile
from illustrious_studio.interfaces.rest.common import StudioIn, errors

router = APIRouter(tags=["Models"])


class LoraEntry(BaseModel):
    """A LoRA that a prompt can name. Where its file lies stays in the studio."""

    name: str = Field(description="What a prompt calls it: `<lora:name:1>`.")
    alias: str = Field(description="What it was called when it was trained; prompts may call it so, too.")
    base: str = Field(description="What it was made for: SDXL, built-in, or empty where nothing says it.")
    base_name: str = Field(description="The same in the words of its notes, such as Illustrious or Pony.")
    trigger_words: tuple[str, ...] = Field(description="Words that a prompt should have with it.")
    weight: float | None = Field(description="The weight that its notes recommend.")
    description: str
    preview: str | None = Field(description="Address of its preview.")
    size_bytes: int

    @classmethod
    def of(cls, file: LoraFile) -> Self:
        preview = f"/loras/{quote(file.name, safe='')}/preview" if file.preview else None
        fields = file.model_dump(exclude={"path", "stamp", "preview"})
        return cls(**fields, preview=preview)


@router.get("/loras", summary="List the LoRAs")
async def list_loras(studio: StudioIn) -> list[LoraEntry]:
    """What lies in `models/loras` of the data folder and in the folders `loras`, `Lora` and `LyCORIS` beside the
    checkpoints, but for what is for other kinds of models: GET /models says why not, among `refused`."""
    return [LoraEntry.of(file) for file in await studio.loras.loras()]


@router.post("/loras/refresh", summary="List the LoRAs anew")
async def refresh_loras(studio: StudioIn) -> list[LoraEntry]:
    """The same as the list, which is read from the disk each time: for who knows it from other programs."""
    return await list_loras(studio)


@router.get(
    "/loras/{name:path}/preview",
    summary="Get a LoRA's preview",
    responses={**errors(400, 404), 200: {"content": {"image/webp": {}}, "description": "A small WebP."}},
    response_class=Response,
)
async def get_preview(name: str, studio: StudioIn) -> Response:
    """The picture that lies beside its file."""
    return Response(await studio.loras.preview(name), media_type="image/webp")


class EmbeddingEntry(BaseModel):
    """An embedding that a prompt can name."""

    name: str = Field(description="What a prompt calls it.")
    vectors: int = Field(description="So many tokens it takes the place of.")
    size_bytes: int


@router.get("/embeddings", summary="List the embeddings")
async def list_embeddings(studio: StudioIn) -> list[EmbeddingEntry]:
    """What lies in `models/embeddings` of the data folder and in the folders `embeddings` beside the checkpoints, and
    has vectors for both of SDXL's text encoders."""
    return [EmbeddingEntry.model_validate(one, from_attributes=True) for one in await studio.embeddings.embeddings()]


class ControlEntry(BaseModel):
    """A model that can steer a drawing."""

    name: str = Field(description="What a control calls it: its `model`.")
    kind: ControlKind
    base: str = Field(description="What it was made for: SDXL, or empty for a smaller model of its form.")
    union_types: tuple[str, ...] = Field(description="What a ControlNet-Union reads.")
    size_bytes: int


@router.get("/controls", summary="List the ControlNets and adapters")
async def list_controls(studio: StudioIn) -> list[ControlEntry]:
    """ControlNets, T2I-Adapters and IP-Adapters for SDXL: what lies in `models/controlnet` of the data folder and in
    the folders `controlnet`, `t2i_adapter` and `ipadapter` beside the checkpoints. GET /preprocessors has what makes a
    picture ready for them."""
    return [ControlEntry.model_validate(one, from_attributes=True) for one in await studio.controls.controls()]
