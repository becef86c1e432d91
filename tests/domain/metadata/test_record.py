"""Records of every version are read, and nothing in them is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.record import ImageMetadata
from samples import metadata

VERSION_1 = Path(__file__).parents[2] / "data_of_version_1" / "gallery"
OLD = {json.loads(path.read_bytes())["metadata"]["prompt"]: path for path in VERSION_1.glob("*.json")}


def old(prompt: str, **changes: object) -> tuple[dict[str, Any], ImageMetadata]:
    record = json.loads(OLD[prompt].read_bytes())["metadata"] | changes
    return record, ImageMetadata.from_json(json.dumps(record))


def test_what_is_written_is_read_back() -> None:
    for made in (metadata(), metadata("", guidance=1.0), metadata(image="a" * 64, strength=0.3)):
        assert ImageMetadata.from_json(made.model_dump_json()) == made


def test_a_record_says_its_version_and_holds_the_request_once() -> None:
    written = json.loads(metadata("a cat").model_dump_json())
    assert written["version"] == 2
    assert written["request"]["prompt"] == "a cat"
    assert "prompt" not in written


def test_a_record_of_version_1_makes_the_same_picture() -> None:
    record, made = old("a red apple on a table")
    request = made.request
    for name in ("prompt", "negative_prompt", "steps", "guidance", "seed", "width", "height", "sampler", "clip_skip"):
        assert getattr(request, name) == record[name]
    assert request.sketch_strength == record["strength"]
    assert request.strength is None
    assert request.layout is not None
    assert request.layout == Layout.model_validate(record["layout"])
    assert made.unusable == {}


@pytest.mark.parametrize(
    ("sampler", "then", "now"),
    [
        ("Euler", "Automatic", "Leading"),
        ("DDIM", "Automatic", "Leading"),
        ("LCM", "Automatic", "Automatic"),
        ("DPM++ 2M", "Karras", "Karras"),
    ],
)
def test_automatic_of_version_1_keeps_its_meaning(sampler: str, then: str, now: str) -> None:
    _, made = old("a house", sampler=sampler, schedule=then)
    assert (made.request.sampler, made.request.schedule) == (sampler, now)


def test_the_facts_of_a_record_of_version_1_stay() -> None:
    record, made = old("a red apple on a table")
    kept = json.loads(made.model_dump_json())
    for name in ("width", "height", "checkpoint", "checkpoint_hash", "device", "dtype", "vae_dtype", "versions"):
        assert kept[name] == record[name]
    for name in ("seconds", "attempts", "created_at", "origin"):
        assert kept[name] == record[name]


def test_image_to_image_and_inpainting_of_version_1() -> None:
    record, made = old("a house")
    assert (made.request.image, made.request.strength, made.request.fit) == (record["image"], 0.5, "stretch")
    assert made.request.clip_skip == 3
    record, made = old("a cat")
    request = made.request
    assert (request.mask, request.mask_area, request.mask_content) == (record["mask"], "masked", "fill")
    assert (request.mask_padding, request.mask_blur) == (8, 2)
    assert (request.width, request.height) == (record["drawn_width"], record["drawn_height"])
    assert (made.width, made.height) == (record["width"], record["height"])


def test_what_no_request_can_hold_is_kept_as_it_stood() -> None:
    _, made = old("a house", sampler="Restartish", steps=200)
    assert made.unusable == {"sampler": "Restartish", "steps": "200"}
    assert made.request.prompt == "a house"
    assert ImageMetadata.from_json(made.model_dump_json()) == made


def test_a_picture_read_back_from_its_png_by_version_1_makes_nothing_up() -> None:
    unknown = {"steps": 0, "guidance": 0.0, "seed": 0, "sampler": "", "schedule": "", "prediction_type": ""}
    _, made = old("a house", device="", dtype="", vae_dtype="", image=None, strength=None, fit=None, **unknown)
    assert not {"steps", "guidance", "seed", "sampler", "schedule"} & made.request.model_fields_set
    assert made.unusable == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 3}', '{"request": {}}', "nothing", '"a"', "[" * 100_000])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ImageMetadata.from_json(text)
    with pytest.raises(ValueError):
        GalleryItem.from_json(text)


def test_what_is_not_said_stays_unsaid() -> None:
    made = metadata().model_copy(update={"request": ImageRequest(prompt="a cat", steps=9)})
    again = ImageMetadata.from_json(made.model_dump_json())
    assert again.request.model_fields_set == {"prompt", "steps"}
