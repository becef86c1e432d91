"""Removes backgrounds with U2-Net in its small version (see data/cutout/NOTICE), on one thread of the processor.

How a picture is given to the network and what its answer means is as in U-2-Net's own test script: the picture is
320 x 320 (what the weights were trained for), divided by its largest value, normalised as ImageNet's; the answer is
stretched from its lowest to its highest value.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from illustrious_studio.adapters.cutout.matte import Matte
from illustrious_studio.domain.errors import InvalidRequest, Unavailable

T = TypeVar("T")

MODEL = Path(__file__).parents[2] / "data" / "cutout" / "u2netp.onnx"
SIDE = 320
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SURE = 0.3
"""What the network says at its surest place where there is a subject at all. Measured: at most 0.06 for plain colours
and gradients, at least 0.7 for everything that shows something; stretched, those would be cut out at random."""
IDLE_SECONDS = 300.0
"""How long the network stays loaded unused."""


class SaliencyNetwork:
    """How much of each place is subject. Blocking: call it in a thread. About 50 MB from first use until `release`."""

    def __init__(self, model: Path = MODEL) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def loaded(self) -> bool:
        return self._session is not None

    def saliency(self, picture: Image.Image) -> Any:
        """320 x 320, from 0 to 1. Raises InvalidRequest where nothing stands out, and Unavailable."""
        import numpy

        pixels = numpy.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), numpy.float32)
        mean, deviation = numpy.array([MEAN, DEVIATION], numpy.float32)
        pixels = (pixels / max(pixels.max(), 1e-6) - mean) / deviation
        with self._lock:  # one at a time: two would be slower together, and take twice the memory
            session = self._session = self._session or self._load()
            # The first output is the finest; the others are what training compared at coarser levels.
            names = session.get_inputs()[0].name, session.get_outputs()[0].name
            found = session.run([names[1]], {names[0]: pixels.transpose(2, 0, 1)[None]})[0][0, 0]
        lowest, highest = found.min(), found.max()
        if highest < SURE:
            raise InvalidRequest(
                "Nothing in this picture stands out from its background, so there is nothing to cut out. "
                "Send one that shows a subject."
            )
        return (found - lowest) / (highest - lowest)

    def release(self) -> None:
        self._session = None

    def _load(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise Unavailable("Missing: onnxruntime. Install the studio's packages again.") from error
        if not self._model.is_file():
            raise Unavailable(f"Missing: data/cutout/{self._model.name}. Install the studio's packages again.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # The arena would hold the 500 MB that a run takes in passing for as long as the session lives.
        options.enable_cpu_mem_arena = False
        return onnxruntime.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])


class U2NetRemover:
    """Implements BackgroundRemover, in threads. The network is loaded at first use, and given back after a while
    without any."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self.network = SaliencyNetwork()
        self._idle_seconds = idle_seconds
        self._idle: asyncio.TimerHandle | None = None

    async def subject_mask(self, picture: Image.Image) -> Image.Image:
        return await self._run(lambda: Matte(picture, self.network.saliency(picture)).mask())

    async def cut_out(self, picture: Image.Image) -> Image.Image:
        return await self._run(lambda: Matte(picture, self.network.saliency(picture)).cutout())

    async def aclose(self) -> None:
        self._stay()
        self.network.release()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        finally:
            self._stay()
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self.network.release)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
