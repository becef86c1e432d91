"""Files on this machine that go into a request, and those that its answer becomes."""

import base64
import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from illustrious_studio.cli.client import checked
from illustrious_studio.domain.errors import InvalidRequest

_ID = re.compile(r"[0-9a-f]{32}")


def base64_of(file: Path) -> str:
    try:
        return base64.b64encode(file.read_bytes()).decode("ascii")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read ({error.strerror}).") from error


def with_files(given: object, picture: str) -> object:
    """A list of objects with their pictures that are files read; an id of a picture stays. What is wrong else, the API
    says."""
    if not isinstance(given, list):
        return given

    def read(one: object) -> object:
        if not isinstance(one, dict) or not isinstance(file := one.get(picture), str) or not Path(file).suffix:
            return one
        return one | {picture: base64_of(Path(file))}

    return list(map(read, given))


def layout_in(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise InvalidRequest(
            f"{file} is no JSON. POST /layout answers with layouts that can be written to it."
        ) from error


def of_gallery(given: str) -> bool:
    """Whether it is the id of a picture there, and no file here."""
    return _ID.fullmatch(given) is not None and not Path(given).exists()


def picture_in(given: str) -> dict[str, Any]:
    """The fields of a request for a picture that is a file, or one of the gallery by its id. Raises InvalidRequest."""
    return {"image_id": given} if of_gallery(given) else {"image_base64": base64_of(Path(given))}


def beside(picture: Path, what: str) -> Path:
    """Where a picture made of this one goes: beside it, or here for one of the gallery, over no file that is there."""
    name = picture.with_suffix("")
    for number in count(1):
        path = name.with_name(f"{name.name}-{what}{'' if number == 1 else f'-{number}'}.png")
        if not path.exists():
            return path
    raise AssertionError("there is no end of numbers")


def write(target: Path, data: bytes, otherwise: str = "") -> None:
    try:
        target.write_bytes(data)
    except OSError as error:
        raise InvalidRequest(f"{target} cannot be written ({error.strerror}).{otherwise}") from error


async def save(client: httpx.AsyncClient, image_id: str, target: Path) -> None:
    response = await checked(await client.get(f"/gallery/{image_id}/image"))
    write(target, response.content, f" The picture is in the gallery as {image_id}.")
