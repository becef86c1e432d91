"""Loading: the original single-file layout gives the same pixels as the folder it came from, and facts are honoured."""

import gc
import io
import shutil
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.adapters.sdxl.helpers import QuietWatch, order

from illustrious_studio.adapters.sdxl.checkpoint import BUILTIN, SDXL_KEYS, DiskCheckpoints
from illustrious_studio.adapters.sdxl.loading import SDXL_CONFIG, load_pipeline
from illustrious_studio.adapters.sdxl.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.protocol import Frame
from illustrious_studio.adapters.sdxl.worker import Channel, Worker
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint

pytestmark = pytest.mark.model


def small_sdxl() -> Any:
    """SDXL's structure with few channels and random weights."""
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    torch.manual_seed(3)
    text: dict[str, Any] = {"intermediate_size": 64, "num_attention_heads": 4, "vocab_size": 49408}
    text |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    unet = UNet2DConditionModel.load_config(SDXL_CONFIG / "unet") | {
        "block_out_channels": [32, 32, 64],
        "attention_head_dim": [2, 2, 4],
        "transformer_layers_per_block": [1, 1, 2],
        "cross_attention_dim": 32 + 48,
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + 48,
        "norm_num_groups": 8,
    }
    vae = AutoencoderKL.load_config(SDXL_CONFIG / "vae") | {
        "block_out_channels": [16, 16, 32, 32],
        "norm_num_groups": 8,
    }
    vocabulary = SDXL_CONFIG / "tokenizer"
    return StableDiffusionXLPipeline(
        vae=AutoencoderKL.from_config(vae),
        text_encoder=CLIPTextModel(CLIPTextConfig(hidden_size=32, num_hidden_layers=3, projection_dim=32, **text)),
        text_encoder_2=CLIPTextModelWithProjection(
            CLIPTextConfig(hidden_size=48, num_hidden_layers=10, projection_dim=48, hidden_act="gelu", **text)
        ),
        tokenizer=CLIPTokenizer.from_pretrained(vocabulary, local_files_only=True),
        tokenizer_2=CLIPTokenizer.from_pretrained(vocabulary, local_files_only=True, pad_token="!"),
        unet=UNet2DConditionModel.from_config(unet),
        scheduler=EulerDiscreteScheduler.from_pretrained(SDXL_CONFIG / "scheduler"),
        add_watermarker=False,
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, original_layout: ModuleType) -> tuple[Path, Path]:
    """The same small model as a diffusers folder and as a single file in the original layout."""
    from safetensors.torch import save_file

    place = tmp_path_factory.mktemp("models")
    model = small_sdxl()
    model.save_pretrained(place / "folder")
    tensors = original_layout.original_layout(model.unet, model.vae, model.text_encoder, model.text_encoder_2)
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, place / "single.safetensors")
    return place / "folder", place / "single.safetensors"


@pytest.fixture(scope="module")
def small(both: tuple[Path, Path]) -> SdxlPipeline:
    """A pipeline that takes the small model's dimensions for those of every single file."""
    return SdxlPipeline("cpu", config=both[0])


async def test_a_single_file_in_the_original_layout_draws_what_its_folder_draws(
    small: SdxlPipeline, both: tuple[Path, Path]
) -> None:
    folder, single = await DiskCheckpoints(list(both), builtin=None).list()
    assert (folder.layout, single.layout) == ("folder", "single-file")
    pictures = []
    for checkpoint in (folder, single):
        small.load(checkpoint)
        pictures.append(small.render(order(checkpoint, "a lighthouse (in a storm:1.2)"), QuietWatch()).picture)
    assert pictures[0] == pictures[1]


async def test_the_script_writes_the_keys_that_published_checkpoints_have(both: tuple[Path, Path]) -> None:
    from safetensors import safe_open

    with safe_open(both[1], "pt") as file:
        names = set(file.keys())
    assert set(SDXL_KEYS) <= names
    assert {
        "model.diffusion_model.output_blocks.2.2.conv.weight",
        "model.diffusion_model.output_blocks.5.2.conv.bias",
        "first_stage_model.decoder.up.3.upsample.conv.weight",
        "first_stage_model.encoder.mid.attn_1.proj_out.weight",
        "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight",
        "conditioner.embedders.1.model.ln_final.weight",
    } <= names


async def test_a_single_file_that_lacks_weights_is_refused(
    small: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(both[1])
    del tensors["model.diffusion_model.middle_block.1.norm.weight"]
    save_file(tensors, tmp_path / "lacking.safetensors")
    (checkpoint,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    with pytest.raises(InvalidRequest, match=r"lacking cannot be loaded: it lacks some of its weights"):
        small.load(checkpoint)


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
    small: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(both[1])
    tensors["model.diffusion_model.input_blocks.0.0.weight"].fill_(float("nan"))
    save_file(tensors, tmp_path / "nan.safetensors")
    (checkpoint,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    with pytest.raises(InvalidRequest, match="not finite"):
        small.load(checkpoint)


async def test_a_file_of_other_dimensions_is_refused_with_a_sentence(
    pipeline: SdxlPipeline, both: tuple[Path, Path]
) -> None:
    (checkpoint,) = await DiskCheckpoints([both[1]], builtin=None).list()
    with pytest.raises(InvalidRequest, match="Fetch the file anew, or choose another"):
        pipeline.load(checkpoint)  # this one expects SDXL's own size


def test_what_the_file_says_of_its_prediction_sets_the_scheduler(both: tuple[Path, Path]) -> None:
    import torch

    for prediction, zero_snr in (("epsilon", False), ("v_prediction", True)):
        checkpoint = Checkpoint(
            name="single", path=both[1], layout="single-file", prediction_type=prediction, zero_terminal_snr=zero_snr
        )
        config = load_pipeline(checkpoint, torch.float32, both[0]).scheduler.config
        assert (config.prediction_type, config.rescale_betas_zero_snr) == (prediction, zero_snr)
        assert config.timestep_spacing == ("trailing" if zero_snr else "leading")


def test_in_half_precision_an_unmended_vae_runs_in_float32(both: tuple[Path, Path], builtin: Checkpoint) -> None:
    import torch

    plain = Checkpoint(name="single", path=both[1], layout="single-file")
    loaded = load_pipeline(plain, torch.float16, both[0])
    assert (loaded.unet.dtype, loaded.vae.dtype) == (torch.float16, torch.float32)
    mended = load_pipeline(builtin, torch.float16)
    assert (mended.unet.dtype, mended.vae.dtype) == (torch.float16, torch.float16)


def test_a_file_swapped_since_it_was_listed_is_refused_and_nothing_stays_half_loaded(
    small: SdxlPipeline, both: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "swapped.safetensors"
    shutil.copy(both[1], copy)
    checkpoint = Checkpoint(name="swapped", path=copy, layout="single-file")
    copy.write_bytes(copy.read_bytes()[:-100])
    with pytest.raises(InvalidRequest):
        small.load(checkpoint)
    copy.unlink()
    with pytest.raises(InvalidRequest):
        small.load(checkpoint)


def test_the_model_before_is_gone_when_another_is_loaded(pipeline: SdxlPipeline, builtin: Checkpoint) -> None:
    worker = Worker(Channel(io.BytesIO(), io.BytesIO()), pipeline, previews=False, cancelled=set())
    load = Frame("load", 1, {"checkpoint": builtin.model_dump(mode="json")})
    assert worker.answer(load).kind == "done"
    before = weakref.ref(pipeline._pipeline.unet)
    assert worker.answer(load).kind == "done"
    gc.unfreeze()
    assert before() is None
