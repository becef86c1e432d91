"""What is publicly recommended for a family of checkpoints, as a preset, with the reason for each value.

From the model cards, read in November 2026; what a card leaves open says so:

- Illustrious XL 0.1: huggingface.co/OnomaAIResearch/Illustrious-xl-early-release-v0 (Euler a, 20 to 28 steps, CFG 5 to
  7.5; its example's negative prompt). The cards of 1.0 to 2.0 name no settings.
- NoobAI XL 1.1: huggingface.co/Laxhar/noobai-XL-1.1 (Euler a, 25 to 30 steps, CFG 5 to 6, its words).
- NoobAI XL V-Pred 1.0: huggingface.co/Laxhar/noobai-XL-Vpred-1.0 (Euler alone, 28 to 35 steps, CFG 4 to 5) and
  civitai.com/models/833294 (CFG rescale 0.2, no Karras).
- Pony Diffusion V6 XL: civitai.com/models/257749 (Euler a, 25 steps, 1024 pixels, clip skip 2, its scores).
- Animagine XL 3.1 and 4.0: huggingface.co/cagliostrolab/animagine-xl-3.1, .../animagine-xl-4.0.
- Few steps: huggingface.co/ByteDance/SDXL-Lightning, .../ByteDance/Hyper-SD, .../stabilityai/sdxl-turbo,
  .../latent-consistency/lcm-lora-sdxl, .../tianweiy/DMD2.
- Guidance rescale 0.7: Lin et al., arXiv:2305.08891. Sizes: Podell et al., arXiv:2307.01952, appendix I.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from illustrious_studio.domain.checkpoints.families import Distillation, Family
from illustrious_studio.domain.presets import Preset

SDXL_SIZES = ((1024, 1024), (1152, 896), (1216, 832), (1344, 768), (1536, 640))
"""The shapes of one megapixel that SDXL was trained on and that the cards name, the wide ones; tall ones are the same
turned round."""
CARDS = {
    "Illustrious": "https://huggingface.co/OnomaAIResearch/Illustrious-xl-early-release-v0",
    "NoobAI": "https://huggingface.co/Laxhar/noobai-XL-1.1",
    "NoobAI v-pred": "https://huggingface.co/Laxhar/noobai-XL-Vpred-1.0",
    "Pony": "https://civitai.com/models/257749",
    "Animagine": "https://huggingface.co/cagliostrolab/animagine-xl-3.1",
    "Animagine 4": "https://huggingface.co/cagliostrolab/animagine-xl-4.0",
    "Lightning": "https://huggingface.co/ByteDance/SDXL-Lightning",
    "Hyper-SD": "https://huggingface.co/ByteDance/Hyper-SD",
    "Turbo": "https://huggingface.co/stabilityai/sdxl-turbo",
    "LCM": "https://huggingface.co/latent-consistency/lcm-lora-sdxl",
    "DMD2": "https://huggingface.co/tianweiy/DMD2",
}
CLIP_SKIP = "SDXL's own layer; 1 draws the same."
ITS_CARD = "Its card recommends it."


@dataclass(frozen=True)
class Recommendation:
    """A preset that says everything, the reason for each of its values by name, and where it was read."""

    preset: Preset
    reasons: dict[str, str]
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def with_values(self, source: str = "", note: str = "", /, **changes: tuple[Any, str]) -> "Recommendation":
        """The same with other values, each with its reason."""
        values = self.preset.model_dump() | {name: value for name, (value, _) in changes.items()}
        return replace(
            self,
            preset=Preset.model_validate(values),
            reasons=self.reasons | {name: reason for name, (_, reason) in changes.items()},
            sources=(*self.sources, *([source] if source else [])),
            notes=(*self.notes, *([note] if note else [])),
        )


USUAL = Recommendation(
    Preset(
        width=1024,
        height=1024,
        steps=30,
        sampler="Euler",
        schedule="Automatic",
        guidance=7.5,
        guidance_rescale=0.0,
        clip_skip=2,
    ),
    {
        "width": "SDXL was trained on one megapixel.",
        "steps": "The studio's usual number for SDXL.",
        "sampler": "The studio's usual one.",
        "schedule": "As usual for the sampler and the checkpoint.",
        "guidance": "The studio's usual one for SDXL.",
        "guidance_rescale": "Not needed where noise is predicted.",
        "clip_skip": CLIP_SKIP,
    },
)
"""Where nothing more is known."""

_NOOB_WORDS = {
    "before": ("masterpiece, best quality, newest, absurdres, highres, safe", f"{ITS_CARD} `safe` keeps it decent."),
    "negative_prompt": (
        "nsfw, worst quality, old, early, low quality, lowres, signature, username, logo, bad hands, mutated hands, "
        "mammal, anthro, furry, ambiguous form, feral, semi-anthro",
        f"{ITS_CARD} It was trained on e621, too: take the last six out for animals.",
    ),
}
_ANIMAGINE_4 = re.compile(r"animagine\D{0,6}4|anim4gine", re.IGNORECASE)


def recommended(
    family: Family | None,
    *,
    version: str = "",
    v_prediction: bool = False,
    distilled: Distillation | None = None,
    named_steps: int | None = None,
) -> Recommendation:
    """For a checkpoint of that family. `version`: its name or title, which tells Animagine 4 from 3; `named_steps`: the
    steps that a distilled one has in its name."""
    found = _of_family(family, version, v_prediction=v_prediction)
    if v_prediction and family != "NoobAI":
        found = found.with_values(
            guidance=(5.0, "v-prediction overdrives colours at the guidance that is usual else."),
            guidance_rescale=(0.7, "Lin et al. found it best against what guidance does to v-prediction's contrast."),
            sampler=("Euler", "Works with every v-prediction checkpoint; Karras schedules do not suit them."),
        )
    return found if distilled is None else _few_steps(found, distilled, named_steps)


def _of_family(family: Family | None, version: str, *, v_prediction: bool) -> Recommendation:
    match family:
        case "NoobAI" if v_prediction:
            return _portrait(USUAL).with_values(
                CARDS["NoobAI v-pred"],
                steps=(28, "Its card: 28 to 35."),
                sampler=("Euler", "Its card: Euler, others do not work properly."),
                guidance=(4.5, "Its card: 4 to 5."),
                guidance_rescale=(0.2, "Its page on Civitai: 0.2, against too strong or grey colours."),
                **_NOOB_WORDS,
            )
        case "NoobAI":
            return _portrait(USUAL).with_values(
                CARDS["NoobAI"],
                steps=(28, "Its card: 25 to 30."),
                sampler=("Euler a", ITS_CARD),
                guidance=(5.5, "Its card: 5 to 6."),
                **_NOOB_WORDS,
            )
        case "Illustrious":
            return USUAL.with_values(
                CARDS["Illustrious"],
                steps=(28, "The card of version 0.1: 20 to 28."),
                sampler=("Euler a", "The card of version 0.1 recommends it."),
                guidance=(6.0, "The card of version 0.1: 5 to 7.5."),
                after=("masterpiece, best quality", "The highest two of the quality words it was trained with."),
                negative_prompt=(
                    "worst quality, bad quality, low quality, lowres, displeasing, very displeasing, bad anatomy, "
                    "bad hands, scan artifacts, twitter username, jpeg artifacts, extra digits, fewer digits",
                    "From the example of its card, without what also keeps styles out (comic, monochrome).",
                ),
            )
        case "Pony":
            return USUAL.with_values(
                CARDS["Pony"],
                steps=(25, ITS_CARD),
                sampler=("Euler a", ITS_CARD),
                guidance=(7.0, "Its card says nothing; A1111's usual one, which its author meant by default settings."),
                clip_skip=(2, "Its card insists on 2, which is SDXL's own layer."),
                before=(
                    "score_9, score_8_up, score_7_up, score_6_up, score_5_up, score_4_up",
                    "Its card's template, whole: score_9 alone is much weaker.",
                ),
                negative_prompt=("", "Its card: made to need none, nor words such as masterpiece."),
            )
        case "Animagine":
            return _animagine(version)
        case _:
            return USUAL


def _animagine(version: str) -> Recommendation:
    tall = _portrait(USUAL).with_values(sampler=("Euler a", ITS_CARD))
    if _ANIMAGINE_4.search(version):
        return tall.with_values(
            CARDS["Animagine 4"],
            steps=(28, "Its card: 25 to 28, 28 recommended."),
            guidance=(5.0, "Its card: 4 to 7, 5 recommended."),
            after=("masterpiece, high score, great score, absurdres", "Its card: at the end of the prompt."),
            negative_prompt=(
                "lowres, bad anatomy, bad hands, text, error, missing finger, extra digits, fewer digits, cropped, "
                "worst quality, low quality, low score, bad score, average score, signature, watermark, username, "
                "blurry",
                ITS_CARD,
            ),
        )
    return tall.with_values(
        CARDS["Animagine"],
        steps=(28, "Its card: below 30."),
        guidance=(6.0, "Its card: 5 to 7."),
        after=("masterpiece, best quality, very aesthetic, absurdres", "Its card's quality words, at the end."),
        negative_prompt=(
            "nsfw, lowres, (bad), text, error, fewer, extra, missing, worst quality, jpeg artifacts, low quality, "
            "watermark, unfinished, displeasing, oldest, early, chromatic aberration, signature, extra digits, "
            "artistic error, username, scan, [abstract]",
            ITS_CARD,
        ),
    )


def _portrait(base: Recommendation) -> Recommendation:
    reason = "A portrait of one megapixel, as its card has it."
    return base.with_values(width=(832, reason), height=(1216, reason))


def _few_steps(base: Recommendation, kind: Distillation, named: int | None) -> Recommendation:
    """What makes a checkpoint need few steps says how they are taken, whatever its family is."""
    steps, sampler, schedule, guidance = {
        "Lightning": (4, "Euler", "SGM Uniform", 1.0),
        "Hyper-SD": (8, "DDIM", "Trailing", 1.0),
        "Turbo": (6, "DPM++ SDE", "Karras", 2.0),
        "LCM": (6, "LCM", "Automatic", 1.5),
        "DMD2": (4, "LCM", "Automatic", 1.0),
    }[kind]
    reason = f"Its name says {kind}, which was trained for few steps."
    low = "Its training took guidance into the model: more burns the picture. At 1 the negative prompt has no effect."
    count = f"Its name says {named} steps." if named else reason
    note = ""
    if kind == "Turbo":
        note = "Checkpoints with Turbo in their name differ: 4 to 8 steps and guidance 1 to 2.5 are usual."
    return base.with_values(
        CARDS[kind],
        note,
        steps=(named or steps, count),
        sampler=(sampler, reason),
        schedule=(schedule, reason),
        guidance=(guidance, low),
        guidance_rescale=(0.0, "There is next to no guidance to rescale."),
    )
