"""A HeaderReader over checkpoint files: the networks in them counted from their headers, and the notes beside."""

import hashlib
import math
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from illustrious_studio.adapters.reading import FileThreads, open_regular
from illustrious_studio.adapters.sdxl.headers import SIZES, BadFile, Header, read_header
from illustrious_studio.domain.checkpoints.values import CheckpointFacts, Part, PartName
from illustrious_studio.domain.encoding import to_thumbnail
from illustrious_studio.domain.errors import NotAnImage, NotFound
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import open_image

T = TypeVar("T")

PREFIXES: dict[str, PartName] = {
    "model.diffusion_model.": "UNet",
    "conditioner.embedders.0.": "Text encoder 1",
    "conditioner.embedders.1.": "Text encoder 2",
    "first_stage_model.": "VAE",
}
FOLDERS: dict[str, PartName] = {
    "unet": "UNet",
    "text_encoder": "Text encoder 1",
    "text_encoder_2": "Text encoder 2",
    "vae": "VAE",
}
ORDER: tuple[PartName, ...] = ("UNet", "Text encoder 1", "Text encoder 2", "VAE", "Other")
MARKERS = ("v_pred", "ztsnr", "edm_mean", "edm_vpred.sigma_max")
"""Tensors that say only what the UNet was trained for: NoobAI's, and those that ComfyUI knows beside them."""
AUTO_V1 = (0x100000, 0x10000)
"""Which bytes A1111's first model hash reads: from where, and how many (`sd_models.model_hash`)."""


THUMBNAIL = "modelspec.thumbnail"
"""A picture as a `data:` address."""


class DiskHeaders:
    """Keeps what it found: a header takes some ten milliseconds, and lists ask for all of them."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[str, CheckpointFacts]] = {}
        self._threads = FileThreads("headers")

    async def facts_of(self, checkpoint: Checkpoint) -> CheckpointFacts:
        stamp, facts = self._seen.get(checkpoint.path, ("", CheckpointFacts()))
        if not stamp or stamp != checkpoint.stamp:
            facts = await self._threads.run(lambda: _read(checkpoint, _facts))
            self._seen[checkpoint.path] = checkpoint.stamp, facts
        return facts

    async def thumbnail_of(self, checkpoint: Checkpoint) -> bytes:
        return await self._threads.run(lambda: _thumbnail(checkpoint))


def _facts(checkpoint: Checkpoint) -> CheckpointFacts:
    return _of_folder(checkpoint.path) if checkpoint.layout == "folder" else _of_file(checkpoint.path)


def _thumbnail(checkpoint: Checkpoint) -> bytes:
    address = _read(checkpoint, lambda one: _notes(one.path, one.layout)).get(THUMBNAIL, "")
    try:
        data = b64decode(address.partition("base64,")[2], validate=True)
    except ValueError as error:
        raise NotAnImage("The thumbnail in its header is damaged.") from error
    if not data:
        raise NotFound(f"The checkpoint {checkpoint.name!r} brings no thumbnail.")
    return to_thumbnail(open_image(data))


def _read(checkpoint: Checkpoint, reading: Callable[[Checkpoint], T]) -> T:
    try:
        return reading(checkpoint)
    except BadFile as error:
        raise NotFound(f"The checkpoint {checkpoint.name!r} cannot be read any more. {error}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotFound(f"The checkpoint {checkpoint.name!r} cannot be read any more: {reason}.") from error


def _of_file(path: Path) -> CheckpointFacts:
    header = read_header(path)
    named = ((name, _part(name)) for name in header.shapes if name not in MARKERS)
    return CheckpointFacts(
        parts=_counted((part, header, name) for name, part in named),
        markers=tuple(name for name in MARKERS if name in header.shapes),
        metadata=_without_thumbnail(header.metadata),
        thumbnail=THUMBNAIL in header.metadata,
        auto_v1=_auto_v1(path),
    )


def _of_folder(path: Path) -> CheckpointFacts:
    headers = [
        (part, read_header(file))
        for folder, part in FOLDERS.items()
        for file in sorted((path / folder).glob("*.safetensors"))
    ]
    return CheckpointFacts(
        parts=_counted((part, header, name) for part, header in headers for name in header.shapes),
        metadata=_without_thumbnail(headers[0][1].metadata if headers else {}),
    )


def _notes(path: Path, layout: str) -> Mapping[str, str]:
    return {} if layout == "folder" else read_header(path).metadata


def _without_thumbnail(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in metadata.items() if name != THUMBNAIL}


def _part(tensor: str) -> PartName:
    return next((part for prefix, part in PREFIXES.items() if tensor.startswith(prefix)), "Other")


def _counted(tensors: Iterable[tuple[PartName, Header, str]]) -> tuple[Part, ...]:
    number: Counter[PartName] = Counter()
    size: Counter[PartName] = Counter()
    formats: defaultdict[PartName, Counter[str]] = defaultdict(Counter)
    for part, header, name in tensors:
        parameters = math.prod(header.shapes[name])
        number[part] += 1
        formats[part][header.formats[name]] += parameters
        size[part] += parameters * SIZES[header.formats[name]]
    return tuple(
        Part(
            name=part,
            tensors=number[part],
            parameters=formats[part].total(),
            size_bytes=size[part],
            precision=dict(formats[part].most_common()),
        )
        for part in ORDER
        if part in number
    )


def _auto_v1(path: Path) -> str | None:
    start, length = AUTO_V1
    with open_regular(path) as file:
        file.seek(start)
        piece = file.read(length)
    return hashlib.sha256(piece).hexdigest()[:8] if piece else None
