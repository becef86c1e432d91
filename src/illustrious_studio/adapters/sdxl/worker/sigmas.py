"""Sigma schedules: the noise levels that the steps of a drawing go through, by k-diffusion's and A1111's formulas.

A sigma is the standard deviation of the noise in latents whose picture is not scaled down (k-diffusion's convention).
A checkpoint's own sigmas are one for each of its training timesteps; between them sigma is log-linear in the timestep.
Each schedule takes a number of steps and gives that many sigmas, falling; `sigma_schedule` ends them at 0.
Everything is computed in double precision. Sources: k_diffusion/external.py and sampling.py (Normal, Karras,
Exponential, Polyexponential), A1111's modules/sd_schedulers.py (the others), diffusers (Leading, Trailing), and the
papers of Karras et al. (arXiv:2206.00364), Align Your Steps and KL Optimal (2404.14507), Beta (2407.12173).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RHO = 7.0
ALIGN_YOUR_STEPS = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)
"""The published sigmas for SDXL in ten steps; other numbers of steps are interpolated in log sigma."""
BETA = 0.6
"""Both parameters of the Beta schedule's distribution, as in A1111's options."""
SERIES = np.arange(1, 64)
LCM_STEPS = 50
"""LCM was distilled to this many timesteps and chooses its steps among them."""


class ModelSigmas:
    """A checkpoint's own sigmas, rising, and timesteps to sigmas and back.

    `sigmas` has one for each training timestep (1000 for SDXL: 0.0292 to 14.6146).
    """

    def __init__(self, sigmas: Floats) -> None:
        self.sigmas = sigmas
        self._logs = np.log(sigmas)
        self._timesteps = np.arange(len(sigmas), dtype=np.float64)

    @property
    def count(self) -> int:
        return len(self.sigmas)

    def of(self, timesteps: npt.NDArray[Any]) -> Floats:
        """The sigmas of whole timesteps; those below 0 are counted from the last."""
        return np.take(self.sigmas, timesteps.astype(int))

    def at(self, timesteps: Floats) -> Floats:
        """The sigmas of timesteps, which need not be whole."""
        return np.exp(np.interp(timesteps, self._timesteps, self._logs))

    def timesteps(self, sigmas: Floats) -> Floats:
        """The timesteps at which the model sees these sigmas (above 0); its first or last for those beyond its own."""
        return np.interp(np.log(sigmas), self._logs, self._timesteps)


def normal(steps: int, model: ModelSigmas) -> Floats:
    """Timesteps evenly from the last to the first: k-diffusion's get_sigmas. A1111 has it under two names."""
    return model.at(np.linspace(model.count - 1, 0, steps))


def sgm_uniform(steps: int, model: ModelSigmas) -> Floats:
    """As Normal with one step more, without the last."""
    return model.at(np.linspace(model.count - 1, 0, steps + 1)[:-1])


def simple(steps: int, model: ModelSigmas) -> Floats:
    """Every so manieth of the model's own sigmas, from the last on."""
    return model.of(-1 - np.floor(np.arange(steps) * (model.count / steps)))


def ddim(steps: int, model: ModelSigmas) -> Floats:
    """Every so manieth timestep from 1 on. Where `steps` does not divide their number this gives one or more beyond."""
    return model.of(np.arange(1, model.count, max(model.count // steps, 1))[::-1])


def karras(steps: int, model: ModelSigmas) -> Floats:
    return karras_between(steps, model.sigmas[0], model.sigmas[-1])


def karras_between(steps: int, low: float, high: float) -> Floats:
    """Evenly in the seventh root of sigma, from `high` to `low`."""
    return np.asarray(np.linspace(high ** (1 / RHO), low ** (1 / RHO), steps) ** RHO)


def exponential(steps: int, model: ModelSigmas) -> Floats:
    """Evenly in log sigma. Polyexponential is the same at its usual exponent of 1."""
    return np.exp(np.linspace(math.log(model.sigmas[-1]), math.log(model.sigmas[0]), steps))


def kl_optimal(steps: int, model: ModelSigmas) -> Floats:
    """Evenly in the arctangent of sigma. One sigma more than steps: it ends at the lowest, not at 0, as in A1111."""
    return np.tan(np.linspace(math.atan(model.sigmas[-1]), math.atan(model.sigmas[0]), steps + 1))


def align_your_steps(steps: int, model: ModelSigmas) -> Floats:
    known = np.log(ALIGN_YOUR_STEPS)
    return np.exp(np.interp(np.linspace(0, len(known) - 1, steps), np.arange(len(known)), known))


def beta(steps: int, model: ModelSigmas) -> Floats:
    """The quantiles of a beta distribution, stretched over the sigmas: dense at both ends."""
    low, high = model.sigmas[0], model.sigmas[-1]
    return np.array([low + (high - low) * beta_quantile(1 - q) for q in np.linspace(0, 1, steps)])


def leading(steps: int, model: ModelSigmas) -> Floats:
    """diffusers' spacing for SDXL (`leading`, offset 1): it begins below the last timestep, so not at pure noise."""
    return model.of(np.arange(steps)[::-1] * (model.count // steps) + 1)


def leading_of_multistep(steps: int, model: ModelSigmas) -> Floats:
    """diffusers' `leading` as its multistep solvers have it, which also ends above the first timestep."""
    return model.of(np.arange(1, steps + 1)[::-1] * (model.count // (steps + 1)) + 1)


def trailing(steps: int, model: ModelSigmas) -> Floats:
    """diffusers' spacing for zero terminal SNR: SGM Uniform at whole timesteps."""
    return model.of(np.round(model.count - np.arange(steps) * (model.count / steps)) - 1)


def lcm(steps: int, model: ModelSigmas) -> Floats:
    """LCM's own: evenly among the timesteps it was distilled to, or among as many as there are steps."""
    count = max(LCM_STEPS, steps)
    chosen = np.floor(np.linspace(0, count, steps, endpoint=False))
    return model.of(model.count // count * (count - chosen) - 1)


SIGMA_SCHEDULES: dict[str, Callable[[int, ModelSigmas], Floats]] = {
    "Normal": normal,
    "Uniform": normal,
    "Karras": karras,
    "Exponential": exponential,
    "Polyexponential": exponential,
    "SGM Uniform": sgm_uniform,
    "KL Optimal": kl_optimal,
    "Align Your Steps": align_your_steps,
    "Simple": simple,
    "DDIM": ddim,
    "Beta": beta,
    "Leading": leading,
    "Trailing": trailing,
}
OWN_SCHEDULES = {("UniPC", "Leading"): leading_of_multistep, ("LCM", "Automatic"): lcm}
"""Where a sampler has a spacing of its own by that name."""


def sigma_schedule(sampler: str, schedule: str, steps: int, model: ModelSigmas, *, discard: bool = False) -> Floats:
    """The sigmas of a drawing of so many steps (at least 1), falling, the last one where it ends.

    `discard` leaves out the last but one of a schedule that is a step longer (A1111's discard_next_to_last_sigma).
    """
    follow = OWN_SCHEDULES.get((sampler, schedule)) or SIGMA_SCHEDULES[schedule]
    sigmas = follow(steps + discard, model)
    if follow is not kl_optimal:
        sigmas = np.append(sigmas, 0.0)
    return np.delete(sigmas, -2) if discard else sigmas


def beta_quantile(q: float) -> float:
    """Where the beta distribution with both parameters 0.6 reaches the probability `q` (0 to 1); to about 1e-15.

    SciPy's `stats.beta.ppf(q, 0.6, 0.6)`, by bisection of the power series of the incomplete beta function.
    """
    if q > 0.5:  # it is symmetric, and the series converges quickly up to a half
        return 1 - beta_quantile(1 - q)
    below, above = 0.0, 0.5
    for _ in range(60):
        middle = (below + above) / 2
        if _incomplete_beta(middle) < 2 * q * _incomplete_beta(0.5):
            below = middle
        else:
            above = middle
    return below if q > 0 else 0.0


def _incomplete_beta(x: float) -> float:
    """The integral of (t (1 - t)) ** (BETA - 1) from 0 to `x`, at most a half."""
    terms = np.cumprod((SERIES - BETA) / SERIES * x) / (BETA + SERIES)
    return float(x**BETA * (1 / BETA + terms.sum()))
