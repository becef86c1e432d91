"""The models on disk that steer a drawing, and the vision encoders of IP-Adapters, judged by their headers alone.

They lie in folders beside the checkpoints, as A1111 and ComfyUI have them there, each as one file: in diffusers' names
(as its repositories hold it, where the folder has the name), or in those of Stability's and lllyasviel's code. What
a file was made for is told by its tensors. A name from outside is looked up here, never used as a path.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.adapters.sdxl.catalogue import SHORT_HASH, with_unique_names
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.headers import BadFile, judged, read_header, stamp_of
from illustrious_studio.adapters.sdxl.lora_catalogue import BUILTIN_WIDTH, OTHER_WIDTHS, SDXL_WIDTH
from illustrious_studio.adapters.sdxl.model_files import files_beside, found_at, why_not_loaded
from illustrious_studio.domain.controls import UNION_TYPES, ControlFile, VisionEncoderFile
from illustrious_studio.domain.models import RefusedFile

FOLDERS = ("controlnet", "controlnets", "control", "t2iadapter", "t2i_adapter", "ipadapter", "ip_adapter", "ip-adapter")
ENCODER_FOLDERS = ("clip_vision", "clip_visions", "image_encoder")
"""ComfyUI's, and what h94's repository of IP-Adapters calls it; all in small letters."""
NAMELESS = ("diffusion_pytorch_model", "model", "pytorch_model")
"""What diffusers and transformers call every file of a repository: its folder has the name."""
ORIGINAL = "control_model."
"""What the names of a ControlNet's weights begin with in lllyasviel's code."""
HINT = "controlnet_cond_embedding.conv_in.weight"
ORIGINAL_HINT = "input_hint_block.0.weight"
UNION = "task_embedding"
T2I_FORMS = ("body.0.block1.weight", "adapter.body.0.resnets.0.block1.weight")
"""TencentARC's names and diffusers'."""
T2I_INPUTS = {1 * 16**2, 3 * 16**2}
"""What an SDXL adapter's first layer takes: grey or colours of 16 x 16 pixels (of Stable Diffusion 1: 8 x 8)."""
SDXL_FIRST = 320
"""Channels of SDXL's first blocks."""
CLASS_TOKEN = "vision_model.embeddings.class_embedding"
PROJECTION = "visual_projection.weight"

Shapes = Mapping[str, tuple[int, ...]]
ControlFiles = list[ControlFile]
Encoders = list[VisionEncoderFile]
RefusedFiles = list[RefusedFile]
File = TypeVar("File", ControlFile, VisionEncoderFile)


class DiskControls:
    """A ControlCatalogue over what lies beside these folders of checkpoints."""

    def __init__(self, checkpoints: Sequence[Path], hashes: FileHashes | None = None) -> None:
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._hashes = hashes or FileHashes()
        self._threads = FileThreads("controls")

    async def list(self) -> ControlFiles:
        return (await self._threads.run(lambda: _scan(self._checkpoints, FOLDERS, _control)))[0]

    async def refused(self) -> RefusedFiles:
        return (await self._threads.run(lambda: _scan(self._checkpoints, FOLDERS, _control)))[1]

    async def encoders(self) -> Encoders:
        return (await self._threads.run(lambda: _scan(self._checkpoints, ENCODER_FOLDERS, _encoder)))[0]

    async def hash_of(self, file: ControlFile) -> str | None:
        digest = await self._hashes.of(file.path)
        return digest and digest[:SHORT_HASH]


def _scan(
    checkpoints: Sequence[Path], folders: Sequence[str], judge: Callable[[Path], File]
) -> tuple[list[File], RefusedFiles]:
    paths, unseen = found_at(checkpoints, lambda place: files_beside(place, folders), "control models")
    found, left_out = judged(paths, judge)
    return with_unique_names(found), unseen + left_out


def _name(path: Path) -> str:
    stem, _, variant = path.stem.partition(".")
    if stem.lower() not in NAMELESS:
        return path.stem
    return f"{path.parent.name} {variant}".strip()


def _header(path: Path) -> Shapes:
    if reason := why_not_loaded(path):
        raise BadFile(reason)
    return read_header(path).shapes


def _control(path: Path) -> ControlFile:
    shapes = _header(path)
    own = {name.removeprefix(ORIGINAL): shape for name, shape in shapes.items()}
    if any(name.startswith("lllite_") for name in shapes):
        raise BadFile("It is a ControlNet-LLLite, which is not done here.")
    if any(name.startswith("lora_controlnet") or name.endswith(".down") for name in shapes):
        raise BadFile("It is a Control-LoRA, which is not done here. Fetch the whole ControlNet.")
    if HINT in shapes or ORIGINAL_HINT in own:
        return _controlnet(path, own)
    if any(form in shapes for form in T2I_FORMS):
        return _t2i_adapter(path, shapes)
    if any(name.startswith("image_proj.") for name in shapes) and any(
        name.startswith("ip_adapter.") for name in shapes
    ):
        return _ip_adapter(path, shapes)
    raise BadFile("It is no ControlNet, T2I-Adapter or IP-Adapter for SDXL.")


def _controlnet(path: Path, own: Shapes) -> ControlFile:
    if "add_embedding.linear_1.weight" not in own and "label_emb.0.0.weight" not in own:
        raise BadFile("It is a ControlNet for Stable Diffusion 1 or 2; the studio draws with SDXL.")
    union = own.get(UNION)
    widths = {shape[1] for name, shape in own.items() if name.endswith("attn2.to_k.weight") and len(shape) == 2}
    return _file(
        path,
        kind="controlnet" if union is None else "controlnet-union",
        base=_base(widths or {SDXL_WIDTH}, "ControlNet"),
        union_types=() if union is None else UNION_TYPES[: union[0]],
    )


def _t2i_adapter(path: Path, shapes: Shapes) -> ControlFile:
    first = shapes.get("conv_in.weight") or shapes.get("adapter.conv_in.weight") or ()
    if len(first) != 4 or first[1] not in T2I_INPUTS:
        raise BadFile("It is a T2I-Adapter for Stable Diffusion 1; the studio draws with SDXL.")
    return _file(path, kind="t2i-adapter", base="SDXL" if first[0] == SDXL_FIRST else "")


def _ip_adapter(path: Path, shapes: Shapes) -> ControlFile:
    names = {
        name.removeprefix("image_proj."): shape for name, shape in shapes.items() if name.startswith("image_proj.")
    }
    known = {"proj.weight", "proj.3.weight", "latents"} & names.keys()
    if not known or any("to_q_lora" in name for name in shapes) or "perceiver_resampler.proj_in.weight" in names:
        raise BadFile("It is an IP-Adapter FaceID, which needs InsightFace to read faces; that is not done here.")
    widths = {shape[1] for name, shape in shapes.items() if name.endswith("to_k_ip.weight") and len(shape) == 2}
    if "proj.3.weight" in names:
        width, whole = names.get("proj.0.weight", ()), True
    elif "proj.weight" in names:
        width, whole = names["proj.weight"], False
    else:
        width, whole = names.get("proj_in.weight", ()), True
    if len(width) != 2 or not widths:
        raise BadFile("It is no whole IP-Adapter.")
    return _file(
        path, kind="ip-adapter", base=_base(widths, "IP-Adapter"), encoder_width=width[1], whole_sequence=whole
    )


def _base(widths: set[int], what: str) -> str:
    """By how wide the text is that its layers read."""
    if widths == {SDXL_WIDTH}:
        return "SDXL"
    for width, other in OTHER_WIDTHS.items():
        if width in widths:
            raise BadFile(f"It is a{'n' if what[0] == 'I' else ''} {what} for {other}; the studio draws with SDXL.")
    if widths == {BUILTIN_WIDTH}:
        return ""
    raise BadFile(f"It is a{'n' if what[0] == 'I' else ''} {what} for another model than SDXL.")


def _file(path: Path, **facts: object) -> ControlFile:
    return ControlFile.model_validate(
        {"name": _name(path), "path": path, "size_bytes": path.stat().st_size, "stamp": stamp_of([path]), **facts}
    )


def _encoder(path: Path) -> VisionEncoderFile:
    shapes = _header(path)
    hidden, projection = shapes.get(CLASS_TOKEN, ()), shapes.get(PROJECTION, ())
    if len(hidden) != 1 or len(projection) != 2:
        raise BadFile("It is no CLIP vision encoder in transformers' form.")
    return VisionEncoderFile(
        name=_name(path),
        path=path,
        hidden_size=hidden[0],
        projection_size=projection[0],
        size_bytes=path.stat().st_size,
        stamp=stamp_of([path]),
    )
