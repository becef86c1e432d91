"""What is kept of a picture: the request that made it, settled, and what drawing it found out.

The record has a version, and older ones stay readable for ever: `upgraded` is the one place that knows them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, PlainSerializer, SerializationInfo, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.models import PredictionType
from illustrious_studio.domain.sampling import AUTOMATIC
from illustrious_studio.domain.setting import given
from illustrious_studio.domain.upscaling import UpscaleRecord
from illustrious_studio.domain.values import Text, Value


def _said(request: ImageRequest, info: SerializationInfo) -> dict[str, Any]:
    return request.model_dump(mode=info.mode, include=request.model_fields_set)


class _OrLess:
    """In JSON schemas it is a request all the same."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(ImageRequest.__pydantic_core_schema__)


RecordedRequest = Annotated[ImageRequest, PlainSerializer(_said), _OrLess()]
"""A request that is written without what it does not say: a default says nothing, and may be another one later."""


class ImageMetadata(Value):
    """Everything needed to make a picture again. Kept in the `.json` beside it and, as text, inside the PNG."""

    version: Literal[2] = 2
    request: RecordedRequest = Field(
        description="The settled request, which makes the picture again. Of a picture whose record was lost it holds "
        "only what the file still says."
    )
    width: int
    """The picture's own. The request's size is that of the drawing, which may be only a part of the picture."""
    height: int
    checkpoint: str
    checkpoint_hash: str | None = None
    vae_hash: str | None = Field(
        None,
        exclude_if=lambda digest: digest is None,
        description="First 10 hex digits of the SHA-256 of the VAE file that the request names (A1111's).",
    )
    lora_hashes: Annotated[dict[str, str], Field(exclude_if=lambda hashes: not hashes)] = Field(
        default_factory=dict, description="First 12 hex digits of each LoRA's SHA-256, by its name (A1111's)."
    )
    embedding_hashes: Annotated[dict[str, str], Field(exclude_if=lambda hashes: not hashes)] = Field(
        default_factory=dict, description="The same of each embedding."
    )
    control_hashes: Annotated[dict[str, str], Field(exclude_if=lambda hashes: not hashes)] = Field(
        default_factory=dict, description="First 10 hex digits of the SHA-256 of each model that steered, by its name."
    )
    prediction_type: PredictionType | None = Field(
        None,
        description="What the checkpoint's UNet was taken to predict. It is the checkpoint's, not the request's: "
        "with another checkpoint the same request means that one's.",
    )
    zero_terminal_snr: bool | None = Field(None, description="Whether drawing began at pure noise.")
    device: str
    dtype: str
    vae_dtype: str
    versions: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    attempts: tuple[str, ...] = ()
    batch_size: int = Field(
        1,
        exclude_if=lambda size: size == 1,
        description="How many pictures were drawn in one go; alone it comes out the same but for the last digits.",
    )
    placement: Text = Field(
        "",
        exclude_if=lambda said: not said,
        description="Where the model's parts lay while it was drawn on a card: full, text encoders offloaded, model "
        "offload, group offload. It changes the time, not the picture.",
    )
    created_at: datetime
    origin: Origin = Origin()
    upscale: UpscaleRecord | None = Field(
        None,
        exclude_if=lambda record: record is None,
        description="How it became larger than it was drawn. All else is that of the drawing.",
    )
    unusable: dict[str, Text] = Field(
        default_factory=dict, description="Settings of the record that no request can hold, as they stood there."
    )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.width, self.height

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """A record of any version. Raises ValueError (pydantic's ValidationError is one)."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            if (older := upgraded(json_value(text))) is None:
                raise
        return cls.model_validate_json(json.dumps(older))

    def request_with(self, changes: Mapping[str, object]) -> ImageRequest:
        """The request but for these fields. Raises pydantic's ValidationError where they are beyond its limits, and
        InvalidRequest where the record holds what no request can, and nothing is given in its place.

        Other words get another layout, unless a hand has placed what is in it.
        """
        if missing := [f"{name}: {value}" for name, value in self.unusable.items() if name not in changes]:
            raise InvalidRequest(
                f"This picture cannot be drawn again as it is: its record says {', '.join(missing)}, which the studio "
                "cannot do. Say what to use instead; on the page, Reuse settings leaves it out."
            )
        recorded: dict[str, object] = given(self.request)
        if changes.get("image") is not None:
            recorded |= {"layout": None, "layout_as": "sketch", "sketch_strength": None}
        elif "prompt" in changes and self.request.layout is not None and self.request.layout.by != "hand":
            recorded |= {"layout": None, "layout_from_words": True}
            if self.request.layout_as == "both":
                recorded["regions"] = ()
        outpaint = changes.get("outpaint", self.request.outpaint)
        if outpaint is not None and {"image", "outpaint"} & changes.keys():
            recorded |= {"width": None, "height": None}  # which follow from what is added to what
        return ImageRequest.model_validate({**recorded, **changes})


def json_value(text: str | bytes) -> Any:
    """What the JSON says; None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def request_within_limits(values: Mapping[str, object]) -> tuple[ImageRequest, tuple[str, ...]]:
    """The request that these values make, without those that it refuses, and the names of these."""
    values = {"prompt": "", **values}
    refused: list[str] = []
    while True:
        try:
            return ImageRequest.model_validate(values), tuple(refused)
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]} or {"width", "height"}
        if wrong & {"width", "height"}:
            wrong |= {"width", "height"}
        if "prompt" in wrong:
            refused.append("prompt")
            values = {**values, "prompt": ""}
            wrong.discard("prompt")
        refused += [name for name in ImageRequest.model_fields if name in wrong & values.keys()]
        values = {name: value for name, value in values.items() if name not in wrong}


def upgraded(record: object) -> dict[str, Any] | None:
    """An older record, read from JSON, as one of this version; None for one that is none of an older version."""
    if not isinstance(record, dict) or "version" in record or "request" in record:
        return None
    return _from_version_1(record)


def _from_version_1(record: dict[str, Any]) -> dict[str, Any]:
    """Version 1 held the fields of the request beside the facts, without saying its version."""
    facts = {name: value for name, value in record.items() if name in ImageMetadata.model_fields}
    facts["prediction_type"] = record.get("prediction_type") or None
    asked = {name: value for name, value in record.items() if name in ImageRequest.model_fields}
    asked.pop("prediction_type", None)  # which nobody could ask for then
    asked |= {"width": record.get("drawn_width") or record.get("width")}
    asked |= {"height": record.get("drawn_height") or record.get("height")}
    if record.get("image") is None:
        strength = asked.pop("strength", None)
        asked["sketch_strength"] = strength if record.get("layout") else None
    if asked.get("schedule") == AUTOMATIC and asked.get("sampler") != "LCM":
        asked["schedule"] = "Leading"  # which was what the checkpoint's own spacing did, and what Automatic meant then
    if not record.get("device"):  # read back from a PNG that had lost its record: 0 and "" stood for what is not known
        asked = {name: value or None for name, value in asked.items()}
    request, refused = request_within_limits({name: value for name, value in asked.items() if value is not None})
    return facts | {
        "request": request.model_dump(mode="json", include=request.model_fields_set),
        "unusable": {name: str(asked[name]) for name in refused},
    }
