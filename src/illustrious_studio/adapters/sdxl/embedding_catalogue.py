"""The embedding files on disk: found in their folders, and judged by their headers without loading them.

SDXL's have vectors for both text encoders: `clip_l` and `clip_g` (A1111, Forge, ComfyUI, kohya), or `text_encoders_0`
and `text_encoders_1` (diffusers' training script).
"""

from collections.abc import Sequence
from pathlib import Path

from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.adapters.sdxl.catalogue import with_unique_names
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.headers import BadFile, judged, read_header, stamp_of
from illustrious_studio.adapters.sdxl.model_files import each_once, files_beside, found_at, model_files, why_not_loaded
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.textual_inversion import EmbeddingFile
from illustrious_studio.domain.values import printable

FOLDERS = ("embeddings",)
KEYS = (("clip_l", "text_encoders_0"), ("clip_g", "text_encoders_1"))
"""What the first and the second text encoder's vectors are called."""
MOST_VECTORS = 75
"""A chunk of a prompt has so many tokens."""
SHORT_HASH = 12

EmbeddingFiles = list[EmbeddingFile]


class DiskEmbeddings:
    """An EmbeddingCatalogue over what lies in this folder and in those beside the checkpoints."""

    def __init__(self, folder: Path, checkpoints: Sequence[Path], hashes: FileHashes) -> None:
        self._folder = folder
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._hashes = hashes
        self._threads = FileThreads("embeddings")

    async def list(self) -> EmbeddingFiles:
        return (await self._threads.run(self._scan))[0]

    async def refused(self) -> Sequence[RefusedFile]:
        return (await self._threads.run(self._scan))[1]

    async def hash_of(self, file: EmbeddingFile) -> str | None:
        digest = await self._hashes.of(file.path)
        return digest and digest[:SHORT_HASH]

    def _scan(self) -> tuple[EmbeddingFiles, Sequence[RefusedFile]]:
        paths, unseen = found_at(self._checkpoints, lambda place: files_beside(place, FOLDERS), "embeddings")
        found, left_out = judged(each_once([*sorted(model_files(self._folder)), *paths]), _embedding)
        return with_unique_names(found), unseen + left_out


def _embedding(path: Path) -> EmbeddingFile:
    if reason := why_not_loaded(path):
        raise BadFile(reason)
    stamp, shapes = stamp_of([path]), read_header(path).shapes
    first, second = (next((shapes[key] for key in keys if key in shapes), None) for keys in KEYS)
    if first is None or second is None:
        only = "one text encoder, as for Stable Diffusion 1 or 2" if len(shapes) <= 2 else "no text encoder of SDXL"
        raise BadFile(f"It is no embedding for SDXL: it has vectors for {only}.")
    if len(first) != 2 or len(second) != 2 or first[0] != second[0] or not 0 < first[0] <= MOST_VECTORS:
        raise BadFile(f"It is no embedding that can be used: it has vectors of {first} and {second}.")
    return EmbeddingFile(
        name=printable(path.stem),
        path=path,
        vectors=first[0],
        widths=(first[1], second[1]),
        size_bytes=path.stat().st_size,
        stamp=stamp,
    )
