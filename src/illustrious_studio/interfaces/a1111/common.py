"""What every noun of this API shares: the studio, what it remembers between calls, and the base of what is asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from illustrious_studio.domain.encoding import FileKind
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.sampling import ClipSkip
from illustrious_studio.domain.setting import value_types
from illustrious_studio.interfaces.a1111.tasks import Tasks
from illustrious_studio.services.studio import Studio


class _Numbers(BaseModel):
    """Fields of which none takes true or false for a number."""

    @field_validator("*", mode="before")
    @classmethod
    def _a_boolean_is_nonumber_in(cls, value: Any, info: ValidationInfo) -> Any:
        kinds = value_types(cls.model_fields[str(info.field_name)].annotation)
        if isinstance(value, bool) and {int, float} & kinds and bool not in kinds:
            raise ValueError("must be a number, not true or false")
        return value


class Body(_Numbers):
    """What is asked. As in A1111 every field may be left out or null, and fields that are not known are let pass."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


NO_UPSCALER = "None"
"""What A1111 calls the upscaler that leaves a picture as it is, or to Lanczos's filter where it must come to a size."""
OF_ITS_PAGE = ("sampler", "seed", "refiner")
"""A1111's own scripts that its page's controls are. It does not run them for its API (`setup_for_ui_only`), though they
come in what its page exports."""
CONTROLNET = "controlnet"
ADETAILER = "adetailer"
REGIONAL_PROMPTER = "regional prompter"
FORGE_COUPLE = "forge couple"
SOFT_INPAINTING = "soft inpainting"
DONE = (CONTROLNET, ADETAILER, REGIONAL_PROMPTER, FORGE_COUPLE, SOFT_INPAINTING)
"""Extensions' scripts that mean something here."""
OFF = ("", "false", "off", "no", "none", "null")
NOT_DONE = "is something that this studio does not do; leave it out"


def only(*neutral: float) -> BeforeValidator:
    """A field of A1111's for something that the studio does not do: what says nothing says that it is not wanted, and
    so do these numbers, 0 unless there are any. Anything else would change the picture, and is refused."""
    return BeforeValidator(partial(none_wanted, neutral=neutral or (0,)))


def none_wanted(value: Any, neutral: Sequence[float] = (0,)) -> Any:
    """The value, where it says that nothing is wanted. Raises ValueError."""
    if not (_says_nothing(value) or number_in(value) in neutral):
        raise ValueError(NOT_DONE)
    return value


def switched_off(scripts: object) -> object:
    """`alwayson_scripts`, where none is on but what is done here: plug-ins send theirs with every request. Raises
    ValueError.

    A script's switch is its first argument; ControlNet's and ADetailer's units have one each.
    """
    if isinstance(scripts, dict):  # {} is none
        for name, script in scripts.items():
            args = script.get("args") if isinstance(script, dict) else script
            if str(name).lower() not in OF_ITS_PAGE and script_name(name) not in DONE and switched_on(args):
                raise ValueError(f"has {str(name)[:100]}, and this studio draws without it; leave it out")
    elif not _says_nothing(scripts):
        raise ValueError(NOT_DONE)
    return scripts


def script_name(name: object) -> str:
    """A script's title, as it is compared."""
    return str(name).strip().lower().replace("_", " ")


def switched_on(args: object) -> bool:
    """Whether a script with these arguments does anything."""
    args = args if isinstance(args, list) else [args]
    return not (_says_nothing(args[:1]) or all(map(is_off, args)))


def is_off(unit: object) -> bool:
    """Whether a switch, or a unit that has one, is off."""
    if isinstance(unit, dict):
        switches = [unit[name] for name in ("enabled", "is_enabled", "ad_model") if name in unit]
        return any(map(_says_nothing, switches))
    return _says_nothing(unit)


def _says_nothing(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_says_nothing, value))
    return value is None or value is False or (isinstance(value, str) and value.strip().lower() in OFF)


def number_in(value: object) -> float | None:
    """The number that a value says; None for none. True is no number."""
    try:
        return None if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


class Options(_Numbers):
    """The options of A1111 that the studio has. They hold for what comes through this API, until the studio ends.

    `sd_model_checkpoint` is not among them: that is the studio's own, and the same for every interface.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    CLIP_stop_at_last_layers: ClipSkip = 1
    sd_vae: str = Field("Automatic", max_length=500)
    upscaler_for_img2img: str = Field(NO_UPSCALER, max_length=500)
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
