"""The networks that lie on the disk as ONNX, by the names of their files, and running them.

They are looked for in the folder for them and where other programs keep theirs: beside checkpoints (Forge's
`ControlNetPreprocessor`), in ComfyUI's custom nodes and in A1111's extension. Nothing of it is ever downloaded.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from illustrious_studio.adapters import onnx_files
from illustrious_studio.adapters.reading import FileThreads, folders_below
from illustrious_studio.domain.errors import NotFound, Unavailable
from illustrious_studio.domain.preprocessing import Network

BESIDE = (
    "preprocessors",
    "ControlNetPreprocessor",
    "../custom_nodes/comfyui_controlnet_aux/ckpts",
    "../extensions/sd-webui-controlnet/annotator",
)
"""Folders of other programs, from the one above a folder of checkpoints."""

PARTS: dict[Network, tuple[re.Pattern[str], ...]] = {
    "depth": (re.compile(r".*(depth|midas|dpt|zoed).*\.onnx"),),
    "pose": (re.compile(r"yolox.*\.onnx"), re.compile(r"(dw-|dwpose|dw_).*\.onnx")),
}
"""The files that a network needs, by their names in small letters."""

WANTED: dict[Network, str] = {
    "depth": "Depth needs a network: Depth Anything V2, MiDaS or ZoeDepth as an ONNX file, such as "
    "depth_anything_v2_vits.onnx.",
    "pose": "Poses need DWPose's two networks as ONNX files: yolox_l.onnx, which finds people, and "
    "dw-ll_ucoco_384.onnx.",
}


class NetworkFiles:
    """What lies in a folder, and beside folders of checkpoints. Read anew each time."""

    def __init__(self, folder: Path, checkpoints: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._threads = FileThreads("preprocessors")

    async def missing(self) -> dict[Network, str]:
        """For each network that is not there, which file goes where."""
        found = await self._threads.run(self._found)
        return {network: self._sentence(network, paths) for network, paths in found.items() if None in paths}

    async def paths(self, network: Network) -> list[Path]:
        """Its files, in the order of `PARTS`. Raises NotFound, which says where which belongs."""
        paths = (await self._threads.run(self._found))[network]
        whole = [path for path in paths if path is not None]
        if len(whole) < len(paths):
            raise NotFound(self._sentence(network, paths))
        return whole

    def _found(self) -> dict[Network, list[Path | None]]:
        files = list(self._files())
        return {
            network: [next((one for one in files if part.fullmatch(one.name.lower())), None) for part in parts]
            for network, parts in PARTS.items()
        }

    def _files(self) -> Iterator[Path]:
        """The folder's own first, then in the order of their names."""
        above = [(place if place.is_dir() else place.parent).parent for place in self._checkpoints]
        for place in (self._folder, *(one / there for one in above for there in BESIDE)):
            for folder, names in folders_below(place):
                yield from (folder / name for name in names if name.lower().endswith(".onnx"))

    def _sentence(self, network: Network, paths: Sequence[Path | None]) -> str:
        there = "".join(f" There is {path.name}." for path in paths if path is not None)
        folder = "/".join(self._folder.parts[-2:])
        return f"{WANTED[network]} Put {'it' if len(paths) == 1 else 'both'} into the folder {folder}.{there}"


class OnnxNetwork:
    """A network in a file, loaded when it is first run. Blocking: call it in a thread."""

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._session: Any = None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Batch, channels, height and width; None where any will do. Raises Unavailable."""
        shape = self._loaded().get_inputs()[0].shape
        if len(shape) != 4 or (shape[1] not in (3, None) and not isinstance(shape[1], str)):
            raise self.unusable(f"it takes {shape}, and no picture (1 x 3 x height x width)")
        return tuple(one if isinstance(one, int) and one > 0 else None for one in shape)

    def run(self, values: Any) -> list[Any]:
        """All outputs for one input, as float32. Raises Unavailable."""
        import numpy

        session = self._loaded()
        wanted = session.get_inputs()[0]
        kind = numpy.float16 if wanted.type == "tensor(float16)" else numpy.float32
        try:
            with self._lock:  # one at a time: two would take twice the memory
                found = session.run(None, {wanted.name: numpy.ascontiguousarray(values, kind)})
        except onnx_files.faults() as error:
            raise self.unusable(str(error).splitlines()[0][:200]) from error
        return [one.astype(numpy.float32) for one in found]

    def unusable(self, why: str) -> Unavailable:
        return Unavailable(f"The network {self.path.name} cannot be used: {why}. Put another file in its place.")

    def _loaded(self) -> Any:
        import onnxruntime

        if self._session is None:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
            options.enable_cpu_mem_arena = False  # it would hold what a run takes in passing
            try:
                self._session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
            except onnx_files.faults() as error:
                raise self.unusable(str(error).splitlines()[0][:200]) from error
        return self._session
