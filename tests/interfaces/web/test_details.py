"""Details in Create: with a model that they suit, and with one that gains nothing by them."""

import json
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from illustrious_studio.domain.details import Detail, DetailBox
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.wiring import CHECKPOINTS, DATA, DETECTORS
from running_web import WebWithFakes, draw
from samples import a_picture, metadata
from tiny_detectors import put_detector

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FOLD = "#details-fold > button"


@pytest_asyncio.fixture(loop_scope="session")
async def own(web: WebWithFakes) -> AsyncIterator[WebWithFakes]:
    """With a checkpoint that does not begin with a sketch in use, and a detector."""
    folder = web.gallery.parent
    there, models = folder / CHECKPOINTS / "own", web.studio.models
    before = models.checkpoint().name
    shutil.copytree(DATA / "mini", there)
    (there / "studio.json").write_text(
        json.dumps({"name": "own", "about": "One of my own.", "steps": 3, "native_width": 512}), "utf-8"
    )
    put_detector(folder / DETECTORS / "face_tiny.onnx")
    await models.switch(checkpoint="own")
    yield web
    await models.switch(checkpoint=before)
    shutil.rmtree(there)
    (folder / DETECTORS / "face_tiny.onnx").unlink()


async def test_details_are_drawn_remembered_and_brought_back(own: WebWithFakes) -> None:
    page = await own.open()
    await page.click(FOLD)
    await page.check("#details input")
    await expect(page.locator(FOLD)).to_contain_text("Details: faces")
    await page.click("#details_find input")
    await page.click("text=face_tiny")
    await page.fill("#details_prompt textarea", "smile")
    await page.fill("#details_side input", "256")
    await expect(page.locator(FOLD)).to_contain_text("Details: face_tiny")
    await draw(page, "a red fox")
    (detail,) = own.engine.plans[-1].request.details
    wanted = Detail(detector="face_tiny", prompt="smile", strength=0.4, width=256, height=256)
    assert detail == wanted
    await page.reload()
    await expect(page.locator(FOLD)).to_contain_text("Details: face_tiny")
    box = DetailBox(x=0.5, y=0.5, w=0.5, h=0.5)
    several = (Detail(boxes=(box,), steps=2), Detail(detector="face_tiny", order="largest first"))
    item = await own.studio.images.generate_image(
        ImageRequest(prompt="a red fox", width=64, height=64, steps=2, details=several)
    )
    await page.reload()
    await page.click("#picture [name=reuse]")
    await expect(page.locator(FOLD)).to_contain_text("Details: as in the picture")
    await draw(page, "a blue fox")
    assert own.engine.plans[-1].request.details == item.metadata.request.details
    await page.click(FOLD)
    assert (await Axe().run(page, "#details-fold")).violations_count == 0


async def test_a_picture_has_its_faces_drawn_again_at_a_press(own: WebWithFakes) -> None:
    await own.studio.gallery.add(a_picture().image(), metadata("a cat"))
    page = await own.open()
    await page.click("#picture [name=detail]")
    await expect(page.locator("#strip .thumb, #strip button")).to_have_count(2)
    plan = own.engine.plans[-1]
    assert (plan.passes, plan.size, plan.details[0].detail.detector) == ((), (96, 64), "face_tiny")


async def test_a_model_that_gains_nothing_is_not_asked_and_the_page_says_why(web: WebWithFakes) -> None:
    await web.studio.gallery.add(a_picture().image(), metadata("a cat"))
    page = await web.open()
    await page.click(FOLD)
    await expect(page.locator("#details-fold")).to_contain_text("gain nothing")
    await expect(page.locator("#details input")).to_be_hidden()
    await expect(page.locator("#picture [name=detail]")).to_be_hidden()
    item = await web.studio.images.generate_image(
        ImageRequest(prompt="1girl", width=64, height=64, steps=2, details=(Detail(),))
    )
    await page.reload()
    await page.click("#picture [name=reuse]")
    await page.click(FOLD)
    await expect(page.locator("#details input")).to_be_checked()
    await draw(page, "1girl")
    assert web.engine.plans[-1].request.details == item.metadata.request.details
