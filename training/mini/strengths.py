"""By how much a sketch of a thing may be redrawn, so that it stays that: 60 things, seed 1, at several strengths.

The judge is the studio's own memory of its drawings (data/vision/drawings.npz): the nearest of all, by what
EfficientNet-Lite0 sees. It was trained on nothing here, and knows no brush strokes.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from illustrious_studio.adapters.sketch.sprites import SPRITES
from illustrious_studio.adapters.vision.classifier import Classifier
from training.mini.drawing import Drawer
from training.mini.prompts import with_article
from training.mini.run import Plan
from training.mini.scenes import painter

STRENGTHS = (0.4, 0.2)
THINGS = 60
SEEN_AT = (256, 256)


def main(plan: Plan) -> None:
    drawer, judge = Drawer(plan), Memory()
    names = sorted(known.name for known in painter().objects())[::5][:THINGS]
    asked = [(with_article(name), 1) for name in names]
    drawings = {f"at {strength}": drawer.begin(asked, f"at {strength}", strength) for strength in STRENGTHS}
    tell("the sketch", judge.five(drawer.ceiling(asked)), names)
    for way, drawing in drawings.items():
        tell(way, judge.five(drawing.get()), names)


def tell(way: str, found: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    first = sum(five[0] == name for five, name in zip(found, names, strict=True))
    among = sum(name in five for five, name in zip(found, names, strict=True))
    wrong = [f"{name}: {five[0]}" for five, name in zip(found, names, strict=True) if five[0] != name]
    print(f"{way}: first {first}, among five {among}, of {len(names)}. {', '.join(wrong)}", flush=True)


class Memory:
    """Says which five drawings a picture is most like."""

    def __init__(self) -> None:
        kept = np.load(SPRITES.parent / "vision" / "drawings.npz")
        self._names, self._mean = kept["names"], kept["mean"]
        self._known = _unit(kept["features"].astype(np.float32))
        self._classifier = Classifier()

    def five(self, pictures: Sequence[Image.Image]) -> list[list[str]]:
        seen = self._classifier.features([picture.convert("RGB").resize(SEEN_AT) for picture in pictures])
        likeness = _unit(np.asarray(seen) - self._mean) @ self._known.T
        ordered = [dict.fromkeys(map(str, self._names[row.argsort()[::-1]])) for row in likeness]
        return [list(names)[:5] for names in ordered]


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
