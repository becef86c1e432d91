"""Regions with LoRAs of their own, with the real small model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.adapters.sdxl.helpers import QuietWatch, plan, unsteered

from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.worker.conditioning import ConditionedUnet, conditioning_of
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import LoraFile, LoraUse
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.regions import Region
from illustrious_studio.domain.rendering import Rendered, RenderPlan
from scripts_of_the_project import script

pytestmark = pytest.mark.model

LEFT = {"x": 0.25, "w": 0.5, "feather": 0}
RIGHT = {"x": 0.75, "w": 0.5, "feather": 0}
TINY = script("tiny_loras")


@pytest.fixture
def ink(tmp_path: Path) -> LoraUse:
    return use(tmp_path, "kohya", 0.8)


@pytest.fixture
def paint(tmp_path: Path) -> LoraUse:
    return use(tmp_path, "locon", 0.6)


def use(folder: Path, kind: str, weight: float, tensors: Any = None) -> LoraUse:
    path = folder / f"{kind}.safetensors"
    save_file(TINY.KINDS[kind]() if tensors is None else tensors, path)
    return LoraUse(file=LoraFile(name=kind, path=path), unet=weight, text_encoders=weight)


def regional(checkpoint: Checkpoint, *regions: tuple[dict[str, Any], tuple[LoraUse, ...]], **fields: Any) -> RenderPlan:
    wanted = plan(checkpoint, regions=tuple(Region(**one) for one, _ in regions), **fields)
    return replace(wanted, region_loras=tuple(loras for _, loras in regions))


def drawn(pipeline: SdxlPipeline, wanted: RenderPlan) -> Picture:
    return pipeline.render(wanted, QuietWatch()).picture


def apart(one: Picture, other: Picture) -> np.ndarray:
    return np.abs(np.asarray(one.image()).astype(float) - np.asarray(other.image()))


@pytest.mark.parametrize("guidance", [5.0, 1.0])
def test_a_region_over_all_draws_with_its_lora_as_the_whole_picture_would(
    loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse, paint: LoraUse, guidance: float
) -> None:
    settings: dict[str, Any] = {"negative_prompt": "blurry", "guidance": guidance, "region_base": 0.0}
    whole = plan(builtin, **settings)
    with_both = drawn(loaded, replace(whole, loras=(paint, ink)))
    region = regional(builtin, ({"prompt": "a black cat"}, (ink,)), **settings)
    assert drawn(loaded, replace(region, loras=(paint,))) == with_both
    assert drawn(loaded, region) == drawn(loaded, replace(whole, loras=(ink,)))
    assert drawn(loaded, whole) not in (with_both, drawn(loaded, region))


def test_it_changes_its_latents_alone_and_leaves_nothing_behind(
    loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse
) -> None:
    def stepped(*loras: LoraUse) -> torch.Tensor:
        region = {"prompt": "a white house", **LEFT}
        wanted = regional(builtin, (region, loras), region_base=0.0, guidance=5.0, steps=1)
        return loaded.denoise([wanted], 0, None, QuietWatch())

    plain, with_it = stepped(), stepped(ink)
    assert torch.equal(with_it[..., 8:], plain[..., 8:])
    less = stepped(ink.model_copy(update={"unet": 0.1, "text_encoders": 0.1}))
    assert (with_it - plain)[..., :8].abs().mean() > 2 * (less - plain)[..., :8].abs().mean() > 0
    assert torch.equal(stepped(), plain)


def test_each_region_is_asked_for_with_its_own_and_leads_away_from_the_negative_prompt_with_it(
    loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse, paint: LoraUse
) -> None:
    """The sum is by hand, of answers with the LoRAs in all of the model."""
    wanted = regional(
        builtin,
        ({"prompt": "a red house", **LEFT}, (ink,)),
        ({"prompt": "a dog", **RIGHT, "feather": 9, "strength": 0.7}, ()),
        negative_prompt="blurry",
        region_base=0.25,
    )
    encoder, loras, unet = loaded._encoder, loaded._loras, loaded._pipeline.unet
    assert encoder is not None and loras is not None
    torch.manual_seed(3)
    latents, ids = torch.randn(1, 4, 16, 16), torch.tensor([[64.0, 64.0, 0.0, 0.0, 64.0, 64.0]])

    def alone(text: str, *uses: LoraUse, negative: bool = False) -> Any:
        loras.use(uses)
        (one,) = encoder.encode([text], negative=negative)
        added = {"text_embeds": one.pooled, "time_ids": ids}
        return unet(latents, 500, encoder_hidden_states=one.rows, added_cond_kwargs=added).sample

    loras.use((paint,), wanted.region_loras)
    found = conditioning_of(encoder, wanted, wanted.passes[0], 4, guided=True)
    base, house, dog = (one.weight for one in found.positive)
    with torch.no_grad():
        (both,) = ConditionedUnet(unsteered(loaded), found, loras)(
            torch.cat([latents] * 2), 500, {"time_ids": torch.cat([ids] * 2)}
        )
        away, away_ink = (alone("blurry", *uses, negative=True) for uses in ((paint,), (paint, ink)))
        towards = base * alone("a black cat", paint) + dog * alone("a dog", paint)
        towards = towards + house * alone("a red house", paint, ink)
        expected = torch.cat([(base + dog) * away + house * away_ink, towards])
    assert torch.allclose(both, expected, atol=1e-4)
    assert not torch.allclose(away, away_ink, atol=1e-3)


def test_prompts_that_change_and_several_together_keep_their_regions_lora(
    loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse
) -> None:
    words = "a [black:red:0.5] cat AND a house :0.6"
    settings: dict[str, Any] = {"negative_prompt": "dog", "region_base": 0.0}
    whole = replace(plan(builtin, words, **settings), loras=(ink,))
    assert drawn(loaded, regional(builtin, ({"prompt": words}, (ink,)), **settings)) == drawn(loaded, whole)


def test_tiles_second_passes_and_batches_have_it_too(loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse) -> None:
    plans = [regional(builtin, ({"prompt": "a red house", **LEFT}, (ink,)), seed=seed) for seed in (7, 8)]
    singly = [drawn(loaded, one) for one in plans]
    for one, alone in zip(loaded.render_batch(plans, QuietWatch()), singly, strict=True):
        assert isinstance(one, Rendered)
        assert apart(one.picture, alone).max() <= 2
    in_one_tile = replace(plans[0], passes=tuple(replace(one, tile=64, overlap=16) for one in plans[0].passes))
    assert drawn(loaded, in_one_tile) == singly[0]


def test_what_lies_ready_is_computed_again_after_memory_was_short(
    loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse, paint: LoraUse
) -> None:
    wanted = regional(builtin, ({"prompt": "a red house", **LEFT}, (ink,)), ({"prompt": "a dog", **RIGHT}, (paint,)))
    before = drawn(loaded, wanted)
    assert loaded._loras is not None
    loaded._loras.release()
    assert drawn(loaded, wanted) == before


def test_a_bad_one_is_refused_and_the_next_picture_unharmed(
    loaded: SdxlPipeline, builtin: Checkpoint, ink: LoraUse, tmp_path: Path
) -> None:
    plain = drawn(loaded, plan(builtin))
    numbers = {name: one * float("nan") for name, one in TINY.kohya().items()}
    bad = use(tmp_path, "peft", 1.0, numbers)
    wanted = regional(builtin, ({"prompt": "a red house", **LEFT}, (ink,)), ({"prompt": "a dog", **RIGHT}, (bad,)))
    with pytest.raises(InvalidRequest, match="The LoRA peft is damaged"):
        drawn(loaded, wanted)
    assert drawn(loaded, plan(builtin)) == plain


def test_they_travel_to_the_worker(builtin: Checkpoint, ink: LoraUse, paint: LoraUse) -> None:
    wanted = regional(builtin, ({"prompt": "a fox", **LEFT}, (ink, paint)), ({"prompt": "a tree", **RIGHT}, ()))
    wanted = replace(wanted, loras=(paint,))
    assert plans_of(plans_frame([wanted])) == [wanted]
