"""What the engine and its worker process send each other: frames over the worker process's stdin and stdout.

A frame is two lengths, a JSON header and raw bytes (pixels, a preview, what to start from). The header holds what kind
of message it is and which call it belongs to, so that an answer nobody waits for any more is not taken for the one that
is awaited.
This module knows both directions and no more: it starts nothing and draws nothing.
"""

import asyncio
import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, get_args

from illustrious_studio.domain.controls import ControlFile, ControlUse, VisionEncoderFile
from illustrious_studio.domain.details import Detail, DetailBox, DetectorFile
from illustrious_studio.domain.errors import StudioError, error_from_code
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import LoraUse
from illustrious_studio.domain.models import Checkpoint, DeviceMemory, VaeFile
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import DetailPass, Pass, Regions, Rendered, RenderPlan, Start, Step
from illustrious_studio.domain.soft_inpainting import SoftInpainting
from illustrious_studio.domain.textual_inversion import EmbeddingFile
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan

LENGTHS = struct.Struct(">II")
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 30
"""Ten pictures that steer, each in the largest size, are half of that."""
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


def plans_frame(plans: Sequence[RenderPlan]) -> Frame:
    """Pictures that are drawn in one go."""
    pictures: list[Picture] = []
    fields: dict[str, Any] = {"plans": [_plan_fields(plan, pictures) for plan in plans]}
    fields["pictures"] = [(picture.width, picture.height) for picture in pictures]
    return Frame("render", fields=fields, payload=b"".join(picture.rgb for picture in pictures))


def plans_of(frame: Frame) -> list[RenderPlan]:
    pictures = _pictures_of(frame.fields["pictures"], frame.payload)
    return [_plan_of(fields, pictures) for fields in frame.fields["plans"]]


def _pictures_of(sizes: Iterable[tuple[int, int]], payload: bytes) -> list[Picture]:
    pictures: list[Picture] = []
    at = 0
    for width, height in sizes:
        end = at + 3 * width * height
        pictures.append(Picture(width, height, payload[at:end]))
        at = end
    return pictures


def _plan_fields(plan: RenderPlan, pictures: list[Picture]) -> dict[str, Any]:
    """A plan without its pictures, which are appended to `pictures` and numbered from there."""
    return {
        "request": plan.request.model_dump(mode="json"),
        "checkpoint": plan.checkpoint.model_dump(mode="json"),
        "vae": plan.vae and plan.vae.model_dump(mode="json"),
        "loras": [one.model_dump(mode="json") for one in plan.loras],
        "region_loras": [[one.model_dump(mode="json") for one in each] for each in plan.region_loras],
        "embeddings": [one.model_dump(mode="json") for one in plan.embeddings],
        "passes": [_pass_fields(one, pictures) for one in plan.passes],
        "controls": [_control_fields(one, pictures) for one in plan.controls],
        "region_masks": [one and _number(one, pictures) for one in plan.region_masks],
        "details": [_detail_fields(one, pictures) for one in plan.details],
        "picture": plan.picture and _number(plan.picture, pictures),
    }


def _plan_of(fields: dict[str, Any], pictures: list[Picture]) -> RenderPlan:
    return RenderPlan(
        ImageRequest.model_validate_json(json.dumps(fields["request"])),
        Checkpoint.model_validate_json(json.dumps(fields["checkpoint"])),
        tuple(_pass_of(one, pictures) for one in fields["passes"]),
        VaeFile.model_validate_json(json.dumps(fields["vae"])) if fields["vae"] else None,
        _loras_of(fields["loras"]),
        tuple(map(_loras_of, fields["region_loras"])),
        tuple(EmbeddingFile.model_validate_json(json.dumps(one)) for one in fields["embeddings"]),
        tuple(_control_of(one, pictures) for one in fields["controls"]),
        tuple(None if number is None else pictures[number] for number in fields["region_masks"]),
        tuple(_detail_of(one, pictures) for one in fields["details"]),
        None if fields["picture"] is None else pictures[fields["picture"]],
    )


def _loras_of(fields: list[dict[str, Any]]) -> tuple[LoraUse, ...]:
    return tuple(LoraUse.model_validate_json(json.dumps(one)) for one in fields)


def _detail_fields(one: DetailPass, pictures: list[Picture]) -> dict[str, Any]:
    where = one.regions
    return {
        "detail": one.detail.model_dump(mode="json"),
        "boxes": [box.model_dump(mode="json") for box in where.boxes],
        "mask": where.mask and _number(where.mask, pictures),
        "detector": where.detector and where.detector.model_dump(mode="json"),
        "drawn": _pass_fields(one.drawn, pictures),
    }


def _detail_of(fields: dict[str, Any], pictures: list[Picture]) -> DetailPass:
    detector = fields["detector"]
    regions = Regions(
        tuple(DetailBox.model_validate(box) for box in fields["boxes"]),
        None if fields["mask"] is None else pictures[fields["mask"]],
        DetectorFile.model_validate_json(json.dumps(detector)) if detector else None,
    )
    return DetailPass(
        Detail.model_validate_json(json.dumps(fields["detail"])), regions, _pass_of(fields["drawn"], pictures)
    )


def _pass_fields(one: Pass, pictures: list[Picture]) -> dict[str, Any]:
    """The same of a pass."""
    start: dict[str, Any] = {"from": type(one.start).__name__, "pictures": {}, "facts": {}}
    for name, value in vars(one.start).items():
        if isinstance(value, Picture):
            start["pictures"][name] = _number(value, pictures)
        elif isinstance(value, SoftInpainting):
            start["soft"] = vars(value)
        else:
            start["facts"][name] = value
    return {**vars(one), "start": start}


def _pass_of(fields: dict[str, Any], pictures: list[Picture]) -> Pass:
    start = fields["start"]
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in start["facts"].items()
    }
    facts |= {name: pictures[number] for name, number in start["pictures"].items()}
    facts |= {"soft": SoftInpainting(**start["soft"])} if "soft" in start else {}
    kind: Callable[..., Start] = STARTS[start["from"]]
    return Pass(**{**fields, "start": kind(**facts)})


def _control_fields(one: ControlUse, pictures: list[Picture]) -> dict[str, Any]:
    """The same of a control."""
    files = {"file": one.file.model_dump(mode="json"), "encoder": one.encoder and one.encoder.model_dump(mode="json")}
    return {**vars(one), **files, "picture": _number(one.picture, pictures)}


def _control_of(fields: dict[str, Any], pictures: list[Picture]) -> ControlUse:
    encoder = fields["encoder"]
    facts = {
        "file": ControlFile.model_validate_json(json.dumps(fields["file"])),
        "encoder": VisionEncoderFile.model_validate_json(json.dumps(encoder)) if encoder else None,
        "picture": pictures[fields["picture"]],
    }
    return ControlUse(**{**fields, **facts})


def _number(picture: Picture, pictures: list[Picture]) -> int:
    """Where it is among the pictures that are sent: once, however many plans have it."""
    for number, other in enumerate(pictures):
        if other == picture:
            return number
    pictures.append(picture)
    return len(pictures) - 1


def checkpoint_of(frame: Frame) -> Checkpoint:
    return Checkpoint.model_validate_json(json.dumps(frame.fields["checkpoint"]))


def step_frame(call: int, step: Step) -> Frame:
    previews = [step.preview or b"", *step.others]
    fields = {"step": step.step, "steps": step.steps, "previews": [len(preview) for preview in previews]}
    return Frame("step", call, fields, b"".join(previews))


def step_of(frame: Frame) -> Step:
    previews: list[bytes] = []
    at = 0
    for length in frame.fields["previews"]:
        previews.append(frame.payload[at : at + length])
        at += length
    return Step(frame.fields["step"], frame.fields["steps"], previews[0] or None, tuple(previews[1:]))


def failed_frame(call: int, error: StudioError) -> Frame:
    return Frame("failed", call, _failed(error))


def rendered_frame(results: Sequence[Rendered | StudioError]) -> Frame:
    """What became of each picture of a batch."""
    fields: list[dict[str, Any]] = []
    pixels: list[bytes] = []
    for one in results:
        if isinstance(one, StudioError):
            fields.append(_failed(one))
        else:
            answer = _answer("", one)
            fields.append(answer.fields | {"bytes": len(answer.payload)})
            pixels.append(answer.payload)
    return Frame("rendered", fields={"results": fields}, payload=b"".join(pixels))


def rendered_of(frame: Frame) -> list[Rendered | StudioError]:
    results: list[Rendered | StudioError] = []
    at = 0
    for fields in frame.fields["results"]:
        if "code" in fields:
            results.append(error_of(fields))
        else:
            end = at + fields.pop("bytes")
            results.append(Rendered(**_answered(Frame("", fields=fields, payload=frame.payload[at:end]))))
            at = end
    return results


def _failed(error: StudioError) -> dict[str, Any]:
    return {"code": error.code, "detail": error.detail}


def error_of(fields: dict[str, Any]) -> StudioError:
    """The error that a worker tells."""
    code, detail = fields["code"], fields["detail"]
    if code == "internal_error":
        detail = f"The drawing failed by a fault of the studio ({detail}). The log has the details; report it."
    return error_from_code(code, detail)


def _answer(kind: str, answer: Rendered | Upscaled) -> Frame:
    """Its pixels as bytes, everything else as fields."""
    pictures = {name: value for name, value in vars(answer).items() if isinstance(value, Picture)}
    facts = {name: value for name, value in vars(answer).items() if name not in pictures}
    sizes = {name: (picture.width, picture.height) for name, picture in pictures.items()}
    return Frame(kind, fields=facts | {"pictures": sizes}, payload=b"".join(one.rgb for one in pictures.values()))


def _answered(frame: Frame) -> dict[str, Any]:
    fields = dict(frame.fields)
    sizes = fields.pop("pictures")
    pictures = dict(zip(sizes, _pictures_of(sizes.values(), frame.payload), strict=True))
    return {**fields, **pictures, "attempts": tuple(fields["attempts"])}


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
