"""LoRAs and embeddings by every way in: named in prompts, listed, recorded, and drawn again."""

import io
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.recorded import request_in_infotext
from illustrious_studio.domain.rendering import RenderPlan
from running_api import Api, running_api
from scripts_of_the_project import script
from tiny_models import put

TINY = script("tiny_loras")
pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = {"width": 64, "height": 64, "steps": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder = tmp_path_factory.mktemp("networks")
    TINY.make(folder / "models" / "loras")
    TINY.make_embeddings(folder / "models" / "embeddings")
    tiny = folder / "models" / "embeddings" / "tiny style.safetensors"
    for name in ("ink (v1)", "easynegative", "castle"):
        tiny.with_name(f"{name}.safetensors").write_bytes(tiny.read_bytes())
    put(folder / "models" / "loras" / "sd1.safetensors", {"unet.x.attn2.to_k.lora_A.weight": [4, 768]})
    put(folder / "models" / "loras" / "real.safetensors", {"unet.x.attn2.to_k.lora_A.weight": [4, 2048]})
    async with running_api(folder) as running:
        yield running


def used(plan: RenderPlan) -> list[tuple[str, float, float]]:
    return [(use.file.name, use.unet, use.text_encoders) for use in plan.loras]


@pytest.mark.parametrize(
    ("body", "prompt", "loras"),
    [
        ({"prompt": "a cat <lora:kohya:0.8>"}, "a cat <lora:kohya:0.8>", [("kohya", 0.8, 0.8)]),
        (
            {
                "prompt": "a cat",
                "loras": [{"name": "kohya", "weight": 0.5, "text_encoder_weight": 0}, {"name": "loha"}],
            },
            "a cat <lora:kohya:0:0.5> <lora:loha:1>",
            [("kohya", 0.5, 0.0), ("loha", 1.0, 1.0)],
        ),
        (
            {"prompt": "a cat <lora:kohya (stability names).safetensors:1>"},
            "a cat <lora:kohya (stability names).safetensors:1>",
            [("kohya (stability names)", 1.0, 1.0)],
        ),
        ({"prompt": "a cat <lora:kohya v1:1>"}, "a cat <lora:kohya v1:1>", [("kohya", 1.0, 1.0)]),
        ({"prompt": "a {<lora:kohya:1>|<lora:kohya:1>} cat"}, "a <lora:kohya:1> cat", [("kohya", 1.0, 1.0)]),
        ({"prompt": "a cat <lora:kohya:1>", "disable_extra_networks": True}, "a cat <lora:kohya:1>", []),
    ],
)
async def test_loras_of_a_request_are_in_its_prompt(
    api: Api, body: dict[str, Any], prompt: str, loras: list[tuple[str, float, float]]
) -> None:
    answer = await api.http.post("/generate-image", json={**SMALL, **body})
    assert answer.status_code == 200, answer.text
    plan = api.engine.plans[-1]
    assert (plan.request.prompt, plan.request.loras, used(plan)) == (prompt, (), loras)
    assert ("<lora" in plan.prompts(plan.passes[0])[0]) == (not loras)
    metadata = answer.json()["metadata"]
    assert metadata.get("lora_hashes", {}).keys() == {name for name, *_ in loras}
    again = await api.http.post("/generate-image", json=metadata["request"])
    assert again.json()["metadata"]["request"] == metadata["request"]


@pytest.mark.parametrize(
    "body",
    [
        {
            "prompt": "two animals <lora:loha:1>",
            "regions": [
                {"prompt": "a fox <lora:kohya:0.8>", "x": 0.25, "w": 0.5},
                {"prompt": "a dog", "x": 0.75, "w": 0.5},
            ],
        },
        {
            "prompt": "two animals <lora:loha:1> BREAK a fox <lora:kohya:0.8> BREAK a dog",
            "region_split": "columns",
        },
    ],
)
async def test_loras_of_a_region_are_its_own_and_recorded(api: Api, body: dict[str, Any]) -> None:
    answer = await api.http.post("/generate-image", json={**SMALL, **body})
    assert answer.status_code == 200, answer.text
    plan = api.engine.plans[-1]
    own = [[(use.file.name, use.unet) for use in each] for each in plan.region_loras]
    assert (used(plan), own) == ([("loha", 1.0, 1.0)], [[("kohya", 0.8)], []])
    metadata = answer.json()["metadata"]
    assert metadata["lora_hashes"].keys() == {"loha", "kohya"}
    again = await api.http.post("/generate-image", json=metadata["request"])
    assert again.json()["metadata"]["request"] == metadata["request"]
    assert api.engine.plans[-1].region_loras == plan.region_loras
    (item, *_) = (await api.studio.gallery.page()).items
    assert request_in_infotext(write_infotext(item.metadata))[0].regions == plan.request.regions


async def test_a_region_needs_words_beside_its_lora(api: Api) -> None:
    region = {"prompt": " <lora:kohya:1>, ", "x": 0.25, "w": 0.5}
    answer = await api.http.post("/generate-image", json={"prompt": "a cat", "regions": [region], **SMALL})
    assert answer.status_code == 422
    assert "regions.0.prompt: names a LoRA and no more" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("calculation", "whole", "own"),
    [("Attention", ["loha", "kohya"], []), ("Latent", ["loha"], [["kohya"], []])],
)
async def test_regional_prompters_loras_count_as_its_calculation_has_them(
    api: Api, calculation: str, whole: list[str], own: list[list[str]]
) -> None:
    args = [True, False, "Matrix", "Columns", "Mask", "Prompt", "1,1", "0.2", True, False, False, calculation]
    answer = await api.http.post(
        "/sdapi/v1/txt2img",
        json={
            "prompt": "two animals <lora:loha:1> BREAK a fox <lora:kohya:1> BREAK a dog",
            "alwayson_scripts": {"Regional Prompter": {"args": args}},
            **SMALL,
        },
    )
    assert answer.status_code == 200, answer.text
    plan = api.engine.plans[-1]
    assert [use.file.name for use in plan.loras] == whole
    assert [[use.file.name for use in each] for each in plan.region_loras] == own


async def test_they_are_recorded_as_a1111_does(api: Api) -> None:
    request = ImageRequest(prompt="a cat <lora:kohya:1>, tiny style", negative_prompt="tinynegative", **SMALL)
    item = await api.studio.images.generate_image(request)
    text = write_infotext(item.metadata)
    kohya = item.metadata.lora_hashes["kohya"]
    assert text.startswith("a cat <lora:kohya:1>, tiny style\nNegative prompt: tinynegative\n")
    assert f'Lora hashes: "kohya: {kohya}"' in text
    assert 'TI hashes: "tiny style: ' in text and ", tinynegative: " in text
    assert len(kohya) == 12
    assert [file.name for file in api.engine.plans[-1].embeddings] == ["tiny style", "tinynegative"]


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("<lora:kohia:1>", "There is no LoRA 'kohia'. Nearest: kohya"),
        ("<lora:KOHYA:1>", "There is no LoRA 'KOHYA'. Nearest: kohya"),
        ("<lora:sd1:1>", "made for Stable Diffusion 1; the studio draws with SDXL"),
        ("<lora:../../etc/passwd:1>", "There is no LoRA"),
        ("<lora:kohya:much>", "has the weight 'much'"),
        ("embedding:tinynegativ", "There is no embedding 'tinynegativ'. Nearest: tinynegative"),
        ("<hypernet:x:1>", "(a hypernetwork)"),
        ("<lora:kohya:1>" * 33, "Use at most 32"),
    ],
)
async def test_what_cannot_be_meant_is_said_before_anything_is_drawn(api: Api, prompt: str, sentence: str) -> None:
    drawn = len(api.engine.plans)
    for body in ({"prompt": f"a cat {prompt}"}, {"prompt": "a cat", "negative_prompt": prompt}):
        answer = await api.http.post("/generate-image", json={**SMALL, **body})
        assert answer.status_code == 422, answer.text
        assert sentence in answer.json()["detail"]
    assert len(api.engine.plans) == drawn


async def test_they_are_listed_with_what_is_known_of_them(api: Api) -> None:
    entries = {one["name"]: one for one in (await api.http.get("/loras")).json()}
    assert entries.keys() == {*TINY.KINDS, "real"}
    kohya = entries["kohya"]
    assert (kohya["alias"], kohya["trigger_words"], kohya["weight"]) == ("kohya v1", ["blue paint"], 0.8)
    preview = await api.http.get(kohya["preview"])
    assert Image.open(io.BytesIO(preview.content)).format == "WEBP"
    assert (await api.http.get("/loras/peft/preview")).status_code == 404
    assert (await api.http.post("/loras/refresh")).json() == list(entries.values())
    refused = (await api.http.get("/models")).json()["refused"]
    assert [one["file"] for one in refused] == ["sd1.safetensors"]
    embeddings = (await api.http.get("/embeddings")).json()
    assert [(one["name"], one["vectors"]) for one in embeddings] == [
        ("castle", 3),
        ("easynegative", 3),
        ("ink (v1)", 3),
        ("tiny style", 3),
        ("tinynegative", 2),
    ]


async def test_a1111s_clients_find_them(api: Api) -> None:
    loras = (await api.http.get("/sdapi/v1/loras")).json()
    kohya = next(one for one in loras if one["name"] == "kohya")
    assert kohya == {
        "name": "kohya",
        "alias": "kohya v1",
        "path": "kohya.safetensors",
        "metadata": {"ss_output_name": "kohya v1", "modelspec.trigger_phrase": "blue paint"},
    }
    assert (await api.http.post("/sdapi/v1/refresh-loras")).status_code == 200
    loaded = (await api.http.get("/sdapi/v1/embeddings")).json()["loaded"]
    assert loaded["tinynegative"] == {
        "step": None, "sd_checkpoint": None, "sd_checkpoint_name": None, "shape": 224, "vectors": 2
    }  # fmt: skip
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat <lora:kohya:0.5:0.25>", **SMALL})
    assert answer.status_code == 200
    assert used(api.engine.plans[-1]) == [("kohya", 0.25, 0.5)]


async def test_a_picture_with_them_is_read_back(api: Api) -> None:
    item = await api.studio.images.generate_image(ImageRequest(prompt="a cat <lora:kohya:0.7>", **SMALL))
    png = await api.studio.gallery.png(item.id)
    answer = await api.http.post("/sdapi/v1/png-info", json={"image": b64encode(png).decode()})
    assert "a cat <lora:kohya:0.7>" in answer.json()["info"]


@pytest.mark.parametrize(
    ("prompt", "right"),
    [
        ("", {"count": 0, "limit": 75, "chunks": [0]}),
        ("a cat", {"count": 2, "limit": 75, "chunks": [2]}),
        ("a cat <lora:kohya:1>", {"count": 2, "loras": ["kohya"]}),
        ("a cat, tiny style", {"count": 6, "embeddings": ["tiny style"]}),  # its three vectors
        ("a cat BREAK a dog", {"count": 77, "limit": 150, "chunks": [2, 2]}),
        ("cat " * 80, {"count": 80, "limit": 150, "chunks": [75, 5]}),
        ("a [cat:very red dog:0.5]", {"count": 4}),
        ("a cat AND a very red dog", {"count": 4}),
        ("a cat <lora:kohya", {"problem": "The prompt has <lora:kohya, which is not closed. Write > behind it."}),
        ("a {red|blue} cat", {"problem": ""}),
        (
            "a __nope__ cat",
            {
                "problem": "There is no wildcard __nope__. Put a file nope.txt into the folder wildcards of the data "
                "folder."
            },
        ),
        (
            "a cat <lora:kohia:1>",
            {"problem": "There is no LoRA 'kohia'. Nearest: kohya, loha, dora."},
        ),
        (
            "a cat, embedding:tinynegativ",
            {"problem": "There is no embedding 'tinynegativ'. Nearest: tinynegative, easynegative, tiny style."},
        ),
    ],
)
async def test_tokens_are_counted_as_they_are_read(api: Api, prompt: str, right: dict[str, Any]) -> None:
    found = (await api.http.post("/prompts/tokens", json={"prompt": prompt})).json()
    assert {name: found[name] for name in right} == right


@pytest.mark.parametrize(
    ("prompt", "sent", "strength"),
    [("a cat", {}, 0.2), ("1girl, silver hair", {}, 0.1), ("1girl, silver hair", {"strength": 0.6}, 0.6)],
)
async def test_hires_fix_redraws_a_sketch_as_little_as_the_first_pass(
    api: Api, prompt: str, sent: dict[str, float], strength: float
) -> None:
    """What the built-in model draws is in its sketch alone: at the usual 0.7 nothing of a face is left."""
    answer = await api.http.post("/generate-image", json={"prompt": prompt, "hires": sent, **SMALL})
    assert answer.json()["metadata"]["request"]["hires"]["strength"] == strength
    assert api.engine.plans[-1].passes[1].strength == strength


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        (r"a cat, ink \(v1\)", ["ink (v1)"]),
        (r"a cat, (ink \(v1\):1.2), [ink \(v1\):tiny style:0.5]", ["ink (v1)", "tiny style"]),
        ("a cat, ink (v1)", []),  # that is a weight, as in A1111
        ("a cat <lora:kohya:1>, kohya", []),
    ],
)
async def test_an_embedding_is_recorded_where_the_encoders_read_its_name(
    api: Api, prompt: str, named: list[str]
) -> None:
    metadata = (await api.http.post("/generate-image", json={"prompt": prompt, **SMALL})).json()["metadata"]
    assert [file.name for file in api.engine.plans[-1].embeddings] == named
    assert list(metadata.get("embedding_hashes", {})) == named
    counted = (await api.http.post("/prompts/tokens", json={"prompt": prompt})).json()
    assert counted["embeddings"] == named


async def test_an_embedding_is_no_word_that_the_sketch_leaves_out_unless_it_is_called_like_a_thing(api: Api) -> None:
    sent = {"prompt": "a cat, easynegative, embedding:tinynegative, blorp", **SMALL}
    layout = (await api.http.post("/generate-image", json=sent)).json()["metadata"]["request"]["layout"]
    assert (layout["unknown"], [thing["what"] for thing in layout["things"]]) == (["blorp"], ["cat"])
    answer = await api.http.post("/generate-image", json={"prompt": "a castle", **SMALL})
    assert [thing["what"] for thing in answer.json()["metadata"]["request"]["layout"]["things"]] == ["castle"]
    assert (await api.http.post("/generate-image", json={"prompt": "easynegative", **SMALL})).status_code == 200


async def test_an_alias_of_several_files_means_none_of_them(api: Api) -> None:
    folder = (await api.studio.loras.named("kohya")).path.parent
    (folder / "copy.safetensors").write_bytes((folder / "kohya.safetensors").read_bytes())
    answer = await api.http.post("/generate-image", json={"prompt": "a cat <lora:kohya v1:1>", **SMALL})
    (folder / "copy.safetensors").unlink()
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "'kohya v1' is the alias of several LoRAs: copy, kohya. Name one of them.",
    )


async def test_a_tag_is_no_word_to_be_drawn(api: Api) -> None:
    answer = await api.http.post("/generate-image", json={"prompt": "a blorp <lora:kohya:1>", **SMALL})
    assert (answer.status_code, "kohya" in answer.text) == (422, False)
    assert (await api.http.post("/generate-image", json={"prompt": "<lora:kohya:1>", **SMALL})).status_code == 200
