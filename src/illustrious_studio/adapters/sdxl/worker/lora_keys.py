"""Which layer of the model a LoRA's tensor belongs to, whoever trained it.

kohya joins a layer's name with underscores (`lora_unet_input_blocks_4_1_proj_in.lora_down.weight`), by the names of
Stability's own code or by those of diffusers; diffusers and peft keep the dots (`unet.mid_block.attentions.0.proj_in`
before `.lora_A.weight`), ComfyUI says `diffusion_model.` for `unet.`. Of all of them the layer's name is made the same:
without prefix, joined by underscores.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PARTS = ("unet", "text_encoder", "text_encoder_2")
_PREFIXES = (
    ("lora_unet_", "unet"), ("lora_te1_", "text_encoder"), ("lora_te2_", "text_encoder_2"), ("lycoris_", "unet"),
    ("unet.", "unet"), ("text_encoder_2.", "text_encoder_2"), ("text_encoder.", "text_encoder"),
    ("model.diffusion_model.", "unet"), ("diffusion_model.", "unet"), ("clip_l.", "text_encoder"),
    ("clip_g.", "text_encoder_2"), ("", "unet"),
)  # fmt: skip
_WRAPPED = "base_model.model."
_END = re.compile(
    r"(?:\.|(?=_lora\.))(?P<part>alpha|dora_scale|diff_b|diff|w_norm|b_norm|hada_[wt]\w+|lokr_[wt]\w+"
    r"|_?lora(?:_linear_layer)?\.(?:up|down)\.weight|lora_(?:up|down|mid|[AB])(?:\.\w+)?\.weight"
    r"|lora_magnitude_vector(?:\.\w+)*)$"
)
_NAMES = {"w_norm": "diff", "b_norm": "diff_b"}
"""A changed norm is as it was plus what is there, like any other layer that was trained whole."""
_IN_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_OUTSIDE = {
    "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0",
    "conv_out": "out.2",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A layer: which of the pipeline's models it is in, and its name there."""

    part: str
    name: str


def places(pipeline: Any) -> dict[tuple[str, str], Place]:
    """Every layer that has weights, by its model and each of its names, joined by underscores."""
    found: dict[tuple[str, str], Place] = {}
    for part in PARTS:
        model = getattr(pipeline, part)
        others = _stability_names(model) if part == "unet" else {}
        for name, layer in model.named_modules():
            if name and getattr(layer, "weight", None) is not None:
                place = Place(part, name)
                for called in (name, *_renamed(name, others)):
                    found[part, _joined(called)] = place
    return found


def by_layer(names: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, str]]:
    """A file's tensor names by the layer they belong to (its model, and its name joined by underscores), and there by
    what they are: up, down, mid, alpha, dora_scale, diff, diff_b, hada_..., lokr_...; what is none of these by ""."""
    layers: dict[tuple[str, str], dict[str, str]] = {}
    for name in names:
        end = _END.search(name)
        stem, kind = (name[: end.start()], _kind(end["part"])) if end else (name, "")
        stem = stem.removeprefix(_WRAPPED)
        prefix, part = next(pair for pair in _PREFIXES if stem.startswith(pair[0]))
        layers.setdefault((part, _joined(stem.removeprefix(prefix))), {})[kind] = name
    return layers


def _kind(part: str) -> str:
    if part.startswith("lora_magnitude_vector"):
        return "dora_scale"
    if "lora" not in part:
        return _NAMES.get(part, part)
    if "mid" in part:
        return "mid"
    return "up" if "up" in part or "lora_B" in part else "down"


def _joined(name: str) -> str:
    name = re.sub(r"\bprocessor\.", "", name).replace(".", "_").removeprefix("text_model_")
    return re.sub(r"(?<=to_out)$", "_0", name)


def _renamed(name: str, others: Mapping[str, str]) -> Iterator[str]:
    """A UNet's layer as Stability's code calls it."""
    for ours, theirs in others.items():
        if name == ours or name.startswith(f"{ours}."):
            inner = name[len(ours) + 1 :]
            yield f"{theirs}.{_IN_RESNET.get(inner, inner)}" if inner else theirs


def _stability_names(unet: Any) -> dict[str, str]:
    """What its blocks are called in Stability's code (`sgm/modules/diffusionmodules/openaimodel.py`)."""
    names = dict(_OUTSIDE)
    number = 1
    for at, block in enumerate(unet.down_blocks):
        for layer in range(len(block.resnets)):
            names |= _layers(f"down_blocks.{at}", layer, block, f"input_blocks.{number}")
            number += 1
        if block.downsamplers:
            names[f"down_blocks.{at}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
            number += 1
    for ours, theirs in (("resnets.0", 0), ("attentions.0", 1), ("resnets.1", 2)):
        names[f"mid_block.{ours}"] = f"middle_block.{theirs}"
    number = 0
    for at, block in enumerate(unet.up_blocks):
        for layer in range(len(block.resnets)):
            names |= _layers(f"up_blocks.{at}", layer, block, f"output_blocks.{number}")
            number += 1
        if block.upsamplers:
            behind = 2 if _attends(block) else 1
            names[f"up_blocks.{at}.upsamplers.0.conv"] = f"output_blocks.{number - 1}.{behind}.conv"
    return names


def _layers(ours: str, layer: int, block: Any, theirs: str) -> dict[str, str]:
    attention = {f"{ours}.attentions.{layer}": f"{theirs}.1"} if _attends(block) else {}
    return {f"{ours}.resnets.{layer}": f"{theirs}.0", **attention}


def _attends(block: Any) -> bool:
    return bool(getattr(block, "attentions", None))
