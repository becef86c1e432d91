"""The LoRA files on disk: found in their folders, and judged by their headers without loading them.

What a file was made for is told by its tensors first (the width of the text that its layers read), by its notes else:
many have none. The notes beside it are those of A1111 (`<name>.json`, `<name>.preview.png`) and of its extension
Civitai Helper (`<name>.civitai.info`); one that cannot be read is as none. What was found is kept over restarts: five
hundred files have headers of some hundred kilobytes each.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from illustrious_studio.adapters.reading import FileThreads, read_regular
from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, UNET_INPUT, with_unique_names
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.headers import BadFile, Header, read_header, refused, stamp_of
from illustrious_studio.adapters.sdxl.model_files import each_once, files_beside, found_at, model_files, why_not_loaded
from illustrious_studio.domain.encoding import to_thumbnail
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.loras import STRONGEST, LoraFile
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.pictures import open_image
from illustrious_studio.domain.values import Value, printable

FOLDERS = ("loras", "lora", "lycoris")
"""Beside the checkpoints, in whichever letters."""
MAX_HEADER = 16 << 20
"""kohya writes how often each tag was trained into it."""
MAX_NOTES = 4 << 20
MAX_PREVIEW = 32 << 20
MOST_TEXT = 4_000
SHORT_HASH = 12
PREVIEWS = tuple(f"{mark}{ending}" for mark in (".preview", "") for ending in (".png", ".webp", ".jpg", ".jpeg"))
NOTES = (".civitai.info", ".json")
SDXL_WIDTH = 2048
BUILTIN_WIDTH = json.loads((BUILTIN / "unet" / "config.json").read_bytes())["cross_attention_dim"]
OTHER_WIDTHS = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 1280: "Stable Cascade or Kandinsky"}
_KEYS = re.compile(
    r"\.(?:lora_(?:up|down|mid|[AB])(?:\.\w+)?|lora\.(?:up|down)|lora_linear_layer\.(?:up|down)|\w*_lora\.(?:up|down)"
    r"|hada_[wt]\w+|lokr_[wt]\w+|diff(?:_b)?|w_norm|b_norm)(?:\.weight)?$"
)
_NOT_DONE = re.compile(r"\.(oft_\w+|boft_\w+|on_input|a1\.weight|b1\.weight|\w*glora\w*)$")
_READS_TEXT = re.compile(r"attn2[._](?:processor[._])?to_[kv](?:_lora)?\.(.+)$")
_OTHER_KINDS = re.compile(
    r"^(?:lora_unet_(?:double|single)_blocks|lora_unet_joint_blocks|(?:lora_)?transformer[._]|diffusion_model\.(?:double|"
    r"single|joint)_blocks|lora_te3|lora_prior|lora_unet_final_layer)"
)

logger = logging.getLogger(__name__)


class _Judged(Value):
    """A file as it was found: what it is, or why it is not offered."""

    stamp: str
    file: LoraFile | None = None
    reason: str = ""


_Kept = TypeAdapter(dict[str, _Judged])
LoraFiles = list[LoraFile]


class DiskLoras:
    """A LoraCatalogue over what lies in these folders and in those beside the checkpoints."""

    def __init__(
        self, folder: Path, checkpoints: Sequence[Path], hashes: FileHashes, *, facts_file: Path | None = None
    ) -> None:
        self._folder = folder
        self._checkpoints = [place.expanduser().absolute() for place in checkpoints]
        self._hashes = hashes
        self._facts_file = facts_file
        self._judged: dict[str, _Judged] | None = None
        self._threads = FileThreads("loras")

    async def list(self) -> LoraFiles:
        return (await self._threads.run(self._scan))[0]

    async def refused(self) -> Sequence[RefusedFile]:
        return (await self._threads.run(self._scan))[1]

    async def hash_of(self, file: LoraFile) -> str | None:
        digest = await self._hashes.of(file.path, without_header=True)
        return digest and digest[:SHORT_HASH]

    async def preview(self, file: LoraFile) -> bytes:
        return await self._threads.run(lambda: to_thumbnail(open_image(_read(file))))

    def _scan(self) -> tuple[LoraFiles, Sequence[RefusedFile]]:
        found: LoraFiles = []
        paths, left_out = found_at(self._checkpoints, lambda place: files_beside(place, FOLDERS), "LoRAs")
        before = _kept(self._facts_file) if self._judged is None else self._judged
        now: dict[str, _Judged] = {}
        for path in each_once([*sorted(model_files(self._folder)), *paths]):
            try:
                stamp = stamp_of([path, *_beside(path)])
                known = before.get(str(path))
                judged = known if known is not None and known.stamp == stamp else _judge(path, stamp)
            except OSError as error:
                left_out.append(refused(path, error))
                continue
            now[str(path)] = judged
            if judged.file is not None:
                found.append(judged.file)
            else:
                left_out.append(RefusedFile(path, judged.reason))
        if now != before:
            self._keep(now)
        self._judged = now
        return with_unique_names(found), left_out

    def _keep(self, judged: Mapping[str, _Judged]) -> None:
        if self._facts_file is None:
            return
        aside = self._facts_file.with_suffix(".part")
        try:
            self._facts_file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(_Kept.dump_json(dict(judged)))
            aside.replace(self._facts_file)
        except (OSError, ValueError) as error:
            logger.warning("facts of LoRAs not kept for the next start: %s (%s)", self._facts_file, error)


def _read(file: LoraFile) -> bytes:
    """Its preview's file. Raises NotFound."""
    try:
        if file.preview is not None and file.preview.stat().st_size <= MAX_PREVIEW:
            return read_regular(file.preview)
    except OSError:
        pass
    raise NotFound(f"The preview of the LoRA {file.name!r} cannot be read.")


def _kept(file: Path | None) -> dict[str, _Judged]:
    try:
        return _Kept.validate_json(file.read_bytes()) if file is not None else {}
    except (OSError, ValueError):
        return {}


def _beside(path: Path) -> list[Path]:
    """Its notes and its preview, as far as they are there; of several previews the first."""
    notes = [one for ending in NOTES if (one := path.with_name(path.stem + ending)).is_file()]
    previews = (one for ending in PREVIEWS if (one := path.with_name(path.stem + ending)).is_file())
    return notes + [one for one in (next(previews, None),) if one is not None]


def _judge(path: Path, stamp: str) -> _Judged:
    """Raises OSError."""
    try:
        if reason := why_not_loaded(path):
            raise BadFile(reason)
        header = read_header(path, MAX_HEADER)
        base = _base(header)
        if any(mark in path.stem for mark in "<>:\n"):
            raise BadFile("A prompt cannot name it: its name has < or > or : in it. Give it another name.")
        return _Judged(stamp=stamp, file=_described(path, header, base).model_copy(update={"stamp": stamp}))
    except BadFile as error:
        return _Judged(stamp=stamp, reason=str(error))


def _base(header: Header) -> Literal["SDXL", "built-in", ""]:
    """What it was made for. Raises BadFile where that is nothing that is drawn with here."""
    names = header.shapes.keys()
    if UNET_INPUT in names:
        raise BadFile("It is a whole checkpoint, not a LoRA. Put it among the checkpoints.")
    if any(_OTHER_KINDS.search(name) for name in names):
        raise _other("Flux, Stable Diffusion 3 or another kind of model")
    if unknown := next((found[1] for name in names if (found := _NOT_DONE.search(name))), None):
        raise BadFile(f"It is of a kind that is not done here (it has {unknown}). LoRA, LoHa, LoKr and DoRA are.")
    if not any(_KEYS.search(name) for name in names):
        raise BadFile("It is no LoRA: none of its tensors changes a model's weights.")
    widths = {width for name, shape in header.shapes.items() if (width := _text_width(name, header)) is not None}
    if SDXL_WIDTH in widths:
        return "SDXL"
    if BUILTIN_WIDTH in widths:
        return "built-in"
    if widths:
        raise _other(OTHER_WIDTHS.get(min(widths), f"a model that reads text of width {min(widths)}"))
    said = (
        header.metadata.get("ss_base_model_version", "") + " " + header.metadata.get("modelspec.architecture", "")
    ).lower()
    if "sd_v1" in said or "stable-diffusion-v1" in said or any(name.startswith("lora_te_") for name in names):
        raise _other("Stable Diffusion 1")
    if "sd_v2" in said or "stable-diffusion-v2" in said:
        raise _other("Stable Diffusion 2")
    if "flux" in said:
        raise _other("Flux")
    return "SDXL" if "xl" in said or any(name.startswith("lora_te2_") for name in names) else ""


def _other(what: str) -> BadFile:
    return BadFile(f"It was made for {what}; the studio draws with SDXL.")


def _text_width(name: str, header: Header) -> int | None:
    """How wide the text is that a layer reads which this tensor changes; None for one that reads none."""
    if (found := _READS_TEXT.search(name)) is None:
        return None
    part, shape = found[1], header.shapes[name]
    if part in ("lora_down.weight", "lora_A.weight", "lora_A.default.weight", "lora.down.weight", "down.weight"):
        return shape[1] if len(shape) > 1 else None
    if part in ("hada_w1_b", "diff") and len(shape) > 1:
        return shape[1]
    if part in ("lokr_w1", "lokr_w1_b") and len(shape) > 1:
        stem = name.removesuffix(part)
        second = header.shapes.get(f"{stem}lokr_w2") or header.shapes.get(f"{stem}lokr_w2_b") or ()
        return shape[1] * second[1] if len(second) > 1 else None
    return None


def _described(path: Path, header: Header, base: Literal["SDXL", "built-in", ""]) -> LoraFile:
    civitai, own = (_notes(path.with_name(path.stem + ending)) for ending in NOTES)
    metadata = header.metadata
    words = [
        *_words(own.get("activation text")),
        *[word for one in _texts(civitai.get("trainedWords")) for word in _words(one)],
        *_words(metadata.get("modelspec.trigger_phrase")),
    ]
    weight = own.get("preferred weight")
    usable = isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 < abs(weight) <= STRONGEST
    bases = (own.get("sd version"), civitai.get("baseModel"), metadata.get("ss_sd_model_name"))
    abouts = (own.get("description"), civitai.get("description"), metadata.get("modelspec.description"))
    return LoraFile(
        name=printable(path.stem),
        path=path,
        alias=_text(metadata.get("ss_output_name")),
        base=base,
        base_name=next((text for text in map(_text, bases) if text and text != "Unknown"), ""),
        trigger_words=tuple(dict.fromkeys(words)),
        weight=float(weight) if usable and isinstance(weight, (int, float)) else None,
        description=next((text for text in map(_text, abouts) if text), ""),
        preview=next((one for one in _beside(path) if not one.name.endswith(NOTES)), None),
        size_bytes=path.stat().st_size,
    )


def _notes(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_NOTES:
            return {}
        found = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    """Without the markup that Civitai's descriptions have."""
    if not isinstance(value, str):
        return ""
    return printable(" ".join(re.sub(r"<[^<>]*>", " ", value.replace("\0", " ")).split())[:MOST_TEXT])


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _words(value: object) -> list[str]:
    return [word.strip() for word in _text(value).split(",") if word.strip()]
