"""A1111's API for its clients (AUTOMATIC1111, Forge, SD.Next) as FastAPI apps over a Studio.

Several, because the paths are A1111's: `/sdapi/v1`; `/internal`, which its own page uses to follow a task by its id;
and those of its extensions ControlNet and ADetailer.
"""

from fastapi import APIRouter, FastAPI

from illustrious_studio.interfaces.a1111 import (
    adetailer,
    controlnet,
    extras,
    image_info,
    lists,
    options,
    pictures,
    progress,
)
from illustrious_studio.interfaces.a1111.common import ApiState
from illustrious_studio.interfaces.a1111.errors import error_body
from illustrious_studio.interfaces.http.errors import add_error_handlers
from illustrious_studio.interfaces.http.sse import CallerLeft, caller_left
from illustrious_studio.services.studio import Studio

WITH_PICTURES = (
    *(
        f"/sdapi/v1/{name}"
        for name in ("img2img", "png-info", "interrogate", "extra-single-image", "extra-batch-images")
    ),
    "/controlnet/detect",
)
"""Requests to these may be as large as pictures are."""


def create_a1111_apis(studio: Studio) -> dict[str, FastAPI]:
    """What is to be mounted where."""
    state = ApiState(studio)
    api = _app(state, *(noun.router for noun in (pictures, progress, options, lists, image_info, extras)))
    return {
        "/sdapi/v1": api,
        "/internal": _app(state, progress.tasks_router),
        "/controlnet": _app(state, controlnet.router),
        "/adetailer/v1": _app(state, adetailer.router),
    }


def _app(state: ApiState, *routers: APIRouter) -> FastAPI:
    app = FastAPI(
        title="Illustrious AI Studio, A1111's API",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,  # scripts send JSON without saying so; the guard has looked at Origin and Host
    )
    app.state.a1111 = state
    add_error_handlers(app, error_body)
    app.add_exception_handler(CallerLeft, caller_left)
    for router in routers:
        app.include_router(router)
    return app
