"""LoRAs: which layer a tensor belongs to, the arithmetic by hand, and the loaded model with and without them."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.adapters.sdxl.helpers import QuietWatch, plan
from torch import Tensor

from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG
from illustrious_studio.adapters.sdxl.worker.lora_keys import Place, by_layer, places
from illustrious_studio.adapters.sdxl.worker.lora_weights import NoChange, change_of
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import LoraFile, LoraUse
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from scripts_of_the_project import script

pytestmark = pytest.mark.model


TINY = script("tiny_loras")


@pytest.fixture(scope="module")
def sdxl() -> Any:
    """The real SDXL without any numbers."""
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    def config(part: str) -> dict[str, Any]:
        return json.loads((SDXL_CONFIG / part / "config.json").read_bytes())  # type: ignore[no-any-return]

    with torch.device("meta"):
        return SimpleNamespace(
            unet=UNet2DConditionModel.from_config(config("unet")),
            text_encoder=CLIPTextModel(CLIPTextConfig(**config("text_encoder"))),
            text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**config("text_encoder_2"))),
        )


def trained_by_kohya(sdxl: Any, *, convolutions: bool) -> list[Place]:
    """What kohya's scripts train: in the UNet the linear layers and 1 x 1 convolutions of its transformers (with
    `convolutions`, LoCon's, all of its layers), and in the text encoders attention and MLP."""
    found = [
        Place("unet", name)
        for name, layer in sdxl.unet.named_modules()
        if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)) and (convolutions or "attentions" in name)
    ]
    for part in ("text_encoder", "text_encoder_2"):
        found += [
            Place(part, name)
            for name, layer in getattr(sdxl, part).named_modules()
            if isinstance(layer, torch.nn.Linear) and (".self_attn." in name or ".mlp." in name)
        ]
    return found


@pytest.mark.parametrize("convolutions", [False, True])
@pytest.mark.parametrize(
    "naming", ["kohya, Stability's names", "kohya, diffusers' names", "diffusers", "peft", "ComfyUI"]
)
def test_every_key_of_a_real_lora_finds_its_layer(sdxl: Any, naming: str, convolutions: bool) -> None:
    layers = trained_by_kohya(sdxl, convolutions=convolutions)
    # As in kohya's log: 722 modules of the U-Net, 72 and 192 of the text encoders.
    if not convolutions:
        assert Counter(place.part for place in layers) == {"unet": 722, "text_encoder": 72, "text_encoder_2": 192}
    known = places(sdxl)
    theirs = {place: key for (part, key), place in known.items() if key.startswith(("input_", "middle_", "output_"))}
    names: dict[str, Place] = {}
    for place in layers:
        part = {"unet": "unet", "text_encoder": "te1", "text_encoder_2": "te2"}[place.part]
        inner = place.name.removeprefix("text_model.")
        called = inner if part == "unet" else f"text_model.{inner}"
        if naming.startswith("kohya"):
            joined = called.replace(".", "_")
            stem = f"lora_{part}_" + (theirs.get(place, joined) if "Stability" in naming else joined)
            names |= {f"{stem}.lora_down.weight": place, f"{stem}.lora_up.weight": place, f"{stem}.alpha": place}
        elif naming == "diffusers":
            stem = f"{place.part}.{called}"
            end = "lora" if part == "unet" else "lora_linear_layer"
            names |= {f"{stem}.{end}.down.weight": place, f"{stem}.{end}.up.weight": place}
        elif naming == "peft":
            stem = f"base_model.model.{place.part}.{called}"
            names |= {f"{stem}.lora_A.weight": place, f"{stem}.lora_B.default.weight": place}
        else:
            stem = f"diffusion_model.{inner}" if part == "unet" else f"lora_{part}_{called.replace('.', '_')}"
            names |= {f"{stem}.lora_up.weight": place, f"{stem}.lora_down.weight": place}
    found = by_layer(names)
    assert all("" not in kinds for kinds in found.values())
    assert {name: known.get(key) for key, kinds in found.items() for name in kinds.values()} == names


def test_stabilitys_names_are_those_that_diffusers_reads(sdxl: Any) -> None:
    """Against diffusers' own conversion of such a file."""
    from diffusers.loaders.lora_conversion_utils import _convert_unet_lora_key, _maybe_map_sgm_blocks_to_diffusers

    theirs = {
        f"lora_unet_{key}.lora_down.weight": place.name
        for (_, key), place in places(sdxl).items()
        if key.startswith(("input_blocks", "middle_block", "output_blocks")) and "attentions" in place.name
    }
    read = _maybe_map_sgm_blocks_to_diffusers(dict(theirs), sdxl.unet.config)
    linear = {name for name, layer in sdxl.unet.named_modules() if isinstance(layer, torch.nn.Linear)}
    found = {
        _convert_unet_lora_key(key.partition(".lora_down")[0]): name for key, name in read.items() if name in linear
    }
    assert len(found) == 722
    # It leaves some of what is joined in a layer's own name with dots, and names the processors of old.
    dotted = {
        theirs.replace("processor.", "").replace("_", "."): ours.replace("_", ".") for theirs, ours in found.items()
    }
    assert {ours: ours for ours in dotted.values()} == dotted


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).float()


UP, DOWN = numbers(6, 2, seed=1), numbers(2, 5, seed=2)
WEIGHT = numbers(6, 5, seed=3)


def by_hand(up: Tensor, down: Tensor) -> Tensor:
    rows = [
        [
            sum(float(up[row, at]) * float(down[at, column]) for at in range(up.shape[1]))
            for column in range(down.shape[1])
        ]
        for row in range(up.shape[0])
    ]
    return torch.tensor(rows)


def test_a_lora_is_up_times_down_times_alpha_by_rank() -> None:
    made = by_hand(UP, DOWN)
    parts = {"up": UP, "down": DOWN}
    assert torch.allclose(change_of(parts, WEIGHT).weight, made, atol=1e-6)  # type: ignore[arg-type]
    quarter = change_of({**parts, "alpha": torch.tensor(0.5)}, WEIGHT).weight
    assert torch.allclose(quarter, made * 0.25, atol=1e-6)  # type: ignore[arg-type]
    told = change_of(parts, WEIGHT, alpha=8.0).weight
    assert torch.allclose(told, made * 4, atol=1e-5)  # type: ignore[arg-type]


def test_a_convolution_is_the_two_one_after_the_other() -> None:
    """Down, then up is the same as the change as one convolution; with a core between them, too."""
    down, mid, up = numbers(2, 5, 3, 3, seed=4), numbers(2, 2, 3, 3, seed=5), numbers(6, 2, 1, 1, seed=6)
    weight, image = numbers(6, 5, 3, 3, seed=7), numbers(1, 5, 9, 9, seed=8)
    convolved = torch.nn.functional.conv2d
    plain = change_of({"up": up, "down": down}, weight).weight
    assert torch.allclose(convolved(image, plain), convolved(convolved(image, down), up), atol=1e-4)  # type: ignore[arg-type]
    narrow = numbers(2, 5, 1, 1, seed=9)
    cored = change_of({"up": up, "down": narrow, "mid": mid}, weight).weight
    through = convolved(convolved(convolved(image, narrow), mid), up)
    assert torch.allclose(convolved(image, cored), through, atol=1e-4)  # type: ignore[arg-type]


def test_loha_is_a_product_element_by_element() -> None:
    other_up, other_down = numbers(6, 2, seed=10), numbers(2, 5, seed=11)
    parts = {"hada_w1_a": UP, "hada_w1_b": DOWN, "hada_w2_a": other_up, "hada_w2_b": other_down}
    expected = by_hand(UP, DOWN) * by_hand(other_up, other_down) * (3 / 2)
    found = change_of({**parts, "alpha": torch.tensor(3.0)}, WEIGHT).weight
    assert torch.allclose(found, expected, atol=1e-5)  # type: ignore[arg-type]


def test_lokr_has_the_second_for_each_number_of_the_first() -> None:
    first, second = numbers(2, 1, seed=12), numbers(3, 5, seed=13)
    found = change_of({"lokr_w1": first, "lokr_w2": second, "alpha": torch.tensor(9.0)}, WEIGHT).weight
    expected = torch.cat([float(first[0]) * second, float(first[1]) * second])
    assert torch.equal(found, expected)  # type: ignore[arg-type]  # both whole: the scale is 1, as in A1111
    a, b = numbers(3, 2, seed=14), numbers(2, 5, seed=15)
    found = change_of({"lokr_w1": first, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": torch.tensor(1.0)}, WEIGHT).weight
    product = by_hand(a, b) / 2
    expected = torch.cat([float(first[0]) * product, float(first[1]) * product])
    assert torch.allclose(found, expected, atol=1e-5)  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", [0, 1])
def test_dora_gives_each_row_or_column_its_magnitude(axis: int) -> None:
    magnitudes = numbers(6 if axis == 0 else 5, seed=16).abs() + 0.5
    shaped = magnitudes.reshape(6, 1) if axis == 0 else magnitudes.reshape(1, 5)
    change = change_of({"up": UP, "down": DOWN, "dora_scale": shaped}, WEIGHT).weight
    merged = WEIGHT + change  # type: ignore[operator]
    assert torch.allclose(merged.norm(dim=1 - axis), magnitudes, atol=1e-5)
    direction = WEIGHT + by_hand(UP, DOWN)
    cosines = torch.nn.functional.cosine_similarity(merged, direction, dim=1 - axis)
    assert torch.allclose(cosines, torch.ones_like(cosines), atol=1e-5)
    if axis == 0:  # as peft writes it
        flat = change_of({"up": UP, "down": DOWN, "dora_scale": magnitudes}, WEIGHT).weight
        assert torch.equal(flat, change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "parts",
    [
        {"up": UP},
        {"up": UP, "down": numbers(3, 5)},
        {"up": numbers(7, 2), "down": DOWN},
        {"hada_w1_a": UP, "hada_w1_b": DOWN},
        {"lokr_w1": numbers(2, 2), "lokr_w2": numbers(2, 2)},
        {"up": UP, "down": DOWN, "dora_scale": numbers(4, 1)},
        {"alpha": torch.tensor(1.0)},
    ],
)
def test_tensors_that_make_no_change_are_said_to(parts: dict[str, Tensor]) -> None:
    with pytest.raises(NoChange, match=r"has|changes"):
        change_of(parts, WEIGHT)


def weights(pipeline: SdxlPipeline) -> dict[str, Tensor]:
    models = {name: getattr(pipeline._pipeline, name) for name in ("unet", "text_encoder", "text_encoder_2")}
    return {
        f"{part}.{name}": value.clone() for part, model in models.items() for name, value in model.state_dict().items()
    }


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def lora(folder: Path, name: str, tensors: dict[str, Tensor] | None = None) -> LoraFile:
    path = folder / f"{name}.safetensors"
    save_file(TINY.KINDS[name]() if tensors is None else tensors, path)
    return LoraFile(name=name, path=path)


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, *uses: tuple[LoraFile, float, float]) -> Picture:
    from dataclasses import replace

    loras = tuple(LoraUse(file=file, unet=unet, text_encoders=encoders) for file, unet, encoders in uses)
    return pipeline.render(replace(plan(checkpoint), loras=loras), QuietWatch()).picture


@pytest.mark.parametrize("kind", TINY.KINDS)
def test_a_lora_changes_the_picture_and_leaves_nothing_behind(
    loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path, kind: str
) -> None:
    file = lora(tmp_path, kind)
    before, plain = weights(loaded), drawn(loaded, builtin)
    with_it = drawn(loaded, builtin, (file, 1.0, 1.0))
    assert with_it != plain
    assert not same(before, weights(loaded))
    assert drawn(loaded, builtin, (file, 1.0, 1.0)) == with_it
    assert drawn(loaded, builtin, (file, 0.5, 0.5)) not in (plain, with_it)
    assert drawn(loaded, builtin) == plain
    assert same(before, weights(loaded))


def test_several_are_added_up_and_swapped_exactly(loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path) -> None:
    one, other = lora(tmp_path, "kohya"), lora(tmp_path, "locon")
    before = weights(loaded)
    together = drawn(loaded, builtin, (one, 0.7, 0.7), (other, 0.4, 0.4))
    second = drawn(loaded, builtin, (other, 0.4, 0.4))
    assert drawn(loaded, builtin, (other, 0.4, 0.4), (one, 0.7, 0.7)) == together
    assert drawn(loaded, builtin, (other, 0.4, 0.4)) == second
    twice, at_once = (drawn(loaded, builtin, *uses) for uses in ([(one, 0.5, 0.5)] * 2, [(one, 1.0, 1.0)]))
    assert twice == at_once
    drawn(loaded, builtin)
    assert same(before, weights(loaded))


def test_the_same_lora_by_other_names_is_the_same_picture(
    loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path
) -> None:
    pictures = {
        drawn(loaded, builtin, (lora(tmp_path, kind), 0.8, 0.8)).rgb
        for kind in ("kohya", "kohya (stability names)", "peft")
    }
    assert len(pictures) == 1


def test_the_merge_is_the_sum_in_float32(loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path) -> None:
    file, tensors = lora(tmp_path, "kohya"), TINY.kohya()
    name, layer = "lora_unet_" + TINY.BLOCK.replace(".", "_") + "_attn2_to_k", f"unet.{TINY.BLOCK}.attn2.to_k.weight"
    before = weights(loaded)[layer]
    drawn(loaded, builtin, (file, 0.3, 0.0))
    expected = before + 0.3 * (tensors[f"{name}.lora_up.weight"] @ tensors[f"{name}.lora_down.weight"]) * (2 / 4)
    assert torch.equal(weights(loaded)[layer], expected)


def test_text_encoders_have_a_weight_of_their_own(loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path) -> None:
    file = lora(tmp_path, "kohya")
    before = weights(loaded)
    drawn(loaded, builtin, (file, 0.0, 1.0))
    changed = {name.partition(".")[0] for name, now in weights(loaded).items() if not torch.equal(now, before[name])}
    assert changed == {"text_encoder"}
    unet, encoders = drawn(loaded, builtin, (file, 1.0, 0.0)), drawn(loaded, builtin, (file, 0.0, 1.0))
    assert len({unet.rgb, encoders.rgb, drawn(loaded, builtin, (file, 1.0, 1.0)).rgb, drawn(loaded, builtin).rgb}) == 4


def broken(kind: str) -> dict[str, Tensor]:
    tensors = TINY.kohya()
    down = next(name for name in tensors if name.endswith("lora_down.weight"))
    match kind:
        case "nan":
            tensors[down][0, 0] = float("nan")
        case "infinite":
            tensors[down][0, 0] = float("inf")
        case "ranks":
            tensors[down] = TINY.random(1, 3, TINY.CONTEXT)
        case "shape":
            tensors[down] = TINY.random(1, TINY.RANK, 768)
        case "elsewhere":
            tensors = {name.replace("down_blocks_2", "down_blocks_9"): value for name, value in tensors.items()}
            tensors = {name: value for name, value in tensors.items() if "te1" not in name}
    return tensors


@pytest.mark.parametrize("kind", ["nan", "infinite", "ranks", "shape", "elsewhere"])
def test_a_bad_lora_is_refused_and_the_next_picture_unharmed(
    loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path, kind: str
) -> None:
    good, bad = lora(tmp_path, "locon"), lora(tmp_path, "bad", broken(kind))
    before, plain = weights(loaded), drawn(loaded, builtin)
    with_good = drawn(loaded, builtin, (good, 1.0, 1.0))
    with pytest.raises(InvalidRequest, match=r"The LoRA bad (is damaged|does not go with the checkpoint)"):
        drawn(loaded, builtin, (good, 1.0, 1.0), (bad, 1.0, 1.0))
    assert same(before, weights(loaded))
    assert drawn(loaded, builtin, (good, 1.0, 1.0)) == with_good
    assert drawn(loaded, builtin) == plain


def test_a_truncated_file_is_refused(loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path) -> None:
    file = lora(tmp_path, "kohya")
    plain = drawn(loaded, builtin)
    file.path.write_bytes(file.path.read_bytes()[:-100])
    with pytest.raises(InvalidRequest, match="The LoRA kohya cannot be read"):
        drawn(loaded, builtin, (file, 1.0, 1.0))
    assert drawn(loaded, builtin) == plain


def test_pefts_own_alpha_counts(loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path) -> None:
    """As diffusers writes it beside the tensors: half of the rank is half of the change."""
    tensors, plain = TINY.peft(), drawn(loaded, builtin)
    half, whole = tmp_path / "half.safetensors", tmp_path / "whole.safetensors"
    notes = {f"{part}.lora_alpha": 2 for part in ("unet", "text_encoder")} | {"unet.r": 4, "text_encoder.r": 4}
    save_file(tensors, half, {"lora_adapter_metadata": json.dumps(notes)})
    save_file(tensors, whole)
    found = drawn(loaded, builtin, (LoraFile(name="half", path=half), 1.0, 1.0))
    assert found == drawn(loaded, builtin, (LoraFile(name="whole", path=whole), 0.5, 0.5)) != plain
