"""The model files at a place, as people sort them: in folders, in folders that are linked to, and under any ending."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from illustrious_studio.adapters.reading import folders_below
from illustrious_studio.domain.models import SAFETENSORS

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


def folders_beside(places: Iterable[Path], names: Collection[str]) -> Iterator[Path]:
    """Folders of such names, in whichever letters, beside these places."""
    for place in places:
        try:
            beside = sorted(place.parent.iterdir()) if place.parent.is_dir() else []
        except OSError:
            continue
        yield from (folder for folder in beside if folder.name.lower() in names and folder.is_dir())


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
