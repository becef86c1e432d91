"""The VAE: pixels to latents and back, with the checkpoint's own weights or a file's, in a precision that is safe.

SDXL's original VAE overflows in float16 and gives black pictures; in bfloat16, which has float32's range, it does not.
The VAE that was mended for half precision has the same dimensions, and a single file says nothing of it: a trial does.
The weights stay in the machine's memory as they were loaded. What works on the device is a copy of them, so that every
change of precision or of the VAE begins with those. (On a card they were loaded in half precision, like the UNet: what
a float32 file has beyond that is lost, as in A1111.)
"""

import copy
from typing import TYPE_CHECKING, Any, Literal

from illustrious_studio.adapters.sdxl.vae_catalogue import PREFIX
from illustrious_studio.adapters.sdxl.worker.memory import unless_out_of_memory
from illustrious_studio.adapters.sdxl.worker.oom_fallback import BadNumbers
from illustrious_studio.adapters.sdxl.worker.residence import Residence
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import VaeFile
from illustrious_studio.domain.pictures import Picture

if TYPE_CHECKING:
    import torch

TILE = 64
"""Side of a tile in latents, at most."""
TRIAL = 32
"""Side of the latents of a trial: a picture of 256 x 256 in SDXL."""

Precision = Literal["float32", "float16", "bfloat16"]


def safe_precision(device: str, *, bf16: bool, half_safe: bool) -> Precision:
    """What a VAE works in. `device` is torch's type of it, `bf16` whether it computes in bfloat16 itself, `half_safe`
    whether this VAE is known not to overflow in float16, which is finer than bfloat16 (11 bits against 8)."""
    if device == "cpu":
        return "float32"
    if half_safe:
        return "float16"
    return "bfloat16" if bf16 else "float32"


def survives_half(vae: Any, device: "torch.device") -> bool:
    """Whether an AutoencoderKL decodes in float16 without an overflow, tried with noise as strong as SDXL's latents.

    An overflow does not stay hidden: the next normalization makes NaN of it. False as well where memory runs out.
    """
    import torch

    noise = torch.randn((1, vae.config.latent_channels, TRIAL, TRIAL), generator=torch.Generator("cpu").manual_seed(0))

    def is_finite() -> bool:
        half = copy.deepcopy(vae).to(device, torch.float16)
        latents = (noise / vae.config.scaling_factor).to(device, torch.float16)
        with torch.no_grad():
            return bool(torch.isfinite(half.decode(latents, return_dict=False)[0]).all())

    return unless_out_of_memory(is_finite) or False


def load_vae(file: VaeFile, like: Any) -> Any:
    """The file's weights in a new AutoencoderKL of the dimensions of `like`, in the machine's memory and the file's
    dtype. Both the original layout and diffusers' are known. Raises InvalidRequest."""
    import torch
    from diffusers import AutoencoderKL
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = {name.removeprefix(PREFIX): tensor.clone() for name, tensor in load_file(file.path).items()}
    except (SafetensorError, OSError) as error:
        raise _unusable(file, "it cannot be read") from error
    if not any(name.startswith("decoder.up_blocks.") for name in tensors):
        tensors = convert_ldm_vae_checkpoint(tensors, like.config)
    wanted = like.state_dict()
    if missing := [name for name in wanted if name not in tensors]:
        raise _unusable(file, f"it lacks {len(missing)} weights, {missing[0]} first")
    tensors = {name: tensors[name] for name in wanted}
    if any(tensors[name].shape != weight.shape for name, weight in wanted.items()):
        raise _unusable(file, "its layers have other sizes than those of the checkpoint's own VAE")
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise _unusable(file, "its weights are not finite numbers")
    with torch.device("meta"):
        vae: Any = AutoencoderKL.from_config(like.config)
    vae.load_state_dict(tensors, assign=True)
    return vae.eval()


def _unusable(file: VaeFile, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The VAE {file.name} cannot be used with this checkpoint: {reason}. Choose another one, or automatic."
    )


def pixels_of(picture: Picture, size: tuple[int, int]) -> "torch.Tensor":
    """A picture brought to that width and height, as float32 from -1 to 1, (1, 3, height, width)."""
    import numpy as np
    import torch

    image = picture.image()
    if image.size != size:
        image = image.resize(size)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1


class VaeCodec:
    """The VAE in use. `own` is the checkpoint's, in the machine's memory; what works is given to the `residence`."""

    def __init__(self, own: Any, device: "torch.device", residence: Residence) -> None:
        self._own = own
        self._source: Any = None
        self._device = device
        self._residence = residence
        self._file: VaeFile | None = None
        self._vae: Any = None
        self._scale = 2 ** (len(own.config.block_out_channels) - 1)
        self._work_with(own, self._safe_precision(own))

    @property
    def dtype(self) -> str:
        return str(self._vae.dtype).removeprefix("torch.")

    def use(self, file: VaeFile | None) -> None:
        """Work with the weights of a file; None: with the checkpoint's own. Raises InvalidRequest."""
        if file == self._file:
            return
        source = self._own if file is None else load_vae(file, self._own)
        self._work_with(source, self._safe_precision(source))
        self._file = file

    def upcast(self) -> bool:
        """Work in float32 until another VAE is used; whether that is a change."""
        if self.dtype == "float32":
            return False
        self._work_with(self._source, "float32")
        return True

    def encode(self, picture: Picture, size: tuple[int, int], *, tiled: bool) -> "torch.Tensor":
        """Float32 latents in the UNet's scale, (1, 4, height / 8, width / 8) for SDXL, of a picture brought to that
        width and height in pixels. Raises BadNumbers."""
        return self.encode_pixels(pixels_of(picture, size), tiled=tiled)

    def encode_pixels(self, pixels: "torch.Tensor", *, tiled: bool) -> "torch.Tensor":
        """The same of pixels from -1 to 1, (1, 3, height, width), float32."""
        import torch

        pixels = pixels.to(self._device)
        self._tile(pixels[..., :: self._scale, :: self._scale] if tiled else None)
        with torch.no_grad(), self._residence.working("vae"):
            latents: torch.Tensor = self._vae.encode(pixels.to(self._vae.dtype)).latent_dist.mode()
        if not torch.isfinite(latents).all():
            raise BadNumbers("vae")
        return latents.float() * self._vae.config.scaling_factor

    def decode(self, latents: "torch.Tensor", *, tiled: bool) -> Picture:
        """The picture of latents in the UNet's scale, (1, 4, height / 8, width / 8) for SDXL.

        Raises BadNumbers where it has no finite numbers, or is of one single colour.
        """
        import torch

        self._tile(latents if tiled else None)
        scaled = latents / self._vae.config.scaling_factor
        with torch.no_grad(), self._residence.working("vae"):
            image = self._vae.decode(scaled.to(self._device, self._vae.dtype), return_dict=False)[0][0].float()
        if not torch.isfinite(image).all():
            raise BadNumbers("vae")
        pixels = (image.clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu()
        if (pixels == pixels[0, 0]).all():
            raise BadNumbers("vae")
        return Picture(pixels.shape[1], pixels.shape[0], pixels.numpy().tobytes())

    def _safe_precision(self, source: Any) -> Precision:
        if self._device.type == "cpu":
            return safe_precision("cpu", bf16=False, half_safe=False)
        half_safe = not self._own.config.force_upcast and source is self._own
        return safe_precision(
            self._device.type,
            bf16=self._device.type == "cuda" and _computes_bf16(self._device),
            half_safe=half_safe or survives_half(source, self._device),
        )

    def _work_with(self, source: Any, precision: Precision) -> None:
        """Its weights in that precision. Whatever is raised, nothing has changed then."""
        import torch

        dtype = getattr(torch, precision)
        as_it_is = self._device.type == "cpu" and source.dtype == dtype
        vae = source if as_it_is else copy.deepcopy(source)
        vae.to(dtype=dtype).to(self._device).to(memory_format=torch.channels_last)
        self._residence.attach(vae)
        self._source, self._vae = source, vae

    def _tile(self, latents: "torch.Tensor | None") -> None:
        if latents is None:
            self._vae.disable_tiling()
            return
        # diffusers' own tile is as large as the picture the VAE was trained on: at 1024 x 1024 it would change nothing.
        self._vae.tile_latent_min_size = min(TILE, max(8, min(latents.shape[-2:]) // 2))
        self._vae.tile_sample_min_size = self._vae.tile_latent_min_size * self._scale
        self._vae.enable_tiling()


def _computes_bf16(device: "torch.device") -> bool:
    """Without emulation: cards before Ampere hold bfloat16, too, but compute in it slower than in float32."""
    import torch

    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
