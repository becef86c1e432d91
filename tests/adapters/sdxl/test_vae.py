"""The VAE: which precision is safe for it, files that take its place, and what happens when numbers are wrong."""

import copy
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import ImageStat
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, DiskCheckpoints
from illustrious_studio.adapters.sdxl.vae_catalogue import PREFIX, DiskVaes
from illustrious_studio.adapters.sdxl.worker.oom_fallback import UPCAST
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.vae import Precision, VaeCodec, safe_precision, survives_half
from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.domain.models import Checkpoint, VaeFile
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import RenderPlan
from samples import a_picture

pytestmark = pytest.mark.model


@pytest.mark.parametrize(
    ("device", "bf16", "half_safe", "expected"),
    [
        ("cpu", False, False, "float32"),
        ("cpu", True, True, "float32"),
        ("cuda", True, True, "float16"),
        ("cuda", False, True, "float16"),
        ("cuda", True, False, "bfloat16"),
        ("cuda", False, False, "float32"),
        ("mps", False, True, "float16"),
        ("mps", False, False, "float32"),
    ],
)
def test_a_vae_works_in_16_bits_where_it_is_safe(device: str, bf16: bool, half_safe: bool, expected: str) -> None:
    assert safe_precision(device, bf16=bf16, half_safe=half_safe) == expected


@pytest.fixture(scope="module")
def own() -> Any:
    """The built-in model's VAE."""
    import torch
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_pretrained(BUILTIN / "vae", torch_dtype=torch.float32, local_files_only=True).eval()


def overflowing(vae: Any) -> Any:
    """The same, but with numbers inside that float16 cannot hold: what follows brings them back to their size."""
    import torch

    vae = copy.deepcopy(vae)
    with torch.no_grad():
        vae.decoder.conv_in.weight *= 1e5
    return vae


def test_a_trial_tells_a_vae_that_overflows_in_half_precision_from_one_that_does_not() -> None:
    """A narrow one with weights of chance: a CPU without half precision takes half a minute for the built-in one."""
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    ).eval()
    assert survives_half(vae, torch.device("cpu"))
    assert not survives_half(overflowing(vae), torch.device("cpu"))
    assert vae.dtype == torch.float32, "the trial is done on a copy"


class HalfCodec(VaeCodec):
    """One that believes every VAE safe in float16."""

    def _safe_precision(self, source: Any) -> Precision:
        return "float16"


class HalfPipeline(SdxlPipeline):
    """Half precision as on a GPU, on the CPU, with every VAE believed to be safe in it."""

    def __init__(self, device: str) -> None:
        import torch

        super().__init__(device)
        self._dtype = torch.float16

    def _codec_of(self, own_vae: Any) -> VaeCodec:
        return HalfCodec(own_vae, self.device, self._placed.residence)


def save_folder(folder: Path, **changes: Any) -> Path:
    """The built-in model with other weights: part -> what changes them."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(BUILTIN, folder)
    for part, change in changes.items():
        (file,) = (folder / part).glob("*.safetensors")
        tensors = {name: tensor.float() for name, tensor in load_file(file).items()}
        change(tensors)
        save_file(tensors, file)
    return folder


async def loaded_from(pipeline: SdxlPipeline, folder: Path) -> Checkpoint:
    (checkpoint,) = await DiskCheckpoints([folder], builtin=None).list()
    pipeline.load(checkpoint)
    return checkpoint


def too_large_for_half(tensors: dict[str, Any]) -> None:
    """Between the two layers of the time embedding, numbers grow beyond 65,504."""
    tensors["time_embedding.linear_1.weight"] *= 1e5
    tensors["time_embedding.linear_2.weight"] *= 1e-5


def too_large(tensors: dict[str, Any]) -> None:
    tensors["time_embedding.linear_1.weight"] *= 1e38


def decoded_too_large(tensors: dict[str, Any]) -> None:
    tensors["decoder.conv_in.weight"] *= 1e5


async def test_a_unet_that_overflows_in_half_precision_draws_again_in_float32(tmp_path: Path) -> None:
    half, watch = HalfPipeline("cpu"), QuietWatch()
    checkpoint = await loaded_from(half, save_folder(tmp_path / "model", unet=too_large_for_half))
    done = half.render(plan(checkpoint), watch)
    assert (done.attempts, done.dtype, done.vae_dtype) == ((UPCAST["unet"],), "float32", "float16")
    assert [step.step for step in watch.seen] == [1, 2, 3, 4, 1, 2, 3, 4]
    again = half.render(plan(checkpoint), QuietWatch())
    assert (again.attempts, again.picture) == ((), done.picture), "it stays in float32"


async def test_a_unet_that_overflows_in_float32_too_is_refused_before_the_vae_is_asked(
    pipeline: SdxlPipeline, tmp_path: Path
) -> None:
    checkpoint = await loaded_from(pipeline, save_folder(tmp_path / "model", unet=too_large))
    with pytest.raises(Unavailable, match=r"numbers of its UNet are not finite.* choose another checkpoint"):
        pipeline.render(plan(checkpoint), QuietWatch())


async def test_a_vae_that_overflows_in_half_precision_is_used_again_in_float32_without_the_steps(
    tmp_path: Path,
) -> None:
    half, watch = HalfPipeline("cpu"), QuietWatch()
    checkpoint = await loaded_from(half, save_folder(tmp_path / "model", vae=decoded_too_large))
    done = half.render(plan(checkpoint), watch)
    assert (done.attempts, done.dtype, done.vae_dtype) == ((UPCAST["vae"],), "float16", "float32")
    assert len(watch.seen) == 4
    again = half.render(plan(checkpoint), QuietWatch())
    assert (again.attempts, again.picture) == ((), done.picture)


@pytest.mark.parametrize("colour", [(0.0, 0.0, 0.0), (1.0, -1.0, -0.5)])
async def test_no_picture_of_one_single_colour_is_ever_handed_out(
    pipeline: SdxlPipeline, tmp_path: Path, colour: tuple[float, float, float]
) -> None:
    import torch

    def plain(tensors: dict[str, Any]) -> None:
        tensors["decoder.conv_out.weight"] *= 0
        tensors["decoder.conv_out.bias"] = torch.tensor(colour).to(tensors["decoder.conv_out.bias"].dtype)

    checkpoint = await loaded_from(pipeline, save_folder(tmp_path / "model", vae=plain))
    with pytest.raises(Unavailable, match="choose another VAE or checkpoint"):
        pipeline.render(plan(checkpoint), QuietWatch())


def save_vae(path: Path, vae: Any, rename: Any = None) -> VaeFile:
    from safetensors.torch import save_file

    tensors = vae.state_dict() if rename is None else rename(vae)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, path)
    return VaeFile(name=path.stem, path=path)


def darker(vae: Any) -> Any:
    import torch

    vae = copy.deepcopy(vae)
    with torch.no_grad():
        vae.decoder.conv_out.bias -= 0.5
    return vae


def brightness(picture: Picture) -> float:
    return ImageStat.Stat(picture.image().convert("L")).mean[0]


def with_vae(checkpoint: Checkpoint, vae: VaeFile | None, **more: Any) -> RenderPlan:
    asked = plan(checkpoint, **more)
    return RenderPlan(asked.request, checkpoint, asked.passes, vae)


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_a_vae_file_draws_in_both_layouts_and_afterwards_the_checkpoints_own_draws_as_before(
    loaded: SdxlPipeline, builtin: Checkpoint, own: Any, tmp_path: Path, original_layout: ModuleType, prefix: str
) -> None:
    def original(vae: Any) -> dict[str, Any]:
        named = original_layout._vae(vae.state_dict(), len(vae.config.block_out_channels))
        return {prefix + name: tensor for name, tensor in named}

    before = loaded.render(plan(builtin), QuietWatch()).picture
    dark = darker(own)
    in_diffusers = save_vae(tmp_path / "diffusers.safetensors", dark)
    in_original = save_vae(tmp_path / "original.safetensors", dark, original)
    same = save_vae(tmp_path / "same.safetensors", own, original)
    drawn = [loaded.render(with_vae(builtin, file), QuietWatch()).picture for file in (in_diffusers, in_original, same)]
    assert brightness(drawn[0]) < brightness(before) - 30
    assert drawn[1:] == [drawn[0], before]
    assert loaded.render(with_vae(builtin, None), QuietWatch()).picture == before


async def test_a_vae_file_that_was_replaced_by_one_of_its_size_is_loaded_again(
    loaded: SdxlPipeline, builtin: Checkpoint, own: Any, tmp_path: Path
) -> None:
    path = tmp_path / "vae" / "mine.safetensors"
    drawn = []
    for vae in (own, darker(own)):
        path.unlink(missing_ok=True)
        save_vae(path, vae)
        os.utime(path, ns=(0, len(drawn)))
        (file,) = await DiskVaes([tmp_path / "checkpoints"]).list()
        drawn.append((file.size_bytes, loaded.render(with_vae(builtin, file), QuietWatch()).picture))
    assert drawn[0][0] == drawn[1][0]
    assert brightness(drawn[1][1]) < brightness(drawn[0][1]) - 30


def test_image_to_image_uses_the_vae_that_was_asked_for(
    loaded: SdxlPipeline, builtin: Checkpoint, own: Any, tmp_path: Path
) -> None:
    file = save_vae(tmp_path / "dark.safetensors", darker(own))
    over: dict[str, Any] = {"sketch": a_picture(64, 64), "image": "a" * 64, "strength": 0.3}
    own_picture = loaded.render(with_vae(builtin, None, **over), QuietWatch()).picture
    assert (
        brightness(loaded.render(with_vae(builtin, file, **over), QuietWatch()).picture) < brightness(own_picture) - 20
    )


def test_a_vae_of_other_dimensions_is_refused_and_the_one_before_stays(
    loaded: SdxlPipeline, builtin: Checkpoint, own: Any, tmp_path: Path
) -> None:
    from diffusers import AutoencoderKL

    before = loaded.render(plan(builtin), QuietWatch()).picture
    config = {**own.config, "block_out_channels": (32, 64, 128)}
    wider = save_vae(tmp_path / "wider.safetensors", AutoencoderKL.from_config(config))
    with pytest.raises(InvalidRequest, match=r"The VAE wider cannot be used with this checkpoint: its layers"):
        loaded.render(with_vae(builtin, wider), QuietWatch())
    (tmp_path / "gone.safetensors").write_bytes(b"")
    gone = VaeFile(name="gone", path=tmp_path / "gone.safetensors")
    with pytest.raises(InvalidRequest, match="it cannot be read"):
        loaded.render(with_vae(builtin, gone), QuietWatch())
    assert loaded.render(plan(builtin), QuietWatch()).picture == before


async def test_a_folder_that_may_not_be_listed_costs_only_its_own_vaes(
    own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed" / "checkpoints").mkdir(parents=True)
    save_vae(tmp_path / "open" / "vae" / "mended.safetensors", own)
    (tmp_path / "open" / "checkpoints").mkdir()
    listed = Path.iterdir

    def iterdir(folder: Path) -> Any:  # this test may run as root, who may list everything
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    vaes = DiskVaes([tmp_path / "closed" / "checkpoints", tmp_path / "open" / "checkpoints"])
    assert [file.name for file in await vaes.list()] == ["mended"]
    (refused,) = await vaes.refused()
    assert "Permission denied" in refused.reason


async def test_vae_files_are_found_beside_the_checkpoints(own: Any, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    save_vae(tmp_path / "vae" / "mended.safetensors", own)
    save_vae(tmp_path / "vae" / "deeper" / "mended.safetensors", own)
    save_vae(tmp_path / "vae" / "automatic.safetensors", own)
    save_vae(checkpoints / "model.vae.safetensors", own)
    vaes = DiskVaes([checkpoints])
    assert {file.name: file.path.relative_to(tmp_path).as_posix() for file in await vaes.list()} == {
        "model": "checkpoints/model.vae.safetensors",
        "automatic (vae)": "vae/automatic.safetensors",
        "mended": "vae/deeper/mended.safetensors",
        "mended (vae)": "vae/mended.safetensors",
    }
    assert await vaes.refused() == []
    assert await DiskCheckpoints([checkpoints], builtin=None).refused() == []
    single = DiskVaes([save_vae(checkpoints / "model.safetensors", own).path])
    assert "model" in [file.name for file in await single.list()]


async def test_what_is_no_vae_for_sdxl_is_left_out_with_the_reason(
    own: Any, tmp_path: Path, builtin: Checkpoint, original_layout: ModuleType
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "vae"
    save_vae(folder / "good.safetensors", own)
    save_vae(
        folder / "flux.safetensors",
        own,
        lambda vae: vae.state_dict() | {"decoder.conv_in.weight": torch.zeros(8, 16, 3, 3)},
    )
    save_file({"lora_unet.alpha": torch.zeros(1)}, folder / "lora.safetensors")
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1)}, folder / "whole.safetensors")
    save_file(
        load_file(folder / "good.safetensors"),
        folder / "sd1.safetensors",
        {"modelspec.architecture": "stable-diffusion-v1/vae"},
    )
    (folder / "old.pt").write_bytes(b"\x80")
    (folder / "broken.safetensors").write_bytes(b"nothing")
    vaes = DiskVaes([tmp_path / "checkpoints"])
    assert [file.name for file in await vaes.list()] == ["good"]
    reasons = {refused.path.name: refused.reason for refused in await vaes.refused()}
    for name, word in {
        "flux": "16 latent channels",
        "lora": "no VAE",
        "whole": "whole checkpoint",
        "broken": "damaged",
        "sd1": "stable-diffusion-v1/vae",
    }.items():
        assert word in reasons[f"{name}.safetensors"]
    assert "can run code" in reasons["old.pt"]
