"""A sampler and its sigmas in the place of a diffusers scheduler, for one drawing."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from illustrious_studio.adapters.sdxl.worker.samplers import levels_of, loop_for
from illustrious_studio.adapters.sdxl.worker.sigmas import ModelSigmas, sigma_schedule
from illustrious_studio.domain.sampling import SAMPLERS, img2img_steps

if TYPE_CHECKING:
    import torch

    from illustrious_studio.adapters.sdxl.worker.samplers import Sampler


def scheduler_for(
    sampler: str,
    schedule: str,
    own: Any,
    steps: int,
    strength: float | None = None,
    eta: float | None = None,
    dtype: "torch.dtype | None" = None,
    taken: int | None = None,
) -> "Scheduler":
    """The scheduler of one drawing. `own` is the checkpoint's, which knows its betas and what its UNet predicts;
    `dtype` what the UNet computes in (float32).

    With a `strength` (image to image) only the last of the steps are done: `taken`, or as many as A1111 does. Its
    `timesteps` say how often the UNet is asked, which is more than once a step for some samplers. `eta` left out is the
    sampler's own.
    """
    model = model_sigmas(own)
    known = SAMPLERS[sampler]
    sigmas = sigma_schedule(sampler, schedule, steps, model, discard=known.discards_penultimate)
    if strength is not None:
        sigmas = sigmas[steps - (taken or img2img_steps(steps, strength)) :]
    scaled_down = known.scaled_down or schedule == "Leading"
    loop = loop_for(sampler, eta)
    return Scheduler(loop, sigmas, model, own.config.prediction_type, scaled_down=scaled_down, dtype=dtype)


def model_sigmas(own: Any) -> ModelSigmas:
    """The checkpoint's own sigmas. With zero terminal SNR diffusers makes the last 4096 instead of infinite."""
    return ModelSigmas((((1 - own.alphas_cumprod) / own.alphas_cumprod) ** 0.5).double().numpy())


class Scheduler:
    """What a diffusers pipeline asks of its scheduler, done by a sampler. Good for one run.

    The latents are the sampler's: float32 and not scaled down. `sigmas` (steps + 1) are what it goes through;
    `timesteps` (as many as there are UNet calls) are where the UNet is asked, fractions included.
    """

    order = 1
    """To the pipeline every call of the UNet is a step."""

    init_noise_sigma = 1.0
    """The latents it is given have their noise already: `begin` and `add_noise` give it to them."""

    def __init__(
        self,
        sampler: "Sampler",
        sigmas: Any,
        model: ModelSigmas,
        prediction_type: str,
        *,
        scaled_down: bool = False,
        dtype: "torch.dtype | None" = None,
    ) -> None:
        import torch

        self.sigmas = torch.tensor(sigmas, dtype=torch.float32)
        self.denoised: torch.Tensor | None = None
        """The last estimate of the finished latents."""
        self.mix: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
        """What an estimate is made to be before it is used (soft inpainting), with the noise that it was made at."""
        self._sampler = sampler
        self._prediction_type = prediction_type
        levels = levels_of(self._sampler, self.sigmas.unbind())
        self._levels = [*levels, self.sigmas[-1]]
        self.timesteps = torch.tensor(model.timesteps(np.array(levels, dtype=np.float64)), dtype=torch.float32)
        first = self.sigmas[0]
        self._first = (first**2 + 1) ** 0.5 if scaled_down else first
        self._done = 0
        self._dtype = dtype or torch.float32
        self._run: Generator[Any, Any, Any] | None = None

    @property
    def sigma(self) -> "torch.Tensor":
        """How much noise the latents have now: after each call of `step`, also within a sampler's step."""
        return self._levels[self._done]

    def set_timesteps(self, num_inference_steps: int, device: Any = None) -> None:
        """The steps are settled; only where they are kept is not."""
        self.timesteps = self.timesteps.to(device)

    def begin(self, noise: "torch.Tensor") -> "torch.Tensor":
        """The latents of a drawing that begins with nothing but noise of variance 1."""
        return noise * self._first

    def scale_model_input(self, sample: "torch.Tensor", timestep: Any) -> "torch.Tensor":
        """The latents as the UNet wants them: of variance 1, in its dtype."""
        return (sample / (self.sigma**2 + 1) ** 0.5).to(self._dtype)

    def add_noise(self, latents: "torch.Tensor", noise: "torch.Tensor") -> "torch.Tensor":
        """Latents with as much noise as those of the drawing have now."""
        return latents + noise * self.sigma

    def step(
        self, model_output: "torch.Tensor", timestep: Any, sample: "torch.Tensor", generator: Any = None, **_: Any
    ) -> "tuple[torch.Tensor]":
        """The latents for the next call of the UNet, or the last ones. Noise comes from `generator` alone."""
        from diffusers.utils.torch_utils import randn_tensor

        def noise(like: "torch.Tensor") -> "torch.Tensor":
            return randn_tensor(like.shape, generator=generator, device=like.device, dtype=like.dtype)

        sample = sample.float()
        if self._run is None:
            self._run = self._sampler(sample, self.sigmas.unbind(), noise)
            next(self._run)
        self.denoised = self._denoised(model_output.float(), sample)
        if self.mix is not None:
            self.denoised = self.mix(self.denoised, self.sigma)
        self._done += 1
        try:
            following, _ = self._run.send((sample, self.denoised))
        except StopIteration as end:
            following = end.value
        return (following,)

    def _denoised(self, output: "torch.Tensor", sample: "torch.Tensor") -> "torch.Tensor":
        sigma = self.sigma
        if self._prediction_type == "v_prediction":
            return output * (-sigma / (sigma**2 + 1) ** 0.5) + sample / (sigma**2 + 1)
        return sample - sigma * output
