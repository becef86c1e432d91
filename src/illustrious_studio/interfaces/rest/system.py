"""How the studio is: GET /status, /health/live, /health/ready and /metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.interfaces.rest.common import StudioIn
from illustrious_studio.services.studio import Studio

router = APIRouter(tags=["System"])


class Ready(BaseModel):
    """What the studio can do now."""

    sdxl: bool = Field(description="Pictures can be drawn.")
    ollama: bool = Field(description="Somebody answers in chat.")
    multimodal: bool = Field(description="Pictures can be looked at.")


class Details(BaseModel):
    """For each of the three: which backend and model, on what device, and how it is."""

    sdxl: ModelStatus
    ollama: ModelStatus
    multimodal: ModelStatus


class Status(BaseModel):
    """How the studio is."""

    status: str = "running"
    models: Ready
    cuda_available: bool
    version: str
    queue_length: int = Field(description="Pictures that wait or are being drawn.")
    details: Details


class Live(BaseModel):
    """The studio's process answers."""

    status: str = "alive"


class Readiness(BaseModel):
    """Whether pictures can be drawn and chat answers."""

    status: str = Field(description="ready, or not ready.")
    models: Ready


@router.get("/status", summary="What there is, and how it is")
async def status(studio: StudioIn) -> Status:
    return status_now(studio)


@router.get("/health/live", summary="Is the process alive?")
async def live() -> Live:
    """Needs no key."""
    return Live()


@router.get(
    "/health/ready",
    summary="Can it do its work?",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "A model is still loading, or failed: see /status."}},
)
async def ready(studio: StudioIn) -> Response:
    models = status_now(studio).models
    fit = models.sdxl and models.ollama
    body = Readiness(status="ready" if fit else "not ready", models=models)
    return JSONResponse(body.model_dump(), 200 if fit else 503)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def status_now(studio: Studio) -> Status:
    models = studio.models.model_status()
    return Status(
        models=Ready(sdxl=models.sdxl.ready, ollama=models.ollama.ready, multimodal=models.multimodal.ready),
        cuda_available=models.cuda_available,
        version=models.version,
        queue_length=len(studio.jobs.active()),
        details=Details(sdxl=models.sdxl, ollama=models.ollama, multimodal=models.multimodal),
    )
