"""The detectors on disk: YOLO models as ONNX files, checked by their headers without loading them.

They lie in the folder `detectors` beside a folder of checkpoints, or where A1111's ADetailer (`adetailer`) and ComfyUI
(`ultralytics`, with `bbox` and `segm`) have theirs. Published ones are `.pt` files, which are pickles and can run code
when they are opened: ultralytics makes ONNX of them. A name from outside is looked up here, never used as a path.
"""

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from illustrious_studio.adapters.reading import FileThreads, folders_below
from illustrious_studio.adapters.sdxl.catalogue import with_unique_names
from illustrious_studio.adapters.sdxl.headers import BadFile, judged, stamp_of
from illustrious_studio.adapters.sdxl.model_files import CAN_RUN_CODE, found_at
from illustrious_studio.adapters.sdxl.onnx_headers import Shape, read_onnx
from illustrious_studio.domain.details import DetectorFile
from illustrious_studio.domain.models import RefusedFile

FOLDERS = ("detectors", "adetailer", "ultralytics")
"""The studio's, A1111's and ComfyUI's, in small letters."""
ONNX = ".onnx"
COORDINATES = 4
STRIDE = 32
LONGEST_SIDE = 2048
USUAL_SIDE = 640
MOST_NAMES = 1000

DetectorFiles = list[DetectorFile]
RefusedFiles = list[RefusedFile]


class DiskDetectors:
    """A DetectorCatalogue over what lies beside these folders of checkpoints."""

    def __init__(self, checkpoints: Sequence[Path]) -> None:
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._threads = FileThreads("detectors")

    async def list(self) -> DetectorFiles:
        return (await self._threads.run(self._scan))[0]

    async def refused(self) -> RefusedFiles:
        return (await self._threads.run(self._scan))[1]

    def _scan(self) -> tuple[DetectorFiles, RefusedFiles]:
        paths, unseen = found_at(self._checkpoints, _beside, "detectors")
        found, left_out = judged(paths, _detector)
        return with_unique_names(found), unseen + left_out


def _beside(place: Path) -> list[Path]:
    """Raises OSError."""
    if not place.parent.is_dir():
        return []
    folders = [one for one in sorted(place.parent.iterdir()) if one.name.lower() in FOLDERS and one.is_dir()]
    return [
        folder / name
        for top in folders
        for folder, files in folders_below(top)
        for name in files
        if Path(name).suffix.lower() in CAN_RUN_CODE | {ONNX}
    ]


def _detector(path: Path) -> DetectorFile:
    if path.suffix.lower() != ONNX:
        raise BadFile(
            f"{path.suffix} files can run code and are never opened here. Make ONNX of it with ultralytics, and put "
            f"that beside it: yolo export model={path.name} format=onnx"
        )
    stamp = stamp_of([path])
    header = read_onnx(path)
    images = next(iter(header.inputs.values()), ())
    if len(header.inputs) != 1 or len(images) != 4 or images[1] not in (3, None):
        raise BadFile("It is no detector of the YOLO family: such a one takes one batch of pictures in colour.")
    shapes = list(header.outputs.values())
    if (
        len(shapes[0]) != 3
        or not _finds_boxes(shapes[0])
        or len(shapes) > 2
        or any(len(one) != 4 for one in shapes[1:])
    ):
        raise BadFile(
            "It is no detector of the YOLO family: such a one answers with boxes, and at most with outlines besides. "
            "Export it again: yolo export format=onnx"
        )
    sides = [side or USUAL_SIDE for side in images[2:]]
    if sides[0] != sides[1] or sides[0] > LONGEST_SIDE or sides[0] % STRIDE:
        raise BadFile(
            f"It wants pictures of {sides[1]} x {sides[0]} pixels. Export it for squares of at most {LONGEST_SIDE}: "
            f"yolo export format=onnx imgsz={USUAL_SIDE}"
        )
    return DetectorFile(
        name=path.stem,
        path=path,
        size_bytes=path.stat().st_size,
        finds=_names(header.notes.get("names", "")),
        masks=len(shapes) == 2,
        side=sides[0],
        stamp=stamp,
    )


def _finds_boxes(shape: Shape) -> bool:
    """(batch, coordinates and one number for each kind of thing, places), as YOLOv8 and YOLO11 answer."""
    _, numbers, places = shape
    return numbers is None or (numbers > COORDINATES and (places is None or places >= numbers))


def _names(text: str) -> tuple[str, ...]:
    """What ultralytics notes of it: Python's text of a dictionary, such as {0: 'face'}."""
    try:
        names = ast.literal_eval(text) if len(text) < 100_000 else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        names = None
    if not isinstance(names, dict):
        return ()
    kept = [re.sub(r"[\x00-\x1f]", "", str(name))[:100] for name in list(names.values())[:MOST_NAMES]]
    return tuple(name.encode("utf-8", "replace").decode() for name in kept)
