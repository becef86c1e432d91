"""Reads the text in a picture with RapidOCR's packaged models (printed Latin and Chinese), on one thread, offline."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

SURE_ENOUGH = 0.7
LONGEST_SIDE = 1024
LOWEST_LETTER = 8


@dataclass(frozen=True)
class Line:
    """A line of text and where it stands: left, top, right, bottom as shares of the picture."""

    text: str
    box: tuple[float, float, float, float]

    def covers(self, point: tuple[float, float]) -> bool:
        left, top, right, bottom = self.box
        return left <= point[0] <= right and top <= point[1] <= bottom


class TextReader:
    """Blocking: call it in a thread. Models are loaded on first use and stay (about 150 MB)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def read(self, image: Image.Image) -> list[Line]:
        """The lines of text, from the top down; only those it is sure of."""
        import numpy

        small = image.convert("RGB")
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        width, height = small.size
        if min(width, height) < LOWEST_LETTER:
            return []
        # RapidOCR enlarges until the shorter side has 480 pixels, without end: a strip is given a ground of its own.
        room = max(width, height) // 4
        ground = Image.new("RGB", (max(width, room), max(height, room)), small.getpixel((0, 0)))
        ground.paste(small)
        blue_first = numpy.asarray(ground)[:, :, ::-1]
        with self._lock:
            if self._engine is None:
                self._engine = self._load()
            found = self._engine(blue_first)
        if not found.txts:
            return []
        lines = []
        for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
            if score >= SURE_ENOUGH and len(text.strip()) > 1:
                across, down = (
                    [float(x) / width for x, _ in corners],
                    [float(y) / height for _, y in corners],
                )
                lines.append(Line(text.strip(), (min(across), min(down), max(across), max(down))))
        return lines

    def _load(self) -> Any:
        import rapidocr

        # Naming the files keeps RapidOCR from ever asking the network for them.
        models = Path(rapidocr.__file__).parent / "models"
        return rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Global.max_side_len": LONGEST_SIDE,
                "Det.limit_side_len": 480,
                "Det.model_path": str(next(models.glob("*_det_*.onnx"))),
                "Rec.model_path": str(next(models.glob("*_rec_*.onnx"))),
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
