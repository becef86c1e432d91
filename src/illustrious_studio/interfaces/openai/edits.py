"""POST /v1/images/edits: image to image, or inpainting with a mask; a form with files.

The form has as text what the body of `generations` has. It is brought to the types of that body, and is that body
from there on: nothing but the files is checked here.
"""

import json
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.interfaces.http.errors import sentences
from illustrious_studio.interfaces.openai.common import StudioIn
from illustrious_studio.interfaces.openai.images import ImagesBody, drawn
from illustrious_studio.services.studio import Studio

router = APIRouter()

FILES = ("image", "mask")
MOST_FILES = 20
"""So that several pictures, of which OpenAI takes 16, are refused by name."""
_FORM_WANTED = "Send a form (multipart/form-data) with a `prompt` and a file `image`, as OpenAI's clients do."


@router.post("/images/edits")
async def edit_image(request: Request, studio: StudioIn) -> Response:
    """Closing the connection cancels what is not drawn yet. Every picture is kept in the gallery."""
    return await drawn(await _body(request, studio), request, studio, "image_edit")


async def _body(request: Request, studio: Studio) -> ImagesBody:
    """Raises InvalidRequest, NotAnImage, StorageFull."""
    try:
        async with request.form(max_files=MOST_FILES) as form:
            image, mask = [await _file(form, name) for name in FILES]
            fields = _as_json(form)
    except (HTTPException, UnicodeError):
        raise InvalidRequest(f"The form could not be read. {_FORM_WANTED}") from None
    if image is None:
        raise InvalidRequest(f"There is no image. {_FORM_WANTED}")
    try:
        body = ImagesBody.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(sentences(error.errors())) from None
    kept = {"image": await studio.inputs.keep(image)}
    if mask is not None:
        kept["mask"] = await studio.inputs.keep_mask(mask, alpha="transparent")
    return body.model_copy(update=kept)


async def _file(form: FormData, name: str) -> bytes | None:
    given = [*form.getlist(name), *form.getlist(f"{name}[]")]
    if len(given) > 1:
        raise InvalidRequest(
            f"{name}: must be one file. Pictures cannot be put together here: send the one that is to be changed."
        )
    if not given:
        return None
    if not isinstance(given[0], UploadFile):
        raise InvalidRequest(f"{name}: must be a file")
    return await given[0].read()


def _as_json(form: FormData) -> dict[str, object]:
    """The fields as they would stand in JSON. What has parts (`layout[things]`) goes by its first name."""
    texts = {name.partition("[")[0]: value for name, value in form.multi_items() if isinstance(value, str)}
    return {name: text if name in _TEXTS else _value(text) for name, text in texts.items()}


def _value(text: str) -> object:
    if text in ("True", "False"):  # as Python's `requests` writes them
        return text == "True"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_text(annotation: Any) -> bool:
    return annotation is str or isinstance(annotation, str) or any(map(_is_text, get_args(annotation)))


_TEXTS = frozenset(
    name
    for body in (ImageRequest, ImagesBody)
    for name, field in body.model_fields.items()
    if _is_text(field.annotation)
)
"""What is text in JSON, too; everything else in a form is JSON."""
