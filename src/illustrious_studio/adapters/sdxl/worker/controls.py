"""What steers a drawing beside its words, at each evaluation of the UNet: ControlNets, T2I-Adapters and IP-Adapters.

It is done below guidance, samplers, masks and tiles, in the UNet's place. The numbers, and when a control steers, are
those of diffusers' pipelines for each of them. "My prompt is more important" and "ControlNet is more important" are
sd-webui-controlnet's (`scripts/hook.py`): what is added to the higher resolutions counts less, and in the second the
negative prompt is not steered.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.worker.control_models import load_control, load_encoder, unusable
from illustrious_studio.adapters.sdxl.worker.loading import faults_of_weights
from illustrious_studio.adapters.sdxl.worker.residence import Residence
from illustrious_studio.domain.controls import ControlFile, ControlUse, VisionEncoderFile, files_of

if TYPE_CHECKING:
    from torch import Tensor, device

SOFTER = 0.825
"""What a ControlNet adds to one resolution counts so much of what it adds to the next lower one, in the soft modes."""
SOFTEST = 12
SOFT_T2I = (0.25, 0.62, 0.825, 1.0)

Span = tuple[int, int]
Place = tuple[Span, Span] | None
"""Rows and columns of the latents that the UNet sees; None: all."""


class ControlModels:
    """The models that steer the pipeline's UNet, as far as the last drawing used them."""

    def __init__(self, pipeline: Any, device: "device", residence: Residence) -> None:
        self._pipeline = pipeline
        self._residence = residence
        self._device = device
        self._loaded: dict[str, Any] = {}
        self._adapters: tuple[ControlFile, ...] = ()
        """The IP-Adapters in the UNet."""

    def use(self, wanted: Sequence[ControlUse]) -> None:
        """Have these ready, and give up the others.

        Raises InvalidRequest for a file that does not go with the checkpoint, OutOfMemory; then none is loaded.
        """
        needed = files_of(wanted)
        self._loaded = {stamp: model for stamp, model in self._loaded.items() if stamp in needed}
        with ExitStack() as undo:
            undo.callback(self.forget)
            for stamp, file in needed.items():
                if stamp not in self._loaded:
                    self._loaded[stamp] = self._load(file)
            self._use_adapters(tuple(one.file for one in wanted if one.file.kind == "ip-adapter"))
            undo.pop_all()

    def _load(self, file: ControlFile | VisionEncoderFile) -> Any:
        unet = self._pipeline.unet
        if not isinstance(file, ControlFile):
            return load_encoder(file, unet.dtype)
        return load_control(file, unet, unet.dtype, self._pipeline.vae_scale_factor)

    def forget(self) -> None:
        """Give all of them up."""
        self._use_adapters(())
        self._loaded = {}

    def model(self, file: ControlFile | VisionEncoderFile) -> Any:
        """The loaded one, on the device."""
        return self._loaded[file.stamp].to(self._device)

    def rest(self) -> None:
        """Leave the device until the next pass."""
        for model in self._loaded.values():
            if not isinstance(model, dict):
                model.to("cpu")

    def _use_adapters(self, files: tuple[ControlFile, ...]) -> None:
        """Have the UNet look at pictures as well, by these; it is as it was where there are none."""
        if files == self._adapters:
            return
        unet = self._pipeline.unet
        with self._residence.other_layers():
            if self._adapters:
                self._pipeline.unload_ip_adapter()
                self._adapters = ()
            if files:
                self._adapters = files  # also where it fails halfway: it is taken out again then
                try:
                    unet._load_ip_adapter_weights([self._loaded[file.stamp] for file in files])
                except faults_of_weights() as error:
                    raise unusable("IP-Adapter", " or ".join(file.name for file in files), error) from error


@dataclass(frozen=True)
class Asked:
    """Which evaluation of the UNet this is."""

    evaluation: int
    """Counted from 0, in this pass."""
    away: int
    """So many of the first rows are of the negative prompt."""
    place: Place = None


class SteeredUnet:
    """In the place of a UNet, for one pass: tells it what the controls say as well.

    `size`: width and height of the pass in pixels. `scale`: pixels of a side for one latent. `evaluations`: how often
    the pass asks it.
    """

    def __init__(
        self,
        unet: Any,
        models: ControlModels,
        uses: Sequence[ControlUse],
        size: tuple[int, int],
        scale: int,
        evaluations: int,
    ) -> None:
        self.unet = unet
        self._scale = scale
        self._evaluations = evaluations
        hints = [one for one in uses if one.file.kind != "ip-adapter" and one.weight]
        self._hints = [_Hint(one, models.model(one.file), _as_pixels(one, size)) for one in hints]
        self._embeds = _Embeds([one for one in uses if one.file.kind == "ip-adapter"], models)

    def __getattr__(self, name: str) -> Any:
        """What else is asked of a UNet: its config, its dtype."""
        return getattr(self.unet, name)

    def __call__(
        self,
        sample: "Tensor",
        timestep: Any,
        encoder_hidden_states: "Tensor",
        added_cond_kwargs: "dict[str, Tensor]",
        asked: Asked,
        **others: Any,
    ) -> "tuple[Tensor]":
        """The prediction for latents (n, 4, height / 8, width / 8) for SDXL, in their shape and dtype."""
        done = asked.evaluation / self._evaluations, (asked.evaluation + 1) / self._evaluations
        nets: list[list[Tensor]] = []
        adapters: list[list[Tensor]] = []
        for hint in self._hints:
            if not _keeps(hint.use, done):
                continue
            pixels = hint.pixels if asked.place is None else _cut(hint.pixels, asked.place, self._scale)
            if hint.use.file.kind == "t2i-adapter":
                adapters.append(_rows(hint, hint.features(pixels, asked.place), len(sample), asked.away))
            else:
                first = asked.away if hint.use.mode == "control" else 0
                told = {name: value[first:] for name, value in added_cond_kwargs.items()}
                found = hint.residuals(sample[first:], timestep, encoder_hidden_states[first:], pixels, told)
                nets.append([_after_zeros(one, len(sample)) for one in found])
        extra: dict[str, Any] = {}
        if nets:
            *down, mid = [_sum(each).to(sample.dtype) for each in zip(*nets, strict=True)]
            extra |= {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        if adapters:
            extra["down_intrablock_additional_residuals"] = [
                _sum(each).to(sample.dtype) for each in zip(*adapters, strict=True)
            ]
        if shown := self._embeds.of(self.unet, done, len(sample), asked.away):
            added_cond_kwargs = {**added_cond_kwargs, "image_embeds": shown}
        predicted: tuple[Tensor] = self.unet(
            sample,
            timestep,
            encoder_hidden_states=encoder_hidden_states,
            added_cond_kwargs=added_cond_kwargs,
            **extra,
            **others,
        )
        return predicted


class _Hint:
    """A picture in the size of the pass, `pixels` (1, 3, height, width) from 0 to 1, and the model that reads it."""

    def __init__(self, use: ControlUse, model: Any, pixels: "Tensor") -> None:
        self.use = use
        self._model = model
        self.pixels = pixels.to(model.device, model.dtype)
        self._features: dict[Place, list[Tensor]] = {}

    def residuals(
        self, sample: "Tensor", timestep: Any, states: "Tensor", pixels: "Tensor", told: "dict[str, Tensor]"
    ) -> "list[Tensor]":
        """What a ControlNet adds to each resolution, the highest first and the middle last."""
        dtype = self._model.dtype
        shared = {"added_cond_kwargs": {name: value.to(dtype) for name, value in told.items()}, "return_dict": False}
        pixels = pixels.expand(len(sample), -1, -1, -1)
        if self.use.file.kind == "controlnet-union":
            kinds = pixels.new_zeros(len(sample), self._model.config.num_control_type)
            kinds[:, self.use.union_type] = 1
            shared |= {"controlnet_cond": [pixels], "control_type": kinds, "control_type_idx": [self.use.union_type]}
        else:
            shared |= {"controlnet_cond": pixels}
        latents = sample[:, : self._model.config.in_channels]  # of an inpaint checkpoint, without what is beside them
        down, mid = self._model(latents.to(dtype), timestep, encoder_hidden_states=states.to(dtype), **shared)
        found = [*down, mid]
        return [one * weight for one, weight in zip(found, self._weights(len(found)), strict=True)]

    def features(self, pixels: "Tensor", place: Place) -> "list[Tensor]":
        """What a T2I-Adapter adds, the same at every evaluation. It reads squares of pixels, and what is missing of the
        last ones is as the edge: there its features are as many as the UNet's, which rounds up."""
        import torch

        if place not in self._features:
            height, width = (-side % self._model.config.downscale_factor for side in pixels.shape[-2:])
            pixels = torch.nn.functional.pad(pixels, (0, width, 0, height), mode="replicate")
            grey = self._model.config.in_channels == 1
            found = self._model(_grey(pixels) if grey else pixels)
            self._features[place] = [one * weight for one, weight in zip(found, self._weights(len(found)), strict=True)]
        return self._features[place]

    def _weights(self, count: int) -> list[float]:
        if self.use.mode == "balanced":
            return [self.use.weight] * count
        if self.use.file.kind == "t2i-adapter":
            return [self.use.weight * share for share in SOFT_T2I[:count]]
        return [self.use.weight * SOFTER ** (SOFTEST - number) for number in range(count)]


class _Embeds:
    """What IP-Adapters read of their pictures, for the prompt and for its negative, and how much each counts."""

    def __init__(self, uses: Sequence[ControlUse], models: ControlModels) -> None:
        self._uses = uses
        self._pairs = [_embedded(one, models) for one in uses]

    def of(self, unet: Any, done: tuple[float, float], rows: int, away: int) -> "list[Tensor]":
        """Of each adapter (rows, 1, ...); those that do not steer now count nothing."""
        import torch

        weights = [one.weight if _keeps(one, done) else 0.0 for one in self._uses]
        if weights:
            for processor in unet.attn_processors.values():
                if hasattr(processor, "to_k_ip"):
                    processor.scale = list(weights)
        return [
            torch.cat(
                [negative.expand(away, *negative.shape[1:]), positive.expand(rows - away, *positive.shape[1:])]
            ).to(unet.dtype)
            for positive, negative in self._pairs
        ]


def _embedded(use: ControlUse, models: ControlModels) -> "tuple[Tensor, Tensor]":
    """What the encoder sees in the picture and in none, (1, 1, width) or (1, 1, patches, width)."""
    import torch
    from transformers import CLIPImageProcessor

    assert use.encoder is not None
    encoder = models.model(use.encoder)
    side = encoder.config.image_size
    processor = CLIPImageProcessor(size=side, crop_size=side)
    pixels = processor(use.picture.image(), return_tensors="pt").pixel_values.to(encoder.device, encoder.dtype)
    with torch.no_grad():
        if not use.file.whole_sequence:
            found = encoder(pixels).image_embeds
            return found[None], torch.zeros_like(found)[None]
        both = (pixels, torch.zeros_like(pixels))
        found, nothing = (encoder(one, output_hidden_states=True).hidden_states[-2] for one in both)
        return found[None], nothing[None]


def _keeps(use: ControlUse, done: tuple[float, float]) -> bool:
    """Whether it steers while the drawing comes from one share of its steps to the next: diffusers' rule."""
    return done[0] >= use.start and done[1] <= use.end


def _as_pixels(use: ControlUse, size: tuple[int, int]) -> "Tensor":
    import numpy as np
    import torch
    from PIL import Image

    image = use.picture.image()
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def _grey(pixels: "Tensor") -> "Tensor":
    """As Pillow makes a picture grey (ITU-R 601-2)."""
    red, green, blue = pixels.split(1, dim=1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _cut(pixels: "Tensor", place: tuple[Span, Span], scale: int) -> "Tensor":
    (top, bottom), (left, right) = place
    return pixels[..., top * scale : bottom * scale, left * scale : right * scale]


def _rows(hint: _Hint, features: "list[Tensor]", rows: int, away: int) -> "list[Tensor]":
    """For every row of the UNet; none for those that are not steered."""
    steered = rows - away if hint.use.mode == "control" else rows
    return [_after_zeros(one.expand(steered, -1, -1, -1), rows) for one in features]


def _after_zeros(tensor: "Tensor", rows: int) -> "Tensor":
    """Made so many rows by zeros before them."""
    missing = rows - len(tensor)
    if not missing:
        return tensor
    whole = tensor.new_zeros(rows, *tensor.shape[1:])
    whole[missing:] = tensor
    return whole


def _sum(tensors: "Sequence[Tensor]") -> "Tensor":
    first, *others = tensors
    for other in others:
        first = first + other
    return first
