"""ControlNets, T2I-Adapters and IP-Adapters over a tiny checkpoint of SDXL's shape, against bare diffusers."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from tests.adapters.sdxl.helpers import QuietWatch, plan
from transformers import CLIPVisionModelWithProjection

from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.control_catalogue import DiskControls
from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.worker.control_models import load_control
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.accelerator.placement import RESIDENCIES, Placement
from illustrious_studio.domain.controls import ControlFile, ControlUse, VisionEncoderFile
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from samples import a_picture
from scripts_of_the_project import script

pytestmark = pytest.mark.model

SIDE = 64
STEPS = 4
CLOSE = 1e-3
"""Latents of random weights are as large as 40 here; ours are computed in another order than diffusers'."""
WORDS = {"prompt": "a red fox", "negative_prompt": "dog", "guidance": 5.0, "seed": 3}
Files = dict[str, ControlFile]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("controls")
    script("tiny_controls").main(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Checkpoint:
    (found,) = asyncio.run(DiskCheckpoints([folder / "checkpoints"], None).list())
    return found


@pytest.fixture(scope="module")
def files(folder: Path) -> Files:
    return {one.name: one for one in asyncio.run(DiskControls([folder / "checkpoints"]).list())}


@pytest.fixture(scope="module")
def encoder(folder: Path) -> VisionEncoderFile:
    (found,) = asyncio.run(DiskControls([folder / "checkpoints"]).encoders())
    return found


@pytest.fixture(scope="module")
def ready(checkpoint: Checkpoint) -> Iterator[SdxlPipeline]:
    pipeline = SdxlPipeline("cpu")
    pipeline.load(checkpoint)
    yield pipeline
    pipeline.unload()


@pytest.fixture
def hint() -> Picture:
    return a_picture(SIDE, SIDE)


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, *controls: ControlUse, **settings: Any) -> np.ndarray:
    """The last latents, where every difference is seen."""
    wanted = plan(checkpoint, **{**WORDS, "size": SIDE, "steps": STEPS, **settings})
    return pipeline.denoise([replace(wanted, controls=controls)], 0, None, QuietWatch()).numpy()


def bare(kind: str, checkpoint: Checkpoint, settings: dict[str, Any], **parts: Any) -> np.ndarray:
    """The same by a pipeline of diffusers."""
    loaded = diffusers.StableDiffusionXLPipeline.from_pretrained(checkpoint.path, dtype=torch.float32)
    pipeline = getattr(diffusers, kind)(**loaded.components, **parts)
    pipeline.set_progress_bar_config(disable=True)
    return called(pipeline, settings)


def called(pipeline: Any, settings: dict[str, Any]) -> np.ndarray:
    output = pipeline(
        prompt=WORDS["prompt"],
        negative_prompt=WORDS["negative_prompt"],
        num_inference_steps=STEPS,
        guidance_scale=WORDS["guidance"],
        width=SIDE,
        height=SIDE,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        **settings,
    )
    return output.images.numpy()


def test_without_controls_a_picture_is_as_bare_diffusers_draws_it(ready: SdxlPipeline, checkpoint: Checkpoint) -> None:
    expected = bare("StableDiffusionXLPipeline", checkpoint, {})
    np.testing.assert_allclose(drawn(ready, checkpoint), expected, atol=CLOSE)


@pytest.mark.parametrize(("weight", "start", "end"), [(1.0, 0.0, 1.0), (0.6, 0.25, 0.75)])
def test_a_controlnet_steers_as_in_bare_diffusers(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture, weight: float, start: float, end: float
) -> None:
    control = ControlUse(files["canny"], hint, weight, start, end)
    net = load_control(files["canny"], ready._pipeline.unet, torch.float32, 8)
    settings = {"image": hint.image(), "controlnet_conditioning_scale": weight}
    settings |= {"control_guidance_start": start, "control_guidance_end": end}
    expected = bare("StableDiffusionXLControlNetPipeline", checkpoint, settings, controlnet=net)
    found = drawn(ready, checkpoint, control)
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert np.abs(found - drawn(ready, checkpoint)).max() > 0.01


def test_a_union_reads_the_kind_of_picture_that_it_is_told(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture
) -> None:
    net = load_control(files["union"], ready._pipeline.unet, torch.float32, 8)
    settings = {"control_image": [hint.image()], "control_mode": [3], "controlnet_conditioning_scale": 0.8}
    expected = bare("StableDiffusionXLControlNetUnionPipeline", checkpoint, settings, controlnet=net)
    found = drawn(ready, checkpoint, ControlUse(files["union"], hint, 0.8, union_type=3))
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert np.abs(found - drawn(ready, checkpoint, ControlUse(files["union"], hint, 0.8, union_type=1))).max() > 1e-3


def test_a_t2i_adapter_steers_as_in_bare_diffusers(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture
) -> None:
    adapter = load_control(files["t2i"], ready._pipeline.unet, torch.float32, 8)
    settings = {"image": hint.image(), "adapter_conditioning_scale": 0.7, "adapter_conditioning_factor": 0.5}
    expected = bare("StableDiffusionXLAdapterPipeline", checkpoint, settings, adapter=adapter)
    found = drawn(ready, checkpoint, ControlUse(files["t2i"], hint, 0.7, end=0.5))
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert np.abs(found - drawn(ready, checkpoint)).max() > 0.01


@pytest.mark.parametrize("name", ["ip", "ip-plus"])
def test_an_ip_adapter_shows_its_picture_as_in_bare_diffusers(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, encoder: VisionEncoderFile, hint: Picture, name: str
) -> None:
    before = drawn(ready, checkpoint)
    loaded = diffusers.StableDiffusionXLPipeline.from_pretrained(checkpoint.path, dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    loaded.register_modules(image_encoder=CLIPVisionModelWithProjection.from_pretrained(encoder.path.parent))
    path = files[name].path
    loaded.load_ip_adapter(str(path.parent), subfolder="", weight_name=path.name, image_encoder_folder=None)
    loaded.set_ip_adapter_scale(0.6)
    expected = called(loaded, {"ip_adapter_image": hint.image()})
    found = drawn(ready, checkpoint, ControlUse(files[name], hint, 0.6, encoder=encoder))
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert np.abs(found - before).max() > 0.01
    np.testing.assert_array_equal(drawn(ready, checkpoint), before)


def test_several_steer_at_once_as_in_bare_diffusers(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture
) -> None:
    nets = [load_control(files["canny"], ready._pipeline.unet, torch.float32, 8) for _ in range(2)]
    settings = {"image": [hint.image()] * 2, "controlnet_conditioning_scale": [0.5, 0.3]}
    expected = bare("StableDiffusionXLControlNetPipeline", checkpoint, settings, controlnet=nets)
    found = drawn(ready, checkpoint, *(ControlUse(files["canny"], hint, weight) for weight in (0.5, 0.3)))
    np.testing.assert_allclose(found, expected, atol=CLOSE)


@pytest.mark.parametrize(("theirs", "ours"), [("original", "canny"), ("repository", "canny"), ("t2i-tencent", "t2i")])
def test_a_file_in_other_names_steers_alike(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture, theirs: str, ours: str
) -> None:
    one, other = (drawn(ready, checkpoint, ControlUse(files[name], hint)) for name in (theirs, ours))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["canny", "t2i"])
def test_who_says_that_the_picture_counts_more_does_not_steer_the_negative_prompt(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture, name: str
) -> None:
    modes = {
        mode: drawn(ready, checkpoint, ControlUse(files[name], hint, mode=mode))
        for mode in ("balanced", "prompt", "control")
    }
    assert len({one.tobytes() for one in modes.values()}) == 3
    # Without a negative prompt there is nothing to spare: both soft modes are one.
    alone = [
        drawn(ready, checkpoint, ControlUse(files[name], hint, mode=mode), guidance=1.0)
        for mode in ("prompt", "control")
    ]
    np.testing.assert_array_equal(*alone)


def test_tiles_are_steered_each_by_its_part_of_the_picture(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture
) -> None:
    control = ControlUse(files["canny"], hint)
    whole = drawn(ready, checkpoint, control)
    wanted = plan(checkpoint, **{**WORDS, "size": SIDE, "steps": STEPS})

    def in_tiles(tile: int, picture: Picture) -> np.ndarray:
        one = replace(wanted.passes[0], tile=tile, overlap=16)
        steered = replace(wanted, controls=(replace(control, picture=picture),), passes=(one,))
        return ready.denoise([steered], 0, None, QuietWatch()).numpy()

    np.testing.assert_array_equal(in_tiles(SIDE, hint), whole)
    right = hint.image()
    right.paste((0, 0, 0), (48, 0, 64, 64))  # seen by the tiles on the right alone, once
    one, other = in_tiles(32, hint), in_tiles(32, Picture.from_image(right))
    assert np.isfinite(one).all() and np.abs(one - other).max() > 1e-3


def test_a_plan_with_controls_comes_whole_to_the_worker_process_and_its_picture_once(
    checkpoint: Checkpoint, files: Files, encoder: VisionEncoderFile, hint: Picture
) -> None:
    controls = (ControlUse(files["ip"], hint, 0.5, encoder=encoder), ControlUse(files["union"], hint, union_type=2))
    plans = [replace(plan(checkpoint, seed=seed), controls=controls) for seed in (1, 2)]
    frame = plans_frame(plans)
    assert plans_of(frame) == plans and len(frame.payload) == len(hint.rgb)


def test_controls_steer_alike_wherever_the_models_parts_lie(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, encoder: VisionEncoderFile, hint: Picture
) -> None:
    several = ControlUse(files["canny"], hint, 0.8), ControlUse(files["ip"], hint, 0.6, encoder=encoder)
    alone = (ControlUse(files["t2i"], hint),)
    pipeline = SdxlPipeline("cpu")
    pipeline.load(checkpoint)
    for residency in RESIDENCIES:
        pipeline._placed.placer.now = Placement(residency=residency)
        for controls in (several, alone, ()):  # an IP-Adapter comes into the UNet's layers, and leaves them
            wanted = replace(plan(checkpoint, **{**WORDS, "size": SIDE, "steps": STEPS}), controls=controls)
            expected = ready.render(wanted, QuietWatch()).picture
            assert pipeline.render(wanted, QuietWatch()).picture == expected, (residency, controls)


def test_what_does_not_go_with_the_checkpoint_is_refused_and_the_next_picture_is_as_before(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture
) -> None:
    before = drawn(ready, checkpoint, ControlUse(files["canny"], hint))
    with pytest.raises(InvalidRequest, match="builtin-canny cannot be used with this checkpoint"):
        drawn(ready, checkpoint, ControlUse(files["builtin-canny"], hint))
    np.testing.assert_array_equal(drawn(ready, checkpoint, ControlUse(files["canny"], hint)), before)


@pytest.mark.parametrize(("width", "height"), [(136, 120), (128, 104), (72, 64), (200, 88)])
def test_a_t2i_adapter_steers_in_every_size_that_is_drawn(
    ready: SdxlPipeline, checkpoint: Checkpoint, files: Files, hint: Picture, width: int, height: int
) -> None:
    settings = {"width": width, "height": height}
    steered = drawn(ready, checkpoint, ControlUse(files["t2i"], hint), **settings)
    assert np.abs(steered - drawn(ready, checkpoint, **settings)).max() > 0.01
    several = plan(checkpoint, **{**WORDS, "size": SIDE, "steps": STEPS, **settings})
    tiled = replace(several.passes[0], tile=64, overlap=24)
    in_tiles = replace(several, passes=(tiled,), controls=(ControlUse(files["t2i"], hint),))
    assert np.isfinite(ready.denoise([in_tiles], 0, None, QuietWatch()).numpy()).all()


@pytest.mark.parametrize("name", ["t2i", "t2i-tencent"])
def test_a_t2i_adapter_of_another_model_is_refused(
    loaded: SdxlPipeline, builtin: Checkpoint, files: Files, hint: Picture, name: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"the t2i-adapter {name} cannot be used with this checkpoint"):
        drawn(loaded, builtin, ControlUse(files[name], hint))


def test_the_built_in_model_is_steered_too(
    loaded: SdxlPipeline, builtin: Checkpoint, files: Files, hint: Picture
) -> None:
    net = ControlUse(files["builtin-canny"], hint, 0.5)
    with_it = drawn(loaded, builtin, net)
    assert np.isfinite(with_it).all() and np.abs(with_it - drawn(loaded, builtin)).max() > 0.01
