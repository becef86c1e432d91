"""Loading what steers a drawing: ControlNets, T2I-Adapters, IP-Adapters and their vision encoders, offline.

A ControlNet is half of a UNet, so its dimensions are those of the UNet that it steers; what differs (fewer layers with
attention, another first part) is counted from its tensors. Files are only read as safetensors, into modules that
diffusers and transformers have; a weight that is missing, left over or of another size refuses the file.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.control_catalogue import ORIGINAL
from illustrious_studio.adapters.sdxl.worker.loading import faults_of_weights
from illustrious_studio.adapters.sdxl.worker.memory import is_out_of_memory
from illustrious_studio.domain.controls import ControlFile, VisionEncoderFile
from illustrious_studio.domain.errors import InvalidRequest, OutOfMemory

if TYPE_CHECKING:
    from torch import Tensor, dtype

Tensors = Mapping[str, "Tensor"]

ENCODER_HEADS = 16
"""Of the CLIP encoders that are used: ViT-L, ViT-H and ViT-bigG; their files do not say it."""
SIZE_EMBEDDING = {
    f"add_embedding.linear_{number}.{part}": f"label_emb.0.{2 * (number - 1)}.{part}"
    for number in (1, 2)
    for part in ("weight", "bias")
}
"""Where SDXL is told the picture's size, in diffusers' names, and lllyasviel's."""
T2I_ORIGINAL = re.compile(r"^body\.(\d+)\.(in_conv|block1|block2)\.(weight|bias)$")
T2I_SQUARE = 16
"""Pixels of the sides of what an adapter for SDXL reads at once."""
UNETS_FIRST_HALVING = 2
"""Its features are added behind the UNet's first block, which halves the latents."""
T2I_BLOCKS = 2
"""Residual blocks of each size, in all of SDXL's adapters."""


def load_control(file: ControlFile, unet: Any, dtype: "dtype", scale: int) -> Any:
    """A ControlNetModel, ControlNetUnionModel or T2IAdapter in the machine's memory and that dtype; of an IP-Adapter
    its tensors as diffusers takes them. `unet`: the one that is steered; `scale`: pixels of a side for one of its
    latents. Raises InvalidRequest, OutOfMemory."""
    try:
        tensors = _tensors(file.path)
        match file.kind:
            case "controlnet" | "controlnet-union":
                model = _controlnet(tensors, unet.config, union=file.kind == "controlnet-union")
            case "t2i-adapter":
                model = _t2i_adapter(tensors, unet, scale)
            case "ip-adapter":
                return _ip_adapter(tensors, unet)
        return model.to(dtype).eval()
    except faults_of_weights() as error:
        raise unusable(file.kind, file.name, error) from error


def load_encoder(file: VisionEncoderFile, dtype: "dtype") -> Any:
    """A CLIPVisionModelWithProjection in the machine's memory. Raises InvalidRequest, OutOfMemory."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    try:
        tensors = {name: tensor for name, tensor in _tensors(file.path).items() if not name.endswith("position_ids")}
        config = CLIPVisionConfig(**_encoder_config(file, tensors))
        with torch.device("meta"):
            model = CLIPVisionModelWithProjection(config)
        embeddings = _filled(model, tensors).vision_model.embeddings
        embeddings.position_ids = torch.arange(embeddings.position_ids.shape[-1])[None]  # no file has them
        return model.to(dtype).eval()
    except faults_of_weights() as error:
        raise unusable("vision encoder", file.name, error) from error


def _tensors(path: Path) -> "dict[str, Tensor]":
    from safetensors.torch import load_file

    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def unusable(what: str, name: str, error: Exception) -> InvalidRequest | OutOfMemory:
    """What a person is told where a library refuses a file."""
    if is_out_of_memory(error):
        return OutOfMemory(f"There is not enough memory to load {name}. Close other programs, or draw without it.")
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return InvalidRequest(
        f"controls: the {what} {name} cannot be used with this checkpoint: {reason}. "
        "Choose another, or draw without it."
    )


def _filled(model: Any, tensors: Tensors) -> Any:
    """The module, made without memory, with these weights: all of them, and no other. Raises ValueError."""
    wanted = model.state_dict()
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise ValueError(f"it lacks {len(missing)} weights, {missing[0]} first")
    if unknown := sorted(tensors.keys() - wanted.keys()):
        raise ValueError(f"it has {len(unknown)} weights of another kind, {unknown[0]} first")
    for name, weight in wanted.items():
        if tensors[name].shape != weight.shape:
            raise ValueError(f"its {name} is {tuple(tensors[name].shape)} and not {tuple(weight.shape)}")
    _check_finite(tensors)
    model.load_state_dict(tensors, assign=True)
    return model


def _check_finite(tensors: Tensors) -> None:
    import torch

    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"its {name} has numbers that are not finite")


def _controlnet(tensors: "dict[str, Tensor]", unet: Any, *, union: bool) -> Any:
    import torch
    from diffusers import ControlNetModel, ControlNetUnionModel
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    if any(name.removeprefix(ORIGINAL).startswith("input_hint_block.") for name in tensors):
        own = {name.removeprefix(ORIGINAL): tensor for name, tensor in tensors.items()}
        tensors = {name: one for name, one in convert_controlnet_checkpoint(own, unet).items() if one is not None}
        # diffusers' conversion leaves out what only SDXL has.
        tensors |= {ours: own[theirs] for ours, theirs in SIZE_EMBEDDING.items() if theirs in own}
    config = _controlnet_config(tensors, unet)
    kind = ControlNetModel
    if union:
        kind = ControlNetUnionModel
        types, channels = tensors["task_embedding"].shape
        config |= {"num_control_type": types, "num_trans_channel": channels}
        config |= {"num_proj_channel": tensors["spatial_ch_projs.weight"].shape[0]}
        config["num_trans_layer"] = _count(tensors, r"transformer_layes\.(\d+)\.")
        del config["mid_block_type"]
    with torch.device("meta"):
        model = kind(**config)
    return _filled(model, tensors)


def _controlnet_config(tensors: Tensors, unet: Any) -> dict[str, Any]:
    """As `from_unet` of diffusers takes it from the UNet, but for what the tensors say."""
    layers = [
        _count(tensors, rf"down_blocks\.{block}\.attentions\.0\.transformer_blocks\.(\d+)\.")
        for block in range(len(unet.block_out_channels))
    ]
    mid = _count(tensors, r"mid_block\.attentions\.0\.transformer_blocks\.(\d+)\.")
    hints = [tensors["controlnet_cond_embedding.conv_in.weight"].shape[0]]
    steps = _count(tensors, r"controlnet_cond_embedding\.blocks\.(\d+)\.")
    hints += [tensors[f"controlnet_cond_embedding.blocks.{step}.weight"].shape[0] for step in range(1, steps, 2)]
    same = (
        "addition_embed_type",
        "addition_time_embed_dim",
        "act_fn",
        "attention_head_dim",
        "block_out_channels",
        "cross_attention_dim",
        "downsample_padding",
        "flip_sin_to_cos",
        "freq_shift",
        "layers_per_block",
        "mid_block_scale_factor",
        "norm_eps",
        "norm_num_groups",
        "num_attention_heads",
        "projection_class_embeddings_input_dim",
        "resnet_time_scale_shift",
        "upcast_attention",
        "use_linear_projection",
    )
    return {
        **{name: unet[name] for name in same},
        "in_channels": tensors["conv_in.weight"].shape[1],
        "down_block_types": tuple("CrossAttnDownBlock2D" if count else "DownBlock2D" for count in layers),
        # The middle has as many as the last block: a ControlNet without attention in its middle says so by its type.
        "transformer_layers_per_block": tuple(count or 1 for count in [*layers[:-1], mid or layers[-1]]),
        "mid_block_type": "UNetMidBlock2DCrossAttn" if mid else "UNetMidBlock2D",
        "conditioning_channels": tensors["controlnet_cond_embedding.conv_in.weight"].shape[1],
        "conditioning_embedding_out_channels": tuple(hints),
    }


def _count(tensors: Tensors, pattern: str) -> int:
    """One more than the highest number in the place of the pattern's group; 0 where no name has it."""
    found = [int(match[1]) for name in tensors if (match := re.match(pattern, name))]
    return max(found, default=-1) + 1


def _t2i_adapter(tensors: Tensors, unet: Any, scale: int) -> Any:
    import torch
    from diffusers import T2IAdapter

    if "conv_in.weight" in tensors:  # TencentARC's names
        tensors = {_diffusers_t2i(name): tensor for name, tensor in tensors.items()}
    first = tensors["adapter.conv_in.weight"]
    blocks = _count(tensors, r"adapter\.body\.(\d+)\.")
    channels = [tensors[f"adapter.body.{block}.resnets.0.block1.weight"].shape[0] for block in range(blocks)]
    if tuple(channels[: len(unet.config.block_out_channels)]) != tuple(unet.config.block_out_channels):
        raise ValueError("its blocks have other sizes than the checkpoint's")
    if scale * UNETS_FIRST_HALVING != T2I_SQUARE:
        raise ValueError(f"the checkpoint's latents are {scale} pixels wide, and it was made for 8")
    with torch.device("meta"):
        adapter = T2IAdapter(
            in_channels=first.shape[1] // T2I_SQUARE**2,
            channels=channels,
            num_res_blocks=T2I_BLOCKS,
            downscale_factor=T2I_SQUARE,
            adapter_type="full_adapter_xl",
        )
    return _filled(adapter, tensors)


def _diffusers_t2i(name: str) -> str:
    if (found := T2I_ORIGINAL.match(name)) is None:
        return f"adapter.{name}"
    block, number = divmod(int(found[1]), T2I_BLOCKS)
    part = "in_conv" if found[2] == "in_conv" else f"resnets.{number}.{found[2]}"
    return f"adapter.body.{block}.{part}.{found[3]}"


def _ip_adapter(tensors: Tensors, unet: Any) -> "dict[str, dict[str, Tensor]]":
    """Two groups of tensors, `image_proj` and `ip_adapter`, and as many layers as the UNet has with cross-attention."""
    _check_finite(tensors)
    found: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        found[group][rest] = tensor
    numbers = range(1, 2 * len(_crossing(unet)), 2)
    wanted = {f"{number}.to_{part}_ip.weight" for number in numbers for part in "kv"}
    if wanted != found["ip_adapter"].keys():
        raise ValueError(f"it has {len(found['ip_adapter'])} layers for {len(wanted)} of the checkpoint's")
    for number, name in zip(numbers, _crossing(unet), strict=True):
        width = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape
        if found["ip_adapter"][f"{number}.to_k_ip.weight"].shape != width:
            raise ValueError("its layers have other sizes than the checkpoint's")
    return found


def _crossing(unet: Any) -> list[str]:
    """Its layers with cross-attention, in its order."""
    return [name for name in unet.attn_processors if name.endswith("attn2.processor")]


def _encoder_config(file: VisionEncoderFile, tensors: Tensors) -> dict[str, Any]:
    """What the folder says, where the file lies in one as transformers writes it; else by the tensors."""
    beside = file.path.with_name("config.json")
    if beside.is_file():
        said = json.loads(beside.read_bytes())
        return {**said.get("vision_config", said), "projection_dim": file.projection_size}
    patches = tensors["vision_model.embeddings.patch_embedding.weight"].shape[-1]
    positions = tensors["vision_model.embeddings.position_embedding.weight"].shape[0] - 1
    return {
        "hidden_size": file.hidden_size,
        "projection_dim": file.projection_size,
        "intermediate_size": tensors["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": _count(tensors, r"vision_model\.encoder\.layers\.(\d+)\."),
        "num_attention_heads": ENCODER_HEADS,
        "patch_size": patches,
        "image_size": round(positions**0.5) * patches,
        "hidden_act": "quick_gelu" if file.hidden_size == 1024 else "gelu",
    }
