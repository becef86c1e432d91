"""Details by REST, by A1111's ADetailer and in the service: what is asked for, what is refused, what is recorded."""

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import webuiapi
from PIL import Image

from illustrious_studio.domain.details import Detail, DetailBox
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import RenderPlan
from running_api import Api
from samples import a_picture, metadata
from studio_for_tests import studio_for_tests, with_own_checkpoint
from tiny_detectors import put_detector, red_detector

SENT = b64encode(to_png(a_picture())).decode()
SMALL = {"width": 64, "height": 64, "steps": 2}
BOX = {"x": 0.5, "y": 0.5, "w": 0.5, "h": 0.25}
PERSON = {"things": [{"what": "girl", "x": 0.5, "y": 0.5, "w": 0.6, "h": 1.0, "figure": {"who": "girl"}}]}


@pytest.fixture
def detectors(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "models" / "detectors"
    put_detector(folder / "face_yolov8n.onnx")
    put_detector(folder / "hand.onnx", red_detector(names="{0: 'left', 1: 'right'}"))
    put_detector(folder / "person.pt", b"PK")
    return folder


def last(api: Api) -> RenderPlan:
    return api.engine.plans[-1]


async def drawn(api: Api, **body: Any) -> dict[str, Any]:
    answer = await api.http.post("/generate-image", json={"prompt": "a cat", **SMALL, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_detectors_are_listed_and_what_cannot_be_used_with_its_reason(detectors: Path, api: Api) -> None:
    listed = (await api.http.get("/detectors")).json()
    assert [(one["name"], one["finds"], one["masks"]) for one in listed["detectors"]] == [
        ("face_yolov8n", ["face"], False),
        ("hand", ["left", "right"], False),
    ]
    assert "path" not in listed["detectors"][0]
    (refused,) = listed["refused"]
    assert refused["file"] == "person.pt" and "yolo export model=person.pt format=onnx" in refused["reason"]


async def test_details_are_settled_planned_recorded_and_drawn_again(detectors: Path, api: Api) -> None:
    details = [{"detector": "face_yolov8n.pt", "prompt": "smile"}, {"boxes": [BOX], "strength": 0.3, "steps": 5}]
    made = (await drawn(api, details=details))["metadata"]
    first, second = last(api).details
    assert (first.detail.detector, first.regions.detector and first.regions.detector.name) == ("face_yolov8n",) * 2
    assert (first.drawn.width, first.drawn.steps, first.drawn.strength) == (512, 2, 0.1), "as the checkpoint wants it"
    assert (second.regions.boxes, second.drawn.steps) == ((DetailBox(**BOX),), 5)
    assert (second.drawn.strength, last(api).size) == (0.3, (64, 64))
    again = await api.http.post("/generate-image", json=made["request"])
    assert again.json()["metadata"]["request"] == made["request"]


async def test_a_layout_knows_faces_people_and_things(api: Api) -> None:
    await drawn(api, layout=PERSON, details=[{}, {"what": "people"}, {"what": "a girl"}, {"what": "cat"}])
    face, people, thing, none = (one.regions.boxes for one in last(api).details)
    assert people == thing and not none
    assert people[0].edges == pytest.approx((0.2, 0, 0.8, 1))
    ((left, top, right, bottom),) = (one.edges for one in face)
    assert 0.2 < left < 0.5 < right < 0.8 and 0 < top < bottom < 0.75
    await drawn(api, layout=PERSON, details=[{}], hires={"width": 128, "height": 64, "upscaler": "Lanczos"})
    ((_, top_now, _, bottom_now),) = (one.edges for one in last(api).details[0].regions.boxes)
    assert top_now == pytest.approx(max(top * 2 - 0.5, 0)) and bottom_now == pytest.approx(min(bottom * 2 - 0.5, 1))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"details": [{"detector": "eyes"}]},
            "details.0.detector: There is no detector 'eyes'. There are: face_yolov8n",
        ),
        ({"details": [{"detector": "person"}]}, "yolo export model=person.pt format=onnx"),
        (
            {"details": [{}, {"detector": "hand", "what": "foot"}]},
            "details.1.what: hand does not find 'foot'; it finds",
        ),
        ({"details": [{"what": "qqxzv"}]}, "details.0.what: there is no drawing of 'qqxzv'"),
        ({"details": [{"boxes": [{**BOX, "x": 0.9}]}]}, "details.0.boxes.0: reaches out of the picture"),
        ({"details": [{"boxes": [{**BOX, "w": 0}]}]}, "details.0.boxes.0.w"),
        ({"details": [{"strength": 0}]}, "details.0.strength: must be at least 0.01"),
        ({"details": [{"width": 100}]}, "details.0.width"),
        ({"details": [{"boxes": [BOX], "schedule": "Karras"}]}, "details.0: The schedule Karras does not suit"),
        ({"details": [{}] * 9}, "details: must have at most 8"),
        ({"details": [{"mask": SENT[:100]}]}, "not a picture"),
        ({"details": [{"prompt": "a <lora:ink:1>"}]}, "The prompt of detail 1 names the LoRA ink"),
        ({"image": SENT, "details": [{}]}, "details.0.find: this picture has no layout"),
        ({"image": SENT, "skip_img2img": True}, "skip_img2img: without details nothing of the picture is drawn"),
        ({"skip_img2img": True, "details": [{}]}, "skip_img2img: needs an image"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_queued(
    detectors: Path, api: Api, body: dict[str, Any], words: str
) -> None:
    answer = await api.http.post("/generate-image", json={"prompt": "a cat", **SMALL, **body})
    assert 400 <= answer.status_code < 500 and words in answer.json()["detail"], answer.text
    assert not api.engine.plans and not (await api.http.get("/jobs")).json()["recent"]


async def test_a_painted_region_comes_with_the_request_and_an_empty_one_is_refused(api: Api) -> None:
    mask = Image.new("L", (96, 64))
    for white, status in ((None, 422), ((10, 10, 40, 40), 200)):
        if white:
            mask.paste(255, white)
        sent = b64encode(to_png(Picture.from_image(mask))).decode()
        body = {"prompt": "a cat", **SMALL, "image": SENT, "strength": 0.5, "details": [{"mask": sent}]}
        answer = await api.http.post("/generate-image", json=body)
        assert answer.status_code == status, answer.text
    (detail,) = last(api).details
    assert detail.regions.mask is not None and detail.regions.mask.image().getbbox() == (10, 10, 40, 40)
    assert last(api).passes and last(api).picture is None


async def test_the_details_of_a_picture_alone_leave_it_in_its_size(detectors: Path, api: Api) -> None:
    made = await drawn(api, image=SENT, skip_img2img=True, details=[{"detector": "hand"}], width=None, height=None)
    plan = last(api)
    assert (plan.passes, plan.picture, plan.size) == ((), a_picture(), (96, 64))
    assert (made["metadata"]["width"], made["metadata"]["height"]) == (96, 64)
    again = await api.http.post("/generate-image", json=made["metadata"]["request"])
    assert again.status_code == 200 and last(api) == plan


async def test_a_picture_of_the_gallery_gets_its_faces_drawn_by_its_layout_or_by_a_detector(
    detectors: Path, api: Api
) -> None:
    its = metadata("1girl", seed=5, layout=PERSON, sketch_strength=0.1, hires=HiresFix(scale=2.0))
    kept = await api.studio.gallery.add(a_picture().image(), its)
    answer = await api.http.post("/detail", json={"image_id": kept.id})
    assert answer.status_code == 200, answer.text
    plan, asked = last(api), last(api).request
    assert (plan.passes, plan.picture) == ((), a_picture())
    assert (asked.prompt, asked.seed, asked.steps, asked.sampler, asked.hires) == ("1girl", 5, 28, "Euler a", None)
    (face,) = plan.details
    assert face.detail.find == "boxes" and len(face.regions.boxes) == 1 and asked.layout is None
    plain = await api.studio.gallery.add(a_picture(64, 64).image(), metadata("a cat"))
    await api.http.post("/detail", json={"image_id": plain.id})
    assert last(api).details[0].detail.detector == "face_yolov8n"
    said = {"image_base64": SENT, "details": [{"boxes": [BOX], "prompt": "smile"}]}
    assert (await api.http.post("/detail", json=said)).status_code == 200
    assert last(api).details[0].detail.prompt == "smile"


async def test_without_anything_that_finds_faces_it_says_what_to_do(api: Api) -> None:
    answer = await api.http.post("/detail", json={"image_base64": SENT})
    assert (answer.status_code, "models/detectors" in answer.json()["detail"]) == (422, True), answer.text


async def test_words_of_details_are_chosen_and_read_like_all_others(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as made:
        request = ImageRequest(prompt="a cat", seed=3, details=(Detail(boxes=(), prompt="{a|b} nose"),))
        item = await made.studio.images.generate_image(request)
        (detail,) = item.metadata.request.details
        assert detail.prompt in ("a nose", "b nose")
        assert (detail.strength, detail.width, detail.height) == (0.4, 256, 256)


async def test_progress_is_expected_with_its_details(api: Api) -> None:
    api.engine.go_on.clear()
    body = {"prompt": "a cat", **SMALL, "details": [{"boxes": [BOX, BOX], "strength": 0.5, "steps": 4}]}
    asking = asyncio.create_task(api.http.post("/generate-image", json=body))
    await api.engine.midway.wait()
    (job,) = api.studio.jobs.active()
    assert job.job.steps == 2 + 2 * 3
    assert job.job.size == (512, 512), "memory is that of the largest pass"
    api.engine.go_on.set()
    await asking


FACES = {"ad_model": "face_yolov8n.pt", "ad_denoising_strength": 0.35}


async def test_adetailers_arguments_are_details(detectors: Path, api: Api) -> None:
    tabs = [True, False, {**FACES, "ad_mask_k": 1}, {"ad_model": "None"}, {"ad_model": "hand.pt", "ad_dilate_erode": 0}]
    body = {"prompt": "a cat", **SMALL, "alwayson_scripts": {"ADetailer": {"args": tabs}}}
    answer = await api.http.post("/sdapi/v1/txt2img", json=body)
    assert answer.status_code == 200, answer.text
    faces, hands = last(api).request.details
    assert faces == Detail(detector="face_yolov8n", strength=0.35, most=1, width=64, height=64)
    assert hands == Detail(detector="hand", dilate=0, width=64, height=64, strength=0.1)
    text = answer.json()["info"]
    assert "ADetailer model: face_yolov8n.pt" in text and "ADetailer model 2nd: hand.pt" in text
    skip = {**body, "init_images": [SENT], "alwayson_scripts": {"adetailer": {"args": [True, True, FACES]}}}
    assert (await api.http.post("/sdapi/v1/img2img", json=skip)).status_code == 200
    assert (last(api).passes, last(api).size) == ((), (96, 64))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([{"ad_model": "mediapipe_face_full"}], "ADetailer: ad_model: MediaPipe"),
        ([{**FACES, "ad_denoising_strength": 0}], "ADetailer: ad_denoising_strength: must be at least 0.01"),
        ([{**FACES, "ad_use_checkpoint": True, "ad_checkpoint": "x"}], "ad_use_checkpoint"),
        ([{"ad_model": "eyes.pt"}], "There is no detector 'eyes'"),
        ([FACES] * 9, "has 9 tabs; use at most 8"),
        ("on", "args must be a list"),
    ],
)
async def test_what_adetailer_would_draw_otherwise_is_refused_by_name(
    detectors: Path, api: Api, args: Any, words: str
) -> None:
    body = {"prompt": "a cat", **SMALL, "alwayson_scripts": {"ADetailer": {"args": args}}}
    answer = await api.http.post("/sdapi/v1/txt2img", json=body)
    assert (answer.status_code, words in str(answer.json()["detail"])) == (422, True), answer.text
    assert not api.engine.plans


async def test_webuiapi_drives_it_and_finds_what_there_is(detectors: Path, api: Api) -> None:
    def client() -> Any:
        return webuiapi.WebUIApi(baseurl=f"{api.url}/sdapi/v1")

    tab = webuiapi.ADetailer(ad_model="face_yolov8n.pt", ad_prompt="smile", ad_use_steps=True, ad_steps=7)
    await asyncio.to_thread(lambda: client().txt2img(prompt="a cat", steps=2, width=64, height=64, adetailer=[tab]))
    (detail,) = last(api).request.details
    assert (detail.detector, detail.prompt, detail.steps, detail.strength) == ("face_yolov8n", "smile", 7, 0.4)
    await asyncio.to_thread(lambda: client().txt2img(prompt="a cat", steps=2, width=64, height=64))
    assert not last(api).request.details
    own = {name: (await api.http.get(f"/adetailer/v1/{name}")).json() for name in ("version", "schema", "ad_model")}
    assert own["ad_model"] == {"ad_model": ["face_yolov8n.pt", "hand.pt"]}
    assert "ad_model" in own["schema"]["properties"] and own["version"]["version"]
