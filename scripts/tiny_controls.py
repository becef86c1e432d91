"""Tiny models that steer a drawing, of each kind and form, and a tiny checkpoint of SDXL's shape to steer.

    python scripts/tiny_controls.py FOLDER

writes FOLDER/checkpoints/tiny-sdxl, FOLDER/controlnet, FOLDER/ipadapter and FOLDER/clip_vision. For trying
them without models of one's own, and for the tests: random numbers, not trained, the same each time. ControlNets
whose name begins with `builtin` are for the built-in model, all others for the tiny checkpoint.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    ControlNetUnionModel,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    T2IAdapter,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

MINI = Path(__file__).parents[1] / "src" / "illustrious_studio" / "data" / "mini"
CHANNELS = (32, 64, 64)
HINTS = (8, 8, 16, 16)
"""Channels of a ControlNet's first part, which makes a picture eight times smaller, as SDXL's VAE does."""
ENCODER = {"hidden_size": 32, "intermediate_size": 64, "projection_dim": 24, "num_hidden_layers": 2}
TOKENS = 4


def filled(module: Any, seed: int, size: float = 0.05) -> Any:
    """With other numbers in every weight, also in those that training would begin at zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * size)
    return module.eval()


def checkpoint() -> StableDiffusionXLPipeline:
    """Three blocks and a VAE that makes a picture eight times smaller, as SDXL has. Words are the built-in one's."""
    torch.manual_seed(0)
    config = json.loads((MINI / "unet" / "config.json").read_bytes())
    unet = UNet2DConditionModel(
        block_out_channels=CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2,
        attention_head_dim=(2, 4, 4),
        transformer_layers_per_block=(1, 1, 2),
        norm_num_groups=8,
        sample_size=16,
        **{name: config[name] for name in ("cross_attention_dim", "addition_embed_type", "addition_time_embed_dim")},
        projection_class_embeddings_input_dim=config["projection_class_embeddings_input_dim"],
        use_linear_projection=True,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        scaling_factor=0.13025,
    )
    return StableDiffusionXLPipeline(
        vae=filled(vae, 1),
        text_encoder=CLIPTextModel.from_pretrained(MINI / "text_encoder"),
        text_encoder_2=CLIPTextModelWithProjection.from_pretrained(MINI / "text_encoder_2"),
        tokenizer=CLIPTokenizer.from_pretrained(MINI / "tokenizer"),
        tokenizer_2=CLIPTokenizer.from_pretrained(MINI / "tokenizer", pad_token="!"),
        unet=filled(unet, 2),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
    )


def union(unet: Any) -> Any:
    """xinsir's ControlNet-Union with all eight types; `from_unet` has no numbers for one so narrow."""
    like = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINTS).config
    left_out = ("mid_block_type", "_class_name", "_diffusers_version")
    width = unet.config.block_out_channels[0]
    config = {name: value for name, value in like.items() if name not in left_out and not name.startswith("_")}
    return ControlNetUnionModel(**config, num_control_type=8, num_trans_channel=width, num_proj_channel=width)


def original_names(tensors: dict[str, Tensor], config: Any) -> dict[str, Tensor]:
    """A ControlNet's tensors as lllyasviel's code calls them: diffusers' conversion, turned round."""
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    candidates: dict[str, Tensor] = {}
    blocks = [
        (block, layer)
        for block in range(len(config.block_out_channels))
        for layer in range(config.layers_per_block + 1)
    ]
    for number, (block, layer) in enumerate(blocks, 1):
        for name, tensor in tensors.items():
            for ours, theirs in (
                (f"down_blocks.{block}.resnets.{layer}.", f"input_blocks.{number}.0."),
                (f"down_blocks.{block}.attentions.{layer}.", f"input_blocks.{number}.1."),
            ):
                if name.startswith(ours):
                    candidates[theirs + _of_a_resnet(name.removeprefix(ours))] = tensor
            if name.startswith(f"down_blocks.{block}.downsamplers.0.conv.") and layer == config.layers_per_block:
                candidates[f"input_blocks.{number}.0.op.{name.rpartition('.')[2]}"] = tensor
    for name, tensor in tensors.items():
        end = name.rpartition(".")[2]
        for ours, theirs in (
            ("mid_block.resnets.0.", "middle_block.0."),
            ("mid_block.attentions.0.", "middle_block.1."),
            ("mid_block.resnets.1.", "middle_block.2."),
        ):
            if name.startswith(ours):
                candidates[theirs + _of_a_resnet(name.removeprefix(ours))] = tensor
        if name.startswith("controlnet_down_blocks."):
            candidates[f"zero_convs.{name.split('.')[1]}.0.{end}"] = tensor
        if name.startswith("controlnet_cond_embedding.blocks."):
            candidates[f"input_hint_block.{2 * int(name.split('.')[2]) + 2}.{end}"] = tensor
        for ours, theirs in FIXED.items():
            if name.startswith(ours + "."):
                candidates[f"{theirs}.{end}"] = tensor
    back = convert_controlnet_checkpoint(candidates, config)
    missing = [name for name in tensors if back.get(name) is None and not name.startswith("add_embedding.")]
    assert not missing, missing[:5]
    return candidates


FIXED = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
    "controlnet_mid_block": "middle_block_out.0",
}


def _of_a_resnet(name: str) -> str:
    for ours, theirs in (
        ("norm1.", "in_layers.0."),
        ("conv1.", "in_layers.2."),
        ("norm2.", "out_layers.0."),
        ("conv2.", "out_layers.3."),
        ("time_emb_proj.", "emb_layers.1."),
        ("conv_shortcut.", "skip_connection."),
    ):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


def t2i_adapter() -> T2IAdapter:
    return T2IAdapter(channels=[32, 64, 64, 64], downscale_factor=16, adapter_type="full_adapter_xl")


def tencents_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A T2I-Adapter's tensors as TencentARC's code calls them."""
    named: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        parts = name.removeprefix("adapter.").split(".")
        if parts[0] == "body":
            block, rest = int(parts[1]), parts[2:]
            number = 2 * block + (int(rest[1]) if rest[0] == "resnets" else 0)
            parts = ["body", str(number), *(rest[2:] if rest[0] == "resnets" else rest)]
        named[".".join(parts)] = tensor
    return named


def ip_adapter(unet: Any, *, plus: bool) -> dict[str, Tensor]:
    """An IP-Adapter's tensors: four tokens of a picture's embedding, or (Plus) of what a resampler makes of patches."""
    generator = torch.Generator().manual_seed(3)
    width = unet.config.cross_attention_dim

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    tensors: dict[str, Tensor] = {}
    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(names):
        channels = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
        for part in "kv":
            tensors[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = random(channels, width)
    if not plus:
        tensors |= {
            "image_proj.proj.weight": random(TOKENS * width, ENCODER["projection_dim"]),
            "image_proj.proj.bias": random(TOKENS * width),
            "image_proj.norm.weight": 1 + random(width),
            "image_proj.norm.bias": random(width),
        }
        return tensors
    hidden, inner = ENCODER["hidden_size"], 128
    tensors |= {
        "image_proj.latents": random(1, TOKENS, hidden),
        "image_proj.proj_in.weight": random(hidden, hidden),
        "image_proj.proj_in.bias": random(hidden),
        "image_proj.proj_out.weight": random(width, hidden),
        "image_proj.proj_out.bias": random(width),
        "image_proj.norm_out.weight": 1 + random(width),
        "image_proj.norm_out.bias": random(width),
    }
    for layer in range(4):
        here = f"image_proj.layers.{layer}"
        tensors |= {
            f"{here}.0.norm1.weight": 1 + random(hidden),
            f"{here}.0.norm1.bias": random(hidden),
            f"{here}.0.norm2.weight": 1 + random(hidden),
            f"{here}.0.norm2.bias": random(hidden),
            f"{here}.0.to_q.weight": random(inner, hidden),
            f"{here}.0.to_kv.weight": random(2 * inner, hidden),
            f"{here}.0.to_out.weight": random(hidden, inner),
            f"{here}.1.0.weight": 1 + random(hidden),
            f"{here}.1.0.bias": random(hidden),
            f"{here}.1.1.weight": random(4 * hidden, hidden),
            f"{here}.1.3.weight": random(hidden, 4 * hidden),
        }
    return tensors


def encoder() -> CLIPVisionModelWithProjection:
    torch.manual_seed(4)
    config = CLIPVisionConfig(**ENCODER, num_attention_heads=2, image_size=32, patch_size=8)
    return CLIPVisionModelWithProjection(config).eval()


def main(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoints" / "tiny-sdxl", ignore_errors=True)
    pipeline = checkpoint()
    pipeline.save_pretrained(folder / "checkpoints" / "tiny-sdxl", safe_serialization=True)
    nets, adapters, encoders = folder / "controlnet", folder / "ipadapter", folder / "clip_vision" / "tiny-vit"
    for place in (nets / "repository", adapters, encoders):
        place.mkdir(parents=True, exist_ok=True)
    net = filled(ControlNetModel.from_unet(pipeline.unet, conditioning_embedding_out_channels=HINTS), 5)
    own = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    save_file(own, nets / "canny.safetensors")
    save_file(own, nets / "repository" / "diffusion_pytorch_model.safetensors")
    theirs = {f"control_model.{name}": one for name, one in original_names(own, net.config).items()}
    save_file(theirs, nets / "original.safetensors")
    save_file(filled(union(pipeline.unet), 6).state_dict(), nets / "union.safetensors")
    adapter = filled(t2i_adapter(), 7).state_dict()
    save_file(adapter, nets / "t2i.safetensors")
    save_file(tencents_names(adapter), nets / "t2i-tencent.safetensors")
    save_file(ip_adapter(pipeline.unet, plus=False), adapters / "ip.safetensors")
    save_file(ip_adapter(pipeline.unet, plus=True), adapters / "ip-plus.safetensors")
    encoder().save_pretrained(encoders, safe_serialization=True)
    mini = UNet2DConditionModel.from_pretrained(MINI / "unet")
    small = filled(ControlNetModel.from_unet(mini, conditioning_embedding_out_channels=(8, 16, 16)), 8)
    save_file(small.state_dict(), nets / "builtin-canny.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
