"""What the passes of a drawing start from, as latents: a picture, or what the pass before has made, larger."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from illustrious_studio.adapters.sdxl.worker.progress import ProgressCallback
from illustrious_studio.adapters.sdxl.worker.upscaling import upscale
from illustrious_studio.adapters.sdxl.worker.vae import VaeCodec
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromLatents, FromNoise, FromPicture, FromUpscaled, Pass, Step
from illustrious_studio.domain.upscaling import Size, UpscalePlan, by_lanczos

if TYPE_CHECKING:
    from torch import Tensor, device


class Starts:
    """`scale`: pixels of a side for one latent. `tiled`: the VAE works in tiles, whatever the pass."""

    def __init__(self, codec: VaeCodec, scale: int, device: "device", device_name: str, *, tiled: bool) -> None:
        self._codec = codec
        self._scale = scale
        self._device = device
        self._device_name = device_name
        self._tiled = tiled

    def of(self, passes: Sequence[Pass], before: "Tensor | None", watch: ProgressCallback) -> "Tensor | None":
        """The float32 latents that the passes of several pictures start from, a row for each, in their size and the
        UNet's scale; None where it is noise. `before`: what the pass before has made of each."""
        import torch

        rows = [
            self._one(one, None if before is None else before[number : number + 1], watch)
            for number, one in enumerate(passes)
        ]
        found = [row for row in rows if row is not None]
        return torch.cat(found) if found else None

    def _one(self, render_pass: Pass, before: "Tensor | None", watch: ProgressCallback) -> "Tensor | None":
        size = render_pass.width, render_pass.height
        tiled = self._tiled or render_pass.coded_in_tiles
        match render_pass.start:
            case FromNoise():
                return None
            case FromPicture(picture):
                return self._codec.encode(picture, size, tiled=tiled)
            case FromLatents() as start:
                assert before is not None, "the first pass has none before it"
                return self._interpolated(before, start, size)
            case FromUpscaled() as start:
                assert before is not None, "the first pass has none before it"
                small = self._codec.decode(before, tiled=self._tiled)
                return self._codec.encode(self._enlarged(small, start, size, watch), size, tiled=tiled)

    def _interpolated(self, before: "Tensor", start: FromLatents, size: Size) -> "Tensor":
        """The middle of larger ones."""
        import torch

        width, height = (side // self._scale for side in start.scaled or size)
        columns, rows = (side // self._scale for side in size)
        larger = torch.nn.functional.interpolate(
            before, (height, width), mode=start.interpolation, antialias=start.antialias
        )
        top, left = (height - rows) // 2, (width - columns) // 2
        return larger[:, :, top : top + rows, left : left + columns]

    def _enlarged(self, picture: Picture, start: FromUpscaled, size: Size, watch: ProgressCallback) -> Picture:
        """The middle of a larger one. Its tiles are no steps of the drawing."""
        width, height = start.scaled
        if start.network is None:
            larger = by_lanczos(picture, start.scaled)
        else:
            plan = UpscalePlan(picture, Path(start.network), width, height, start.tile, start.overlap)
            larger = upscale(plan, self._device, self._device_name, _Unseen(watch))
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        middle = larger.picture.image().crop((left, top, left + size[0], top + size[1]))
        return Picture.from_image(middle)


class _Unseen:
    """Follows work whose steps are not shown."""

    def __init__(self, watch: ProgressCallback) -> None:
        self.check = watch.check

    def step(self, step: Step) -> None:
        self.check()

    def wants_preview(self) -> bool:
        return False
