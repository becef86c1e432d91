"""What the UNet is told at each of its evaluations: prompts that change, and several that steer together.

A1111's rules (`modules/sd_samplers_cfg_denoiser.py`): each prompt of a composition counts by how far it leads away from
the negative prompt, times its weight. Prompts of other lengths are asked for one by one: filled up, they would be
attended to otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.worker.controls import Asked
from illustrious_studio.adapters.sdxl.worker.prompt import Embedding, PromptEncoder
from illustrious_studio.domain.prompt_schedule import Timed, at_evaluation, composed, scheduled
from illustrious_studio.domain.rendering import Pass, RenderPlan
from illustrious_studio.domain.sampling import SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 2
"""Prompts of one length in one evaluation: a prompt and its negative. More would need more memory than those two."""


@dataclass(frozen=True)
class Told:
    """One prompt over a pass."""

    timed: tuple[Timed, ...]
    embeddings: tuple[Embedding, ...]
    weight: float = 1.0

    def at(self, evaluation: int) -> Embedding:
        return self.embeddings[at_evaluation(self.timed, evaluation)]


@dataclass(frozen=True)
class Conditioning:
    """The prompts of a pass."""

    positive: tuple[Told, ...]
    negative: Told | None
    """None where nothing is steered away from."""

    @property
    def plain(self) -> bool:
        """Whether there is one prompt, and it counts once."""
        return len(self.positive) == 1 and self.positive[0].weight == 1.0


def conditioning_of(encoder: PromptEncoder, plan: RenderPlan, render_pass: Pass, *, guided: bool) -> Conditioning:
    """Raises InvalidRequest for a clip skip beyond the encoders' layers."""
    request, first = plan.request, plan.passes[0]
    after = None if render_pass is first else _evaluations(first)

    def told(text: str, weight: float = 1.0, *, negative: bool = False) -> Told:
        timed = scheduled(text, _evaluations(render_pass), after=after)
        embeddings = encoder.encode([one.text for one in timed], request.clip_skip, negative=negative)
        return Told(timed, tuple(embeddings), weight)

    prompt, negative_prompt = plan.prompts(render_pass)
    positive = tuple(told(one.text, one.weight) for one in composed(prompt))
    found = Conditioning(positive, None)
    return Conditioning(positive, told(negative_prompt, negative=True)) if guided or not found.plain else found


def _evaluations(render_pass: Pass) -> int:
    """By which a prompt that changes counts: of all steps, also where image to image takes only the
    last of them; of a second pass (hires fix) those that it takes, as A1111 does."""
    return (render_pass.taken or render_pass.steps) * (2 if SAMPLERS[render_pass.sampler].second_order else 1)


class ConditionedUnet:
    """In a pipeline's place of its UNet, for one pass: takes the conditioning's prompts and not the pipeline's.

    The pipeline has done its own guidance with what this returns: the noise (or velocity) for the negative prompt and
    for all the others together, each (pictures, 4, height / 8, width / 8).
    """

    def __init__(self, unet: Any, conditioning: Conditioning, pictures: int = 1) -> None:
        self.unet = unet
        self._conditioning = conditioning
        self._pictures = pictures
        self._evaluation = 0

    def __getattr__(self, name: str) -> Any:
        """What else a pipeline asks of a UNet: its config, its dtype."""
        return getattr(self.unet, name)

    def __call__(
        self, sample: "Tensor", timestep: Any, added_cond_kwargs: "dict[str, Tensor]", **_: Any
    ) -> "tuple[Tensor]":
        import torch

        told, negative = self._conditioning.positive, self._conditioning.negative
        now = [one.at(self._evaluation) for one in (*([] if negative is None else [negative]), *told)]
        # The pipeline has doubled the latents where it does guidance; both halves are the same.
        results = self._asked(sample[: self._pictures], timestep, now, added_cond_kwargs["time_ids"][:1])
        self._evaluation += 1
        if self._conditioning.plain:
            return (torch.cat(results),)
        away, *towards = results
        together = away + sum(one.weight * (result - away) for one, result in zip(told, towards, strict=True))
        return (torch.cat([away, together]) if len(sample) > self._pictures else together,)

    def _asked(
        self, latents: "Tensor", timestep: Any, embeddings: Sequence[Embedding], time_ids: "Tensor"
    ) -> "list[Tensor]":
        """The UNet's answer for each, a row for each picture."""
        import torch

        pictures = len(latents)

        def for_each(one: "Tensor") -> "Tensor":
            return one.expand(pictures, *one.shape[1:])

        alike = len({one.rows.shape for one in embeddings}) == 1 and len(embeddings) <= AT_ONCE
        groups = [list(embeddings)] if alike else [[one] for one in embeddings]
        results: list[Tensor] = []
        away = 0 if self._conditioning.negative is None else pictures
        for group in groups:
            found = self.unet(
                torch.cat([latents] * len(group)),
                timestep,
                encoder_hidden_states=torch.cat([for_each(one.rows) for one in group]).to(self.unet.dtype),
                added_cond_kwargs={
                    "text_embeds": torch.cat([for_each(one.pooled) for one in group]).to(self.unet.dtype),
                    "time_ids": time_ids.expand(len(group) * pictures, -1),
                },
                asked=Asked(self._evaluation, away),
                return_dict=False,
            )[0]
            away = 0  # the negative prompt is the first
            results += found.split(pictures)
        return results
