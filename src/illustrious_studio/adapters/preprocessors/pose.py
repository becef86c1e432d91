"""Who is in a picture and how they hold themselves, by DWPose (Yang et al., 2023, arXiv:2307.15880): YOLOX finds
people, and a second network 133 points of each (COCO-WholeBody).

YOLOX was trained on blue, green and red from 0 to 255, the second network on red, green and blue, normalised.
"""

from dataclasses import dataclass
from typing import Any

from illustrious_studio.adapters.preprocessors.network_files import OnnxNetwork
from illustrious_studio.domain.errors import InvalidRequest

GREY = 114
"""What YOLOX's square is filled up with."""
STRIDES = (8, 16, 32)
PERSON = 5
"""Where the first of COCO's classes stands, behind a box and how sure it is one."""
SURE = 0.3
"""Of a person, and of a point."""
SAME = 0.45
"""Boxes that share that much are of one person."""
AROUND = 1.25
"""How much wider than a box the second network's view is."""
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
PER_PIXEL = 2
"""The second network's places for each pixel."""
POINTS = 133
RIGHT_SHOULDER, LEFT_SHOULDER = 6, 5
BODY = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""OpenPose's 18 points among them; its neck is between the shoulders."""
FACE, LEFT_HAND, RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)
EYES = 14, 15
"""OpenPose's face ends with them."""

Point = tuple[float, float] | None
"""Where it is in the picture; None where it is not seen."""


@dataclass(frozen=True)
class Pose:
    """The points of somebody, in OpenPose's order: 18, 70, 21 and 21."""

    body: list[Point]
    face: list[Point]
    left_hand: list[Point]
    right_hand: list[Point]


def poses(pixels: Any, people: OnnxNetwork, points: OnnxNetwork) -> list[Pose]:
    """Of everybody in a picture (RGB, height x width x 3, uint8). Raises InvalidRequest where nobody is found, and
    Unavailable."""
    boxes = find_people(pixels, people)
    if not len(boxes):
        raise InvalidRequest("Nobody was found in this picture. Send one in which people are seen.")
    return [_pose(*find_points(pixels, box, points)) for box in boxes]


def find_people(pixels: Any, network: OnnxNetwork) -> Any:
    """Boxes (left, top, right, bottom), the surest first."""
    import cv2
    import numpy

    *_, rows, columns = network.input_shape
    height, width = rows or 640, columns or 640
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    small = cv2.resize(pixels, (max(1, int(pixels.shape[1] * scale)), max(1, int(pixels.shape[0] * scale))))
    square = numpy.full((height, width, 3), GREY, numpy.float32)
    square[: small.shape[0], : small.shape[1]] = small[..., ::-1]
    found = network.run(square.transpose(2, 0, 1)[None])[0]
    middles = [_middles(height // stride, width // stride, stride) for stride in STRIDES]
    cells = numpy.concatenate(middles)
    if found.ndim != 3 or found.shape[1] != len(cells) or found.shape[2] <= PERSON:
        raise network.unusable(f"it answers {found.shape}, as YOLOX does not")
    found = found[0]
    centres = (found[:, :2] + cells[:, :2]) * cells[:, 2:]
    halves = numpy.exp(found[:, 2:4].clip(max=20)) * cells[:, 2:] / 2
    scores = found[:, 4] * found[:, PERSON]
    boxes = numpy.concatenate([centres - halves, centres + halves], axis=1) / scale
    return boxes[_apart(boxes, scores)]


def _middles(rows: int, columns: int, stride: int) -> Any:
    """Column, row and stride of each cell."""
    import numpy

    down, across = numpy.mgrid[:rows, :columns]
    return numpy.stack([across.ravel(), down.ravel(), numpy.full(rows * columns, stride)], axis=1).astype(numpy.float32)


def _apart(boxes: Any, scores: Any) -> list[int]:
    """Of the boxes that are sure, the surest of those that share a place."""
    import numpy

    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept: list[int] = []
    for one in (-scores).argsort()[: int((scores > SURE).sum())]:
        others = boxes[kept]
        low, high = numpy.maximum(others[:, :2], boxes[one, :2]), numpy.minimum(others[:, 2:], boxes[one, 2:])
        shared = (high - low).clip(0).prod(axis=1)
        if (shared <= SAME * (areas[kept] + areas[one] - shared)).all():
            kept.append(int(one))
    return kept


def find_points(pixels: Any, box: Any, network: OnnxNetwork) -> tuple[Any, Any]:
    """Where the 133 points of the person in a box are in the picture, and how sure each is."""
    import cv2
    import numpy

    *_, rows, columns = network.input_shape
    height, width = rows or 384, columns or 288
    middle, size = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * AROUND
    scale = max(size[0] / width, size[1] / height)  # the view has the network's shape
    corner = middle - scale * numpy.array([width, height]) / 2
    there = numpy.array([[1 / scale, 0, -corner[0] / scale], [0, 1 / scale, -corner[1] / scale]])
    view = cv2.warpAffine(pixels, there, (width, height)).astype(numpy.float32)
    found = network.run(((view - MEAN) / DEVIATION).transpose(2, 0, 1)[None])
    wanted = [(1, POINTS, width * PER_PIXEL), (1, POINTS, height * PER_PIXEL)]
    if [one.shape for one in found[:2]] != wanted:
        raise network.unusable(f"it answers {[one.shape for one in found]}, as DWPose does not")
    across, down = found[0][0], found[1][0]
    places = numpy.stack([across.argmax(axis=1), down.argmax(axis=1)], axis=1) / PER_PIXEL
    return places * scale + corner, numpy.minimum(across.max(axis=1), down.max(axis=1))


def _pose(places: Any, scores: Any) -> Pose:
    seen: list[Point] = [
        (float(x), float(y)) if score >= SURE else None for (x, y), score in zip(places, scores, strict=True)
    ]
    right, left = seen[RIGHT_SHOULDER], seen[LEFT_SHOULDER]
    neck = ((right[0] + left[0]) / 2, (right[1] + left[1]) / 2) if right and left else None
    body = [neck if point is None else seen[point] for point in BODY]
    return Pose(body, seen[FACE] + [body[eye] for eye in EYES], seen[LEFT_HAND], seen[RIGHT_HAND])
