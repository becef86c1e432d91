"""What is in a picture that somebody has: its settings, and what it shows. POST /png-info and /interrogate."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.metadata.carried import PARAMETERS
from illustrious_studio.domain.metadata.infotext import read_infotext, text_of_request
from illustrious_studio.domain.metadata.programs import A1111
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.pictures import OpenedPicture, base64_bytes, open_to_see
from illustrious_studio.interfaces.a1111.common import Body, StateIn
from illustrious_studio.interfaces.http.sse import while_connected

router = APIRouter()

QUESTIONS = {
    "clip": "Describe this picture in one sentence.",
    "deepdanbooru": "Give the danbooru tags of this picture.",
}


class PictureBody(Body):
    image: str | None = None

    async def opened(self) -> OpenedPicture:
        """Raises NotFound (none came), NotAnImage, InvalidRequest."""
        return await asyncio.to_thread(open_to_see, base64_bytes(sent(self.image, "image"), "image"))


class InterrogateBody(PictureBody):
    model: Literal["clip", "deepdanbooru"] = "clip"


@router.post("/png-info")
async def png_info(body: PictureBody) -> dict[str, Any]:
    """The settings that the file carries: as A1111's text, as fields, and every text in it."""
    text = (await body.opened()).text
    recorded = recorded_settings(text)
    if recorded is None:
        return {"info": "", "items": text, "parameters": {}}
    info = text[PARAMETERS] if recorded.source == A1111 else text_of_request(recorded.request)
    said = read_infotext(info)
    fields = {"Prompt": said.prompt, "Negative prompt": said.negative_prompt, **said.fields}
    return {"info": info, "items": text, "parameters": fields}


@router.post("/interrogate")
async def interrogate(body: InterrogateBody, request: Request, state: StateIn) -> Response:
    """What the picture shows, by the studio's vision model."""
    asked = state.studio.vision.analyze(await body.opened(), QUESTIONS[body.model])
    said = (await while_connected(request, asked)).analysis
    # Its clients put tags into a prompt as they are; where the built-in analyzer has them from is a paragraph below.
    return JSONResponse({"caption": said.partition("\n\n")[0] if body.model == "deepdanbooru" else said})


def sent(image: str | None, name: str) -> str:
    """The picture as it was sent. Raises NotFound, as A1111 does, and InvalidRequest for an address."""
    if not image:
        raise NotFound(f"{name}: no picture came. Send a PNG, JPEG or WebP file in base64.")
    if image.startswith(("http://", "https://")):
        raise InvalidRequest(f"{name}: the studio fetches no pictures from addresses. Send the file in base64.")
    return image
