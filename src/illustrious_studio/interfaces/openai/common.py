"""What every noun of this API shares: the studio, the base of what is asked, and the shapes of streams."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict

from illustrious_studio.domain.errors import StudioError
from illustrious_studio.interfaces.http.errors import status_of
from illustrious_studio.interfaces.openai.errors import STATUS, error_of
from illustrious_studio.services.studio import Studio


class Body(BaseModel):
    """What is asked. Fields that are not known are let pass (`user`, `metadata` and their like change nothing); those
    that would change the answer, and that the studio does not have, are named in each body and refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


def _not_had(value: Any) -> None:
    if value:
        raise ValueError("is something that this studio does not do; leave it out")


NotHad = Annotated[None, BeforeValidator(_not_had)]
"""A field of OpenAI's that only says that it is not wanted."""


async def _studio(request: Request) -> Studio:
    studio = request.app.state.studio
    assert isinstance(studio, Studio)
    return studio


StudioIn = Annotated[Studio, Depends(_studio)]


@dataclass(frozen=True)
class Data:
    """A server-sent event without a name, which is how answers stream."""

    data: Mapping[str, object]

    def encode(self) -> bytes:
        return b"data: " + json.dumps(self.data, separators=(",", ":")).encode("ascii") + b"\n\n"


class End:
    """The last event of an answer."""

    def encode(self) -> bytes:
        return b"data: [DONE]\n\n"


def failed(error: StudioError) -> Data:
    """A failure in the middle of a stream."""
    return Data(error_of(status_of(error, STATUS), error.detail, error.code))
