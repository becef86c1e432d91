"""From diffusers' names to the original SDXL single-file layout, the one published checkpoints come in.

Diffusers only knows the way in. The way out is needed to prove that way: by `real_size.py`, which writes a file of the
real size, and by the tests, which write a small one. Tensors may be real or on torch's meta device.
"""

import re
from collections.abc import Iterator
from typing import Any

UNET = "model.diffusion_model."
VAE = "first_stage_model."
CLIP_L = "conditioner.embedders.0.transformer.text_model."
CLIP_G = "conditioner.embedders.1.model."

UNET_NAMES = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
}
RESNET_NAMES = {
    ".norm1.": ".in_layers.0.",
    ".conv1.": ".in_layers.2.",
    ".time_emb_proj.": ".emb_layers.1.",
    ".norm2.": ".out_layers.0.",
    ".conv2.": ".out_layers.3.",
    ".conv_shortcut.": ".skip_connection.",
}
VAE_NAMES = {
    ".conv_norm_out.": ".norm_out.",
    ".conv_shortcut.": ".nin_shortcut.",
    ".mid_block.resnets.0.": ".mid.block_1.",
    ".mid_block.resnets.1.": ".mid.block_2.",
    ".mid_block.attentions.0.": ".mid.attn_1.",
    ".resnets.": ".block.",
    ".downsamplers.0.conv.": ".downsample.conv.",
    ".upsamplers.0.conv.": ".upsample.conv.",
    ".group_norm.": ".norm.",
    ".to_q.": ".q.",
    ".to_k.": ".k.",
    ".to_v.": ".v.",
    ".to_out.0.": ".proj_out.",
}
CLIP_G_NAMES = {
    "text_model.embeddings.token_embedding.": "token_embedding.",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.": "ln_final.",
    "text_model.encoder.layers.": "transformer.resblocks.",
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".self_attn.": ".attn.",
    ".fc1.": ".c_fc.",
    ".fc2.": ".c_proj.",
}


def original_layout(unet: Any, vae: Any, text_encoder: Any, text_encoder_2: Any) -> dict[str, Any]:
    """The four models' tensors under their names in a single file."""
    layers = unet.config.layers_per_block + 1
    tensors = {UNET + name: tensor for name, tensor in _unet(unet.state_dict(), layers)}
    tensors |= {VAE + name: tensor for name, tensor in _vae(vae.state_dict(), len(vae.config.block_out_channels))}
    for name, tensor in text_encoder.state_dict().items():
        tensors[CLIP_L + name.removeprefix("text_model.")] = tensor
    tensors |= {CLIP_G + name: tensor for name, tensor in _clip_g(text_encoder_2.state_dict())}
    return tensors


def _renamed(name: str, names: dict[str, str]) -> str:
    for ours, original in names.items():
        name = name.replace(ours, original)
    return name


def _unet(state: dict[str, Any], layers: int) -> Iterator[tuple[str, Any]]:
    with_attention = {match[1] for name in state if (match := re.match(r"up_blocks\.(\d+)\.attentions", name))}
    for name, tensor in state.items():
        match = re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", name)
        if match is None:
            new = _renamed(name, UNET_NAMES)
            yield (_renamed(new, RESNET_NAMES) if ".resnets." in name else new), tensor
            continue
        way, block, kind, layer, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
        first = block * layers
        if kind == "downsamplers":
            yield f"input_blocks.{first + layers}.0.op.{rest.removeprefix('conv.')}", tensor
        elif kind == "upsamplers":
            yield f"output_blocks.{first + layers - 1}.{2 if match[2] in with_attention else 1}.{rest}", tensor
        else:
            at = f"input_blocks.{first + layer + 1}" if way == "down" else f"output_blocks.{first + layer}"
            part = 1 if kind == "attentions" else 0
            yield f"{at}.{part}" + (_renamed(f".{rest}", RESNET_NAMES) if part == 0 else f".{rest}"), tensor


def _vae(state: dict[str, Any], blocks: int) -> Iterator[tuple[str, Any]]:
    for name, tensor in state.items():
        attention = ".attentions." in name
        name = re.sub(r"\.up_blocks\.(\d+)\.", lambda match: f".up.{blocks - 1 - int(match[1])}.", name)
        name = re.sub(r"\.down_blocks\.(\d+)\.", r".down.\1.", name)
        linear = attention and name.endswith(".weight") and "group_norm" not in name
        yield _renamed(name, VAE_NAMES), tensor[:, :, None, None] if linear else tensor


def _clip_g(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    import torch

    for name, tensor in state.items():
        if name == "text_projection.weight":
            yield "text_projection", tensor.T
        elif ".q_proj." in name:
            three = [state[name.replace(".q_proj.", f".{letter}_proj.")] for letter in "qkv"]
            original = _renamed(name, CLIP_G_NAMES).replace(".q_proj.", ".in_proj_")
            yield original, torch.cat(three)
        elif ".k_proj." not in name and ".v_proj." not in name:
            yield _renamed(name, CLIP_G_NAMES), tensor
