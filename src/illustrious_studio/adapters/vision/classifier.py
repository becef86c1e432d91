"""Recognises what a picture shows, as far as a small classifier can: photographed things and the studio's own drawings.

EfficientNet-Lite0 (see data/vision/NOTICE) names 1000 kinds of things in photographs. It takes drawings for something
else with confidence, so for drawings only its features are used: they are compared with those of the packaged ones.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

VISION = Path(__file__).parents[2] / "data" / "vision"
SIDE = 224
BLEED = 0.0625  # the classifier was trained to see the middle seven eighths


class Classifier:
    """Blocking: call it in a thread. The model is loaded on first use and stays (about 40 MB)."""

    def __init__(self, folder: Path = VISION) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._session: Any = None

    def photographed(self, image: Image.Image, count: int = 3) -> list[tuple[str, float]]:
        """The likeliest things with their probabilities, likeliest first; meaningless for a drawing."""
        middle = ImageOps.fit(image.convert("RGB"), (SIDE, SIDE), Image.Resampling.BICUBIC, bleed=BLEED)
        probabilities = self._run("probabilities", [middle])[0]
        best = probabilities.argsort()[::-1][:count]
        return [(self._names[index], float(probabilities[index])) for index in best]

    def drawn(self, images: Sequence[Image.Image]) -> list[tuple[str, float]]:
        """For each picture the packaged drawing most like it, and how like (1 is the same, below 0.45 says nothing)."""
        features = self.features(images) - self._mean
        features /= (features**2).sum(axis=1, keepdims=True) ** 0.5 + 1e-9
        likeness = features @ self._drawings.T
        best = likeness.argmax(axis=1)
        return [(self._drawn_names[index], float(row[index])) for row, index in zip(likeness, best, strict=True)]

    def features(self, images: Sequence[Image.Image]) -> Any:
        """What the classifier saw before it names it, n x 1280: alike for pictures of like things."""
        return self._run("features", [image.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for image in images])

    def _run(self, output: str, images: Sequence[Image.Image]) -> Any:
        import numpy

        with self._lock:
            if self._session is None:
                self._load()
        pixels = numpy.stack([numpy.asarray(image.convert("RGB"), numpy.float32) for image in images])
        return self._session.run([output], {"image": (pixels.transpose(0, 3, 1, 2) - 127.5) / 127.5})[0]

    def _load(self) -> None:
        import numpy
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._names = (self._folder / "imagenet_names.txt").read_text("utf-8").splitlines()
        with numpy.load(self._folder / "drawings.npz") as drawings:
            self._drawn_names = [str(name) for name in drawings["names"]]
            self._mean = drawings["mean"].astype(numpy.float32)
            features = drawings["features"].astype(numpy.float32)
        self._drawings = features / numpy.linalg.norm(features, axis=1, keepdims=True)
        self._session = onnxruntime.InferenceSession(
            self._folder / "efficientnet-lite0.onnx", options, providers=["CPUExecutionProvider"]
        )
