"""Samplers and schedules: the names the field knows them by (A1111's), and which of them go together.

A schedule is how the steps are spread between noise and picture. "Automatic" is the one that A1111 takes for the
sampler; for checkpoints with zero terminal SNR it is Trailing, the spacing they are made for. It is resolved before
anything is drawn, so a picture's record names the schedule itself (but for LCM, whose own has no other name).
How each is done is the engine's matter; a name that stands here can be drawn with.
"""

from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, WithJsonSchema

from illustrious_studio.domain.errors import InvalidRequest

Steps = Annotated[int, Field(ge=1, le=150)]
Guidance = Annotated[float, Field(ge=0, le=30)]
GuidanceRescale = Annotated[float, Field(ge=0, le=1)]
ClipSkip = Annotated[int, Field(ge=1, le=12)]
AUTOMATIC = "Automatic"
SCHEDULES: dict[str, tuple[str, ...]] = {
    AUTOMATIC: (),
    "Karras": (),
    "Exponential": (),
    "Polyexponential": (),
    "SGM Uniform": ("sgm_uniform", "sgmuniform"),
    "KL Optimal": ("kl_optimal",),
    "Align Your Steps": ("align_your_steps",),
    "Simple": (),
    "Normal": (),
    "Uniform": (),
    "DDIM": ("ddim_uniform",),
    "Beta": (),
    "Leading": (),
    "Trailing": (),
}
"""Every schedule, and what else it is called. The last two are diffusers' spacings, by its names for them."""
NOT_WITH_ZERO_SNR = ("Karras", "Exponential", "Polyexponential", "Align Your Steps", "DDIM", "Beta")
"""They would spend nearly all steps where there is nothing to be seen yet, or not begin at pure noise."""


@dataclass(frozen=True)
class Sampler:
    """What it is called, what it can be combined with, and the schedule that "Automatic" is for it."""

    name: str
    aliases: tuple[str, ...]
    automatic: str = "Normal"
    schedules: tuple[str, ...] = tuple(SCHEDULES)
    zero_snr: bool = True
    """Whether it draws from pure noise (sigma 4096), as checkpoints with zero terminal SNR begin; tried with one."""
    discards_penultimate: bool = False
    """Whether its schedule is made a step longer and then loses the last sigma but one, as A1111 does for it."""
    eta: float | None = None
    """How much fresh noise each step adds unless the request says it, A1111's default; None: it asks for no eta."""
    second_order: bool = False
    """Whether it asks the UNet twice a step: so many steps more a prompt that changes counts (A1111's total_steps)."""
    scaled_down: bool = False
    """Whether it was made for latents that are scaled down as noise is added, and so begins with the noise of those."""


_ALL = (
    Sampler("Euler a", ("k_euler_a", "k_euler_ancestral", "euler_a", "euler_ancestral"), eta=1),
    Sampler("Euler", ("k_euler",)),
    Sampler("DPM++ 2M", ("k_dpmpp_2m", "dpmpp_2m"), "Karras"),
    Sampler("DPM++ 2M SDE", ("k_dpmpp_2m_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"), "Exponential", eta=1),
    Sampler("DPM++ 2M SDE Heun", ("k_dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun"), "Exponential", eta=1),
    Sampler(
        "DPM++ 3M SDE",
        ("k_dpmpp_3m_sde", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu"),
        "Exponential",
        discards_penultimate=True,
        eta=1,
    ),
    Sampler("DPM++ SDE", ("k_dpmpp_sde", "dpmpp_sde", "dpmpp_sde_gpu"), "Karras", eta=1, second_order=True),
    Sampler("LMS", ("k_lms", "lms")),
    Sampler("Heun", ("k_heun",), zero_snr=False, second_order=True),
    Sampler("DPM2", ("k_dpm_2", "dpm_2", "kdpm_2"), "Karras", discards_penultimate=True, second_order=True),
    Sampler(
        "DPM2 a",
        ("k_dpm_2_a", "dpm_2_ancestral", "k_dpm_2_ancestral", "kdpm_2_a"),
        "Karras",
        zero_snr=False,
        discards_penultimate=True,
        eta=1,
        second_order=True,
    ),
    Sampler("Restart", (), "Karras", zero_snr=False, second_order=True),
    Sampler("UniPC", ("uni_pc", "uni_pc_bh2"), "Leading", scaled_down=True),
    Sampler("DDIM", (), "Leading", eta=0, scaled_down=True),
    Sampler("LCM", ("k_lcm",), AUTOMATIC, (AUTOMATIC,), scaled_down=True),
)
SAMPLERS = {sampler.name: sampler for sampler in _ALL}

_BY_NAME = {alias.lower(): sampler.name for sampler in _ALL for alias in (sampler.name, *sampler.aliases)}
_BY_SCHEDULE = {alias.lower(): name for name, aliases in SCHEDULES.items() for alias in (name, *aliases)}


def sampler_named(name: str) -> str | None:
    """The sampler that is meant, whatever the case; None when there is none."""
    return _BY_NAME.get(name.strip().lower())


def schedule_named(name: str) -> str | None:
    """The schedule that is meant; None when there is none."""
    return _BY_SCHEDULE.get(name.strip().lower())


def split_joined(name: str) -> tuple[str, str]:
    """Older programs say "DPM++ 2M Karras" in one: sampler and schedule; "" where it says no schedule."""
    for schedule in sorted(SCHEDULES, key=len, reverse=True):  # "SGM Uniform" before "Uniform"
        if name.lower().endswith(f" {schedule.lower()}"):
            return name[: -len(schedule)].rstrip(), schedule
    return name, ""


class DrawnWith(Protocol):
    """What must be known of a checkpoint (a `Checkpoint`, whose presets name samplers)."""

    @property
    def name(self) -> str: ...
    @property
    def zero_terminal_snr(self) -> bool: ...


def resolved_schedule(sampler: str, schedule: str, checkpoint: DrawnWith) -> str:
    """The schedule that is drawn with.

    Leading begins below pure noise, so where a checkpoint has zero terminal SNR it is Trailing, too: pictures from
    before the two had names are recorded as Leading, and meant the checkpoint's own spacing.
    Raises InvalidRequest for a sampler or a schedule that does not go with the checkpoint.
    """
    known = SAMPLERS[sampler]
    if not checkpoint.zero_terminal_snr:
        return known.automatic if schedule == AUTOMATIC else schedule
    where = f"{checkpoint.name}, which begins at pure noise (zero terminal SNR)"
    if not known.zero_snr:
        names = ", ".join(name for name, other in SAMPLERS.items() if other.zero_snr)
        raise InvalidRequest(f"{sampler} cannot draw with {where}. Use one of: {names}.")
    if schedule in NOT_WITH_ZERO_SNR:
        names = ", ".join(name for name in known.schedules if name not in NOT_WITH_ZERO_SNR)
        raise InvalidRequest(f"The schedule {schedule} does not suit {where}. Use one of: {names}.")
    return "Trailing" if schedule in (AUTOMATIC, "Leading") and "Trailing" in known.schedules else schedule


def img2img_steps(steps: int, strength: float) -> int:
    """How many of the steps image to image does: the last ones, and always at least one. A1111's number (t_enc + 1)."""
    return int(min(strength, 0.999) * steps) + 1


def check_together(sampler: str, schedule: str) -> None:
    """Raises ValueError for a schedule that the sampler cannot follow."""
    if schedule not in (can := SAMPLERS[sampler].schedules):
        raise ValueError(f"{sampler} has no schedule {schedule}; use one of: {', '.join(can)}")


def _known_sampler(name: str) -> str:
    if (known := sampler_named(name)) is None:
        raise ValueError(f"must be one of: {', '.join(SAMPLERS)}")
    return known


def _known_schedule(name: str) -> str:
    if (known := schedule_named(name)) is None:
        raise ValueError(f"must be one of: {', '.join(SCHEDULES)}")
    return known


SamplerName = Annotated[str, AfterValidator(_known_sampler), WithJsonSchema({"type": "string", "enum": list(SAMPLERS)})]
"""A sampler, by any of its names; afterwards by A1111's."""

ScheduleName = Annotated[
    str, AfterValidator(_known_schedule), WithJsonSchema({"type": "string", "enum": list(SCHEDULES)})
]
"""A schedule, by any of its names; afterwards by A1111's."""
