"""A1111's samplers and schedules as diffusers' schedulers. The names stand in `domain.sampling`.

Each is made from the checkpoint's own scheduler, so that what that says (betas, prediction type, zero terminal SNR,
spacing) stays. All chance comes from the generator that the pipeline hands in: diffusers' `DPMSolverSDEScheduler` draws
from torchsde, with a state of its own, so DPM++ SDE is its `DPMSolverSinglestepScheduler`, the same order of method.
"""

import copy
from typing import Any

_SDE: dict[str, Any] = {"algorithm_type": "sde-dpmsolver++"}
CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "Euler": ("EulerDiscreteScheduler", {}),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {}),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", _SDE),
    "DPM++ 2M SDE Heun": ("DPMSolverMultistepScheduler", {**_SDE, "solver_type": "heun"}),
    "DPM++ 3M SDE": ("DPMSolverMultistepScheduler", {**_SDE, "solver_order": 3}),
    "DPM++ SDE": ("DPMSolverSinglestepScheduler", {**_SDE, "lower_order_final": True}),
    "Heun": ("HeunDiscreteScheduler", {}),
    "DPM2": ("KDPM2DiscreteScheduler", {}),
    "DPM2 a": ("KDPM2AncestralDiscreteScheduler", {}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "DDIM": ("DDIMScheduler", {"clip_sample": False}),  # latents reach beyond 1
    "LCM": ("LCMScheduler", {}),
}
SCHEDULE_OPTIONS: dict[str, dict[str, Any]] = {
    "Automatic": {},
    "Karras": {"use_karras_sigmas": True},
    "Exponential": {"use_exponential_sigmas": True},
    "SGM Uniform": {"timestep_spacing": "trailing"},
    "Simple": {"timestep_spacing": "trailing"},
    "Normal": {"timestep_spacing": "linspace"},
    "Uniform": {"timestep_spacing": "linspace"},
}
LCM_STEPS = 50
"""LCM chooses its steps among those of a longer schedule: this long, or as long as it needs."""


def scheduler_for(sampler: str, schedule: str, own: Any, steps: int) -> Any:
    """A scheduler for one drawing (running one changes it). `own` is the checkpoint's, an Euler one."""
    if (sampler, schedule) == ("Euler", "Automatic"):
        return copy.deepcopy(own)
    import diffusers

    name, options = CLASSES[sampler]
    if sampler == "LCM":
        options = {"original_inference_steps": max(LCM_STEPS, steps)}
    return getattr(diffusers, name).from_config(own.config, **options, **SCHEDULE_OPTIONS[schedule])
