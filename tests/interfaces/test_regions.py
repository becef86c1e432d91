"""Regions over the APIs: what a request's boxes, masks, BREAKs and layouts become, and what is refused."""

import io
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from illustrious_studio.cli.files import with_files
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.recorded import request_in_infotext
from illustrious_studio.domain.rendering import FromNoise
from running_api import Api, running_api
from studio_for_tests import with_own_checkpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = {"steps": 1, "width": 128, "height": 64, "seed": 5}
FOX = {"prompt": "a red fox", "x": 0.25, "y": 0.5, "w": 0.5, "h": 1.0}
TREE = {"prompt": "a tree", "x": 0.75, "y": 0.5, "w": 0.5, "h": 1.0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("builtin")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Draws with a checkpoint that starts from noise."""
    async with running_api(with_own_checkpoint(tmp_path_factory.mktemp("own"))) as running:
        yield running


def mask(*box: int) -> str:
    """Black, with white in the box, in base64."""
    image = Image.new("L", (128, 64))
    if box:
        image.paste(255, box)
    file = io.BytesIO()
    image.save(file, "png")
    return b64encode(file.getvalue()).decode()


async def drawn(api: Api, **body: Any) -> ImageRequest:
    """The settled request of a picture, as its record has it."""
    answer = await api.http.post("/generate-image", json={"prompt": "a forest", **SMALL, **body})
    assert answer.status_code == 200, answer.text
    text = json.dumps(answer.json()["metadata"]["request"])
    return ImageRequest.model_validate_json(text)


def boxes(request: ImageRequest) -> list[tuple[Any, ...]]:
    return [(one.prompt, one.x, one.y, one.w, one.h) for one in request.regions]


async def refusal(api: Api, **body: Any) -> str:
    queued = len(await api.studio.jobs.recent(100))
    answer = await api.http.post("/generate-image", json={"prompt": "a forest", **SMALL, **body})
    assert answer.status_code == 422, answer.text
    assert len(await api.studio.jobs.recent(100)) == queued
    return str(answer.json()["detail"])


async def test_they_are_drawn_recorded_and_read_back_from_the_pictures_text(api: Api) -> None:
    request = await drawn(api, regions=[FOX, TREE | {"strength": 0.5, "feather": 0}], region_base=0.35)
    assert boxes(request) == [("a red fox", 0.25, 0.5, 0.5, 1.0), ("a tree", 0.75, 0.5, 0.5, 1.0)]
    assert api.engine.plans[-1].request.regions == request.regions
    item = (await api.studio.gallery.page()).items[0]
    read, unusable = request_in_infotext(write_infotext(item.metadata))
    assert (read.regions, read.region_base, unusable) == (request.regions, 0.35, {})
    again = await api.http.post("/generate-image", json=json.loads(request.model_dump_json(exclude_unset=True)))
    assert again.json()["metadata"]["request"] == json.loads(request.model_dump_json(exclude_unset=True))


async def test_a_mask_comes_with_the_request_and_is_found_again_by_its_hash(api: Api) -> None:
    request = await drawn(api, regions=[{"prompt": "a fox", "mask": mask(64, 0, 128, 64)}])
    (seen,) = api.engine.plans[-1].region_masks
    assert seen is not None
    assert (seen.width, seen.height, seen.rgb[0], seen.rgb[-1]) == (128, 64, 0, 255)
    again = await drawn(api, regions=[json.loads(request.regions[0].model_dump_json())])
    assert again.regions == request.regions


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"regions": [FOX, TREE, FOX | {"x": 0.9}]}, "regions.2.w: reaches out of the picture"),
        ({"regions": [FOX, {"prompt": "a tree", "y": 0.1}]}, "regions.1.h: reaches out of the picture"),
        ({"regions": [FOX | {"w": 0}]}, "regions.0.w: must be more than 0"),
        ({"regions": [FOX | {"w": 0.03}]}, "regions.0.w: 0.03 of 128 pixels is less than the 8"),
        ({"regions": [FOX | {"prompt": " "}]}, "regions.0.prompt: must not be empty"),
        ({"regions": [FOX] * 13}, "regions: must have at most 12 entries"),
        ({"regions": [FOX, TREE | {"prompt": "frobnication"}]}, "regions.1.prompt: There is no drawing"),
        ({"regions": [FOX | {"prompt": "a fox <lora:kohya:1>"}]}, "There is no LoRA 'kohya'."),
        ({"prompt": "a BREAK <lora:kohya:1>", "region_split": "rows"}, "region 1 of the prompt has no words"),
        ({"regions": [FOX | {"prompt": "a <hypernet:x:1>"}]}, "regions.0.prompt has <hypernet:x:1>"),
        ({"regions": [FOX | {"mask": mask()}]}, "regions.0.mask: has no white"),
        ({"regions": [FOX | {"mask": mask(80, 0, 128, 64)}]}, "regions.0.mask: has no white in the region's box"),
        ({"regions": [FOX], "region_split": "rows"}, "region_split: cannot be used with regions"),
        ({"region_ratios": [1, 2]}, "region_ratios: needs region_split"),
        ({"region_split": "rows"}, "region_split: the prompt has no BREAK"),
        ({"prompt": "a BREAK b BREAK", "region_split": "rows"}, "region 2 of the prompt has no words"),
        ({"prompt": "a" + " BREAK a cat" * 13, "region_split": "rows"}, "has 13 regions. Use at most 12"),
        ({"prompt": "a BREAK b", "region_split": "rows", "region_ratios": [1, 2]}, "region_ratios: must be as many"),
        ({"regions": [FOX], "image": mask(), "mask": mask(0, 0, 9, 9), "mask_area": "masked"}, "mask_area: cannot be"),
        ({"prompt": "15 cats and 9 dogs", "layout_as": "regions"}, "12 regions are the most"),
        ({"prompt": "the sea", "layout_as": "regions"}, "layout_as: nothing that could be laid out"),
        ({"image": mask(), "layout_as": "both"}, "layout_as: cannot be both with an image"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused_before_anything_is_queued(
    api: Api, body: dict[str, Any], says: str
) -> None:
    assert says in await refusal(api, **body)


async def test_an_empty_mask_is_none_that_was_sent(api: Api) -> None:
    answer = await api.http.post(
        "/generate-image", json={"prompt": "a forest", **SMALL, "regions": [FOX, TREE | {"mask": ""}]}
    )
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("regions.1.mask is empty. Leave it out, or send")


async def test_a_prompt_split_at_break_becomes_columns_or_rows(api: Api) -> None:
    prompt = "a forest, <lora:no:1> BREAK a fox BREAK a tree"
    words = {"prompt": prompt.replace("<lora:no:1> ", ""), "region_split": "columns", "region_ratios": [1, 3]}
    request = await drawn(api, **words)
    assert (request.prompt, request.region_split, request.region_ratios) == ("a forest,", None, ())
    assert boxes(request) == [("a fox", 0.125, 0.5, 0.25, 1.0), ("a tree", 0.625, 0.5, 0.75, 1.0)]
    rows = await drawn(api, **words | {"region_split": "rows", "region_ratios": []})
    assert boxes(rows) == [("a fox", 0.5, 0.25, 1.0, 0.5), ("a tree", 0.5, 0.75, 1.0, 0.5)]
    item = (await api.studio.gallery.page()).items[0]
    assert item.metadata.origin.words == words["prompt"]


async def test_choices_in_a_regions_words_are_settled(api: Api) -> None:
    request = await drawn(api, regions=[FOX | {"prompt": "a {red|blue} fox"}])
    assert request.regions[0].prompt in ("a red fox", "a blue fox")


async def test_a_layout_becomes_regions_and_drawing_starts_from_noise(own: Api) -> None:
    request = await drawn(own, prompt="a fluffy black cat and a big red barn in the snow", layout_as="regions")
    assert [one.prompt for one in request.regions] == ["fluffy black cat", "big red barn"]
    assert (request.layout, request.layout_as, own.engine.plans[-1].passes[0].start) == (None, "sketch", FromNoise())
    given = {"things": [{"what": "cat", "x": 0.3, "y": 0.6, "w": 0.4, "h": 0.5}]}
    hand = await drawn(own, prompt="a fluffy cat", layout_as="regions", layout=given)
    assert boxes(hand) == [("fluffy cat", 0.3, 0.6, 0.4, 0.5)]
    over = await drawn(own, prompt="a fluffy cat", layout_as="regions", layout=given, image=mask())
    assert boxes(over) == boxes(hand)


async def test_a_layout_can_be_regions_and_a_sketch(own: Api) -> None:
    request = await drawn(own, prompt="1girl, red hair, blue dress, in front of a castle", layout_as="both")
    assert [one.prompt for one in request.regions] == ["castle", "1girl, red hair, blue dress"]
    assert request.layout is not None
    assert [(one.x, one.w) for one in request.regions] == [(one.x, one.w) for one in request.layout.things]
    assert own.engine.plans[-1].passes[0].start != FromNoise()
    item = (await own.studio.gallery.page()).items[0]
    other = item.metadata.request_with({"prompt": "a dog and a tree"})
    changed = await drawn(own, **json.loads(other.model_dump_json(exclude_unset=True)))
    assert {one.prompt for one in changed.regions} == {"dog", "tree"}


async def test_the_built_in_model_keeps_its_sketch_beside_the_regions(api: Api) -> None:
    request = await drawn(api, prompt="a black cat and a red house", layout_as="regions")
    assert (len(request.regions), request.layout_as, request.layout is not None) == (2, "both", True)


RP = [
    True,
    False,
    "Matrix",
    "Vertical",
    "Mask",
    "Prompt",
    "1,3",
    "",
    False,
    False,
    False,
    "Attention",
    False,
    "0",
    "0",
    "0",
    "",
]
"""As its own documentation sends it."""


def scripts(name: str, args: list[Any]) -> dict[str, Any]:
    return {"alwayson_scripts": {name: {"args": args}}, "steps": 1, "width": 64, "height": 64}


def rp(**changes: Any) -> dict[str, Any]:
    at = {"matrix": 3, "ratios": 6, "base_ratio": 7, "base": 8, "common": 9, "mode": 2, "flip": 19}
    args = [*RP, "0", "0", False]
    for name, value in changes.items():
        args[at[name]] = value
    return scripts("Regional Prompter", args)


@pytest.mark.parametrize(
    ("prompt", "fields", "base", "regions"),
    [
        ("a fox BREAK a tree", rp(), ("a fox, a tree", 0.0),
         [("a fox", 0.5, 0.125, 1, 0.25), ("a tree", 0.5, 0.625, 1, 0.75)]),
        ("a wood BREAK a fox BREAK a tree", rp(matrix="Columns", base=True, base_ratio="0.3"), ("a wood", 0.3),
         [("a fox", 0.125, 0.5, 0.25, 1), ("a tree", 0.625, 0.5, 0.75, 1)]),
        ("best quality BREAK a fox AND a tree", rp(ratios="1,1", common=True), ("best quality, a fox, a tree", 0.0),
         [("best quality, a fox", 0.5, 0.25, 1, 0.5), ("best quality, a tree", 0.5, 0.75, 1, 0.5)]),
        ("two ADDCOMM a wood ADDBASE a fox BREAK a tree", rp(ratios="1,1"), ("two, a wood", 0.2),
         [("two, a fox", 0.5, 0.25, 1, 0.5), ("two, a tree", 0.5, 0.75, 1, 0.5)]),
        ("a fox\na tree", scripts("Forge Couple", [True, False, "Basic", "", "Horizontal", "None", 0.5]),
         ("a fox, a tree", 0.0), [("a fox", 0.25, 0.5, 0.5, 1), ("a tree", 0.75, 0.5, 0.5, 1)]),
        ("a wood\na fox\na tree", scripts("forge_couple", [True, "Basic", "", "Vertical", "First Line", 1.0]),
         ("a wood", 0.5), [("a fox", 0.5, 0.25, 1, 0.5), ("a tree", 0.5, 0.75, 1, 0.5)]),
        ("a fox\na tree", scripts("Forge Couple", [True, False, "Advanced", "", "Horizontal", "None", 0.5,
         [[0, 0.5, 0, 1, 1.0], [0.5, 1, 0, 0.5, 0.5]]]),
         ("a fox, a tree", 0.0), [("a fox", 0.25, 0.5, 0.5, 1), ("a tree", 0.75, 0.25, 0.5, 0.5)]),
    ],
)  # fmt: skip
async def test_a1111s_extensions_send_theirs(
    api: Api, prompt: str, fields: dict[str, Any], base: tuple[str, float], regions: list[tuple[Any, ...]]
) -> None:
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": prompt, **fields})
    assert answer.status_code == 200, answer.text
    request = api.engine.plans[-1].request
    assert (request.prompt, request.region_base) == base
    assert boxes(request) == regions
    assert {one.feather for one in request.regions} == {0}


async def test_a_mask_of_forge_couples_is_a_regions(api: Api) -> None:
    mapping = [{"mask": mask(0, 0, 64, 64), "weight": 1.0}, {"mask": mask(64, 0, 128, 64), "weight": 0.5}]
    fields = scripts("Forge Couple", [True, False, "Mask", "", "Horizontal", "None", 0.5, mapping])
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a fox\na tree", **fields})
    assert answer.status_code == 200, answer.text
    assert [one.strength for one in api.engine.plans[-1].request.regions] == [1.0, 0.5]
    assert len([one for one in api.engine.plans[-1].region_masks if one]) == 2


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (rp(mode="Mask"), "Regional Prompter: the mode"),
        (rp(matrix="Random"), "Regional Prompter: the submode"),
        (rp(ratios="1,1;2,1"), "Regional Prompter: the ratios"),
        (rp(ratios="1,x"), "ratios must be numbers"),
        (rp(ratios="1,1,1"), "region_ratios: must be as many"),
        (rp(base=True, base_ratio="0.2,0.3"), "base ratio must be one number"),
        (rp(flip=True), "Regional Prompter: flip"),
        (rp() | {"negative_prompt": "bad BREAK worse"}, "negative_prompt: regions share one"),
        (scripts("Forge Couple", [True, False, "Basic", "", "Diagonal"]), "Forge Couple: the direction"),
        (scripts("Forge Couple", [True, False, "Advanced", "", "Horizontal", "None", 0, [[0]]]), "mapping must"),
        (scripts("Forge Couple", [True, False, "Basic", "BREAK", "Rows", "None", 0, None, "{ }"]), "common prompts"),
    ],
)  # fmt: skip
async def test_what_of_theirs_is_not_done_is_refused_by_name(api: Api, fields: dict[str, Any], says: str) -> None:
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a fox BREAK a tree", **fields})
    assert answer.status_code == 422
    assert says in answer.text


async def test_the_command_line_takes_a_mask_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "left.png"
    file.write_bytes(b64decode(mask(0, 0, 9, 9)))
    given = [FOX | {"mask": str(file)}, TREE | {"mask": "a" * 64}, FOX, "no region"]
    assert with_files(given, "mask") == [FOX | {"mask": mask(0, 0, 9, 9)}, *given[1:]]
    with pytest.raises(InvalidRequest, match="cannot be read"):
        with_files([FOX | {"mask": str(tmp_path / "gone.png")}], "mask")
