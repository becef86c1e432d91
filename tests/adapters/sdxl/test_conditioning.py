"""Prompts that change and prompts together, on the real small UNet: what it is asked, and what comes of its answers."""

from dataclasses import replace
from typing import Any

import pytest
from tests.adapters.sdxl.helpers import QuietWatch, plan, unsteered

from illustrious_studio.adapters.sdxl.worker.conditioning import ConditionedUnet, Conditioning, conditioning_of
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromLatents

pytestmark = pytest.mark.model


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, prompt: str, **fields: Any) -> Picture:
    return pipeline.render(plan(checkpoint, prompt, **fields), QuietWatch()).picture


def conditioning(pipeline: SdxlPipeline, checkpoint: Checkpoint, prompt: str, **fields: Any) -> Conditioning:
    wanted = plan(checkpoint, prompt, **fields)
    assert pipeline._encoder is not None and pipeline._loras is not None
    return conditioning_of(pipeline._encoder, wanted, wanted.passes[-1], 4, guided=wanted.request.guidance > 1)


def asked(pipeline: SdxlPipeline, found: Conditioning) -> Any:
    """What the pipeline gets from one evaluation, and the same UNet's answer for a text alone."""
    import torch

    torch.manual_seed(3)
    latents = torch.randn(1, 4, 16, 16)
    ids = torch.tensor([[64.0, 64.0, 0.0, 0.0, 64.0, 64.0]])
    encoder, unet = pipeline._encoder, pipeline._pipeline.unet
    assert encoder is not None and pipeline._loras is not None

    def alone(text: str, *, negative: bool = False) -> Any:
        (one,) = encoder.encode([text], negative=negative)
        added = {"text_embeds": one.pooled, "time_ids": ids}
        with torch.no_grad():
            return unet(latents, 500, encoder_hidden_states=one.rows, added_cond_kwargs=added).sample

    with torch.no_grad():
        both = ConditionedUnet(unsteered(pipeline), found, pipeline._loras)(
            torch.cat([latents] * 2), 500, {"time_ids": torch.cat([ids] * 2)}
        )[0]
    return both, alone


@pytest.mark.parametrize(
    ("sampler", "prompt", "words"),
    [
        ("Euler", "a [cat:dog:0.5]", ["cat", "cat", "cat", "dog"]),
        ("Euler", "a [cat:dog:1]", ["cat", "cat", "dog", "dog"]),
        ("Euler", "a [cat|dog]", ["cat", "cat", "dog", "cat"]),
        ("DPM2", "a [cat:dog:0.5]", ["cat"] * 5 + ["dog"] * 2),
        ("DPM2", "a [cat:dog:2]", ["cat"] * 3 + ["dog"] * 4),
    ],
)
def test_the_words_change_at_the_evaluation_at_which_a1111_changes_them(
    loaded: SdxlPipeline, builtin: Checkpoint, sampler: str, prompt: str, words: list[str]
) -> None:
    """Four steps; where a sampler asks twice a step, A1111 counts the questions."""
    import torch

    (told,) = conditioning(loaded, builtin, prompt, sampler=sampler).positive
    assert loaded._encoder is not None and loaded._loras is not None
    known = {word: loaded._encoder.encode([f"a {word}"])[0].rows for word in ("cat", "dog")}
    now = [told.at(number).rows for number in range(len(words))]
    assert [next(word for word, rows in known.items() if torch.equal(rows, one)) for one in now] == words


def test_a_second_pass_counts_on_from_the_first(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    wanted = plan(builtin, "a [cat:dog:6], [red:1.5]")
    second = replace(wanted.passes[0], start=FromLatents(), strength=1.0)
    both = replace(wanted, passes=(*wanted.passes, second))
    assert loaded._encoder is not None and loaded._loras is not None
    texts = [
        [
            (one.until, one.text)
            for one in conditioning_of(loaded._encoder, both, now, 4, guided=False).positive[0].timed
        ]
        for now in both.passes
    ]
    assert texts == [[(4, "a cat, ")], [(2, "a cat, "), (4, "a dog, red")]]


@pytest.mark.parametrize("sampler", ["Euler a", "DPM2", "DPM++ 2M SDE"])
def test_words_that_change_change_the_picture_and_those_that_do_not_do_not(
    loaded: SdxlPipeline, builtin: Checkpoint, sampler: str
) -> None:
    plain = drawn(loaded, builtin, "a black cat", sampler=sampler, seed=11)
    assert drawn(loaded, builtin, "a black [cat:cat:0.5]", sampler=sampler, seed=11) == plain
    assert drawn(loaded, builtin, "a black [cat:dog:4]", sampler=sampler, seed=11, steps=2) != plain
    changed = drawn(loaded, builtin, "a black [cat:dog:0.3]", sampler=sampler, seed=11)
    assert changed not in (plain, drawn(loaded, builtin, "a black dog", sampler=sampler, seed=11))


def test_a_negative_prompt_may_change_as_well(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    one, other = (drawn(loaded, builtin, "a cat", negative_prompt=text) for text in ("[red:blue:0.3]", "red"))
    assert one != other


def test_prompts_together_lead_away_from_the_negative_one_each_by_its_weight(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    """A1111's sum (`combine_denoised`), but for the guidance, which the pipeline does."""
    import torch

    found = conditioning(loaded, builtin, "a cat :1.5 AND a red house :-0.5", negative_prompt="blurry")
    both, alone = asked(loaded, found)
    away = alone("blurry", negative=True)
    expected = away + 1.5 * (alone("a cat") - away) - 0.5 * (alone(" a red house") - away)
    assert torch.allclose(both, torch.cat([away, expected]), atol=1e-4)


def test_a_prompt_and_itself_by_halves_is_itself(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    plain, halves = (drawn(loaded, builtin, text).rgb for text in ("a cat", "a cat:0.5 AND a cat:0.5"))
    assert max(abs(one - other) for one, other in zip(plain, halves, strict=True)) <= 2


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_prompts_together_are_another_picture_with_guidance_and_without(
    loaded: SdxlPipeline, builtin: Checkpoint, guidance: float
) -> None:
    one, other = (drawn(loaded, builtin, text, guidance=guidance) for text in ("a cat", "a cat AND a red house"))
    assert one != other


def test_prompts_of_other_lengths_are_asked_for_as_they_are(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    """Filled up with empty chunks, the shorter one would be attended to otherwise: no other program does that."""
    import torch

    long = ", ".join(["a cat"] * 60)
    both, alone = asked(loaded, conditioning(loaded, builtin, long, negative_prompt="blurry"))
    assert torch.allclose(both, torch.cat([alone("blurry", negative=True), alone(long)]), atol=1e-5)


def test_it_passes_for_the_unet_where_the_model_is_moved_piece_by_piece(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    from accelerate.hooks import AlignDevicesHook, add_hook_to_module, remove_hook_from_module

    plain, unet = drawn(loaded, builtin, "a cat"), loaded._pipeline.unet
    add_hook_to_module(unet, AlignDevicesHook(execution_device="cpu"))
    try:
        assert drawn(loaded, builtin, "a cat") == plain
    finally:
        remove_hook_from_module(unet)
