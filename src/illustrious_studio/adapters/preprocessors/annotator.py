"""Implements Annotator: which function makes which map, in threads; and networks that are loaded when they are needed,
and given back after a while without use."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from illustrious_studio.adapters.preprocessors import colours, edges
from illustrious_studio.adapters.preprocessors.depth import depth
from illustrious_studio.adapters.preprocessors.network_files import NetworkFiles, OnnxNetwork
from illustrious_studio.adapters.preprocessors.pose import poses
from illustrious_studio.adapters.preprocessors.pose_drawing import draw
from illustrious_studio.adapters.preprocessors.resizing import larger_or_smaller, resized_map
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.preprocessing import MapKind, Network, Numbers, Preprocessor, Size

T = TypeVar("T")

IDLE_SECONDS = 300.0
"""How long networks stay loaded unused."""

WITHOUT_NETWORK: dict[str, Callable[[Any, Numbers], Any]] = {
    "none": colours.same,
    "canny": edges.canny,
    "lineart": edges.lineart,
    "softedge": edges.softedge,
    "scribble": edges.scribble,
    "invert": colours.invert,
    "threshold": edges.threshold,
    "tile": colours.tile,
    "blur": colours.blur,
    "recolor_luminance": colours.luminance,
    "recolor_intensity": colours.intensity,
    "shuffle": colours.shuffle,
}
POSES: dict[str, dict[str, bool]] = {
    "openpose": {"body": True, "hands": False, "face": False},
    "openpose_face": {"body": True, "hands": False, "face": True},
    "openpose_faceonly": {"body": False, "hands": False, "face": True},
    "openpose_hand": {"body": True, "hands": True, "face": False},
    "openpose_full": {"body": True, "hands": True, "face": True},
}
"""What of somebody is drawn."""


class OpenCvAnnotator:
    """Implements Annotator. `folder` and what lies beside the checkpoints hold the user's networks, which run on the
    processor, on so many threads."""

    def __init__(
        self, folder: Path, checkpoints: Sequence[Path] = (), threads: int = 1, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._files = NetworkFiles(folder, checkpoints)
        self._threads = threads
        self._networks: dict[Path, OnnxNetwork] = {}
        self._idle_seconds = idle_seconds
        self._idle: asyncio.TimerHandle | None = None

    async def detect(self, preprocessor: Preprocessor, picture: Picture, numbers: Numbers) -> Picture:
        size = preprocessor.working_size((picture.width, picture.height), numbers)
        make = await self._maker(preprocessor, numbers)

        def work() -> Picture:
            return _picture(make(larger_or_smaller(_pixels(picture), size)))

        try:
            return await asyncio.to_thread(work)
        finally:
            self._stay()
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._networks.clear)

    async def resized(self, map: Picture, kind: MapKind, size: Size) -> Picture:
        return await asyncio.to_thread(lambda: _picture(resized_map(_pixels(map), kind, size)))

    async def missing(self) -> Mapping[Network, str]:
        return await self._files.missing()

    async def aclose(self) -> None:
        self._stay()
        self._networks.clear()

    async def _maker(self, preprocessor: Preprocessor, numbers: Numbers) -> Callable[[Any], Any]:
        if preprocessor.network is None:
            make = WITHOUT_NETWORK[preprocessor.name]
            return lambda pixels: make(pixels, numbers)
        networks = [self._network(path) for path in await self._files.paths(preprocessor.network)]
        if preprocessor.network == "depth":
            return lambda pixels: depth(pixels, *networks)
        return lambda pixels: draw(poses(pixels, *networks), pixels.shape[1::-1], **POSES[preprocessor.name])

    def _network(self, path: Path) -> OnnxNetwork:
        return self._networks.setdefault(path, OnnxNetwork(path, self._threads))

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def _pixels(picture: Picture) -> Any:
    """Height x width x 3, uint8."""
    import numpy

    return numpy.frombuffer(picture.rgb, numpy.uint8).reshape(picture.height, picture.width, 3)


def _picture(map: Any) -> Picture:
    """Of RGB, or of grey."""
    import numpy

    whole = map if map.ndim == 3 else numpy.repeat(map[..., None], 3, axis=2)
    return Picture(whole.shape[1], whole.shape[0], whole.tobytes())
