"""The model files at a place, as people sort them: in folders, in folders that are linked to, and under any ending."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from illustrious_studio.adapters.reading import folders_below
from illustrious_studio.domain.models import SAFETENSORS, RefusedFile

GGUF = ".gguf"
CAN_RUN_CODE = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pt2", ".h5", ".zip"})
ENDINGS = CAN_RUN_CODE | {SAFETENSORS, GGUF}
DIFFUSERS = "model_index.json"
"""The file that makes a folder one model, in diffusers' form."""


def model_files(place: Path) -> Iterator[Path]:
    """Files and diffusers folders at or below a place, in the order of their names; also those that are not loaded."""
    if place.exists() and not place.is_dir():
        yield place
        return
    for folder, files in folders_below(place, lambda files: DIFFUSERS in files):
        if DIFFUSERS in files:
            yield folder
        else:
            yield from (folder / name for name in files if os.path.splitext(name)[1].lower() in ENDINGS)


def files_beside(place: Path, names: Collection[str]) -> Iterator[Path]:
    """Model files in folders of such names (in small letters; theirs may be any) beside a place, in the order of their
    names. Raises OSError."""
    if place.parent.is_dir():
        for folder in sorted(place.parent.iterdir()):
            if folder.name.lower() in names and folder.is_dir():
                yield from sorted(model_files(folder))


def found_at(
    places: Iterable[Path], find: Callable[[Path], Iterable[Path]], what: str
) -> tuple[Iterable[Path], list[RefusedFile]]:
    """What is found at places and beside them, each file once; and where nothing could be looked for."""
    paths: list[Path] = []
    left_out: list[RefusedFile] = []
    for place in places:
        try:
            paths += find(place)
        except OSError as error:
            left_out.append(RefusedFile(place, f"No {what} were looked for beside it: {error.strerror or error}."))
    return each_once(paths), left_out


def each_once(paths: Iterable[Path]) -> Iterable[Path]:
    """Each real place once, under the first path that leads to it."""
    by_place: dict[str, Path] = {}
    for path in paths:
        by_place.setdefault(os.path.realpath(path), path)
    return by_place.values()


def why_not_loaded(path: Path) -> str:
    """Why a file with such an ending is not loaded, in a sentence; empty where it may be."""
    ending = path.suffix.lower()
    if ending == SAFETENSORS:
        return ""
    if ending == GGUF:
        return "GGUF is not read here. Only .safetensors are loaded; fetch it as such a file."
    return f"{path.suffix or 'This'} files can run code. Only .safetensors are loaded; convert it first."
