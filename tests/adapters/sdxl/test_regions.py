"""Regions with the real small model: 64 pixels of it are 16 latents."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.adapters.sdxl.helpers import QuietWatch, plan, unsteered

from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.worker.conditioning import ConditionedUnet, conditioning_of
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.regions import shared_out
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.regions import Region
from illustrious_studio.domain.rendering import FromLatents, Rendered, RenderPlan

pytestmark = pytest.mark.model

LEFT = {"x": 0.25, "w": 0.5, "feather": 0}
RIGHT = {"x": 0.75, "w": 0.5, "feather": 0}


def regional(
    checkpoint: Checkpoint, *regions: dict[str, Any], prompt: str = "a black cat", **fields: Any
) -> RenderPlan:
    return plan(checkpoint, prompt, regions=tuple(Region(**one) for one in regions), **fields)


def drawn(pipeline: SdxlPipeline, wanted: RenderPlan) -> Picture:
    return pipeline.render(wanted, QuietWatch()).picture


def shares(wanted: RenderPlan) -> "dict[str, torch.Tensor | None]":
    """How much each prompt counts at each of the latents."""
    found = shared_out(wanted, wanted.request.prompt, wanted.passes[-1], 4)
    return {one.words: one.share if one.share is None else one.share[0, 0] for one in found}


def halves(one: Picture, other: Picture) -> tuple[float, float]:
    """How far two pictures differ, left and right: the mean over pixels."""
    first, second = (np.asarray(each.image()).astype(float) for each in (one, other))
    apart, middle = np.abs(first - second), first.shape[1] // 2
    return float(apart[:, :middle].mean()), float(apart[:, middle:].mean())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"region_base": 0.0, "guidance": 1.0, "sampler": "Heun", "schedule": "Normal", "zero_terminal_snr": False},
        {"region_base": 0.7, "prompt": "a [black:red:0.5] cat AND a house :0.6", "negative_prompt": "dog"},
    ],
)
def test_one_region_over_all_with_the_same_words_gives_the_same_pixels_as_none(
    loaded: SdxlPipeline, builtin: Checkpoint, settings: dict[str, Any]
) -> None:
    whole = plan(builtin, **settings)
    same = plan(builtin, **settings, regions=(Region(prompt=f" {whole.request.prompt} "),))
    assert drawn(loaded, same) == drawn(loaded, whole)


def test_of_every_place_the_prompts_are_one_together(builtin: Checkpoint) -> None:
    found = shares(
        regional(
            builtin,
            {"prompt": "a fox", "x": 0.4, "y": 0.5, "w": 0.33, "h": 0.7},
            {"prompt": "a tree", "x": 0.5, "y": 0.4, "w": 0.5, "h": 0.8, "strength": 1.5, "feather": 30},
            {"prompt": "a moon", "x": 0.9, "y": 0.1, "w": 0.2, "h": 0.2, "strength": 0.3, "feather": 0},
        )
    )
    assert list(found) == ["a black cat", "a fox", "a tree", "a moon"]
    total = sum(share for share in found.values() if share is not None)
    assert torch.allclose(total, torch.ones(16, 16), atol=1e-6)  # type: ignore[arg-type]


def test_a_box_has_its_words_inside_and_the_base_prompt_by_its_share(builtin: Checkpoint) -> None:
    found = shares(regional(builtin, {"prompt": "a fox", **LEFT, "y": 0.5, "h": 0.3125}, region_base=0.25))
    fox, base = found["a fox"], found["a black cat"]
    assert fox is not None and base is not None
    inside = torch.zeros(16, 16)
    inside[6:10, :8] = 1  # 0.3125 of 16 latents are 5: half of one above, and half of one below
    inside[5, :8] = inside[10, :8] = 0.5
    assert torch.allclose(fox, 0.75 * inside)
    assert torch.allclose(base, 1 - 0.75 * inside)


def test_regions_that_overlap_share_by_their_strengths(builtin: Checkpoint) -> None:
    whole = {"x": 0.5, "y": 0.5, "w": 1.0, "h": 1.0}
    found = shares(
        regional(builtin, {"prompt": "a fox", **whole}, {"prompt": "a tree", **LEFT, "strength": 2.0}, region_base=0.0)
    )
    fox, tree = found["a fox"], found["a tree"]
    assert fox is not None and tree is not None
    assert torch.allclose(tree[:, :8], torch.full((16, 8), 2 / 3))
    assert torch.allclose(fox[:, 8:], torch.ones(16, 8))
    assert "a black cat" not in found  # it would count nowhere, and is not asked for


def test_prompts_of_the_same_words_are_one(builtin: Checkpoint) -> None:
    found = shares(regional(builtin, {"prompt": "a fox", **LEFT}, {"prompt": "a fox", **RIGHT}, region_base=0.0))
    assert found == {"a fox": None}


def test_a_feather_makes_a_slope_of_so_many_pixels_and_leaves_the_pictures_own_edge(builtin: Checkpoint) -> None:
    found = shares(regional(builtin, {"prompt": "a fox", **LEFT, "feather": 16}, region_base=0.0))["a fox"]
    assert found is not None
    assert found[8].tolist() == pytest.approx([1.0] * 6 + [0.875, 0.625, 0.375, 0.125] + [0.0] * 6)
    assert torch.equal(found, found[:1].expand(16, 16))


def test_a_mask_is_a_region_and_its_box_cuts_it(builtin: Checkpoint) -> None:
    mask = Image.new("L", (100, 50))
    mask.paste(255, (50, 0, 100, 50))
    wanted = regional(
        builtin, {"prompt": "a fox", "mask": "a" * 64, "y": 0.25, "h": 0.5, "feather": 0}, region_base=0.0
    )
    found = shares(replace(wanted, region_masks=(Picture.from_image(mask),)))["a fox"]
    expected = torch.zeros(16, 16)
    expected[:8, 8:] = 1
    assert found is not None and torch.allclose(found, expected)


def test_a_second_pass_has_its_regions_where_the_first_one_has_them(builtin: Checkpoint) -> None:
    first = regional(builtin, {"prompt": "a fox", **LEFT, "feather": 8})
    larger = replace(first.passes[0], width=128, height=128, start=FromLatents(), strength=0.5)
    both = replace(first, passes=(first.passes[0], larger))
    small, large = (shared_out(both, "a black cat", one, 4)[1].share for one in both.passes)
    assert small is not None and large is not None
    assert torch.allclose(torch.nn.functional.avg_pool2d(large, 2), small, atol=1e-6)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_unets_answers_are_blended_by_the_shares(
    loaded: SdxlPipeline, builtin: Checkpoint, guidance: float
) -> None:
    """Each prompt is asked for as it is alone, and the sum is by hand."""
    wanted = regional(
        builtin, {"prompt": "a red house :0.5 AND a tree", **LEFT}, {"prompt": "a dog", **RIGHT, "feather": 9},
        guidance=guidance, negative_prompt="blurry",
    )  # fmt: skip
    encoder, unet = loaded._encoder, loaded._pipeline.unet
    assert encoder is not None and loaded._loras is not None
    torch.manual_seed(3)
    latents, ids = torch.randn(1, 4, 16, 16), torch.tensor([[64.0, 64.0, 0.0, 0.0, 64.0, 64.0]])

    def alone(text: str, *, negative: bool = False) -> Any:
        (one,) = encoder.encode([text], negative=negative)
        added = {"text_embeds": one.pooled, "time_ids": ids}
        return unet(latents, 500, encoder_hidden_states=one.rows, added_cond_kwargs=added).sample

    found = conditioning_of(encoder, wanted, wanted.passes[0], 4, guided=guidance > 1)
    doubled = 2 if guidance > 1 else 1
    with torch.no_grad():
        (both,) = ConditionedUnet(unsteered(loaded), found, loaded._loras)(
            torch.cat([latents] * doubled), 500, {"time_ids": torch.cat([ids] * doubled)}
        )
        away = alone("blurry", negative=True)
        base, house, dog = (share for share in shares(wanted).values() if share is not None)
        expected = away + base * (alone("a black cat") - away) + dog * (alone("a dog") - away)
        expected += 0.5 * house * (alone("a red house ") - away) + house * (alone(" a tree") - away)
    assert torch.allclose(both, torch.cat([away, expected]) if guidance > 1 else expected, atol=1e-4)


def test_without_guidance_nothing_is_asked_for_that_would_cancel_out(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    wanted = regional(builtin, {"prompt": "a dog", **LEFT}, guidance=1.0)
    assert loaded._encoder is not None and loaded._loras is not None
    found = conditioning_of(loaded._encoder, wanted, wanted.passes[0], 4, guided=False)
    assert (len(found.positive), found.negative) == (2, ())


def test_other_words_in_a_region_change_that_part_of_the_picture_above_all(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    settings: dict[str, Any] = {"region_base": 0.0, "guidance": 5.0, "size": 128}
    plain = drawn(loaded, plan(builtin, **settings))
    one = drawn(loaded, regional(builtin, {"prompt": "a white snowy mountain", **LEFT}, **settings))
    left, right = halves(plain, one)
    assert left > 1.5 * right > 0
    changing = drawn(loaded, regional(builtin, {"prompt": "a white snowy [mountain:house:0.5]", **LEFT}, **settings))
    assert changing not in (plain, one)


def test_tiles_see_the_same_regions(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    whole = regional(builtin, {"prompt": "a red house", **LEFT}, size=96)
    one_tile, several = (
        replace(whole, passes=tuple(replace(one, tile=tile, overlap=16) for one in whole.passes)) for tile in (96, 64)
    )
    assert drawn(loaded, one_tile) == drawn(loaded, whole)
    plain = drawn(loaded, replace(several, request=several.request.model_copy(update={"regions": ()})))
    left, right = halves(plain, drawn(loaded, several))
    assert left > right


def test_each_of_a_batch_is_the_picture_of_its_own_seed(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    regions = ({"prompt": "a red house", **LEFT}, {"prompt": "a very long tree with a hat", **RIGHT, "h": 0.5})
    plans = [regional(builtin, *regions, seed=seed) for seed in (7, 8)]
    for wanted, one in zip(plans, loaded.render_batch(plans, QuietWatch()), strict=True):
        assert isinstance(one, Rendered)
        apart = np.asarray(one.picture.image()).astype(int) - np.asarray(drawn(loaded, wanted).image())
        assert np.abs(apart).max() <= 2


def test_regions_travel_to_the_worker_with_their_masks(builtin: Checkpoint) -> None:
    wanted = regional(builtin, {"prompt": "a fox", "mask": "a" * 64}, {"prompt": "a tree", **LEFT})
    wanted = replace(wanted, region_masks=(Picture(2, 1, bytes(6)), None))
    assert plans_of(plans_frame([wanted])) == [wanted]
