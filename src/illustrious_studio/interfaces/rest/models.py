"""Models: what can draw and speak, and switching between them without a restart."""

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from illustrious_studio.domain.models import Checkpoint, LanguageModel
from illustrious_studio.domain.values import Value
from illustrious_studio.interfaces.rest.common import StudioIn, errors
from illustrious_studio.interfaces.rest.system import Status, status_now

router = APIRouter(prefix="/models", tags=["Models"])


class CheckpointEntry(BaseModel):
    """A model that draws. Where its file lies stays in the studio."""

    name: str
    family: str
    builtin: bool
    native_width: int
    native_height: int
    prediction_type: str
    size_bytes: int
    steps: int = Field(description="Steps to offer first.")
    guidance: float = Field(description="Guidance to offer first.")
    about: str
    vocabulary: str = Field(description="What it knows, when that can be said in a line.")
    sketch_strength: float | None = Field(description="Set when it draws over a sketch; how much it changes it.")
    licence: str
    examples: tuple[str, ...]


class ModelList(BaseModel):
    """What one can switch to, and what is in use."""

    checkpoint: str = Field(description="What draws now.")
    language_model: str = Field(description="What speaks now.")
    checkpoints: list[CheckpointEntry]
    language_models: list[LanguageModel]


class Switch(Value):
    """What to use from now on; at least one of the two."""

    checkpoint: str | None = Field(None, min_length=1, max_length=500)
    language_model: str | None = Field(None, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.checkpoint is None and self.language_model is None:
            raise ValueError("must name a checkpoint or a language_model")
        return self


@router.get("", summary="List models")
async def list_models(studio: StudioIn) -> ModelList:
    status = studio.models.model_status()
    return ModelList(
        checkpoint=status.sdxl.model,
        language_model=status.ollama.model,
        checkpoints=[_entry(checkpoint) for checkpoint in await studio.models.checkpoints()],
        language_models=await studio.models.language_models(),
    )


@router.post("/switch", summary="Switch models", responses=errors(404, 502, 503, 507))
async def switch(body: Switch, studio: StudioIn) -> Status:
    """Names come from GET /models. Answers when the new model is loaded; when that fails, the old one stays."""
    await studio.models.switch(body.checkpoint, body.language_model)
    return status_now(studio)


def _entry(checkpoint: Checkpoint) -> CheckpointEntry:
    return CheckpointEntry.model_validate(checkpoint, from_attributes=True)
