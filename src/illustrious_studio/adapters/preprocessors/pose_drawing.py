"""Poses as OpenPose draws them, in the colours with which the control models were trained. Strokes are as broad as in
sd-webui-controlnet, in a picture whose shorter side has 512 pixels, and grow with it."""

import colorsys
import math
from collections.abc import Sequence
from typing import Any

from illustrious_studio.adapters.preprocessors.pose import Point, Pose

Colour = tuple[int, int, int]

AT = 512
LIMB, JOINT, FINGER, FACE_POINT = 4, 4, 2, 3
"""Pixels: half the breadth of a limb, the radius of a joint, the breadth of a finger, the radius of a face's point."""
LIMB_LIGHT = 0.6
"""Limbs are that much darker than joints."""

COLOURS: tuple[Colour, ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""Of the joints; the first 17 of the limbs, too."""
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Between which joints they are."""
FINGERS = tuple((joint if joint % 4 else 0, joint + 1) for joint in range(20))
"""The same in a hand: five fingers of four, each from the wrist."""
HAND_JOINT: Colour = (0, 0, 255)
FACE: Colour = (255, 255, 255)


def draw(poses: Sequence[Pose], size: tuple[int, int], *, body: bool, hands: bool, face: bool) -> Any:
    """On black, RGB (height x width x 3, uint8)."""
    import numpy

    canvas = numpy.zeros((size[1], size[0], 3), numpy.uint8)
    scale = min(size) / AT
    for pose in poses:
        if body:
            _draw_body(canvas, pose.body, scale)
        if hands:
            _draw_hand(canvas, pose.left_hand, scale)
            _draw_hand(canvas, pose.right_hand, scale)
        if face:
            _draw_points(canvas, pose.face, [FACE] * len(pose.face), FACE_POINT * scale)
    return canvas


def _draw_body(canvas: Any, points: Sequence[Point], scale: float) -> None:
    import cv2

    for (start, end), colour in zip(LIMBS, COLOURS, strict=False):
        if (one := points[start]) is None or (other := points[end]) is None:
            continue
        middle = round((one[0] + other[0]) / 2), round((one[1] + other[1]) / 2)
        across, down = one[0] - other[0], one[1] - other[1]
        half = round(math.hypot(across, down) / 2), _pixels(LIMB * scale)
        limb = cv2.ellipse2Poly(middle, half, round(math.degrees(math.atan2(down, across))), 0, 360, 1)
        cv2.fillConvexPoly(canvas, limb, [part * LIMB_LIGHT for part in colour])
    _draw_points(canvas, points, COLOURS, JOINT * scale)


def _draw_hand(canvas: Any, points: Sequence[Point], scale: float) -> None:
    import cv2

    for number, (start, end) in enumerate(FINGERS):
        if (one := points[start]) is None or (other := points[end]) is None:
            continue
        colour = [255 * part for part in colorsys.hsv_to_rgb(number / len(FINGERS), 1, 1)]
        cv2.line(canvas, _place(one), _place(other), colour, _pixels(FINGER * scale))
    _draw_points(canvas, points, [HAND_JOINT] * len(points), JOINT * scale)


def _draw_points(canvas: Any, points: Sequence[Point], colours: Sequence[Colour], radius: float) -> None:
    import cv2

    for point, colour in zip(points, colours, strict=True):
        if point is not None:
            cv2.circle(canvas, _place(point), _pixels(radius), colour, -1)


def _place(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _pixels(length: float) -> int:
    return max(1, round(length))
