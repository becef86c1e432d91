"""How the studio is: GET /status, /health/live, /health/ready and /metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from illustrious_studio.interfaces.rest.common import StudioIn
from illustrious_studio.interfaces.shared.overview import Ready, Status, status_now
from illustrious_studio.services.refused_requests import RefusedRequest

router = APIRouter(tags=["System"])


class Live(BaseModel):
    """The studio's process answers."""

    status: str = "alive"


class Readiness(BaseModel):
    """Whether pictures can be drawn and chat answers."""

    status: str = Field(description="ready, or not ready.")
    models: Ready


class RefusedList(BaseModel):
    """Without what was sent."""

    requests: list[RefusedRequest]


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


@router.get("/refused-requests", summary="What other programs were refused, and why")
async def refused_requests(studio: StudioIn) -> RefusedList:
    """The last 20 requests to this port that were refused or failed since the studio started, the latest first."""
    return RefusedList(requests=list(studio.refused.latest()))


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
