"""Pictures and maps in another size, as sd-webui-controlnet brings them there. Arrays are height x width (x 3 where
they have colours), uint8; sizes are width and height."""

from functools import cache
from typing import Any

from illustrious_studio.domain.preprocessing import MapKind, Size

SMALLER, LARGER, SINGLE_COLOURS = "INTER_AREA", "INTER_CUBIC", "INTER_NEAREST"
"""OpenCV's filters."""


def larger_or_smaller(pixels: Any, size: Size) -> Any:
    """In that size: what becomes smaller is averaged, what becomes larger is filtered."""
    import cv2

    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    smaller = size[0] * size[1] < width * height
    return cv2.resize(pixels, size, interpolation=getattr(cv2, SMALLER if smaller else LARGER))


def resized_map(map: Any, kind: MapKind, size: Size) -> Any:
    """A map in that size. Of black and white maps edges stay sharp, and lines one pixel wide."""
    import cv2

    if map.shape[1::-1] == size:
        return map
    if kind == "colours":
        return cv2.resize(map, size, interpolation=getattr(cv2, SINGLE_COLOURS))
    if kind == "smooth":
        return larger_or_smaller(map, size)
    grey = larger_or_smaller(map if map.ndim == 2 else cv2.extractChannel(map, 0), size)
    sharp = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    return thinned(sharp) if kind == "lines" else sharp


def thinned(lines: Any) -> Any:
    """White lines on black, one pixel wide (Zhang and Suen, 1984): what is at their rims is taken off, from the south
    and east and from the north and west in turn, as long as that neither breaks nor shortens a line."""
    import cv2
    import numpy

    lines = (lines > 0).astype(numpy.uint8)
    weights = numpy.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], numpy.float32)
    while True:
        before = lines.sum()
        for table in _kept():
            around = cv2.filter2D(lines, cv2.CV_8U, weights, borderType=cv2.BORDER_CONSTANT)
            lines &= cv2.LUT(around, numpy.array(table, numpy.uint8))
        if lines.sum() == before:
            return lines * 255


@cache
def _kept() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For both turns: whether a pixel stays, by the eight around it as bits, from the north on clockwise."""
    tables: tuple[list[int], list[int]] = ([], [])
    for code in range(256):
        around = [code >> bit & 1 for bit in range(8)]
        north, _, east, _, south, _, west, _ = around
        at_a_rim = 2 <= sum(around) <= 6
        joins_nothing = sum(not one and other for one, other in zip(around, around[1:] + around[:1], strict=True)) == 1
        corners = (north * east * south, east * south * west), (north * east * west, north * south * west)
        for table, blocked in zip(tables, corners, strict=True):
            table.append(int(not (at_a_rim and joins_nothing) or any(blocked)))
    return tuple(tables[0]), tuple(tables[1])
