"""How near each place of a picture is, by Depth Anything, MiDaS or ZoeDepth.

The families differ in how a picture is given to them, which no ONNX file says: so it is told by the file's name, as it
is published. What a file says is its size; where it takes any, it gets the size that its family was trained with.
"""

from dataclasses import dataclass
from typing import Any

from illustrious_studio.adapters.preprocessors.network_files import OnnxNetwork

FAR_AND_NEAR = 2, 85
"""Between which percentiles of the metres ZoeDepth's map goes from white to black, as in sd-webui-controlnet."""


@dataclass(frozen=True)
class Family:
    """`side`: pixels of the shorter side, `grain`: of which sides are multiples. `metric`: it answers metres, the far
    ones largest; the others answer nearness, to some scale."""

    side: int
    grain: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    deviation: tuple[float, float, float] = (0.229, 0.224, 0.225)
    metric: bool = False


HALF = (0.5, 0.5, 0.5)
FAMILIES = {
    "zoe": Family(384, 32, HALF, HALF, metric=True),
    "dpt": Family(384, 32, HALF, HALF),
    "midas": Family(384, 32),
    "metric": Family(518, 14, metric=True),
    "": Family(518, 14),
}
"""By what stands in the name of the file: the first that does. The last is Depth Anything."""


def family_of(name: str) -> Family:
    return next(family for part, family in FAMILIES.items() if part in name.lower())


def depth(pixels: Any, network: OnnxNetwork) -> Any:
    """From RGB (height x width x 3, uint8) to grey (height x width, uint8), the nearest white. Raises Unavailable."""
    import cv2
    import numpy

    height, width = pixels.shape[:2]
    family = family_of(network.path.stem)
    values = cv2.resize(pixels, _input_size((width, height), family, network), interpolation=cv2.INTER_CUBIC)
    values = (values.astype(numpy.float32) / 255 - family.mean) / family.deviation
    found = network.run(values.transpose(2, 0, 1)[None])[0].squeeze()
    if found.ndim != 2:
        raise network.unusable(f"it answers {found.shape}, and no plane of depths")
    found = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    if family.metric:
        lowest, highest = numpy.percentile(found, FAR_AND_NEAR)
        near = 1 - (found - lowest) / max(highest - lowest, 1e-6)
    else:
        near = (found - found.min()) / max(found.max() - found.min(), 1e-6)
    return (near * 255).clip(0, 255).astype(numpy.uint8)


def _input_size(size: tuple[int, int], family: Family, network: OnnxNetwork) -> tuple[int, int]:
    """Width and height that the network gets."""
    *_, height, width = network.input_shape
    scale = family.side / min(size)
    own = [max(1, round(side * scale / family.grain)) * family.grain for side in size]
    return width or own[0], height or own[1]
