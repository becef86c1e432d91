"""GET /v1/models: checkpoints and language models, by the studio's own names."""

from fastapi import APIRouter
from pydantic import BaseModel

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.interfaces.openai.common import StudioIn
from illustrious_studio.services.studio import Studio

router = APIRouter()


class Model(BaseModel):
    """A checkpoint or a language model. When a model was made is not known here."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str
    capabilities: tuple[str, ...]


class ModelList(BaseModel):
    """All of them."""

    object: str = "list"
    data: list[Model]


@router.get("/models")
async def list_models(studio: StudioIn) -> ModelList:
    return ModelList(data=await _models(studio))


@router.get("/models/{name:path}")
async def read_model(name: str, studio: StudioIn) -> Model:
    models = await _models(studio)
    for model in models:
        if model.id == name:
            return model
    raise NotFound(f"There is no model {name!r}. There are: {', '.join(model.id for model in models)}.")


async def _models(studio: Studio) -> list[Model]:
    checkpoints = [
        Model(id=one.name, owned_by=one.family.lower(), capabilities=("image",))
        for one in await studio.models.checkpoints()
    ]
    language_models = [
        Model(id=one.name, owned_by=one.backend, capabilities=one.capabilities)
        for one in await studio.models.language_models()
    ]
    return [*language_models, *checkpoints]
