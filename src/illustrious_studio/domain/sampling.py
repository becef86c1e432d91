"""Samplers and schedules: the names the field knows them by (A1111's), and which of them go together.

A schedule is how the steps are spread between noise and picture. "Automatic" is the sampler's usual one, as in A1111;
where it has none, and for checkpoints with zero terminal SNR, it is the spacing that the checkpoint itself declares.
How each is done is the engine's matter; a name that stands here can be drawn with.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint

AUTOMATIC = "Automatic"
TIMESTEP_SPACINGS = ("Normal", "Uniform", "Simple", "SGM Uniform")
SIGMA_SCHEDULES = ("Karras", "Exponential")
SCHEDULES: dict[str, tuple[str, ...]] = {
    AUTOMATIC: (),
    "Karras": (),
    "Exponential": (),
    "SGM Uniform": ("sgm_uniform",),
    "Simple": (),
    "Normal": (),
    "Uniform": (),
}
"""Every schedule, and what else it is called."""

_SCHEDULES_ELSEWHERE = ("Polyexponential", "KL Optimal", "Align Your Steps", "DDIM", "Beta")


@dataclass(frozen=True)
class Sampler:
    """What it is called, what it can be combined with, and the schedule that "Automatic" is for it."""

    name: str
    aliases: tuple[str, ...]
    schedules: tuple[str, ...] = (AUTOMATIC, *SIGMA_SCHEDULES, *TIMESTEP_SPACINGS)
    automatic: str = AUTOMATIC
    zero_snr: bool = True
    """Whether it can begin at pure noise, as checkpoints with zero terminal SNR do."""


_ALL = (
    Sampler(
        "Euler a", ("k_euler_a", "k_euler_ancestral", "euler_a", "euler_ancestral"), (AUTOMATIC, *TIMESTEP_SPACINGS)
    ),
    Sampler("Euler", ("k_euler",)),
    Sampler("DPM++ 2M", ("k_dpmpp_2m", "dpmpp_2m"), automatic="Karras"),
    Sampler("DPM++ 2M SDE", ("k_dpmpp_2m_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"), automatic="Exponential"),
    Sampler("DPM++ 2M SDE Heun", ("k_dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun"), automatic="Exponential"),
    Sampler("DPM++ 3M SDE", ("k_dpmpp_3m_sde", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu"), automatic="Exponential"),
    Sampler(
        "DPM++ SDE",
        ("k_dpmpp_sde", "dpmpp_sde", "dpmpp_sde_gpu"),
        (AUTOMATIC, *SIGMA_SCHEDULES, "Normal", "Uniform"),
        automatic="Karras",
        zero_snr=False,
    ),
    Sampler("Heun", ("k_heun",), zero_snr=False),
    Sampler("DPM2", ("k_dpm_2", "dpm_2"), automatic="Karras", zero_snr=False),
    Sampler("DPM2 a", ("k_dpm_2_a", "dpm_2_ancestral", "k_dpm_2_ancestral"), automatic="Karras", zero_snr=False),
    Sampler("UniPC", ("uni_pc",)),
    Sampler("DDIM", (), (AUTOMATIC, *TIMESTEP_SPACINGS)),
    Sampler("LCM", ("k_lcm",), (AUTOMATIC,)),
)
SAMPLERS = {sampler.name: sampler for sampler in _ALL}

_BY_NAME = {said.lower(): sampler.name for sampler in _ALL for said in (sampler.name, *sampler.aliases)}
_BY_SCHEDULE = {said.lower(): name for name, aliases in SCHEDULES.items() for said in (name, *aliases)}


def sampler_named(name: str) -> str | None:
    """The sampler that is meant, whatever the case; None when there is none."""
    return _BY_NAME.get(name.strip().lower())


def schedule_named(name: str) -> str | None:
    """The schedule that is meant; None when there is none."""
    return _BY_SCHEDULE.get(name.strip().lower())


def split_joined(name: str) -> tuple[str, str]:
    """Older programs say "DPM++ 2M Karras" in one: sampler and schedule; "" where it says no schedule."""
    for schedule in (*SCHEDULES, *_SCHEDULES_ELSEWHERE):
        if name.lower().endswith(f" {schedule.lower()}"):
            return name[: -len(schedule)].rstrip(), schedule
    return name, ""


def resolved_schedule(sampler: str, schedule: str, checkpoint: Checkpoint) -> str:
    """The schedule that is drawn with: "Automatic" only where that is the checkpoint's own spacing.

    Raises InvalidRequest for a sampler or a schedule that does not go with the checkpoint.
    """
    known = SAMPLERS[sampler]
    if not checkpoint.zero_terminal_snr:
        return known.automatic if schedule == AUTOMATIC else schedule
    where = f"{checkpoint.name}, which begins at pure noise (zero terminal SNR)"
    if not known.zero_snr:
        names = ", ".join(name for name, other in SAMPLERS.items() if other.zero_snr)
        raise InvalidRequest(f"{sampler} cannot draw with {where}. Use one of: {names}.")
    if schedule in SIGMA_SCHEDULES:  # they would spend nearly all of the steps where there is nothing to be seen yet
        names = ", ".join(name for name in known.schedules if name not in SIGMA_SCHEDULES)
        raise InvalidRequest(f"The schedule {schedule} does not suit {where}. Use one of: {names}.")
    return schedule


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
