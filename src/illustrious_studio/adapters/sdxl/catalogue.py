"""The checkpoints on disk: found, checked and described from their headers and configs, without loading them.

Only what stands here can be loaded; a name from outside is looked up, never used as a path. Files of other formats
(.ckpt, .pt and the like can run code), damaged files and models that are not SDXL are left out, each with its reason.
"""

import logging
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from illustrious_studio.adapters.reading import FileThreads, read_regular
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.headers import BadFile, Header, json_object, read_header, refused, stamp_of
from illustrious_studio.adapters.sdxl.model_files import each_once, model_files, why_not_loaded
from illustrious_studio.domain.controls import ControlFile, VisionEncoderFile
from illustrious_studio.domain.details import DetectorFile
from illustrious_studio.domain.loras import LoraFile
from illustrious_studio.domain.models import Checkpoint, RefusedFile, VaeFile
from illustrious_studio.domain.textual_inversion import EmbeddingFile
from illustrious_studio.domain.upscaling import UpscalerFile

BUILTIN = Path(__file__).parents[2] / "data" / "mini"
MAX_JSON = 1 << 20
SHORT_HASH = 10
UNET_INPUT = "model.diffusion_model.input_blocks.0.0.weight"
SDXL_KEYS = (
    "conditioner.embedders.0.transformer.text_model.embeddings.position_embedding.weight",
    "conditioner.embedders.1.model.positional_embedding",
    "conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_proj.bias",
    "first_stage_model.decoder.conv_in.weight",
    "model.diffusion_model.label_emb.0.0.weight",
    UNET_INPUT,
)
DECLARED = "illustrious_studio"
FOLDER_CLASSES = {
    "text_encoder": ("transformers", "CLIPTextModel"),
    "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
    "tokenizer": ("transformers", "CLIPTokenizer"),
    "tokenizer_2": ("transformers", "CLIPTokenizer"),
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderKL"),
}

logger = logging.getLogger(__name__)


Checkpoints = list[Checkpoint]
RefusedFiles = list[RefusedFile]
Named = TypeVar(
    "Named",
    Checkpoint,
    VaeFile,
    LoraFile,
    EmbeddingFile,
    UpscalerFile,
    ControlFile,
    VisionEncoderFile,
    DetectorFile,
)


class Declared(BaseModel):
    """What a checkpoint says about itself; whatever is left out keeps its default.

    A folder says it in `studio.json`, a single file as the same JSON in its header's metadata, under `DECLARED`.
    """

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    native_width: int | None = None
    native_height: int | None = None
    sketch_strength: float | None = None
    steps: int | None = None
    guidance: float | None = None
    about: str | None = None
    vocabulary: str | None = None
    licence: str | None = None
    examples: tuple[str, ...] | None = None
    latent_rgb: tuple[tuple[float, float, float, float], ...] | None = None
    latent_rgb_bias: tuple[float, float, float] | None = None


class DiskCheckpoints:
    """A CheckpointCatalogue over files and folders the user named, and the folder of the built-in model."""

    def __init__(self, roots: Sequence[Path], builtin: Path | None = BUILTIN, hashes: FileHashes | None = None) -> None:
        self._roots = [root.expanduser().absolute() for root in roots]  # the worker has its own working folder
        self._builtin = builtin
        self._seen: dict[Path, tuple[str, Checkpoint | RefusedFile]] = {}
        self._hashes = hashes or FileHashes()
        self._threads = FileThreads("checkpoints")

    async def list(self) -> Checkpoints:
        found, _ = await self._threads.run(self._scan)
        return found

    async def refused(self) -> RefusedFiles:
        _, left_out = await self._threads.run(self._scan)
        return left_out

    async def hash_of(self, checkpoint: Checkpoint) -> str | None:
        if checkpoint.layout == "folder":
            return None
        digest = await self._hashes.of(checkpoint.path)
        return digest and digest[:SHORT_HASH]

    def _scan(self) -> tuple[Checkpoints, RefusedFiles]:
        found: Checkpoints = []
        left_out: RefusedFiles = []
        for path in each_once(path for root in self._roots for path in _candidates(root)):
            verdict = self._judged(path)
            if isinstance(verdict, Checkpoint):
                found.append(verdict)
            else:
                left_out.append(verdict)
        left_out += [RefusedFile(root, "There is nothing at this place.") for root in self._roots if not root.exists()]
        if self._builtin is not None:
            verdict = self._judged(self._builtin)
            if isinstance(verdict, Checkpoint):
                found.append(verdict.model_copy(update={"builtin": True}))
            else:
                left_out.append(verdict)
        return with_unique_names(found), left_out

    def _judged(self, path: Path) -> Checkpoint | RefusedFile:
        try:
            stamp = stamp_of(_files_of(path) if path.is_dir() else [path])
            if path in self._seen and self._seen[path][0] == stamp:
                return self._seen[path][1]
            found = _folder(path) if path.is_dir() else _single_file(path)
            verdict: Checkpoint | RefusedFile = found.model_copy(update={"stamp": stamp})
        except BadFile as error:
            verdict = refused(path, error)
        except OSError as error:
            return refused(path, error)
        if isinstance(verdict, RefusedFile):
            logger.warning("not offered as a checkpoint: %s: %s", path, verdict.reason)
        self._seen[path] = (stamp, verdict)
        return verdict


def _candidates(root: Path) -> list[Path]:
    """What may be a checkpoint there. A file `<name>.vae.<ending>` is for the VAE catalogue."""
    return [path for path in model_files(root) if path == root or not path.stem.lower().endswith(".vae")]


def _files_of(folder: Path) -> list[Path]:
    """All that a pipeline in diffusers' form is read from."""
    return sorted(path for path in (*folder.glob("*"), *folder.glob("*/*")) if path.is_file())


def _single_file(path: Path) -> Checkpoint:
    if reason := why_not_loaded(path):
        raise BadFile(reason)
    header = read_header(path)
    missing = [key for key in SDXL_KEYS if key not in header.shapes]
    if missing:
        raise BadFile(_what_instead(header))
    if len(shape := header.shapes[UNET_INPUT]) != 4 or shape[1] != 4:
        raise BadFile("It is an SDXL model for inpainting or editing, not for drawing from words.")
    v_prediction = "v_pred" in header.shapes or header.metadata.get("modelspec.prediction_type", "") in (
        "v",
        "v_prediction",
    )
    declared = header.metadata.get(DECLARED)
    facts = {"name": path.stem} | (
        _checked(json_object(declared, "note on itself"), "note on itself") if declared else {}
    )
    return Checkpoint(
        path=path,
        layout="single-file",
        prediction_type="v_prediction" if v_prediction else "epsilon",
        zero_terminal_snr="ztsnr" in header.shapes,
        size_bytes=path.stat().st_size,
        **facts,
    )


def _what_instead(header: Header) -> str:
    names = header.shapes.keys()
    if any("lora_" in name or ".lora" in name for name in names):
        return "It is a LoRA, not a whole checkpoint."
    if any(name.startswith("cond_stage_model.") for name in names):
        return "It is a Stable Diffusion 1 or 2 checkpoint; the studio draws with SDXL."
    if UNET_INPUT in names:
        return "It has an SDXL-like UNet but lacks a text encoder or the VAE. Fetch the full version."
    return "It is not an SDXL checkpoint."


def _folder(path: Path) -> Checkpoint:
    index = _json(path / "model_index.json")
    for part, expected in FOLDER_CLASSES.items():
        if tuple(index.get(part) or ()) != expected:
            raise BadFile(f"It is not a plain SDXL pipeline: its {part} is not a {expected[1]}.")
    scheduler = _json(path / "scheduler" / "scheduler_config.json")
    unet, vae = _json(path / "unet" / "config.json"), _json(path / "vae" / "config.json")
    size = 0
    for part in ("text_encoder", "text_encoder_2", "unet", "vae"):
        files = sorted((path / part).glob("*.safetensors"))
        if not files:
            raise BadFile(f"Its {part} has no .safetensors file. Other formats can run code and are not loaded.")
        for file in files:
            read_header(file)
            size += file.stat().st_size
    side = _number(unet, "sample_size", 128) * 2 ** (len(vae.get("block_out_channels", [0] * 4)) - 1)
    facts = {"native_width": side, "native_height": side, "name": path.name} | _declared(path)
    return Checkpoint(
        path=path,
        layout="folder",
        prediction_type="v_prediction" if scheduler.get("prediction_type") == "v_prediction" else "epsilon",
        zero_terminal_snr=scheduler.get("rescale_betas_zero_snr") is True,
        size_bytes=size,
        **facts,
    )


def _declared(path: Path) -> dict[str, Any]:
    file = path / "studio.json"
    return _checked(_json(file), file.name) if file.exists() else {}


def _checked(declared: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        return Declared.model_validate(declared).model_dump(exclude_none=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadFile(f"Its {where} is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def _number(config: dict[str, Any], name: str, default: int) -> int:
    value = config.get(name, default)
    return value if isinstance(value, int) else default


def _json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_JSON:
        raise BadFile(f"Its {path.name} is larger than any settings file. It is not loaded.")
    return json_object(read_regular(path), path.name)


def with_unique_names(files: list[Named], reserved: Set[str] = frozenset()) -> list[Named]:
    """The file's stem; where two share it, or it is reserved, the folder is added, and then a number."""
    taken = set(reserved)
    named: list[Named] = []
    for file in files:
        name = file.name
        if name in taken:
            name = f"{name} ({file.path.parent.name})"
        number, stem = 2, name
        while name in taken:
            name, number = f"{stem} {number}", number + 1
        taken.add(name)
        named.append(file if name == file.name else file.model_copy(update={"name": name}))
    return named
