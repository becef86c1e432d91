"""How much each prompt of a drawing with regions counts at each latent: the field's latent couple, blended in noise.

Where regions lie, they share what the base prompt leaves of its share; everywhere together the prompts count once, so
that guidance means what it means without. Prompts of the same words (and LoRAs) are one: it counts where any of them
does, and is asked for once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from illustrious_studio.domain.loras import LoraUse
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.regions import Region
from illustrious_studio.domain.rendering import Pass, RenderPlan

if TYPE_CHECKING:
    from torch import Tensor

NEARLY = 1e-6
"""Of a share: what is less is only rounding."""


@dataclass(frozen=True)
class Share:
    """What one prompt has of a drawing."""

    words: str
    loras: tuple[LoraUse, ...]
    """Beside those of the whole picture."""
    share: "Tensor | None"
    """How much it counts at each latent, float32 on the CPU, (1, 1, height / 8, width / 8) for SDXL; None for one that
    counts alone, and fully."""


def shared_out(plan: RenderPlan, prompt: str, render_pass: Pass, scale: int) -> list[Share]:
    """The prompts of a pass whose base prompt is that. `scale`: pixels of a side for one latent."""
    import torch

    regions, base = plan.request.regions, plan.request.region_base
    if not regions:
        return [Share(prompt, (), None)]
    size = render_pass.height // scale, render_pass.width // scale
    feather = render_pass.width / plan.passes[0].width / scale  # in latents, of a pixel of the first pass
    masks = plan.region_masks or (None,) * len(regions)
    wanted = [
        one.strength * _covered(one, mask, size, one.feather * feather)
        for one, mask in zip(regions, masks, strict=True)
    ]
    together = torch.stack(wanted).sum(0)
    parts = [(1 - base) * one / together.clamp(min=1) for one in wanted]
    loras = plan.region_loras or ((),) * len(regions)
    texts: dict[tuple[str, tuple[LoraUse, ...]], str] = {}
    shares: dict[tuple[str, tuple[LoraUse, ...]], Tensor] = {}
    for text, own, share in (
        (prompt, (), 1 - torch.stack(parts).sum(0)),
        *zip((plan.words(one.prompt) for one in regions), loras, parts, strict=True),
    ):
        same = text.strip(), own
        texts.setdefault(same, text)
        shares[same] = shares[same] + share if same in shares else share
    counting = {same: share for same, share in shares.items() if share.max() > NEARLY}
    if len(counting) == 1:  # they are one prompt, everywhere
        return [Share(texts[same], same[1], None) for same in counting]
    return [Share(texts[same], same[1], share.clamp(0, 1).float()[None, None]) for same, share in counting.items()]


def _covered(region: Region, mask: Picture | None, size: tuple[int, int], feather: float) -> "Tensor":
    """Which part of each latent lies in the region, 0 to 1, with its soft edge; the picture's own edges stay as they
    are. (height, width), float64."""
    import torch

    height, width = size
    found = _span(height, region.y, region.h)[:, None] * _span(width, region.x, region.w)
    if mask is not None:
        pixels = torch.frombuffer(bytearray(mask.rgb), dtype=torch.uint8).reshape(mask.height, mask.width, 3)
        grey = pixels[..., 0].double()[None, None] / 255
        found = found * torch.nn.functional.interpolate(grey, size, mode="area")[0, 0]
    return _softened(_softened(found, feather).T, feather).T


def _span(length: int, centre: float, extent: float) -> "Tensor":
    """Which part of each latent of a side lies between two places of it."""
    import torch

    cells = torch.arange(length, dtype=torch.float64)
    begin, end = (centre - extent / 2) * length, (centre + extent / 2) * length
    return (torch.clamp(cells + 1, max=end) - torch.clamp(cells, min=begin)).clamp(0, 1)


def _softened(found: "Tensor", feather: float) -> "Tensor":
    """Edges across the rows become straight slopes of that many latents."""
    import torch

    reach = int(feather / 2 + 0.5)
    if reach == 0:
        return found
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = (torch.clamp(offsets + 0.5, max=feather / 2) - torch.clamp(offsets - 0.5, min=-feather / 2)).clamp(min=0)
    wider = torch.nn.functional.pad(found[:, None], (reach, reach), mode="replicate")
    return torch.nn.functional.conv1d(wider, (kernel / kernel.sum())[None, None])[:, 0]
