"""Maps of edges and lines, white on black, and of areas: from arrays of RGB (height x width x 3, uint8) to grey ones
(height x width, uint8).

What sd-webui-controlnet has too is computed by its formulas; soft edges, for which it has networks, by one of our own.
"""

from functools import reduce
from typing import Any

from illustrious_studio.domain.preprocessing import Numbers

LINE_BLUR = 6.0
"""Pixels: what is darker than its surroundings, blurred so far, is a line."""
FAINTEST = 16.0
"""A line that much darker becomes half white, in pictures whose own lines are no stronger."""
NOTICED = 8
"""Less is no line, when it is asked how strong a picture's lines are."""
FINE, COARSE = 0.5, 5.0
"""The two blurs of the scribble, in pixels."""

OCTAVES = 4
"""In how many sizes of a picture soft edges are looked for, each half of the one before."""
SOFT_BLUR, AT = 1.0, 512
"""Pixels by which each of them is blurred, where the picture's shorter side has so many."""
CONTRAST = 4.0
"""How much of a step in colour (in Lab's units, divided by 2.5) makes an edge half sure."""
SHARPNESS = 3.0
"""How quickly an edge fades beside its ridge."""


def canny(pixels: Any, numbers: Numbers) -> Any:
    """Canny (1986), as OpenCV has it: the colour that changes most counts."""
    import cv2

    return cv2.Canny(pixels, int(numbers.threshold_a), int(numbers.threshold_b))


def lineart(pixels: Any, numbers: Numbers) -> Any:
    """How much darker than its surroundings each place is, in the colour where it is least so; half white is the
    picture's usual line."""
    import cv2
    import numpy

    values = pixels.astype(numpy.float32)
    strength = _least(cv2.GaussianBlur(values, (0, 0), LINE_BLUR) - values).clip(0, 255)
    lines = strength[strength > NOTICED]
    usual = max(FAINTEST, float(numpy.median(lines)) if lines.size else 0.0)
    return (strength / usual * 127).clip(0, 255).astype(numpy.uint8)


def scribble(pixels: Any, numbers: Numbers) -> Any:
    """Where a little blurred the picture is darker than much blurred (XDoG: Winnemöller et al., 2012)."""
    import cv2
    import numpy

    values = pixels.astype(numpy.float32)
    darker = _least(cv2.GaussianBlur(values, (0, 0), COARSE) - cv2.GaussianBlur(values, (0, 0), FINE))
    return numpy.where(2 * darker.clip(0, 255) > numbers.threshold_a, 255, 0).astype(numpy.uint8)


def threshold(pixels: Any, numbers: Numbers) -> Any:
    """White where red, green and blue are all above the threshold."""
    import numpy

    return numpy.where(_least(pixels) > numbers.threshold_a, 255, 0).astype(numpy.uint8)


def softedge(pixels: Any, numbers: Numbers) -> Any:
    """Edges that are there in several sizes of the picture at once: outlines are, texture is only in the largest.

    In each size the steepest change of colour is taken (Di Zenzo, 1986, in Lab), which for a step is the same in all of
    them; their geometric mean says how sure an edge is, and it is brightest along its ridge.
    """
    import cv2
    import numpy

    lab = cv2.cvtColor(pixels.astype(numpy.float32) / 255, cv2.COLOR_RGB2LAB)
    grain = max(min(lab.shape[:2]) / AT, 0.25)
    blur, whole = SOFT_BLUR * grain, lab.shape[1::-1]
    product = numpy.ones(lab.shape[:2], numpy.float32)
    for _ in range(OCTAVES):
        product *= cv2.resize(_steepest(cv2.GaussianBlur(lab, (0, 0), blur)) * blur, whole)
        half = tuple(max(1, round(side / 2)) for side in lab.shape[1::-1])
        lab = cv2.resize(lab, half, interpolation=cv2.INTER_AREA)
    mean = product ** (1 / OCTAVES)
    sure = mean**2 / (mean**2 + CONTRAST**2)
    reach = 2 * max(1, round(2 * grain)) + 1
    ridge = mean / numpy.maximum(cv2.dilate(mean, numpy.ones((reach, reach), numpy.uint8)), 1e-6)
    return (255 * sure * ridge**SHARPNESS).clip(0, 255).astype(numpy.uint8)


def _least(colours: Any) -> Any:
    """The least of the three in each place. (numpy's own takes twenty times as long.)"""
    import cv2

    return reduce(cv2.min, cv2.split(colours))


def _steepest(lab: Any) -> Any:
    """How much the colour changes in a pixel, in the direction in which it changes most."""
    import cv2
    import numpy

    across, down = (cv2.Sobel(lab, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    xx, yy, xy = ((one * other).sum(axis=2) for one, other in ((across, across), (down, down), (across, down)))
    return numpy.sqrt((xx + yy + numpy.sqrt((xx - yy) ** 2 + 4 * xy**2)) / 2)
