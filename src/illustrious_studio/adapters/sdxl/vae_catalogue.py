"""The VAE files on disk: found beside the checkpoints, and checked by their headers without loading them.

They lie in a folder `vae` (or `VAE`) beside a folder of checkpoints, or as `<name>.vae.safetensors` among those. A name
from outside is looked up here, never used as a path. A VAE of Stable Diffusion 1 has SDXL's shapes and only another
scale of its latents, which no tensor tells: it is known where the file's metadata name the architecture, which few do.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.adapters.sdxl.catalogue import SHORT_HASH, UNET_INPUT, with_unique_names
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.headers import BadFile, judged, read_header, stamp_of
from illustrious_studio.adapters.sdxl.model_files import ENDINGS, files_beside, found_at, model_files, why_not_loaded
from illustrious_studio.domain.models import AUTOMATIC_VAE, RefusedFile, VaeFile

PREFIX = "first_stage_model."
"""What the names of a VAE's weights begin with in a checkpoint, and in VAE files that were cut out of one."""
LATENT_CHANNELS = 4
OTHER_SCALES = ("stable-diffusion-v1", "stable-diffusion-v2")
"""What the architectures begin with whose VAEs have SDXL's shapes, and another scale (0.18215, SDXL's is 0.13025)."""
MARK = ".vae"

VaeFiles = list[VaeFile]
RefusedFiles = list[RefusedFile]


class DiskVaes:
    """A VaeCatalogue over what lies beside these checkpoint files and folders."""

    def __init__(self, checkpoints: Sequence[Path], hashes: FileHashes | None = None) -> None:
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._hashes = hashes or FileHashes()
        self._threads = FileThreads("vaes")

    async def list(self) -> VaeFiles:
        return (await self._threads.run(self._scan))[0]

    async def refused(self) -> RefusedFiles:
        return (await self._threads.run(self._scan))[1]

    async def hash_of(self, file: VaeFile) -> str | None:
        digest = await self._hashes.of(file.path)
        return digest and digest[:SHORT_HASH]

    def _scan(self) -> tuple[VaeFiles, RefusedFiles]:
        paths, unseen = found_at(self._checkpoints, _beside, "VAEs")
        found, left_out = judged(paths, _vae_file)
        return with_unique_names(found, reserved={AUTOMATIC_VAE}), unseen + left_out


def _beside(place: Path) -> Iterator[Path]:
    """VAE files, also those of a kind that is not loaded, in the order of their names."""
    if place.is_file():
        mark = place.stem.lower() + MARK
        yield from (path for path in sorted(place.parent.iterdir()) if _is_marked(path) and path.stem.lower() == mark)
        return
    if place.is_dir():
        yield from (path for path in sorted(model_files(place)) if _is_marked(path))
    yield from files_beside(place, ("vae",))


def _is_marked(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and path.stem.lower().endswith(MARK)


def _vae_file(path: Path) -> VaeFile:
    if reason := why_not_loaded(path):
        raise BadFile(reason)
    stamp = stamp_of([path])
    header = read_header(path)
    shapes = {name.removeprefix(PREFIX): shape for name, shape in header.shapes.items()}
    if UNET_INPUT in shapes:
        raise BadFile("It is a whole checkpoint, not a VAE. Put it among the checkpoints.")
    if "decoder.conv_in.weight" not in shapes or "encoder.conv_in.weight" not in shapes:
        raise BadFile("It is no VAE that SDXL can use: it lacks the first layer of an encoder or of a decoder.")
    shape = shapes["decoder.conv_in.weight"]
    if len(shape) != 4 or shape[1] != LATENT_CHANNELS:
        channels = shape[1] if len(shape) > 1 else 0
        raise BadFile(f"It is the VAE of another kind of model: it has {channels} latent channels, SDXL has 4.")
    architecture = header.metadata.get("modelspec.architecture", "")
    if architecture.startswith(OTHER_SCALES):
        raise BadFile(f"It is the VAE of another kind of model, as it says itself: {architecture}.")
    name = path.stem[: -len(MARK)] if _is_marked(path) else path.stem
    return VaeFile(name=name, path=path, size_bytes=path.stat().st_size, stamp=stamp)
