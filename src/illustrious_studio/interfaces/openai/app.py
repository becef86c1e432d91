"""OpenAI's API for its clients, as one FastAPI app over a Studio, to be mounted at /v1."""

from fastapi import FastAPI

from illustrious_studio.interfaces.http.errors import add_error_handlers
from illustrious_studio.interfaces.http.sse import CallerLeft, caller_left
from illustrious_studio.interfaces.openai import chat, edits, embeddings, images, models
from illustrious_studio.interfaces.openai.errors import STATUS, error_body, headers_of
from illustrious_studio.services.studio import Studio

WITH_PICTURES = ("/v1/chat/completions", "/v1/images/edits")
"""Requests to these may be as large as pictures are."""


def create_openai_api(studio: Studio) -> FastAPI:
    """The app. OpenAI describes it better than a schema here would, so it has no pages of its own."""
    app = FastAPI(title="Illustrious AI Studio, in OpenAI's words", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.studio = studio
    add_error_handlers(app, error_body, STATUS, headers_of)
    app.add_exception_handler(CallerLeft, caller_left)
    for noun in (models, chat, images, edits, embeddings):
        app.include_router(noun.router)
    return app
