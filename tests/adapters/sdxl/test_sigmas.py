"""What every sampler and schedule really runs on, against k-diffusion's and A1111's formulas in plain Python.

Nothing here comes from the code under test but the scheduler that is looked at.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from illustrious_studio.adapters.sdxl.worker.schedulers import Scheduler, scheduler_for
from illustrious_studio.adapters.sdxl.worker.sigmas import beta_quantile
from illustrious_studio.domain.sampling import SAMPLERS, img2img_steps

STEPS = (1, 2, 8, 20, 28, 30)
DISCARDING = ("DPM2", "DPM2 a", "DPM++ 3M SDE")


def sdxl_sigmas() -> list[float]:
    product, sigmas = 1.0, []
    for t in range(1000):
        beta = (math.sqrt(0.00085) + (math.sqrt(0.012) - math.sqrt(0.00085)) * t / 999) ** 2
        product *= 1 - beta
        sigmas.append(math.sqrt((1 - product) / product))
    return sigmas


SIGMAS = sdxl_sigmas()
LOW, HIGH = SIGMAS[0], SIGMAS[-1]


def at(timestep: float) -> float:
    below = min(int(timestep), 998)
    share = timestep - below
    return math.exp((1 - share) * math.log(SIGMAS[below]) + share * math.log(SIGMAS[below + 1]))


def spread(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * index / max(count - 1, 1) for index in range(count)]


def quantile(probability: float) -> float:
    """Of the beta distribution (0.6, 0.6), by adding up small pieces of its density in a variable that flattens it."""
    angles = np.linspace(0, math.pi / 2, 200_001)  # t = sin(angle)^2
    middles = (angles[1:] + angles[:-1]) / 2
    share = np.concatenate([[0], np.cumsum((np.sin(middles) * np.cos(middles)) ** 0.2)])
    return float(np.sin(np.interp(probability * share[-1], share, angles)) ** 2)


def expected(schedule: str, n: int) -> list[float]:
    match schedule:
        case "Normal" | "Uniform":
            levels = [at(t) for t in spread(999, 0, n)]
        case "SGM Uniform":
            levels = [at(t) for t in spread(999, 0, n + 1)[:-1]]
        case "Karras":
            levels = [root**7 for root in spread(HIGH ** (1 / 7), LOW ** (1 / 7), n)]
        case "Exponential" | "Polyexponential":
            levels = [math.exp(log) for log in spread(math.log(HIGH), math.log(LOW), n)]
        case "KL Optimal":
            return [math.tan(angle) for angle in spread(math.atan(HIGH), math.atan(LOW), n + 1)]
        case "Align Your Steps":
            table = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029]
            logs = [math.log(sigma) for sigma in table]
            places = [place * 10 for place in spread(0, 1, n)]
            levels = [
                math.exp(
                    logs[min(int(p), 9)] * (1 - p + min(int(p), 9)) + logs[min(int(p), 9) + 1] * (p - min(int(p), 9))
                )
                for p in places
            ]
        case "Simple":
            levels = [SIGMAS[-(1 + int(index * 1000 / n))] for index in range(n)]
        case "DDIM":
            levels = [SIGMAS[t] for t in reversed(range(1, 1000, max(1000 // n, 1)))]
        case "Beta":
            levels = [LOW + quantile(q) * (HIGH - LOW) for q in spread(1, 0, n)]
        case "Leading":
            levels = [SIGMAS[t * (1000 // n) + 1] for t in reversed(range(n))]
        case "Trailing":
            levels = [SIGMAS[round(1000 - t * (1000 / n)) - 1] for t in range(n)]
    return [*levels, 0.0]


def own(**config: Any) -> Any:
    from diffusers import EulerDiscreteScheduler

    sdxl = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    return EulerDiscreteScheduler(**sdxl, **config)


@pytest.fixture(scope="module")
def ordinary() -> Any:
    return own()


def timesteps(sigmas: list[float]) -> list[float]:
    """Where a model of SDXL's betas sees these sigmas."""
    return [float(np.interp(math.log(sigma), np.log(SIGMAS), range(1000))) for sigma in sigmas]


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "LCM"])
def test_every_sampler_and_schedule_runs_on_the_sigmas_of_the_field(ordinary: Any, sampler: str) -> None:
    for schedule in SAMPLERS[sampler].schedules[1:]:
        for steps in STEPS:
            if (sampler, schedule) == ("UniPC", "Leading"):
                continue  # below
            scheduler = scheduler_for(sampler, schedule, ordinary, steps)
            sigmas = expected(schedule, steps + (sampler in DISCARDING))
            if sampler in DISCARDING:
                del sigmas[-2]
            assert scheduler.sigmas.tolist() == pytest.approx(sigmas, rel=3e-5, abs=1e-6), (schedule, steps)
            if sampler != "Restart":
                asked = sorted(set(timesteps(sigmas[: len(sigmas) - (sigmas[-1] == 0 or sampler != "Heun")])))
                seen = sorted(scheduler.timesteps.tolist())
                assert seen[-1] == pytest.approx(asked[-1], abs=0.02)
                assert all(min(abs(one - t) for one in seen) < 0.02 for t in asked), (schedule, steps)


def test_the_numbers_that_everybody_knows(ordinary: Any) -> None:
    def ends(sampler: str, schedule: str, steps: int) -> list[float]:
        sigmas = scheduler_for(sampler, schedule, ordinary, steps).sigmas.tolist()
        return [sigmas[0], sigmas[1], sigmas[-2], sigmas[-1]]

    assert ends("Euler", "Normal", 20) == pytest.approx([14.6146, 10.7468, 0.0292, 0], abs=1e-4)
    assert ends("DPM++ 2M", "Karras", 20) == pytest.approx([14.6146, 11.7254, 0.0292, 0], abs=1e-4)
    assert ends("DPM++ 2M SDE", "Exponential", 20) == pytest.approx([14.6146, 10.5363, 0.0292, 0], abs=1e-4)
    assert ends("Euler", "Leading", 20) == pytest.approx([11.0283, 8.3907, 0.0413, 0], abs=1e-4)
    assert ends("Euler", "KL Optimal", 20) == pytest.approx([14.6146, 6.9957, 0.1032, 0.0292], abs=1e-4)
    assert ends("DPM2", "Karras", 20)[2] == pytest.approx(0.0473, abs=1e-4), "the last but one is left out"
    sigmas = scheduler_for("Euler", "Align Your Steps", ordinary, 11).sigmas.tolist()
    assert sigmas == pytest.approx(
        [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029, 0], abs=1e-4
    )
    assert len(scheduler_for("Euler", "DDIM", ordinary, 30).sigmas) == 32, "A1111's takes a step more there"
    assert scheduler_for("UniPC", "Leading", ordinary, 20).timesteps.tolist()[:2] == [941, 894]
    assert scheduler_for("LCM", "Automatic", ordinary, 4).timesteps.tolist() == [999, 759, 499, 259]


@pytest.mark.parametrize("steps", STEPS)
def test_whole_timesteps_stay_whole(ordinary: Any, steps: int) -> None:
    for schedule in ("Leading", "Trailing", "Simple", "DDIM"):
        timesteps = scheduler_for("Euler", schedule, ordinary, steps).timesteps.tolist()
        assert timesteps == [round(t) for t in timesteps], schedule


def test_at_zero_terminal_snr_the_first_step_sees_pure_noise() -> None:
    zero = own(rescale_betas_zero_snr=True, prediction_type="v_prediction")
    for schedule in ("Trailing", "Normal", "SGM Uniform", "KL Optimal"):
        scheduler = scheduler_for("Euler", schedule, zero, 20)
        assert scheduler.timesteps[0] == 999
        assert scheduler.sigmas[0] == pytest.approx(4096, rel=1e-3)
        assert scheduler.sigmas[1] < 50, "and no second one is spent there"


@pytest.mark.parametrize(
    ("probability", "place"),
    [  # from a computation with 30 digits
        (0.0, 0.0),
        (0.001, 0.0000185587385174519971432),
        (0.01, 0.000861238821542906661024),
        (0.1, 0.0395844055887808517142),
        (0.25, 0.175680378652695014503),
        (0.5, 0.5),
        (0.6, 0.637299009246785652428),
        (0.9, 0.960415594411219166412),
        (0.99, 0.999138761178457092094),
        (1.0, 1.0),
    ],
)
def test_the_quantiles_of_the_beta_distribution_are_right(probability: float, place: float) -> None:
    assert beta_quantile(probability) == pytest.approx(place, abs=1e-14)


@pytest.mark.parametrize(("steps", "strength"), [(20, 1.0), (20, 0.4), (30, 0.75), (30, 0.01), (1, 0.5), (8, 0.9)])
@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M", "DPM2", "DDIM"])
def test_image_to_image_does_the_last_steps(ordinary: Any, sampler: str, steps: int, strength: float) -> None:
    whole = scheduler_for(sampler, SAMPLERS[sampler].automatic, ordinary, steps).sigmas.tolist()
    part = scheduler_for(sampler, SAMPLERS[sampler].automatic, ordinary, steps, strength)
    encoded = int(min(strength, 0.999) * steps)
    assert part.sigmas.tolist() == whole[steps - encoded - 1 :]
    assert len(part.sigmas) == encoded + 2
    assert img2img_steps(steps, strength) == encoded + 1
    calls = len(part.timesteps)
    assert calls == (2 * encoded + 1 if sampler == "DPM2" else encoded + 1)


def run(scheduler: Scheduler, denoise: Any, x: Any, seed: int = 5) -> Any:
    """As a diffusers pipeline runs it, with a UNet that says what noise there is beside what `denoise` finds."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    scheduler.set_timesteps(len(scheduler.timesteps))
    x = scheduler.begin(x)
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, timestep)
        sigma = scheduler.sigma
        noisy = scaled * (sigma**2 + 1) ** 0.5
        x = scheduler.step((noisy - denoise(noisy, sigma)) / sigma, timestep, x, generator=generator)[0]
    return x


def toy(x: Any, sigma: Any) -> Any:
    import torch

    return torch.sin(x) * 0.7 + x / (1 + sigma) * 0.2


def normal(seed: int, count: int) -> list[Any]:
    import torch

    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(1, 4, 4, 4, generator=generator) for _ in range(count)]


def levels(schedule: str, steps: int, *, discard: bool = False) -> list[float]:
    sigmas = expected(schedule, steps + discard)
    if discard:
        del sigmas[-2]
    return sigmas


def up_and_down(now: float, then: float) -> tuple[float, float]:
    up = min(then, math.sqrt(then**2 * (now**2 - then**2) / now**2))
    return up, math.sqrt(then**2 - up**2)


@pytest.mark.parametrize("steps", [1, 2, 8, 20])
@pytest.mark.parametrize(
    "sampler", ["Euler", "Euler a", "DPM++ 2M", "Heun", "DPM2", "DPM2 a", "DPM++ 2M SDE", "DPM++ 3M SDE", "LMS"]
)
def test_a_whole_run_is_k_diffusions_loop(ordinary: Any, sampler: str, steps: int) -> None:
    schedule = SAMPLERS[sampler].automatic
    (start,) = normal(1, 1)
    noises = iter(normal(5, steps))
    s = levels(schedule, steps, discard=sampler in DISCARDING)
    x = start.double() * s[0]
    old: list[Any] = []
    h: list[float] = []
    slopes: list[Any] = []
    for i in range(steps):
        now, then = s[i], s[i + 1]
        denoised = toy(x, now)
        d = (x - denoised) / now
        up, down = up_and_down(now, then)
        if sampler == "Euler" or (then == 0 and sampler != "LMS"):
            x = x + d * (then - now)
        elif sampler == "Euler a":
            x = x + d * (down - now) + next(noises) * up
        elif sampler == "Heun":
            ahead = x + d * (then - now)
            x = x + (d + (ahead - toy(ahead, then)) / then) / 2 * (then - now)
        elif sampler in ("DPM2", "DPM2 a"):
            goal = down if sampler == "DPM2 a" else then
            middle = math.sqrt(now * goal)
            halfway = x + d * (middle - now)
            x = x + (halfway - toy(halfway, middle)) / middle * (goal - now)
            x = x + next(noises) * up if sampler == "DPM2 a" else x
        elif sampler == "DPM++ 2M":
            step = math.log(now) - math.log(then)
            heading = denoised
            if old:
                r = h[-1] / step
                heading = (1 + 1 / (2 * r)) * denoised - old[-1] / (2 * r)
            x = then / now * x - math.expm1(-step) * heading
            h.append(step)
        elif sampler == "LMS":
            slopes.append(d)
            order = min(i + 1, 4)
            for j in range(order):  # Adams-Bashforth by Simpson's rule, which is exact for cubic polynomials

                def basis(tau: float, i: int = i, j: int = j, order: int = order) -> float:
                    return math.prod((tau - s[i - k]) / (s[i - j] - s[i - k]) for k in range(order) if k != j)

                weight = (then - now) / 6 * (basis(now) + 4 * basis((now + then) / 2) + basis(then))
                x = x + slopes[i - j] * weight
        else:
            step = math.log(now) - math.log(then)
            x = then / now * math.exp(-step) * x - math.expm1(-2 * step) * denoised
            if sampler == "DPM++ 2M SDE" and old:
                x = x - 0.5 * math.expm1(-2 * step) * step / h[-1] * (denoised - old[-1])
            elif sampler == "DPM++ 3M SDE" and old:
                eta_h = 2 * step
                phi_2 = math.expm1(-eta_h) / eta_h + 1
                if len(old) == 1:
                    x = x + phi_2 * (denoised - old[-1]) / (h[-1] / step)
                else:
                    r0, r1 = h[-1] / step, h[-2] / step
                    d1_0, d1_1 = (denoised - old[-1]) / r0, (old[-1] - old[-2]) / r1
                    d1 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1)
                    x = x + phi_2 * d1 - (phi_2 / eta_h - 0.5) * (d1_0 - d1_1) / (r0 + r1)
            x = x + next(noises) * then * math.sqrt(-math.expm1(-2 * step))
            h.append(step)
        old.append(denoised)
    done = run(scheduler_for(sampler, schedule, ordinary, steps), toy, start)
    assert done.double().numpy() == pytest.approx(x.double().numpy(), abs=2e-3)


@pytest.mark.parametrize("steps", [1, 2, 8, 20, 30])
@pytest.mark.parametrize(("sampler", "kind"), [("UniPC", "UniPCMultistep"), ("DDIM", "DDIM"), ("LCM", "LCM")])
def test_what_diffusers_made_its_own_is_drawn_as_diffusers_does(
    ordinary: Any, sampler: str, kind: str, steps: int
) -> None:
    import diffusers

    options = {"timestep_spacing": "leading", "steps_offset": 1}
    if sampler == "DDIM":
        options["clip_sample"] = False
    theirs = getattr(diffusers, f"{kind}Scheduler").from_config(ordinary.config, **options)
    import torch

    generator = torch.Generator().manual_seed(5)
    theirs.set_timesteps(steps)
    (start,) = normal(1, 1)
    x = start * theirs.init_noise_sigma
    more = {"generator": generator} if sampler != "UniPC" else {}
    for timestep in theirs.timesteps:
        alpha = theirs.alphas_cumprod[timestep]
        sigma = ((1 - alpha) / alpha) ** 0.5
        noisy = x / alpha**0.5
        x = theirs.step((noisy - toy(noisy, sigma)) / sigma, timestep, x, **more, return_dict=False)[0]
    done = run(scheduler_for(sampler, SAMPLERS[sampler].automatic, ordinary, steps), toy, start)
    assert done.numpy() == pytest.approx(x.numpy(), abs=1e-4)


@pytest.mark.parametrize("over_a_picture", [False, True])
def test_in_half_precision_only_the_unet_sees_halves(ordinary: Any, over_a_picture: bool) -> None:
    import torch

    scheduler = scheduler_for("Heun", "Normal", ordinary, 4, dtype=torch.float16)
    x = torch.zeros(1, 4, 4, 4)
    x = scheduler.add_noise(x, x) if over_a_picture else scheduler.begin(x)
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(x, timestep)
        assert seen.dtype == torch.float16
        (x,) = scheduler.step(seen, timestep, x)
        assert x.dtype == torch.float32


@pytest.mark.parametrize("steps", [8, 20, 35, 36, 50])
def test_restart_goes_back_from_a_tenth_to_two(ordinary: Any, steps: int) -> None:
    scheduler = scheduler_for("Restart", "Karras", ordinary, steps)
    seen = [at(timestep) for timestep in scheduler.timesteps.tolist()]
    jumps = [(low, high) for low, high in pairwise(seen) if high > low * 1.01]
    assert len(jumps) == (0 if steps < 20 else 1 if steps < 36 else 2)
    for low, high in jumps:
        assert 0.05 < low < 0.2
        assert 1.4 < high < 2.7
    assert len(seen) == 2 * steps - 1, "as many calls as Heun"


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_stays_of_a_picture_is_as_noisy_as_the_drawing_at_every_step(ordinary: Any, sampler: str) -> None:
    """A model that knows the picture leaves just the noise in the latents, and that is what a mask has to add."""
    import torch

    picture = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(2))
    noise, generator = torch.randn_like(picture), torch.Generator().manual_seed(3)
    scheduler = scheduler_for(sampler, SAMPLERS[sampler].automatic, ordinary, 24, 0.8)
    x = scheduler.add_noise(picture, noise)
    for timestep in scheduler.timesteps:
        sigma = scheduler.sigma
        x = scheduler.step((x - picture) / sigma, timestep, x, generator=generator)[0]
        drawn, kept = (float((one - picture).std()) for one in (x, scheduler.add_noise(picture, noise)))
        assert drawn == pytest.approx(kept, rel=0.04, abs=1e-3)
        assert kept == pytest.approx(float(scheduler.sigma), rel=0.04, abs=1e-6)
    assert torch.equal(scheduler.add_noise(picture, noise), picture)


def test_the_noise_of_dpmpp_sde_is_one_path(ordinary: Any) -> None:
    """Noise of a step's middle is part of the noise of the whole step: what is left after both is the right amount."""
    import torch

    scheduler = scheduler_for("DPM++ SDE", "Karras", ordinary, 8)
    generator = torch.Generator().manual_seed(3)
    x = torch.zeros(1, 4, 64, 64)
    middle, whole = (scheduler.step(x / scheduler.sigma, None, x, generator=generator)[0] for _ in range(2))
    now, then = scheduler.sigmas[0], scheduler.sigmas[1]
    way = now - (now * then) ** 0.5
    shared = float(torch.corrcoef(torch.stack([middle.flatten(), whole.flatten()]))[0, 1])
    assert shared == pytest.approx(float((way / (now - then)) ** 0.5), abs=0.03)


def test_eta_is_k_diffusions(ordinary: Any) -> None:
    """Euler a's loop with get_ancestral_step's eta; half of the variance for half of eta is not what it does."""
    (start,) = normal(1, 1)
    noises = iter(normal(5, 8))
    s = levels("Normal", 8)
    x = start.double() * s[0]
    for now, then in pairwise(s):
        denoised = toy(x, now)
        up = min(then, 0.5 * math.sqrt(then**2 * (now**2 - then**2) / now**2))
        x = x + (x - denoised) / now * (math.sqrt(then**2 - up**2) - now)
        x = x + next(noises) * up if then > 0 else x
    done = run(scheduler_for("Euler a", "Normal", ordinary, 8, eta=0.5), toy, start)
    assert float((done - x).abs().max()) < 1e-4


@pytest.mark.parametrize("sampler", ["Euler a", "DPM2 a", "DPM++ SDE", "DPM++ 2M SDE", "DPM++ 3M SDE", "DDIM"])
def test_without_eta_chance_has_no_part(ordinary: Any, sampler: str) -> None:
    import torch

    (start,) = normal(1, 1)

    def done(seed: int, eta: float | None) -> Any:
        return run(scheduler_for(sampler, "Karras", ordinary, 6, eta=eta), toy, start, seed)

    assert torch.equal(done(1, 0.0), done(2, 0.0))
    assert not torch.equal(done(1, 0.7), done(2, 0.7))
    assert torch.equal(done(1, None), done(1, 0.0 if sampler == "DDIM" else 1.0))


def test_ddim_with_eta_is_that_of_diffusers(ordinary: Any) -> None:
    from diffusers import DDIMScheduler

    (start,) = normal(1, 1)
    spacing = {"timestep_spacing": "leading", "steps_offset": 1}
    theirs = DDIMScheduler.from_config(ordinary.config, clip_sample=False, **spacing)
    theirs.set_timesteps(10)
    import torch

    generator = torch.Generator().manual_seed(5)
    x = start.clone()
    for timestep in theirs.timesteps:
        alpha = theirs.alphas_cumprod[timestep]
        sigma = ((1 - alpha) / alpha) ** 0.5
        noisy = x / alpha**0.5
        x = theirs.step((noisy - toy(noisy, sigma)) / sigma, timestep, x, eta=0.6, generator=generator).prev_sample
    done = run(scheduler_for("DDIM", "Leading", ordinary, 10, eta=0.6), toy, start)
    assert float((done - x).abs().max()) < 1e-3
