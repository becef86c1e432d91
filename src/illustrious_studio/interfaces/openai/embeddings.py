"""POST /v1/embeddings: texts as vectors, by a model that makes them."""

import struct
from base64 import b64encode
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field

from illustrious_studio.domain.values import Text
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.openai.common import Body, StudioIn

router = APIRouter()


def _as_texts(given: Any) -> Any:
    if isinstance(given, list) and given and not isinstance(given[0], str):
        raise ValueError("must be a text or a list of texts: tokens mean something else to each model")
    return [given] if isinstance(given, str) else given


class EmbeddingsBody(Body):
    model: Text
    input: Annotated[list[Text], BeforeValidator(_as_texts)] = Field(min_length=1, max_length=2048)
    dimensions: int | None = Field(None, ge=1, le=65_536)
    encoding_format: Literal["float", "base64"] | None = None


@router.post("/embeddings")
async def create_embeddings(body: EmbeddingsBody, request: Request, studio: StudioIn) -> Response:
    made = await while_connected(request, studio.answers.embed(body.model, body.input, body.dimensions))
    encoded = _base64 if body.encoding_format == "base64" else list
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(vector)}
        for index, vector in enumerate(made.vectors)
    ]
    usage = None if made.tokens is None else {"prompt_tokens": made.tokens, "total_tokens": made.tokens}
    return JSONResponse({"object": "list", "data": data, "model": body.model, "usage": usage})


def _base64(vector: tuple[float, ...]) -> str:
    """Little-endian floats of 32 bits: what the official client asks for, where nothing else is set."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
