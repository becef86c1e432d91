"""Tiny LoRAs for the built-in model, one of each kind, as its own or other trainers write them, and their notes; and
tiny embeddings.

    python scripts/tiny_loras.py FOLDER    writes FOLDER/loras and FOLDER/embeddings

For trying them without a model of one's own, and for the tests. They are random numbers of low rank, not trained: each
changes pictures in a way of its own, and the same each time.
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

CONTEXT, WIDTH, ENCODERS = 224, 128, (96, 128)
"""How wide the built-in model's text is, its first blocks with attention, and its text encoders."""
ENCODER = ENCODERS[0]
BLOCK = "down_blocks.2.attentions.0.transformer_blocks.0"
STABILITYS = "input_blocks.5.1.transformer_blocks.0"
RANK = 4

Tensors = dict[str, Tensor]


def random(seed: int, *shape: int, size: float = 0.3) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * size


def kohya(layer: str = BLOCK, seed: int = 1) -> Tensors:
    """As kohya's scripts write it, with alpha."""
    name = "lora_unet_" + layer.replace(".", "_")
    encoder = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
    return {
        f"{name}_attn2_to_k.lora_down.weight": random(seed, RANK, CONTEXT),
        f"{name}_attn2_to_k.lora_up.weight": random(seed + 1, WIDTH, RANK),
        f"{name}_attn2_to_k.alpha": torch.tensor(2.0),
        f"{name}_attn1_to_v.lora_down.weight": random(seed + 2, RANK, WIDTH),
        f"{name}_attn1_to_v.lora_up.weight": random(seed + 3, WIDTH, RANK),
        f"{name}_attn1_to_v.alpha": torch.tensor(2.0),
        f"{encoder}.lora_down.weight": random(seed + 4, RANK, ENCODER),
        f"{encoder}.lora_up.weight": random(seed + 5, ENCODER, RANK),
        f"{encoder}.alpha": torch.tensor(2.0),
    }


def peft(seed: int = 1) -> Tensors:
    """The same as diffusers writes it: there is no alpha in it, which is so its rank."""
    encoder = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj"
    layers = [f"unet.{BLOCK}.attn2.to_k", f"unet.{BLOCK}.attn1.to_v", encoder]
    plain = list(kohya(seed=seed).values())
    down = {f"{name}.lora_A.weight": plain[3 * at] for at, name in enumerate(layers)}
    return down | {f"{name}.lora_B.weight": plain[3 * at + 1] * 0.5 for at, name in enumerate(layers)}


def loha() -> Tensors:
    name = "lora_unet_" + BLOCK.replace(".", "_") + "_attn2_to_k"
    return {
        f"{name}.hada_w1_a": random(11, WIDTH, RANK, size=0.5),
        f"{name}.hada_w1_b": random(12, RANK, CONTEXT, size=0.5),
        f"{name}.hada_w2_a": random(13, WIDTH, RANK, size=0.5),
        f"{name}.hada_w2_b": random(14, RANK, CONTEXT, size=0.5),
        f"{name}.alpha": torch.tensor(float(RANK)),
    }


def lokr() -> Tensors:
    name = "lora_unet_" + BLOCK.replace(".", "_") + "_attn2_to_k"
    return {
        f"{name}.lokr_w1": random(21, 8, 8),
        f"{name}.lokr_w2_a": random(22, WIDTH // 8, RANK),
        f"{name}.lokr_w2_b": random(23, RANK, CONTEXT // 8),
        f"{name}.alpha": torch.tensor(float(RANK)),
    }


def dora() -> Tensors:
    name = "lora_unet_" + BLOCK.replace(".", "_") + "_attn2_to_k"
    plain = {key: tensor for key, tensor in kohya(seed=31).items() if key.startswith(name)}
    return plain | {f"{name}.dora_scale": random(37, WIDTH, 1).abs() + 1}


def convolution() -> Tensors:
    """LoCon: a convolution of 3 x 3, and one with a core tensor."""
    name = "lora_unet_down_blocks_1_resnets_0_conv"
    return {
        f"{name}1.lora_down.weight": random(41, RANK, 32, 3, 3),
        f"{name}1.lora_up.weight": random(42, 64, RANK, 1, 1),
        f"{name}2.lora_down.weight": random(43, RANK, 64, 1, 1),
        f"{name}2.lora_mid.weight": random(44, RANK, RANK, 3, 3),
        f"{name}2.lora_up.weight": random(45, 64, RANK, 1, 1),
    }


def whole() -> Tensors:
    """A layer trained whole, with its bias."""
    return {"lora_unet_conv_out.diff": random(51, 4, 32, 3, 3, size=0.02), "lora_unet_conv_out.diff_b": random(52, 4)}


KINDS = {
    "kohya": kohya,
    "kohya (stability names)": lambda: kohya(STABILITYS),
    "peft": peft,
    "loha": loha,
    "lokr": lokr,
    "dora": dora,
    "locon": convolution,
    "full": whole,
}


def make(folder: Path) -> None:
    """All of them; kohya's with everything beside it that other programs write."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in KINDS.items():
        save_file(tensors(), folder / f"{name}.safetensors", {"ss_output_name": f"{name} v1"})
    (folder / "kohya.json").write_text(json.dumps({"activation text": "blue paint", "preferred weight": 0.8}))
    notes = {"trainedWords": ["thick lines, flat colours"], "baseModel": "Illustrious", "description": "<p>A test.</p>"}
    (folder / "peft.civitai.info").write_text(json.dumps(notes))
    Image.linear_gradient("L").convert("RGB").save(folder / "kohya.preview.png")


def make_embeddings(folder: Path) -> None:
    """One by the names of A1111 and ComfyUI, one by those of diffusers."""
    folder.mkdir(parents=True, exist_ok=True)
    first, second = ENCODERS
    save_file({"clip_l": random(61, 3, first), "clip_g": random(62, 3, second)}, folder / "tiny style.safetensors")
    both = {"text_encoders_0": random(63, 2, first), "text_encoders_1": random(64, 2, second)}
    save_file(both, folder / "tinynegative.safetensors")


if __name__ == "__main__":
    make(Path(sys.argv[1], "loras"))
    make_embeddings(Path(sys.argv[1], "embeddings"))
