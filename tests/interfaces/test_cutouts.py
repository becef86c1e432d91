"""Removing backgrounds by REST, with the real network."""

import asyncio
import io
from base64 import b64decode, b64encode
from typing import Any

import pytest
from PIL import Image

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.pictures import Picture, open_grey
from running_api import Api
from samples import metadata, owl


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(text)))


async def test_a_picture_comes_back_without_its_background_and_with_its_mask(api: Api) -> None:
    sent = {"image_base64": "data:image/png;base64," + b64encode(to_png(await owl())).decode()}
    answer = await api.http.post("/remove-background", json=sent)
    body = answer.json()
    assert (answer.status_code, body["width"], body["height"]) == (200, 320, 320)
    cutout, mask = opened(body["image_base64"]), opened(body["mask_base64"])
    assert (cutout.mode, mask.mode, cutout.size) == ("RGBA", "L", (320, 320))
    assert cutout.getchannel("A").tobytes() == mask.tobytes()
    assert (mask.getpixel((160, 160)), mask.getpixel((10, 10))) == (255, 0)
    assert (await api.http.get("/gallery")).json()["items"] == []


async def test_a_picture_of_the_gallery_comes_as_a_file_with_its_settings_to_who_takes_only_files(api: Api) -> None:
    kept = await api.studio.gallery.add((await owl()).image(), metadata("an owl", width=320, height=320))
    answer = await api.http.post("/remove-background", json={"image_id": kept.id}, headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.mode, image.size) == ("RGBA", (320, 320))
        assert image.text["parameters"].startswith("an owl")
        assert image.text.keys() == {"parameters"}  # it is no picture of the gallery, should it come into its folder


async def test_the_mask_is_one_to_inpaint_by(api: Api) -> None:
    given = await api.studio.inputs.keep(to_png(await owl()))
    subject = await api.studio.cutouts.keep_subject_mask(given)
    background = await api.studio.cutouts.keep_subject_mask(given, inverted=True)
    masks = [open_grey(await api.studio.inputs.file(mask))[0] for mask in (subject, background)]
    assert [mask.getpixel((160, 160)) for mask in masks] == [255, 0]
    assert [mask.getpixel((10, 10)) for mask in masks] == [0, 255]


def plain() -> str:
    return b64encode(to_png(Picture.from_image(Image.new("RGB", (64, 64), "teal")))).decode()


def too_large() -> str:
    file = io.BytesIO()
    Image.new("1", (5001, 5000)).save(file, "PNG")
    return b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "one picture"),
        ({"image_id": "0" * 32, "image_base64": "AAAA"}, 422, "one picture"),
        ({"image_id": "0" * 32}, 404, "no such picture"),
        ({"image_id": "../../etc/passwd"}, 404, "no such picture"),
        ({"image_base64": "AAAA"}, 400, "not a picture"),
        ({"image_base64": "not base64!"}, 400, "not base64"),
        ({"image_base64": plain()}, 422, "stands out"),
        ({"image_base64": too_large()}, 422, "25 megapixels"),
    ],
)
async def test_what_cannot_be_cut_out_is_a_sentence(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    answer = await api.http.post("/remove-background", json=body)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_the_studio_answers_others_meanwhile_and_several_are_done_one_by_one(api: Api) -> None:
    sent = {"image_base64": b64encode(to_png(await owl())).decode()}
    waiting = [asyncio.create_task(api.http.post("/remove-background", json=sent)) for _ in range(3)]
    assert (await api.http.get("/health/live")).status_code == 200
    assert not any(one.done() for one in waiting)
    answers = await asyncio.gather(*waiting)
    assert len({answer.json()["image_base64"] for answer in answers}) == 1
