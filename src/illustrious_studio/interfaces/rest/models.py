"""Models: checkpoints and language models, and switching between them without a restart."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field, model_validator
from starlette.convertors import PathConvertor, register_url_convertor

from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.models import CheckpointOverride
from illustrious_studio.domain.setting import given
from illustrious_studio.domain.values import Value
from illustrious_studio.interfaces.rest.common import StudioIn, errors, errors_of_body
from illustrious_studio.interfaces.shared.overview import CheckpointEntry, ModelList, Status, models_now, status_now
from illustrious_studio.services.model_hashes import FoundByHash

router = APIRouter(tags=["Models"])


class CheckpointName(PathConvertor):
    """A checkpoint's name, which may have slashes, and not the address of something that belongs to one."""

    regex = r"(?!.*/(?:report|thumbnail|preset)$).*"


register_url_convertor("checkpoint", CheckpointName())


class Switch(Value):
    """What to use from now on; at least one of the two."""

    checkpoint: str | None = Field(None, min_length=1, max_length=500)
    language_model: str | None = Field(None, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.checkpoint is None and self.language_model is None:
            raise ValueError("must name a checkpoint or a language_model")
        return self


class SwitchByOldNames(Value):
    """The same, under the names of `[model_paths]`; at least one of the two."""

    sd_model: str | None = Field(None, min_length=1, max_length=500)
    ollama_model: str | None = Field(None, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.sd_model is None and self.ollama_model is None:
            raise ValueError("must name an sd_model or an ollama_model")
        return self


@router.get("/models", summary="List models")
async def list_models(studio: StudioIn) -> ModelList:
    return await models_now(studio)


@router.get("/models/files", summary="Find model files by a hash", responses=errors(400, 422))
async def find_by_hash(
    hash: Annotated[str, Query(max_length=600, description="8 to 64 hex digits, or `name [0123456789]`.")],
    studio: StudioIn,
) -> FoundByHash:
    """Checkpoints, VAEs, LoRAs, embeddings and upscalers whose SHA-256 begins so, of the whole file (A1111's "Model
    hash", AutoV2) or without its header ("Lora hashes", AutoV3). Where none is known to, those that are not hashed yet
    are hashed in the background, and `unknown` says how many these are."""
    return await studio.hashes.find(hash)


@router.get(
    "/models/checkpoints/{name:path}/report", summary="Get a checkpoint's report", responses=errors(400, 404, 503)
)
async def get_report(name: str, studio: StudioIn) -> CheckpointReport:
    """What its file says it is, what its name hints, and what is recommended for it, as a preset and with each reason.
    Read from the header. Its hashes are computed in the background: while `hashing`, ask again."""
    return await studio.reports.report(name)


@router.get(
    "/models/checkpoints/{name:path}/thumbnail",
    summary="Get a checkpoint's thumbnail",
    responses={**errors(400, 404, 503), 200: {"content": {"image/webp": {}}, "description": "A small WebP."}},
    response_class=Response,
)
async def get_thumbnail(name: str, studio: StudioIn) -> Response:
    """The picture in its header."""
    return Response(await studio.reports.thumbnail(name), media_type="image/webp")


@router.post(
    "/models/checkpoints/{name:path}/preset",
    summary="Keep what is recommended for a checkpoint as its preset",
    responses=errors(400, 404, 503),
)
async def apply_offered(name: str, studio: StudioIn) -> CheckpointEntry:
    """As `offered` in its report. Another preset, or none: `PATCH /models/checkpoints/{name}`."""
    return CheckpointEntry.model_validate(await studio.reports.apply_offered(name), from_attributes=True)


@router.patch(
    "/models/checkpoints/{name:checkpoint}",
    summary="Set what a checkpoint's file does not say",
    responses=errors_of_body(404, 503),
)
async def set_override(name: str, body: CheckpointOverride, studio: StudioIn) -> CheckpointEntry:
    """What is left out stays; null goes back to what the file says. It holds from the next picture on, also after a
    restart."""
    changed = await studio.models.set_override(name, given(body))
    return CheckpointEntry.model_validate(changed, from_attributes=True)


@router.post("/models/switch", summary="Switch models", responses=errors_of_body(404, 502, 503, 507))
async def switch(body: Switch, studio: StudioIn) -> Status:
    """Names come from GET /models. Answers when the new model is loaded; when that fails, the old one stays."""
    await studio.models.switch(body.checkpoint, body.language_model)
    return status_now(studio)


@router.post(
    "/switch-models",
    summary="Switch models, as an earlier program of this name did",
    responses=errors_of_body(404, 502, 503, 507),
)
async def switch_by_old_names(body: SwitchByOldNames, studio: StudioIn) -> Status:
    """Another address of /models/switch, for what was written for that program."""
    return await switch(Switch(checkpoint=body.sd_model, language_model=body.ollama_model), studio)
