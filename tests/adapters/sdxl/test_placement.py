"""Every placement with the real small model: on a CPU, where the device and its home are both main memory, and parts
are moved between them all the same."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.adapters.sdxl.helpers import QuietWatch, plan
from tests.adapters.sdxl.test_hires import hires_plan
from tests.adapters.sdxl.test_oom_fallback import Faults, no_memory

from illustrious_studio.adapters.sdxl.worker.oom_fallback import AGAIN, TILED, draw
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.placement import Placer
from illustrious_studio.adapters.sdxl.worker.residence import MODULES, VISITING
from illustrious_studio.adapters.sdxl.worker.vae import VaeCodec
from illustrious_studio.domain.accelerator.estimates import GIB, MIB, Weights, Work, sdxl_weights, work_of
from illustrious_studio.domain.accelerator.placement import RESIDENCIES, Placement, stages
from illustrious_studio.domain.errors import OutOfMemory, Unavailable
from illustrious_studio.domain.loras import LoraFile, LoraUse
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.regions import Region
from illustrious_studio.domain.rendering import RenderPlan
from samples import a_picture
from scripts_of_the_project import script

pytestmark = pytest.mark.model

TINY = script("tiny_loras")


@pytest.fixture(scope="module")
def own(builtin: Checkpoint) -> Iterator[SdxlPipeline]:
    """One whose parts may lie anywhere."""
    pipeline = SdxlPipeline("cpu")
    pipeline.load(builtin)
    yield pipeline
    pipeline.unload()


def drawn(pipeline: SdxlPipeline, wanted: RenderPlan, placement: Placement | None = None) -> Picture:
    if placement is not None:
        pipeline._placed.placer.now = placement  # a CPU has no limit of its own, so this is the one that is taken
    return pipeline.render(wanted, QuietWatch()).picture


def lora(folder: Path, kind: str) -> LoraUse:
    path = folder / f"{kind}.safetensors"
    save_file(TINY.KINDS[kind](), path)
    return LoraUse(file=LoraFile(name=kind, path=path), unet=0.7, text_encoders=0.7)


def plans(builtin: Checkpoint, folder: Path) -> dict[str, RenderPlan]:
    regional = plan(builtin, regions=(Region(prompt="a red house", x=0.25, w=0.5),), negative_prompt="dog")
    own = replace(regional, region_loras=((lora(folder, "locon"),),))
    return {
        "from noise": plan(builtin),
        "from a picture, by a mask": plan(builtin, sketch=a_picture(), mask=a_picture(64, 64), image="a" * 64),
        "with regions": regional,
        "with a LoRA": replace(plan(builtin), loras=(lora(folder, "kohya"),)),
        "with a region's LoRA": replace(own, loras=(lora(folder, "kohya"),)),
        "with hires fix": hires_plan(builtin),
    }


WHAT = (
    "from noise", "from a picture, by a mask", "with regions", "with a LoRA", "with a region's LoRA", "with hires fix",
)  # fmt: skip


@pytest.mark.parametrize("what", WHAT)
def test_every_placement_gives_the_same_pixels(
    loaded: SdxlPipeline, own: SdxlPipeline, builtin: Checkpoint, tmp_path: Path, what: str
) -> None:
    wanted = plans(builtin, tmp_path)[what]
    expected = drawn(loaded, wanted)
    for residency in (*RESIDENCIES, *reversed(RESIDENCIES)):
        assert drawn(own, wanted, Placement(residency=residency)) == expected, residency
    assert drawn(own, plan(builtin)) == drawn(loaded, plan(builtin)), "and leaves nothing behind"


def test_parts_are_where_the_placement_says(own: SdxlPipeline, builtin: Checkpoint) -> None:
    residence = own._placed.residence
    for residency in RESIDENCIES:
        drawn(own, plan(builtin), Placement(residency=residency))
        at_home = {
            part
            for part in MODULES
            for tensor in residence._tensors(part)
            if (home := residence._homes.get(tensor)) is not None and home.data_ptr() == tensor.data_ptr()
        }
        assert at_home == set(VISITING[residency])
        hooked = any("group_offloading" in hooks_of(module) for module in own._pipeline.unet.modules())
        assert hooked == (residency == "group offload")


def test_steps_are_taken_on_the_device_also_where_the_vae_waits_at_home(own: SdxlPipeline) -> None:
    away = {"vae": copy.deepcopy(own._pipeline.vae).to("meta"), "unet": None, "text_encoder": None}
    parts = {**own._pipeline.components, **away, "text_encoder_2": None}
    steps = own._kind(**parts, add_watermarker=False)
    assert (str(steps.device), steps._execution_device) == ("meta", own.device)


def test_the_unet_in_float32_lies_where_it_lay(own: SdxlPipeline, builtin: Checkpoint) -> None:
    expected = drawn(own, plan(builtin), Placement())
    for residency in RESIDENCIES:
        drawn(own, plan(builtin), Placement(residency=residency))
        with own._placed.residence.apart("unet"):
            own._pipeline.unet.to(torch.float64).to(torch.float32)
        assert drawn(own, plan(builtin)) == expected
        assert own._placed.residence.placement == Placement(residency=residency)


class Card:
    """A budget that a test sets, and that a placer asks."""

    def __init__(self, free: int | None) -> None:
        self.free = free

    def __call__(self) -> int | None:
        return self.free


def needs(side: int = 1024, **settings: Any) -> tuple[Weights, Work]:
    wanted = plan(Checkpoint(name="sdxl", path=Path("sdxl"), layout="single-file"), size=side, **settings)
    return sdxl_weights(vae_number=2), work_of(wanted, vae_number=2)


def test_a_placement_is_kept_while_a_faster_one_fits_only_just() -> None:
    card = Card(int(7.2 * GIB))
    placer = Placer(card)
    assert placer.place(*needs()).residency == "text encoders offloaded"
    card.free = stages(Placement(), *needs()).peak + MIB
    assert placer.place(*needs()).residency == "text encoders offloaded"
    card.free = int(12 * GIB)
    assert placer.place(*needs()).residency == "full"
    card.free = int(3 * GIB)  # somebody else came
    assert placer.place(*needs()).residency == "group offload"


def test_what_ran_out_of_memory_is_not_tried_again_before_there_is_more() -> None:
    card = Card(int(9 * GIB))
    placer = Placer(card)
    assert placer.place(*needs()) == Placement()
    placer.ran_out(*needs())
    assert placer.now == Placement(residency="text encoders offloaded", vae_in_tiles=True)
    assert placer.place(*needs()).residency == "text encoders offloaded"
    card.free = int(16 * GIB)
    assert placer.place(*needs()) == Placement()
    for residency in RESIDENCIES[1:]:
        assert placer.can_take_less
        placer.ran_out(*needs())
        assert placer.now.residency == residency
    assert not placer.can_take_less


def test_memory_that_runs_out_all_the_same_takes_less_of_the_model_until_there_is_no_less(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    card = Card(8 * GIB)
    pipeline = SdxlPipeline("cpu", budget=card)
    pipeline.load(builtin)
    wanted = plan(builtin)
    pipeline.render(wanted, QuietWatch())
    drawn_in_the_end = draw(Faults(pipeline, steps=[no_memory()] * 2), wanted, QuietWatch())
    assert drawn_in_the_end.attempts == (
        f"{AGAIN}, text encoders offloaded, VAE in tiles",
        f"{AGAIN}, model offload, VAE in tiles",
    )
    rendered = pipeline.render(wanted, QuietWatch())
    assert (rendered.placement, rendered.attempts) == ("model offload", ()), "what ran out is not tried again"
    with pytest.raises(OutOfMemory, match="group offload, VAE in tiles"):
        draw(Faults(pipeline, steps=[no_memory()] * 3), wanted, QuietWatch())
    card.free = 1000 * GIB
    assert pipeline.render(wanted, QuietWatch()).picture == drawn(loaded, wanted)
    assert pipeline._placed.placer.now == Placement(), "and forgotten where there is much more"


class Crowded(SdxlPipeline):
    """On a device where bringing the VAE runs out of memory so many times."""

    crowd = 0

    def _codec_of(self, own_vae: Any) -> VaeCodec:
        if self.crowd:
            self.crowd -= 1
            raise no_memory()
        return super()._codec_of(own_vae)


def test_loading_takes_less_to_the_device_until_it_fits(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    pipeline = Crowded("cpu", budget=Card(8 * GIB))
    pipeline.crowd = 2
    pipeline.load(builtin)
    assert pipeline._placed.placer.now.residency == "model offload"
    assert pipeline.render(plan(builtin), QuietWatch()).picture == drawn(loaded, plan(builtin))
    pipeline.crowd = 9
    with pytest.raises(OutOfMemory, match="no memory left for the checkpoint illustrious-mini"):
        pipeline.load(builtin)
    with pytest.raises(Unavailable, match="No checkpoint is loaded"):
        pipeline.render(plan(builtin), QuietWatch())
    pipeline.crowd = 0
    pipeline.load(builtin)
    assert pipeline.render(plan(builtin), QuietWatch()).picture == drawn(loaded, plan(builtin))


def test_a_vae_that_ran_out_of_memory_works_in_tiles_at_once_the_next_time(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    pipeline = SdxlPipeline("cpu", budget=Card(8 * GIB))
    pipeline.load(builtin)
    pipeline.render(plan(builtin), QuietWatch())
    faults = Faults(pipeline, decodings=[no_memory()])
    assert draw(faults, plan(builtin), QuietWatch()).attempts == (TILED,)
    again = Faults(pipeline)
    draw(again, plan(builtin), QuietWatch())
    assert (faults.tiled, again.tiled) == ([False, True], [True])


def test_where_nothing_fits_the_thriftiest_is_tried() -> None:
    assert Placer(Card(GIB)).place(*needs()) == Placement(residency="group offload", vae_in_tiles=True)
    assert Placer(Card(None)).place(*needs()) == Placement()


def hooks_of(module: Any) -> dict[str, Any]:
    registry = getattr(module, "_diffusers_hook", None)
    return {} if registry is None else dict(registry.hooks)
