"""The API on 8000 as one FastAPI app over a Studio. Whoever serves it puts the guard around it."""

from importlib.resources import files

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from illustrious_studio.interfaces.http.errors import NOT_JSON, add_error_handlers, is_json
from illustrious_studio.interfaces.http.sse import CallerLeft, caller_left
from illustrious_studio.interfaces.rest import (
    chat,
    cutouts,
    details,
    gallery,
    grids,
    images,
    jobs,
    layouts,
    models,
    networks,
    preprocessing,
    system,
    upscaling,
)
from illustrious_studio.interfaces.rest.metrics import MeasureRequests, Metrics
from illustrious_studio.services.studio import Studio

DESCRIPTION = """Draw with SDXL, chat with a language model, ask about pictures, and browse everything that was made.

Every error is `{"detail", "code"}`: what happened, then what to do; and a word for programs."""

WITH_PICTURES = (
    "/analyze-image",
    "/detail",
    "/generate-image",
    "/grids",
    "/jobs",
    "/preprocess",
    "/remove-background",
    "/upscale",
)
"""Requests to these may be as large as pictures are."""


def create_api(studio: Studio) -> FastAPI:
    """The app. It starts nothing and holds nothing of its own: the studio is opened and closed by the caller."""
    app = FastAPI(
        title="Illustrious AI Studio",
        description=DESCRIPTION,
        version=studio.version,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(_json_if_anything)],
    )
    app.state.studio = studio
    app.state.metrics = Metrics(studio)
    app.add_middleware(MeasureRequests, metrics=app.state.metrics)
    add_error_handlers(app)
    app.add_exception_handler(CallerLeft, caller_left)
    drawing = system, images, cutouts, preprocessing, upscaling, details, layouts
    for noun in (*drawing, chat, gallery, jobs, grids, models, networks):
        app.include_router(noun.router)
    _add_docs(app)
    return app


async def _json_if_anything(request: Request) -> None:
    """A form is all that a page of another site can send unasked, and some requests here need no body at all."""
    headers = request.headers
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if request.method not in ("GET", "HEAD") and has_body and not is_json(request):
        raise HTTPException(415, NOT_JSON)


def _add_docs(app: FastAPI) -> None:
    """/docs from files of the package: FastAPI's own page fetches its scripts from another host."""
    folder = files("illustrious_studio.interfaces.rest") / "docs"
    page = (folder / "index.html").read_text("utf-8")

    async def docs(request: Request) -> Response:
        return HTMLResponse(page)

    app.add_route("/docs", docs, include_in_schema=False)
    app.mount("/docs/files", StaticFiles(directory=str(folder)), name="docs-files")
