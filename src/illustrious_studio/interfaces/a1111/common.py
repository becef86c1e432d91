"""What every noun of this API shares: the studio, what it remembers between calls, and the base of what is asked."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from illustrious_studio.domain.encoding import FileKind
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.interfaces.a1111.tasks import Tasks
from illustrious_studio.services.studio import Studio


class Body(BaseModel):
    """What is asked. As in A1111 every field may be left out or null, and fields that are not known are let pass."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def only(*neutral: object) -> BeforeValidator:
    """A field of A1111's for something that the studio does not do: these values, and none, say that it is not
    wanted. Anything else would change the picture, and is refused."""

    def check(value: Any) -> Any:
        if value and value not in neutral:
            raise ValueError("is something that this studio does not do; leave it out")
        return value

    return BeforeValidator(check)


class Options(BaseModel):
    """The options of A1111 that the studio has. They hold for what comes through this API, until the studio ends.

    `sd_model_checkpoint` is not among them: that is the studio's own, and the same for every interface.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    CLIP_stop_at_last_layers: int = Field(1, ge=1, le=12)
    sd_vae: str = Field("Automatic", max_length=500)
    samples_format: Literal["png", "jpg", "jpeg", "webp"] = "png"
    jpeg_quality: int = Field(80, ge=1, le=100)

    @property
    def kind(self) -> FileKind:
        return "jpeg" if self.samples_format == "jpg" else self.samples_format

    @property
    def quality(self) -> int:
        return 100 if self.kind == "png" else self.jpeg_quality


OPTIONS = ("sd_model_checkpoint", *Options.model_fields)


def check_options(names: Collection[str]) -> None:
    """Raises InvalidRequest for an option that the studio does not have."""
    if unknown := sorted(set(names) - set(OPTIONS)):
        raise InvalidRequest(f"{unknown[0][:50]}: is no option of this studio, which has {', '.join(OPTIONS)}")


@dataclass
class ApiState:
    """The studio, and the little that A1111's clients expect to be remembered between their calls."""

    studio: Studio
    options: Options = field(default_factory=Options)
    tasks: Tasks = field(init=False)

    def __post_init__(self) -> None:
        self.tasks = Tasks(self.studio.jobs)


async def _state(request: Request) -> ApiState:
    state = request.app.state.a1111
    assert isinstance(state, ApiState)
    return state


StateIn = Annotated[ApiState, Depends(_state)]


def title_of(checkpoint: Checkpoint) -> str:
    """What A1111 calls a checkpoint. Its clients send the title back to choose it. Without the hash that stands in
    A1111's as soon as it is known: a name that changes would be forgotten by those who kept it."""
    return checkpoint.name


async def checkpoint_titled(title: str, studio: Studio) -> Checkpoint:
    """The one that is meant: by its title, its file's name, or A1111's `name.safetensors [hash]`.

    Raises NotFound with the names there are.
    """
    name = title.partition(" [")[0].strip()
    for one in await studio.models.checkpoints():
        if name in (one.name, one.path.name, f"{one.name}.safetensors"):
            return one
    return await studio.models.checkpoint_named(title)
