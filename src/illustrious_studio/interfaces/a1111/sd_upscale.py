"""A1111's own script "SD upscale", which img2img runs by its name: a picture is made larger, and drawn over in tiles of
the size that is asked for (`scripts/sd_upscale.py`). There each tile is a picture of its own, put together at the end;
here they are one picture in every step."""

from collections.abc import Mapping, Sequence
from typing import Any

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.upscaling import GRAIN, LANCZOS, UpscaleSettings
from illustrious_studio.interfaces.a1111.common import NO_UPSCALER, number_in
from illustrious_studio.services.upscalers import UpscalerService

TITLE = "SD upscale"
USUAL = (None, 64, 0, 2)
"""Its arguments where they are not sent: a line of help, overlap, upscaler, scale factor."""
MOST_OVERLAP = 256
SCALES = 1, 4


async def settings_of_script(
    args: Sequence[Any], picture: tuple[int, int], tile: tuple[int, int], upscalers: UpscalerService
) -> Mapping[str, Any]:
    """What it changes of the settings, by the studio's names. `picture`: the size of the one that is given; `tile`: the
    size that is asked for. Raises InvalidRequest, NotFound (no such upscaler)."""
    _, overlap, upscaler, scale = (*args, *USUAL[len(args) :])[: len(USUAL)]
    pixels, times = number_in(overlap), number_in(scale)
    if pixels is None or not 0 <= pixels <= MOST_OVERLAP:
        raise InvalidRequest(f"script_args: the second, the tile overlap, must be a number from 0 to {MOST_OVERLAP}")
    if times is None or not SCALES[0] <= times <= SCALES[1]:
        raise InvalidRequest(
            f"script_args: the fourth, the scale factor, must be a number from {SCALES[0]} to {SCALES[1]}"
        )
    name = await _named(upscaler, upscalers)
    # The one that makes nothing larger leaves the picture in its size.
    width, height = UpscaleSettings(scale=1.0 if name == NO_UPSCALER else times).sizes(picture)[0]
    return {
        "width": width,
        "height": height,
        "fit": "stretch",
        "image_upscaler": LANCZOS if name == NO_UPSCALER else name,
        "tile": min(tile),
        "tile_overlap": int(pixels) // GRAIN * GRAIN,
    }


async def _named(upscaler: object, upscalers: UpscalerService) -> str:
    """By its name, or by its place in the list of GET upscalers."""
    names = [NO_UPSCALER, *(one.name for one in await upscalers.upscalers())]
    if isinstance(upscaler, str) and upscaler.lower() != NO_UPSCALER.lower():
        return await upscalers.name_of(upscaler)
    if isinstance(upscaler, str):
        return NO_UPSCALER
    if isinstance(upscaler, bool) or not isinstance(upscaler, int) or not 0 <= upscaler < len(names):
        raise InvalidRequest(
            f"script_args: the third must be an upscaler's name, or its place from 0 to {len(names) - 1} among: "
            f"{', '.join(names)}"
        )
    return names[upscaler]
