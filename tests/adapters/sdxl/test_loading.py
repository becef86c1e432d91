"""Loading: the original single-file layout gives the same pixels as the folder it came from, and facts are honoured."""

import gc
import io
import json
import shutil
import weakref
from pathlib import Path
from types import ModuleType

import pytest
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, DECLARED, SDXL_KEYS, UNET_INPUT, DiskCheckpoints
from illustrious_studio.adapters.sdxl.protocol import Frame
from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG
from illustrious_studio.adapters.sdxl.worker.main import Channel, Worker
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, original_layout: ModuleType) -> tuple[Path, Path]:
    """The built-in model as a diffusers folder and as a single file in the original layout."""
    import torch
    from diffusers import StableDiffusionXLPipeline
    from safetensors.torch import save_file

    model = StableDiffusionXLPipeline.from_pretrained(BUILTIN, dtype=torch.float16, local_files_only=True)
    tensors = original_layout.original_layout(model.unet, model.vae, model.text_encoder, model.text_encoder_2)
    tensors |= {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    single = tmp_path_factory.mktemp("models") / "single.safetensors"
    said = {DECLARED: (BUILTIN / "studio.json").read_text(encoding="utf-8")}
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, single, said)
    return BUILTIN, single


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model's dimensions with SDXL's own scheduler, and a VAE that overflows in half precision."""
    config = tmp_path_factory.mktemp("config") / "plain"
    shutil.copytree(BUILTIN, config)
    shutil.rmtree(config / "scheduler")
    shutil.copytree(SDXL_CONFIG / "scheduler", config / "scheduler")
    facts = json.loads((config / "vae" / "config.json").read_text(encoding="utf-8")) | {"force_upcast": True}
    (config / "vae" / "config.json").write_text(json.dumps(facts), encoding="utf-8")
    return config


async def test_a_single_file_in_the_original_layout_draws_what_its_folder_draws(
    pipeline: SdxlPipeline, both: tuple[Path, Path]
) -> None:
    folder, single = await DiskCheckpoints(list(both), builtin=None).list()
    assert (folder.layout, single.layout) == ("folder", "single-file")
    same = {"path", "layout", "name", "size_bytes", "stamp"}
    assert folder.model_dump(exclude=same) == single.model_dump(exclude=same)
    pictures = []
    for checkpoint in (folder, single):
        pipeline.load(checkpoint)
        pictures.append(pipeline.render(plan(checkpoint, "a lighthouse (in a storm:1.2)"), QuietWatch()).picture)
    assert pictures[0] == pictures[1]


async def test_an_ending_in_capitals_is_loaded_as_what_it_is(
    pipeline: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.copyfile(both[1], tmp_path / "f03_UPPER.SAFETENSORS")
    (upper,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    pipeline.load(upper)
    assert pipeline.render(plan(upper), QuietWatch()).picture.width == 64


async def test_the_script_writes_the_keys_that_published_checkpoints_have(both: tuple[Path, Path]) -> None:
    from safetensors import safe_open

    with safe_open(both[1], "pt") as file:
        names = set(file.keys())
    assert set(SDXL_KEYS) <= names
    assert {
        "model.diffusion_model.output_blocks.1.2.conv.weight",
        "model.diffusion_model.output_blocks.5.1.conv.bias",
        "first_stage_model.decoder.up.2.upsample.conv.weight",
        "first_stage_model.encoder.down.0.downsample.conv.weight",
        "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight",
        "conditioner.embedders.1.model.ln_final.weight",
    } <= names


async def test_a_single_file_that_lacks_weights_is_refused(
    pipeline: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(both[1])
    del tensors["model.diffusion_model.middle_block.1.norm.weight"]
    save_file(tensors, tmp_path / "lacking.safetensors")
    (checkpoint,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    with pytest.raises(InvalidRequest, match=r"lacking cannot be loaded: it lacks some of its weights"):
        pipeline.load(checkpoint)


@pytest.mark.parametrize(
    ("part", "file", "weight"),
    [
        ("unet", "diffusion_pytorch_model.safetensors", "conv_in.bias"),
        ("text_encoder", "model.safetensors", "final_layer_norm.weight"),
    ],
)
def test_a_folder_that_lacks_a_weight_is_refused_and_none_is_made_up(
    pipeline: SdxlPipeline, tmp_path: Path, part: str, file: str, weight: str
) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(BUILTIN, tmp_path / "lacking")
    path = tmp_path / "lacking" / part / file
    tensors = load_file(path)
    del tensors[weight]
    save_file(tensors, path)
    with pytest.raises(InvalidRequest, match=f"lacks 1 weights of its {part}, {weight}"):
        pipeline.load(Checkpoint(name="lacking", path=tmp_path / "lacking", layout="folder"))


async def test_weights_that_are_not_numbers_are_refused(
    pipeline: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(both[1])
    tensors["model.diffusion_model.input_blocks.0.0.weight"].fill_(float("nan"))
    save_file(tensors, tmp_path / "nan.safetensors")
    (checkpoint,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    with pytest.raises(InvalidRequest, match="not finite"):
        pipeline.load(checkpoint)


async def test_a_file_of_other_dimensions_is_refused_with_a_sentence(
    pipeline: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(both[1])
    tensors[UNET_INPUT] = tensors[UNET_INPUT].repeat(2, 1, 1, 1)
    save_file(tensors, tmp_path / "wider.safetensors")
    (checkpoint,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    with pytest.raises(InvalidRequest, match="Download the file again, or choose another"):
        pipeline.load(checkpoint)


def test_a_file_swapped_since_it_was_listed_is_refused_and_nothing_stays_half_loaded(
    pipeline: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "swapped.safetensors"
    shutil.copy(both[1], copy)
    checkpoint = Checkpoint(name="swapped", path=copy, layout="single-file")
    copy.write_bytes(copy.read_bytes()[:-100])
    with pytest.raises(InvalidRequest):
        pipeline.load(checkpoint)
    copy.unlink()
    with pytest.raises(InvalidRequest):
        pipeline.load(checkpoint)


def test_the_model_before_is_gone_when_another_is_loaded(pipeline: SdxlPipeline, builtin: Checkpoint) -> None:
    worker = Worker(Channel(io.BytesIO(), io.BytesIO()), pipeline, previews=False, cancelled=set())
    load = Frame("load", 1, {"checkpoint": builtin.model_dump(mode="json")})
    assert worker.answer(load).kind == "done"
    before = weakref.ref(pipeline._pipeline.unet)
    assert worker.answer(load).kind == "done"
    gc.unfreeze()
    assert before() is None


def test_the_unet_and_the_vae_convolve_in_channels_last(loaded: SdxlPipeline) -> None:
    import torch

    for layer in (loaded._pipeline.unet.conv_in, loaded._pipeline.vae.decoder.conv_in):
        assert layer.weight.is_contiguous(memory_format=torch.channels_last)
