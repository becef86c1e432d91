"""Loading a checkpoint into a diffusers pipeline, offline.

A single file holds the weights in the original SDXL layout and nothing else; what it lacks (the dimensions, CLIP's
vocabulary) comes with the studio. A folder in diffusers' form brings its own. Neither may fetch anything or run code
of its own. What the file is, the catalogue has read from its header before; here it is only loaded.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, INPAINTING, UNET_INPUT
from illustrious_studio.adapters.sdxl.headers import read_header
from illustrious_studio.adapters.sdxl.worker.memory import is_out_of_memory
from illustrious_studio.domain.errors import InvalidRequest, OutOfMemory
from illustrious_studio.domain.models import SAFETENSORS, Checkpoint

SDXL_CONFIG = Path(__file__).parents[3] / "data" / "sdxl"
PARTS = ("text_encoder", "text_encoder_2", "unet", "vae")


def faults_of_weights() -> tuple[type[Exception], ...]:
    """What safetensors, torch, diffusers and transformers raise for weights or a configuration that is not as it should
    be, and where memory runs out."""
    from safetensors import SafetensorError

    return (SafetensorError, OSError, ValueError, LookupError, AttributeError, TypeError, RuntimeError, MemoryError)


def load_pipeline(checkpoint: Checkpoint, dtype: Any, config: Path = SDXL_CONFIG) -> Any:
    """A StableDiffusionXLPipeline in the machine's memory; of its scheduler only the betas are used.

    Raises InvalidRequest, OutOfMemory.
    """
    from diffusers import EulerDiscreteScheduler

    try:
        pipeline = _loaded(checkpoint, dtype, config)
        _check(checkpoint, pipeline)
        pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
        return pipeline
    except faults_of_weights() as error:
        if not is_out_of_memory(error):
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            if "meta tensor" in reason:  # how torch puts it that a weight was never filled in
                reason = "it lacks some of its weights"
            raise InvalidRequest(
                f"The checkpoint {checkpoint.name} cannot be loaded: {reason}. "
                "Download the file again, or choose another checkpoint."
            ) from error
    raise OutOfMemory(
        f"There is not enough memory to load the checkpoint {checkpoint.name}. "
        "Close other programs, or choose a smaller checkpoint."
    )


def _loaded(checkpoint: Checkpoint, dtype: Any, config: Path) -> Any:
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTokenizer

    if checkpoint.layout == "folder":
        halves = any(checkpoint.path.glob("unet/*.fp16.safetensors")) and not any(
            path for path in checkpoint.path.glob("unet/*.safetensors") if ".fp16." not in path.name
        )
        return StableDiffusionXLPipeline.from_pretrained(
            str(checkpoint.path),
            dtype=dtype,
            variant="fp16" if halves else None,
            local_files_only=True,
            use_safetensors=True,
            add_watermarker=False,
        )
    config = _config_for(checkpoint.path, config)
    vocabulary, second = config / "tokenizer", config / "tokenizer_2"
    with _in_small_letters(checkpoint.path) as file:
        parts = {}
        if checkpoint.inpainting:  # the configuration is that of a UNet that takes latents alone
            parts["unet"] = UNet2DConditionModel.from_single_file(
                str(file),
                config=str(config),
                subfolder="unet",
                dtype=dtype,
                local_files_only=True,
                in_channels=INPAINTING,
            )
        return StableDiffusionXLPipeline.from_single_file(
            str(file),
            config=str(config),
            dtype=dtype,
            tokenizer=CLIPTokenizer.from_pretrained(vocabulary, local_files_only=True),
            # SDXL's one vocabulary serves both; its second encoder was trained with "!" as its padding.
            tokenizer_2=CLIPTokenizer.from_pretrained(second, local_files_only=True)
            if second.exists()
            else CLIPTokenizer.from_pretrained(vocabulary, local_files_only=True, pad_token="!"),
            local_files_only=True,
            add_watermarker=False,
            **parts,
        )


@contextmanager
def _in_small_letters(file: Path) -> Iterator[Path]:
    """The file under a name that ends in `.safetensors`: with any other letters diffusers takes it for a pickle."""
    small = file.with_suffix(SAFETENSORS)
    if small.exists() and small.samefile(file):  # so it is where the file system makes no difference
        yield small
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, small.name)
        link.symlink_to(file)
        yield link


def _config_for(file: Path, config: Path) -> Path:
    """SDXL's dimensions, or those of the built-in model when the file's UNet begins as narrow as that one's."""
    width = read_header(file).shapes[UNET_INPUT][0]
    builtin = json.loads((BUILTIN / "unet" / "config.json").read_bytes())["block_out_channels"][0]
    return BUILTIN if width == builtin else config


def _check(checkpoint: Checkpoint, pipeline: Any) -> None:
    """Every weight is there, and a sample of them is finite (a full look would take as long as loading)."""
    import torch

    for part in PARTS:
        module = getattr(pipeline, part)
        missing = [name for name, weight in module.named_parameters() if weight.is_meta]
        if checkpoint.layout == "folder" and part.startswith("text_encoder"):
            missing += _made_up(module, checkpoint.path / part)
        if missing:
            raise ValueError(f"it lacks {len(missing)} weights of its {part}, {missing[0]} first")
        named = list(module.named_parameters())
        for name, weight in (named[0], named[len(named) // 2], named[-1]):
            if not torch.isfinite(weight).all():
                raise ValueError(f"its weights are not finite numbers ({part} {name})")


def _made_up(module: Any, folder: Path) -> list[str]:
    """Weights that are not in the files: transformers fills them with random numbers and only logs it."""
    files = folder.glob("*.safetensors")
    stored = {name.removeprefix("text_model.") for file in files for name in read_header(file).shapes}
    return [name for name, _ in module.named_parameters() if name.removeprefix("text_model.") not in stored]
