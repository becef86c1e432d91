"""What the engine and its worker process send each other: frames over the worker process's stdin and stdout.

A frame is two lengths, a JSON header and raw bytes (pixels, a preview, what to start from). The header holds what kind
of message it is and which call it belongs to, so that an answer nobody waits for any more is not taken for the one that
is awaited.
This module knows both directions and no more: it starts nothing and draws nothing.
"""

import asyncio
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, get_args

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import LoraUse
from illustrious_studio.domain.models import Checkpoint, DeviceMemory, VaeFile
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import Pass, Rendered, RenderPlan, Start
from illustrious_studio.domain.textual_inversion import EmbeddingFile
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan

LENGTHS = struct.Struct(">II")
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 28
STARTS: dict[str, type[Start]] = {kind.__name__: kind for kind in get_args(Start)}


@dataclass(frozen=True)
class Frame:
    """One message. `call` is 0 for what the worker sends unasked."""

    kind: str
    call: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    payload: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        header = json.dumps({"kind": self.kind, "call": self.call, **self.fields}).encode()
        return LENGTHS.pack(len(header), len(self.payload)) + header + self.payload


def _decoded(header: bytes, payload: bytes) -> Frame:
    fields = json.loads(header)
    return Frame(fields.pop("kind"), fields.pop("call"), fields, payload)


def _lengths(prefix: bytes) -> tuple[int, int]:
    header, payload = LENGTHS.unpack(prefix)
    if header > MAX_HEADER or payload > MAX_PAYLOAD:
        raise ValueError(f"a frame of {header} + {payload} bytes is no frame of ours")
    return header, payload


async def read_frame(stream: asyncio.StreamReader) -> Frame | None:
    """The next frame; None when the other side has closed."""
    try:
        header, payload = _lengths(await stream.readexactly(LENGTHS.size))
        return _decoded(await stream.readexactly(header), await stream.readexactly(payload))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def read_frame_blocking(stream: BinaryIO) -> Frame | None:
    """The same for the worker, on a plain binary file."""
    prefix = stream.read(LENGTHS.size)
    if len(prefix) < LENGTHS.size:
        return None
    header, payload = _lengths(prefix)
    parts = stream.read(header), stream.read(payload)
    return _decoded(*parts) if (len(parts[0]), len(parts[1])) == (header, payload) else None


def plan_frame(plan: RenderPlan) -> Frame:
    pictures: list[Picture] = []
    fields: dict[str, Any] = {
        "request": plan.request.model_dump(mode="json"),
        "checkpoint": plan.checkpoint.model_dump(mode="json"),
        "vae": plan.vae and plan.vae.model_dump(mode="json"),
        "loras": [one.model_dump(mode="json") for one in plan.loras],
        "embeddings": [one.model_dump(mode="json") for one in plan.embeddings],
        "passes": [_pass_fields(one, pictures) for one in plan.passes],
    }
    fields["pictures"] = [(picture.width, picture.height) for picture in pictures]
    return Frame("render", fields=fields, payload=b"".join(picture.rgb for picture in pictures))


def plan_of(frame: Frame) -> RenderPlan:
    pictures: list[Picture] = []
    at = 0
    for width, height in frame.fields["pictures"]:
        end = at + 3 * width * height
        pictures.append(Picture(width, height, frame.payload[at:end]))
        at = end
    return RenderPlan(
        ImageRequest.model_validate_json(json.dumps(frame.fields["request"])),
        checkpoint_of(frame),
        tuple(_pass_of(fields, pictures) for fields in frame.fields["passes"]),
        VaeFile.model_validate_json(json.dumps(frame.fields["vae"])) if frame.fields["vae"] else None,
        tuple(LoraUse.model_validate_json(json.dumps(one)) for one in frame.fields["loras"]),
        tuple(EmbeddingFile.model_validate_json(json.dumps(one)) for one in frame.fields["embeddings"]),
    )


def _pass_fields(one: Pass, pictures: list[Picture]) -> dict[str, Any]:
    """A pass without its pictures, which are appended to `pictures` and numbered from there."""
    start: dict[str, Any] = {"from": type(one.start).__name__, "pictures": {}, "facts": {}}
    for name, value in vars(one.start).items():
        if isinstance(value, Picture):
            start["pictures"][name] = len(pictures)
            pictures.append(value)
        else:
            start["facts"][name] = value
    return {**vars(one), "start": start}


def _pass_of(fields: dict[str, Any], pictures: list[Picture]) -> Pass:
    start = fields["start"]
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in start["facts"].items()
    }
    facts |= {name: pictures[number] for name, number in start["pictures"].items()}
    kind: Callable[..., Start] = STARTS[start["from"]]
    return Pass(**{**fields, "start": kind(**facts)})


def checkpoint_of(frame: Frame) -> Checkpoint:
    return Checkpoint.model_validate_json(json.dumps(frame.fields["checkpoint"]))


def rendered_frame(rendered: Rendered) -> Frame:
    return _answer("rendered", rendered)


def rendered_of(frame: Frame) -> Rendered:
    return Rendered(**_answered(frame))


def _answer(kind: str, answer: Rendered | Upscaled) -> Frame:
    """Its pixels as bytes, everything else as fields."""
    facts = {name: value for name, value in vars(answer).items() if name != "picture"}
    size = {"width": answer.picture.width, "height": answer.picture.height}
    return Frame(kind, fields=facts | size, payload=answer.picture.rgb)


def _answered(frame: Frame) -> dict[str, Any]:
    fields = dict(frame.fields)
    picture = Picture(fields.pop("width"), fields.pop("height"), frame.payload)
    return {**fields, "picture": picture, "attempts": tuple(fields["attempts"])}


def upscale_frame(plan: UpscalePlan) -> Frame:
    fields: dict[str, Any] = {
        "picture": (plan.picture.width, plan.picture.height),
        "network": str(plan.network),
        "width": plan.width,
        "height": plan.height,
        "tile": plan.tile,
        "overlap": plan.overlap,
    }
    return Frame("upscale", fields=fields, payload=plan.picture.rgb)


def upscale_plan_of(frame: Frame) -> UpscalePlan:
    fields = dict(frame.fields)
    width, height = fields.pop("picture")
    picture = Picture(width, height, frame.payload)
    return UpscalePlan(picture, Path(fields.pop("network")), **fields)


def upscaled_frame(upscaled: Upscaled) -> Frame:
    return _answer("upscaled", upscaled)


def upscaled_of(frame: Frame) -> Upscaled:
    return Upscaled(**_answered(frame))


def memory_of(fields: dict[str, Any] | None) -> DeviceMemory | None:
    return DeviceMemory(**fields) if fields else None
