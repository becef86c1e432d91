"""Layouts over the API: asking for one, its sketch, starting from it, and what is refused before it is queued."""

import asyncio
import io
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops

from fakes import FakeChat, start_picture
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.pictures import open_picture
from running_api import Api, running_api

FOX = {"what": "fox", "x": 0.25, "y": 0.75, "w": 0.3, "h": 0.3}
TREE = {"what": "tree", "x": 0.65, "y": 0.5, "w": 0.6, "h": 0.8, "colour": "red"}
REQUEST = {"prompt": "a fox under a tree in the snow at night", "steps": 2, "seed": 7, "width": 128, "height": 96}


async def drawn(api: Api, **body: object) -> dict[str, Any]:
    answer = await api.http.post("/generate-image", json=REQUEST | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_picture_starts_from_the_layout_that_was_sent(api: Api) -> None:
    body = await drawn(api, layout=[TREE, FOX])
    layout = body["metadata"]["layout"]
    assert [{key: thing[key] for key in ("what", "x", "y", "w", "h")} for thing in layout["things"]] == [
        {key: thing[key] for key in ("what", "x", "y", "w", "h")} for thing in (TREE, FOX)
    ]
    assert (layout["background"], layout["time"], layout["by"]) == ("snow", "night", "hand")
    sketch = start_picture(api.engine.plans[-1]).picture
    assert sketch is not None
    painted = await api.http.post("/layout/sketch", json={"layout": layout, "seed": 7, "width": 128, "height": 96})
    assert painted.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(painted.content)) as image:
        assert ImageChops.difference(image, sketch.image()).getbbox() is None


async def test_a_layout_is_painted_as_it_was_shown_whatever_seed_starts_from_it(api: Api) -> None:
    shown = (await api.http.post("/layout", json={"prompt": REQUEST["prompt"], "seed": 5})).json()["layout"]
    kept, bare = shown, {name: value for name, value in shown.items() if name != "seed"}
    first, second = [], []
    for seed in (5, 6):
        for layout, sketches in ((kept, first), (bare, second)):
            await drawn(api, layout=layout, seed=seed)
            sketches.append(start_picture(api.engine.plans[-1]).picture)
    assert first[0] == first[1] == second[0] != second[1]


async def test_a_whole_layout_says_its_background_itself(api: Api) -> None:
    whole = {"things": [FOX], "background": "beach", "time": "sunset", "style": "cartoon"}
    layout = (await drawn(api, layout=whole))["metadata"]["layout"]
    assert (layout["background"], layout["time"], layout["style"], layout["by"]) == (
        "beach",
        "sunset",
        "cartoon",
        "hand",
    )


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ([FOX | {"what": "elefant"}], "Nearest: elephant"),
        ([FOX | {"what": "qzx"}], "GET /layout/objects"),
        ([FOX, FOX | {"x": 0.9}], "Thing 2 (fox) reaches out of the picture"),
        ([FOX | {"y": 0.05}], "reaches out of the picture"),
        ([FOX | {"colour": "mauve"}], "There is no colour"),
        ({"things": [FOX], "background": "atlantis"}, "There is no background"),
        ([FOX] * 25, "layout.things: must have at most 24 entries"),
        ([FOX | {"x": 1.5}], "x: must be at most 1"),
        ([FOX | {"w": 0}], "w: must be more than 0"),
        ([FOX | {"z": 0}], "z: is not known here"),
        ([7], "must be a JSON object"),
        ("fox", "layout: must be a JSON object"),
        ({"things": {"0": FOX}}, "things: must be a list"),
    ],
)
async def test_a_layout_that_cannot_be_painted_is_refused_before_anything_is_queued(
    api: Api, layout: object, words: str
) -> None:
    for path in ("/generate-image", "/jobs"):
        answer = await api.http.post(path, json=REQUEST | {"layout": layout})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert words in answer.json()["detail"]
    assert (await api.http.post("/layout/sketch", json={"layout": layout})).status_code == 422
    jobs = (await api.http.get("/jobs")).json()
    assert (jobs["active"], jobs["recent"], api.engine.plans) == ([], [], [])


@pytest.mark.parametrize(
    "asked",
    [{"layout": [TREE, FOX]}, {"layout_from_words": True}, {"layout": {"things": [], "background": "forest"}}],
    ids=["by hand", "from words", "only a background"],
)
async def test_the_metadata_and_the_png_alone_make_the_same_picture_again(api: Api, asked: dict[str, object]) -> None:
    body = await drawn(api, **asked, sketch_strength=0.85)
    png = b64decode(body["image_base64"])
    text = open_picture(png).text
    request = ImageMetadata.from_json(text["illustrious"]).request
    recorded = recorded_settings({"parameters": text["parameters"]})
    assert recorded is not None
    assert recorded.request == request
    again = (await api.http.post("/generate-image", json=request.model_dump(mode="json"))).json()
    assert again["metadata"]["layout"] == body["metadata"]["layout"]
    first, second = api.engine.plans
    assert first.passes == second.passes
    assert first.passes[0].strength == 0.85
    assert start_picture(first).mask is None


async def test_the_strength_is_what_was_asked_or_what_the_checkpoint_declares(api: Api) -> None:
    declared = api.studio.models.checkpoint().sketch_strength
    assert (await drawn(api))["metadata"]["strength"] == declared
    assert (await drawn(api, sketch_strength=0.9))["metadata"]["strength"] == 0.9
    for wrong in (0.04, 1.01, "0.5"):
        assert (await api.http.post("/generate-image", json=REQUEST | {"sketch_strength": wrong})).status_code == 422


async def test_words_are_laid_out_with_the_same_layout_for_the_same_seed(api: Api) -> None:
    body = {"prompt": "a cat and a dog in a forest", "seed": 1}
    answers = [(await api.http.post("/layout", json=body | {"seed": seed})).json() for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]
    assert {thing["what"] for thing in answers[0]["layout"]["things"]} == {"cat", "dog"}
    assert (answers[0]["by"], answers[0]["model"], answers[0]["unknown"]) == ("words", "", [])
    taken = await drawn(api, prompt="anything", layout=answers[0]["layout"])
    assert taken["metadata"]["layout"] == answers[0]["layout"]


async def test_unknown_words_are_named_with_the_nearest_and_a_model_that_babbles_is_told(api: Api) -> None:
    body = (await api.http.post("/layout", json={"prompt": "a catt beside a blorp"})).json()
    assert body["by"] == "words"
    assert "without the language model" in body["note"]
    near = {one["word"]: one["nearest"] for one in body["unknown"]}
    assert "cat" in near["catt"]
    assert set(near) == {"catt", "blorp"}
    by_model = await api.http.post("/layout", json={"prompt": "a catt", "by": "model"})
    assert (by_model.status_code, by_model.json()["code"]) == (502, "upstream_failed")
    assert (await api.http.post("/layout", json={"prompt": "a catt", "by": "magic"})).status_code == 422


async def test_a_model_that_cannot_says_so(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(backend="embedded")) as api:
        answer = await api.http.post("/layout", json={"prompt": "a catt", "by": "model"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert (await api.http.post("/layout", json={"prompt": "a catt"})).json()["note"] == ""


async def test_a_model_writes_the_layout_of_a_picture_before_it_is_queued(tmp_path: Path) -> None:
    said = json.dumps({"things": [FOX | {"what": "sailboat", "colour": ""}], "background": "sea", "time": "sunset"})
    async with running_api(tmp_path, chat=FakeChat([said])) as api:
        api.engine.go_on.clear()
        job = (await api.http.post("/jobs", json=REQUEST | {"prompt": "a catamaran"})).json()
        layout = job["request"]["layout"]
        assert (layout["by"], layout["background"], layout["time"]) == ("model", "sea", "sunset")
        assert [thing["what"] for thing in layout["things"]] == ["sailboat"]
        api.chat.scripts = [["I forgot."]]
        api.engine.go_on.set()
        item = await api.studio.jobs.wait(job["id"])
        assert item.metadata.request.layout == Layout.model_validate(layout)
        assert len(api.chat.asked) == 1


async def test_what_can_be_painted_is_listed(api: Api) -> None:
    body = (await api.http.get("/layout/objects")).json()
    names = [one["name"] for one in body["objects"]]
    assert len(names) == len(set(names)) == 559
    assert "meadow" in body["backgrounds"]
    assert "light blue" in body["colours"]
    cat = next(one for one in body["objects"] if one["name"] == "cat")
    assert cat["kind"] == "animal"
    assert cat["aspect"] > 0


async def test_asking_for_a_layout_can_be_left(tmp_path: Path) -> None:
    chat = FakeChat(["{", "}"])
    chat.go_on.clear()
    async with running_api(tmp_path, chat=chat) as api:
        asking = asyncio.create_task(api.http.post("/layout", json={"prompt": "a catt"}))
        await chat.speaking.wait()
        asking.cancel()
        with pytest.raises((asyncio.CancelledError, httpx.HTTPError)):
            await asking
        await asyncio.wait_for(chat.closed.wait(), 30)


async def test_words_that_are_not_drawn_stand_in_the_layout_and_unknown_words_alone_are_refused(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(backend="embedded")) as api:
        laid = (await api.http.post("/layout", json={"prompt": "1girl, silver hair, masterpiece"})).json()["layout"]
        assert (laid["unknown"], laid["unused"]) == ([], ["masterpiece"])
        assert (laid["things"][0]["what"], laid["things"][0]["figure"]["hair"]) == ("girl", "silver")
        for path, body in (
            ("/generate-image", {}), ("/jobs", {}), ("/sdapi/v1/txt2img", {}), ("/v1/images/generations", {}),
        ):  # fmt: skip
            refused = await api.http.post(path, json={"prompt": "blorp, xqzv", "steps": 2} | body)
            assert refused.status_code in (400, 422), path
            assert "There is no drawing for any of this: blorp, xqzv." in refused.text
        said = (await api.http.get("/openapi.json")).json()["paths"]
        documented = [
            path
            for path, operations in said.items()
            for operation in operations.values()
            if "nothing_known" in operation["responses"].get("422", {}).get("description", "")
        ]
        assert sorted(documented) == ["/chat", "/generate-image", "/grids", "/jobs"]
        drawn = {"prompt": "blorp", "steps": 2}
        bodies = {
            "/chat": {"message": "#generate blorp"},
            "/grids": drawn | {"x": {"setting": "steps", "values": "1, 2"}},
        }
        for path in documented:
            words = bodies.get(path, drawn)
            answer = await api.http.post(path, json=words)
            assert (answer.status_code, answer.json()["code"]) == (422, "nothing_known")
        tags = (await api.http.post("/prompts/enhance", json={"prompt": "a cat sleeping on a red sofa"})).json()
        assert (tags["prompt"], tags["changed"], tags["model"]) == ("cat, sleeping, red couch", True, "")


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        ({"who": "alien"}, "layout.things.0.figure.who: must be one of 'girl' or 'boy'"),
        ({"hair": "plaid"}, "layout.things.0.figure.hair: must be one of 'black', 'brown'"),
        ({"tentacles": 8}, "layout.things.0.figure.tentacles: is not known here"),
    ],
)
async def test_what_is_wrong_with_a_figure_is_named(api: Api, figure: dict[str, object], sentence: str) -> None:
    layout = [{"what": "girl", "x": 0.5, "y": 0.5, "w": 0.4, "h": 0.8, "figure": figure}]
    answer = await api.http.post("/layout/sketch", json={"layout": layout})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert answer.text.count("must be one of") <= 1
