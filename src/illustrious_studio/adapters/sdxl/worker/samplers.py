"""The samplers, each as the loop that its paper or k-diffusion gives, with the model's part left open.

A sampler is a generator. It yields latents and the sigma at which the model shall look at them, gets them back (whoever
drives it may have put something else in) together with the model's estimate of the finished latents, and returns the
last latents. So a sampler decides by itself how often it asks for a step, and needs to know nothing of a pipeline.

Latents are float32 of any shape and not scaled down: picture + sigma * noise. `sigmas` are scalar tensors on the CPU,
falling, and end with the level at which the drawing ends. `noise` gives normal noise of the shape of its argument.

Sources: Karras et al. (arXiv:2206.00364) for Euler, Heun and DPM2, the DPM-Solver++ paper (2211.01095), UniPC
(2302.04867), Restart (2306.14878), LCM (2310.04378), and k_diffusion/sampling.py for the ancestral and stochastic ones.
diffusers' own schedulers differ from these in several samplers; `docs/architecture.md` says why they are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from illustrious_studio.adapters.sdxl.worker.sigmas import karras_between
from illustrious_studio.domain.sampling import SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor

    Sampling = Generator[tuple[Tensor, Tensor], tuple[Tensor, Tensor], Tensor]
    Noise = Callable[[Tensor], Tensor]
    Sampler = Callable[..., Sampling]
    Correction = Callable[[Tensor, Tensor, list[Tensor], list[Tensor]], Tensor]


def euler(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    for now, then in pairwise(sigmas):
        x, denoised = yield x, now
        x = x + (x - denoised) / now * (then - now)
    return x


def euler_ancestral(x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float = 1.0) -> Sampling:
    """Also DDIM, which is this with eta 0: its noise is that of an ancestral step where nothing is scaled down."""
    for now, then in pairwise(sigmas):
        x, denoised = yield x, now
        down, up = ancestral(now, then, eta)
        x = x + (x - denoised) / now * (down - now)
        if then > 0:
            x = x + noise(x) * up
    return x


def ancestral(now: Tensor, then: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """How far to go down, and how much noise to add there, so that it comes to `then` in all. With eta 0 it is none."""
    if eta == 0:
        return then, then * 0
    up = min(then, eta * (then**2 * (now**2 - then**2) / now**2) ** 0.5)
    return (then**2 - up**2) ** 0.5, up


def heun(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    for now, then in pairwise(sigmas):
        x = yield from _heun_step(x, now, then)
    return x


def _heun_step(x: Tensor, now: Tensor, then: Tensor) -> Sampling:
    x, denoised = yield x, now
    slope = (x - denoised) / now
    ahead = x + slope * (then - now)
    if then == 0:
        return ahead
    ahead, denoised = yield ahead, then
    return x + (slope + (ahead - denoised) / then) / 2 * (then - now)


def dpm2(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    for now, then in pairwise(sigmas):
        x = yield from _midpoint_step(x, now, then)
    return x


def dpm2_ancestral(x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float = 1.0) -> Sampling:
    for now, then in pairwise(sigmas):
        down, up = ancestral(now, then, eta)
        x = yield from _midpoint_step(x, now, down)
        if then > 0:
            x = x + noise(x) * up
    return x


def _midpoint_step(x: Tensor, now: Tensor, then: Tensor) -> Sampling:
    x, denoised = yield x, now
    slope = (x - denoised) / now
    if then == 0:
        return x + slope * (then - now)
    middle = now.log().lerp(then.log(), 0.5).exp()
    halfway, denoised = yield x + slope * (middle - now), middle
    return x + (halfway - denoised) / middle * (then - now)


def lms(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    """Linear multistep (Adams-Bashforth on uneven steps) of up to four slopes."""
    slopes: list[Tensor] = []
    for index, (now, then) in enumerate(pairwise(sigmas)):
        x, denoised = yield x, now
        slopes = [(x - denoised) / now, *slopes[:3]]
        known = [float(sigma) for sigma in sigmas[max(0, index - 3) : index + 1]][::-1]
        for weight, slope in zip(multistep_weights(known, float(then)), slopes, strict=True):
            x = x + slope * weight
    return x


def multistep_weights(known: list[float], then: float) -> list[float]:
    """For each of the slopes at the sigmas `known`, the newest first: its share of the way from there to `then`.

    The exact integral of the polynomial through them (k-diffusion integrates it numerically).
    """
    weights = []
    for index, sigma in enumerate(known):
        others = known[:index] + known[index + 1 :]
        basis = np.atleast_1d(np.poly(others)) / np.prod([sigma - other for other in others])
        integral = np.polyint(basis)
        weights.append(float(np.polyval(integral, then) - np.polyval(integral, known[0])))
    return weights


def dpmpp_2m(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    before: Tensor | None = None
    last = sigmas[0]
    for now, then in pairwise(sigmas):
        x, denoised = yield x, now
        heading = denoised
        if before is not None and then > 0:
            heading = denoised + (denoised - before) * (now / then).log() / (last / now).log() / 2
        x = then / now * x + (1 - then / now) * heading
        before, last = denoised, now
    return x


def dpmpp_2m_sde(x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float = 1.0) -> Sampling:
    return (yield from _dpmpp_multistep_sde(x, sigmas, noise, eta, _midpoint))


def dpmpp_2m_sde_heun(x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float = 1.0) -> Sampling:
    return (yield from _dpmpp_multistep_sde(x, sigmas, noise, eta, _second_order))


def dpmpp_3m_sde(x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float = 1.0) -> Sampling:
    return (yield from _dpmpp_multistep_sde(x, sigmas, noise, eta, _third_order))


def _dpmpp_multistep_sde(
    x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float, correction: Correction
) -> Sampling:
    """A first-order step, and from the second on a correction from what was estimated before; then fresh noise.

    A correction gets the way of the step (the difference in log sigma), how far it goes in all (the noise makes it
    1 + eta as far), the estimates, the newest first, and the ways of the steps before.
    """
    estimates: list[Tensor] = []
    ways: list[Tensor] = []
    for now, then in pairwise(sigmas):
        x, denoised = yield x, now
        if then == 0:
            return denoised
        estimates = [denoised, *estimates[:2]]
        way = (now / then).log()
        reach = way * (1 + eta)
        x = then / now * (-eta * way).exp() * x - (-reach).expm1() * denoised
        if ways:
            x = x + correction(way, reach, estimates, ways)
        x = x + noise(x) * then * (-(-2 * eta * way).expm1()) ** 0.5
        ways = [way, *ways[:1]]
    return x


def _midpoint(way: Tensor, reach: Tensor, estimates: list[Tensor], ways: list[Tensor]) -> Tensor:
    return -(-reach).expm1() / 2 * (way / ways[0]) * (estimates[0] - estimates[1])


def _second_order(way: Tensor, reach: Tensor, estimates: list[Tensor], ways: list[Tensor]) -> Tensor:
    return _phi_2(reach) * (way / ways[0]) * (estimates[0] - estimates[1])


def _third_order(way: Tensor, reach: Tensor, estimates: list[Tensor], ways: list[Tensor]) -> Tensor:
    if len(ways) == 1:
        return _second_order(way, reach, estimates, ways)
    r0, r1 = ways[0] / way, ways[1] / way
    newer, older = (estimates[0] - estimates[1]) / r0, (estimates[1] - estimates[2]) / r1
    bend = (newer - older) / (r0 + r1)
    phi_2 = _phi_2(reach)
    return phi_2 * (newer + bend * r0) - (phi_2 / reach - 0.5) * bend


def _phi_2(h: Tensor) -> Tensor:
    return (-h).expm1() / h + 1


def dpmpp_sde(x: Tensor, sigmas: Sequence[Tensor], noise: Noise, eta: float = 1.0) -> Sampling:
    """Two estimates a step, with noise at both that belongs to one path (as k-diffusion's Brownian tree gives it)."""
    for now, then in pairwise(sigmas):
        x, denoised = yield x, now
        if then == 0:
            return denoised
        middle = (now * then) ** 0.5
        down, up = ancestral(now, middle, eta)
        first = noise(x)
        halfway = down / now * x + (1 - down / now) * denoised + first * up
        _, denoised = yield halfway, middle
        down, up = ancestral(now, then, eta)
        whole = (first * (now - middle) ** 0.5 + noise(x) * (middle - then) ** 0.5) / (now - then) ** 0.5
        x = down / now * x + (1 - down / now) * denoised + whole * up
    return x


def restart(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    """Heun, going back once or twice from sigma 0.1 to 2 with fresh noise, in as many steps in all.

    From 20 steps on the sigmas between the first and the last but one are Karras', as in A1111; below, it is Heun.
    """
    last: Tensor | None = None
    for now, then in restart_steps(sigmas):
        if last is not None and last < now:
            x = x + noise(x) * (now**2 - last**2) ** 0.5
        x = yield from _heun_step(x, now, then)
        last = then
    return x


def restart_steps(sigmas: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """From which sigma to which each step goes."""
    steps = len(sigmas) - 1
    if steps < 20:
        return list(pairwise(sigmas))
    times, back = (2, steps // 4) if steps >= 36 else (1, 9)

    def karras(count: int, low: Tensor, high: Tensor) -> list[Tensor]:
        return list(high.new_tensor(karras_between(count, float(low), float(high))))

    levels = [*karras(steps - times * back, sigmas[-2], sigmas[0]), sigmas[0] * 0]
    low, high = (min(range(len(levels)), key=lambda index: abs(levels[index] - goal)) for goal in (0.1, 2.0))
    plan = list(pairwise(levels))
    again = list(pairwise(karras(back + 1, levels[low], levels[high]))) if high < low else []
    return [*plan[:low], *again * times, *plan[low:]]


def lcm(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    for now, then in pairwise(sigmas):
        x, denoised = yield x, now
        x = denoised + noise(x) * then if then > 0 else denoised
    return x


def unipc(x: Tensor, sigmas: Sequence[Tensor], noise: Noise) -> Sampling:
    """UniPC of the second order with B2(h), as in diffusers: a predictor, corrected when the next estimate is there."""
    start = x
    estimates: list[Tensor] = []
    for index, (now, then) in enumerate(pairwise(sigmas)):
        x, denoised = yield x, now
        if index > 0:  # what led here, now that the estimate at its end is known
            x = _corrected(start, [denoised, *estimates], sigmas[max(0, index - 2) : index + 1])
        estimates = [denoised, *estimates[:1]]
        start = x
        heading = denoised
        if len(estimates) == 2 and then > 0 and index < len(sigmas) - 2:
            heading = denoised + (denoised - estimates[1]) * (now / then).log() / (sigmas[index - 1] / now).log() / 2
        x = then / now * x + (1 - then / now) * heading
    return x


def _corrected(start: Tensor, estimates: list[Tensor], sigmas: Sequence[Tensor]) -> Tensor:
    """The step from `sigmas[-2]` to `sigmas[-1]`, with the estimates at its end, its start and, if any, one before."""
    end, begin = sigmas[-1], sigmas[-2]
    h = (end / begin).log()  # below 0
    reach = h.expm1()
    if len(sigmas) == 2:
        heading = estimates[1] + (estimates[0] - estimates[1]) / 2
    else:
        b1 = (reach / h - 1) / reach
        b2 = ((reach / h - 1) / h - 0.5) * 2 / reach
        ratio = (sigmas[0] / begin).log() / h
        weight = (b1 - b2) / (1 - ratio)
        heading = estimates[1] + weight * (estimates[2] - estimates[1]) / ratio
        heading = heading + (b1 - weight) * (estimates[0] - estimates[1])
    return end / begin * start - reach * heading


LOOPS: dict[str, Sampler] = {
    "Euler a": euler_ancestral,
    "Euler": euler,
    "LMS": lms,
    "Heun": heun,
    "DPM2": dpm2,
    "DPM2 a": dpm2_ancestral,
    "DPM++ 2M": dpmpp_2m,
    "DPM++ SDE": dpmpp_sde,
    "DPM++ 2M SDE": dpmpp_2m_sde,
    "DPM++ 2M SDE Heun": dpmpp_2m_sde_heun,
    "DPM++ 3M SDE": dpmpp_3m_sde,
    "Restart": restart,
    "UniPC": unipc,
    "DDIM": euler_ancestral,
    "LCM": lcm,
}


def loop_for(name: str, eta: float | None = None) -> Sampler:
    """The sampler's loop; it adds as much noise as `eta` says, where that is left open to it."""
    own = SAMPLERS[name].eta
    return LOOPS[name] if own is None else partial(LOOPS[name], eta=own if eta is None else eta)


def levels_of(sampler: Sampler, sigmas: Sequence[Tensor]) -> list[Tensor]:
    """The sigmas at which the model will be asked, in order."""
    nothing = sigmas[0] * 0
    run = sampler(nothing, sigmas, lambda _: nothing)
    levels = []
    try:
        _, level = next(run)
        while True:
            levels.append(level)
            _, level = run.send((nothing, nothing))
    except StopIteration:
        return levels
