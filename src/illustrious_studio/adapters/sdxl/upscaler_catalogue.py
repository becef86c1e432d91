"""The networks that upscale: the built-in one, and the user's files, checked by their headers without loading them.

Files lie in a folder `upscalers` beside a folder of checkpoints, or in one of those that A1111 and ComfyUI have there.
A name from outside is looked up here, never used as a path.
"""

from collections.abc import Sequence
from pathlib import Path

from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.adapters.sdxl.catalogue import with_unique_names
from illustrious_studio.adapters.sdxl.esrgan import described
from illustrious_studio.adapters.sdxl.headers import BadFile, judged, read_header
from illustrious_studio.adapters.sdxl.model_files import files_beside, found_at, why_not_loaded
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.upscaling import BUILTIN_IN_A1111, BUILTIN_UPSCALER, LANCZOS, UpscalerFile

BUILTIN = Path(__file__).parents[2] / "data" / "upscalers" / "realesr-animevideov3.safetensors"
FOLDERS = ("upscalers", "upscale_models", "esrgan", "realesrgan")
"""The studio's, ComfyUI's and A1111's, in small letters."""
NONE = "None"
"""A1111's upscaler that does nothing."""

UpscalerFiles = list[UpscalerFile]
RefusedFiles = list[RefusedFile]


class DiskUpscalers:
    """An UpscalerCatalogue over what lies beside these folders of checkpoints."""

    def __init__(self, checkpoints: Sequence[Path]) -> None:
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._threads = FileThreads("upscalers")

    async def list(self) -> UpscalerFiles:
        return (await self._threads.run(self._scan))[0]

    async def refused(self) -> RefusedFiles:
        return (await self._threads.run(self._scan))[1]

    def _scan(self) -> tuple[UpscalerFiles, RefusedFiles]:
        own = _upscaler(BUILTIN).model_copy(update={"name": BUILTIN_UPSCALER, "builtin": True})
        paths, unseen = found_at(self._checkpoints, lambda place: files_beside(place, FOLDERS), "upscalers")
        found, left_out = judged(paths, _upscaler)
        reserved = {LANCZOS, BUILTIN_UPSCALER, BUILTIN_IN_A1111, NONE}
        return [own, *with_unique_names(found, reserved)], unseen + left_out


def _upscaler(path: Path) -> UpscalerFile:
    if reason := why_not_loaded(path):
        raise BadFile(reason)
    network = described(read_header(path).shapes)
    return UpscalerFile(
        name=path.stem,
        scale=network.scale,
        architecture=network.architecture,
        size_bytes=path.stat().st_size,
        path=path,
    )
