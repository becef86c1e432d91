"""What the UNet is told at each of its evaluations: prompts that change, and several that steer together.

A1111's rules (`modules/sd_samplers_cfg_denoiser.py`): each prompt of a composition counts by how far it leads away from
the negative prompt, times its weight. Prompts of other lengths are asked for one by one: filled up, they would be
attended to otherwise.

A region with LoRAs of its own is drawn with them as a whole picture is: they are in the weights also where the negative
prompt is asked for that its words lead away from. In the prompt alone they would count as often as guidance says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.worker.controls import Asked
from illustrious_studio.adapters.sdxl.worker.loras import LoraMerger
from illustrious_studio.adapters.sdxl.worker.prompt import Embedding, PromptEncoder
from illustrious_studio.adapters.sdxl.worker.regions import shared_out
from illustrious_studio.domain.loras import LoraUse
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
    weight: "float | Tensor" = 1.0
    """How much it counts; of a region's, at each latent: (1, 1, height / 8, width / 8)."""
    loras: tuple[LoraUse, ...] = ()
    """Of its region alone."""

    def at(self, evaluation: int) -> Embedding:
        return self.embeddings[at_evaluation(self.timed, evaluation)]


@dataclass(frozen=True)
class Conditioning:
    """The prompts of a pass."""

    positive: tuple[Told, ...]
    negative: tuple[Told, ...]
    """The negative prompt, once for all that have the same LoRAs. None where nothing is steered away from, and the
    others count once together."""

    @property
    def plain(self) -> bool:
        """Whether there is one prompt, and it counts once."""
        (first, *others) = self.positive
        return not others and isinstance(first.weight, float) and first.weight == 1.0

    def at(self, evaluation: int) -> list[Embedding]:
        """All that is asked for, the negative prompt first."""
        return [one.at(evaluation) for one in (*self.negative, *self.positive)]


def conditioning_of(
    encoder: PromptEncoder, plan: RenderPlan, render_pass: Pass, scale: int, *, guided: bool
) -> Conditioning:
    """`scale`: pixels of a side for one latent. Raises InvalidRequest for a clip skip beyond the encoders' layers."""
    request, first = plan.request, plan.passes[0]
    after = None if render_pass is first else _evaluations(first)

    def told(text: str, own: tuple[LoraUse, ...], weight: "float | Tensor", *, negative: bool = False) -> Told:
        timed = scheduled(text, _evaluations(render_pass), after=after)
        embeddings = encoder.encode([one.text for one in timed], request.clip_skip, negative=negative, own=own)
        return Told(timed, tuple(embeddings), weight, own)

    prompt, negative_prompt = plan.prompts(render_pass)
    shares = shared_out(plan, prompt, render_pass, scale)
    together = [(composed(one.words), one) for one in shares]
    positive = tuple(
        told(each.text, one.loras, each.weight if one.share is None else each.weight * one.share)
        for parts, one in together
        for each in parts
    )
    once = all(len(parts) == 1 and parts[0].weight == 1.0 for parts, _ in together)
    if once and not guided:
        return Conditioning(positive, ())
    away: dict[tuple[LoraUse, ...], float | Tensor] = {}
    for one in shares:
        share = 1.0 if one.share is None else one.share
        away[one.loras] = away[one.loras] + share if one.loras in away else share
    if len(away) == 1:
        away = dict.fromkeys(away, 1.0)
    return Conditioning(
        positive, tuple(told(negative_prompt, own, share, negative=True) for own, share in away.items())
    )


def _evaluations(render_pass: Pass) -> int:
    """By which a prompt that changes counts: of all steps, also where image to image takes only the
    last of them; of a second pass (hires fix) those that it takes, as A1111 does."""
    return (render_pass.taken or render_pass.steps) * (2 if SAMPLERS[render_pass.sampler].second_order else 1)


class ConditionedUnet:
    """In a pipeline's place of its UNet, for one pass: takes the conditioning's prompts and not the pipeline's.

    The pipeline has done its own guidance with what this returns: the noise (or velocity) for the negative prompt and
    for all the others together, each (pictures, 4, height / 8, width / 8).
    """

    def __init__(self, unet: Any, conditioning: Conditioning, loras: LoraMerger, pictures: int = 1) -> None:
        self.unet = unet
        self._conditioning = conditioning
        self._loras = loras
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
        # The pipeline has doubled the latents where it does guidance; both halves are the same.
        results = self._asked(sample[: self._pictures], timestep, added_cond_kwargs["time_ids"][:1])
        self._evaluation += 1
        if self._conditioning.plain:
            return (torch.cat(results),)
        weights = [one.weight if isinstance(one.weight, float) else one.weight.to(sample) for one in (*negative, *told)]
        if not negative:
            return (sum(weight * result for weight, result in zip(weights, results, strict=True)),)
        count = len(negative)
        aways = {one.loras: result for one, result in zip(negative, results[:count], strict=True)}
        away = sum(weight * result for weight, result in zip(weights[:count], aways.values(), strict=True))
        together = away + sum(
            weight * (result - aways[one.loras])
            for one, weight, result in zip(told, weights[count:], results[count:], strict=True)
        )
        return (torch.cat([away, together]) if len(sample) > self._pictures else together,)

    def _asked(self, latents: "Tensor", timestep: Any, time_ids: "Tensor") -> "list[Tensor]":
        """The UNet's answers to all that is asked for, a row for each picture."""
        import torch

        pictures, negatives = len(latents), len(self._conditioning.negative)
        embeddings = self._conditioning.at(self._evaluation)

        def for_each(one: "Tensor") -> "Tensor":
            return one.expand(pictures, *one.shape[1:])

        results: dict[int, Tensor] = {}
        for loras, group in self._groups(embeddings):
            with self._loras.within(loras, "unet"):
                found = self.unet(
                    torch.cat([latents] * len(group)),
                    timestep,
                    encoder_hidden_states=torch.cat([for_each(embeddings[at].rows) for at in group]).to(
                        self.unet.dtype
                    ),
                    added_cond_kwargs={
                        "text_embeds": torch.cat([for_each(embeddings[at].pooled) for at in group]).to(self.unet.dtype),
                        "time_ids": time_ids.expand(len(group) * pictures, -1),
                    },
                    asked=Asked(self._evaluation, pictures * sum(at < negatives for at in group)),
                    return_dict=False,
                )[0]
            results |= zip(group, found.split(pictures), strict=True)
        return [results[at] for at in range(len(embeddings))]

    def _groups(self, embeddings: Sequence[Embedding]) -> list[tuple[tuple[LoraUse, ...], list[int]]]:
        """What is asked for in one evaluation, with the LoRAs that are in the weights meanwhile; those with the same
        LoRAs one after another."""
        everything = (*self._conditioning.negative, *self._conditioning.positive)
        by_loras: dict[tuple[LoraUse, ...], list[int]] = {}
        for at, one in enumerate(everything):
            by_loras.setdefault(one.loras, []).append(at)
        alike = len({one.rows.shape for one in embeddings}) == 1 and len(embeddings) <= AT_ONCE
        if alike and len(by_loras) == 1:
            return list(by_loras.items())
        return [(loras, [at]) for loras, places in by_loras.items() for at in places]
