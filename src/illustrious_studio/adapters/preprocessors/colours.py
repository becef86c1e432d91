"""Maps that keep the colours or the light of a picture: from arrays of RGB (height x width x 3, uint8) to such ones, or
to grey (height x width, uint8), by sd-webui-controlnet's formulas."""

from functools import reduce
from typing import Any

from illustrious_studio.adapters.preprocessors.resizing import SMALLER, larger_or_smaller
from illustrious_studio.domain.preprocessing import Numbers

LEAST_RATE = 1.1
"""A down sampling rate below that leaves the picture as it is."""


def same(pixels: Any, numbers: Numbers) -> Any:
    return pixels


def invert(pixels: Any, numbers: Numbers) -> Any:
    return 255 - pixels


def tile(pixels: Any, numbers: Numbers) -> Any:
    """Made smaller by the down sampling rate, and as large as before again."""
    if numbers.threshold_a < LEAST_RATE:
        return pixels
    import cv2

    height, width = pixels.shape[:2]
    small = tuple(max(1, int(side / numbers.threshold_a)) for side in (width, height))
    return larger_or_smaller(cv2.resize(pixels, small, interpolation=getattr(cv2, SMALLER)), (width, height))


def blur(pixels: Any, numbers: Numbers) -> Any:
    import cv2

    return cv2.GaussianBlur(pixels, (0, 0), numbers.threshold_a)


def luminance(pixels: Any, numbers: Numbers) -> Any:
    """Lab's L. (sd-webui-controlnet takes red for blue here; the models were made with L itself.)"""
    import cv2

    return _bent(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[..., 0], numbers.threshold_a)


def intensity(pixels: Any, numbers: Numbers) -> Any:
    """HSV's V."""
    import cv2

    return _bent(reduce(cv2.max, cv2.split(pixels)), numbers.threshold_a)


def _bent(grey: Any, gamma: float) -> Any:
    import numpy

    return ((numpy.arange(256) / 255) ** gamma * 255 + 1e-6).astype(numpy.uint8)[grey]


def shuffle(pixels: Any, numbers: Numbers) -> Any:
    """Each place shows another one of the picture, and places that are near each other do so, too (ControlNet's content
    shuffle). The same picture is shuffled in the same way each time, so that a drawing can be made again."""
    import cv2
    import numpy

    height, width = pixels.shape[:2]
    random, reach = numpy.random.default_rng(0), max(1, min(height, width) // 2)
    flow = [_waves(random, (height, width), reach) * (side - 1) for side in (width, height)]
    return cv2.remap(pixels, numpy.dstack(flow), None, cv2.INTER_LINEAR)


def _waves(random: Any, shape: tuple[int, int], reach: int) -> Any:
    """Numbers from 0 to 1, float32, that change slowly: hills and valleys `reach` pixels apart."""
    import cv2

    height, width = shape
    points = random.random((height // reach + 2, width // reach + 2), "float32")
    whole = cv2.resize(points, (width + 2 * reach, height + 2 * reach), interpolation=cv2.INTER_CUBIC)
    waves = whole[reach : reach + height, reach : reach + width]
    return (waves - waves.min()) / max(waves.max() - waves.min(), 1e-6)
