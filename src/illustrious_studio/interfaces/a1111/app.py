"""A1111's API for its clients (AUTOMATIC1111, Forge, SD.Next) as FastAPI apps over a Studio.

Three, because the paths are A1111's: `/sdapi/v1`; `/internal`, which its own page uses to follow a task by its id; and
`/controlnet`, which is its extension's.
"""

from fastapi import FastAPI

from illustrious_studio.interfaces.a1111 import controlnet, extras, image_info, lists, options, pictures, progress
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
    api, internal, extension = _app(state), _app(state), _app(state)
    for noun in (pictures, progress, options, lists, image_info, extras):
        api.include_router(noun.router)
    internal.include_router(progress.tasks_router)
    extension.include_router(controlnet.router)
    return {"/sdapi/v1": api, "/internal": internal, "/controlnet": extension}


def _app(state: ApiState) -> FastAPI:
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
    return app
