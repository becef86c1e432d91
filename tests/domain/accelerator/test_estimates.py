"""What a drawing takes of a device: counted again on torch's meta device, where SDXL stands in its real size."""

from pathlib import Path
from typing import Any

import pytest

from illustrious_studio.domain.accelerator.estimates import (
    DECODE,
    GIB,
    KERNELS,
    LOST,
    MIB,
    STEP,
    TEXT_PARAMETERS,
    UNET_PARAMETERS,
    VAE_PARAMETERS,
    Weights,
    sdxl_weights,
    work_of,
)
from illustrious_studio.domain.accelerator.placement import (
    RESIDENCIES,
    Placement,
    Residency,
    chosen,
    moved,
    placements,
    stages,
)
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import RenderPlan
from illustrious_studio.services.render_plan import Enlarging, render_plan
from scripts_of_the_project import script

SDXL = Checkpoint(name="sdxl", path=Path("sdxl.safetensors"), layout="single-file")
CONTROLNET = 2 * 1_251_000_000
"""Bytes of a ControlNet for SDXL in half precision."""


def plan(width: int = 1024, height: int = 1024, **settings: Any) -> RenderPlan:
    request = ImageRequest(prompt="a", width=width, height=height, **{"guidance": 5.0, **settings})
    return render_plan(request, SDXL, enlarged_by=Enlarging(None, 512, 32))


def counted(found: int, pixels: float, number: int) -> float:
    return found / (pixels * number)


@pytest.mark.model
def test_the_counts_are_those_of_sdxl_on_the_meta_device() -> None:
    import torch

    count = script("count_memory")
    unet, vae = count.unet(), count.vae()
    assert count.weights(unet) == 2 * UNET_PARAMETERS
    assert count.weights(vae) == 4 * VAE_PARAMETERS
    for width, height, rows in ((832, 1216, 2), (512, 512, 1)):
        found = count.evaluation(unet, width, height, rows)
        assert counted(found, width * height * rows, 2) == pytest.approx(STEP, rel=0.02)
    assert counted(count.decoding(vae, 640, 512), 640 * 512, 4) == pytest.approx(DECODE, rel=0.01)
    assert counted(count.encoding(vae, 640, 512), 640 * 512, 4) < DECODE
    half = count.vae(torch.float16)
    assert counted(count.decoding(half, 512, 512), 512 * 512, 2) == pytest.approx(DECODE, rel=0.01)


@pytest.mark.model
def test_the_text_encoders_are_counted_from_their_configuration() -> None:
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG

    with torch.device("meta"):
        both = (
            CLIPTextModel(CLIPTextConfig.from_pretrained(SDXL_CONFIG / "text_encoder")),
            CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(SDXL_CONFIG / "text_encoder_2")),
        )
    assert sum(one.numel() for model in both for one in model.parameters()) == TEXT_PARAMETERS


def less(amount: int) -> float:
    """What was counted of an estimate, without what is added to it."""
    return (amount - KERNELS) / LOST


def test_work_grows_with_pixels_rows_and_pictures() -> None:
    one = work_of(plan())
    assert less(one.steps) == pytest.approx(1024 * 1024 * 2 * STEP * 2, rel=1e-6)
    assert less(work_of(plan(guidance=1.0)).steps) == pytest.approx(less(one.steps) / 2, rel=1e-6)
    assert less(work_of(plan(), pictures=4).steps) == pytest.approx(less(one.steps) * 4, rel=1e-6)
    assert work_of(plan(), pictures=4).vae == one.vae, "pictures are decoded one after another"
    larger = work_of(plan(hires=HiresFix(scale=2.0)))
    assert less(larger.steps) == pytest.approx(less(one.steps) * 4, rel=1e-6)
    assert larger.vae_in_tiles == one.vae_in_tiles


def test_tiles_take_no_more_than_one_of_them() -> None:
    in_tiles = work_of(plan(4096, 2048, tile=1024))
    assert in_tiles.steps == work_of(plan()).steps
    assert in_tiles.vae == in_tiles.vae_in_tiles, "so large a picture is coded in tiles anyway"


@pytest.mark.parametrize("residency", RESIDENCIES)
def test_each_placement_takes_less_than_the_one_before(residency: Residency) -> None:
    weights, work = sdxl_weights(steering=CONTROLNET), work_of(plan())
    peaks = [stages(Placement(residency=one), weights, work).peak for one in RESIDENCIES]
    assert peaks == sorted(peaks, reverse=True)
    whole = stages(Placement(residency=residency), weights, work)
    tiled = stages(Placement(residency=residency, vae_in_tiles=True), weights, work)
    assert tiled.vae < whole.vae and (tiled.steps, tiled.text) == (whole.steps, whole.text)


@pytest.mark.parametrize("gigabytes", [4, 6, 8, 10, 12, 16, 24])
def test_what_is_chosen_fits_and_no_faster_one_would(gigabytes: int) -> None:
    order = list(placements())
    for weights in (sdxl_weights(), sdxl_weights(vae_number=2), sdxl_weights(steering=CONTROLNET)):
        for work in (work_of(plan(832, 1216)), work_of(plan(), pictures=4), work_of(plan(hires=HiresFix(scale=2.0)))):
            found = chosen(gigabytes * GIB, weights, work)
            fits = [one for one in order if stages(one, weights, work).peak <= gigabytes * GIB]
            assert found == (fits[0] if fits else None)


@pytest.mark.parametrize(
    ("gigabytes", "vae_number", "residency"),
    [
        (24, 4, "full"),
        (16, 4, "full"),
        (12, 4, "full"),
        (10, 4, "text encoders offloaded"),
        (8, 4, "model offload"),
        (10, 2, "full"),
        (8, 2, "text encoders offloaded"),
        (6, 2, "group offload"),
    ],
)
def test_where_illustrious_draws_on_cards_that_people_have(gigabytes: int, vae_number: int, residency: str) -> None:
    free = int((gigabytes - 0.9) * GIB)  # a desktop and the driver have the rest
    found = chosen(free, sdxl_weights(vae_number=vae_number), work_of(plan(832, 1216), vae_number=vae_number))
    assert found == Placement(residency=residency)  # type: ignore[arg-type]


def test_the_docs_have_the_table_that_is_predicted() -> None:
    page = (Path(__file__).parents[3] / "docs" / "performance.md").read_text(encoding="utf-8")
    for line in script("placement_table").table():
        assert line in page, "python scripts/placement_table.py prints it"


def test_what_moves_for_a_picture() -> None:
    weights = Weights(unet=500, text_encoders=160, vae=30, steering=7)
    expected = {"full": 0, "text encoders offloaded": 160, "model offload": 690, "group offload": 190 + 500 * 28}
    assert {one: moved(Placement(residency=one), weights, 28) for one in RESIDENCIES} == expected
    assert MIB < GIB
