"""Image to image in Create: a picture is chosen, masked, generated from, remembered, and taken from the gallery."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, expect

from fakes import gradient, start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.pictures import open_picture
from running_web import WebWithFakes, draw

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BOARD = "#img2img-editor .img2img-board"
REMEMBERED = "JSON.parse(JSON.parse(localStorage.getItem('studio.create')).held_picture)"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    file.write_bytes(to_png(gradient(300, 200, 5)))
    return file


async def choose(page: Page, file: Path) -> None:
    """Open the section and choose a picture."""
    if not await page.locator("#img2img-editor").is_visible():
        await page.click("#img2img-fold > button")
    await page.locator("#img2img-editor input[type=file]").set_input_files(file)
    await page.wait_for_function(f"document.querySelector('{BOARD} canvas').width === 300")
    await expect(page.get_by_label("Width")).to_be_visible()  # what stands above has grown, and moves no more


async def stroke(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Paint a line, in shares of the picture, and wait until it is held."""
    await line(page, start, end)
    await title(page, "inpaint")
    await expect(page.locator("#mask_content")).to_be_visible()


async def line(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    canvas = page.locator(f"{BOARD} canvas")
    await canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
    box = await canvas.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    await page.mouse.move(*places[0])
    await page.mouse.down()
    await page.mouse.move(*places[1], steps=5)
    await page.mouse.up()


async def title(page: Page, words: str) -> None:
    await expect(page.locator("#img2img-fold > button")).to_contain_text(f"Image to image: {words}")


async def remembered(page: Page) -> dict[str, Any]:
    """What the browser remembers of it with the form."""
    saved = json.loads(await page.evaluate("localStorage.getItem('studio.create')"))
    held: dict[str, Any] = json.loads(saved["held_picture"])
    return held


async def test_drawing_starts_from_a_chosen_picture_in_its_own_shape(web: WebWithFakes, photo: Path) -> None:
    page = await web.open()
    await choose(page, photo)
    await title(page, "whole picture")
    await expect(page.get_by_label("Custom")).to_be_checked()
    await expect(page.locator("#layout-fold > button")).to_contain_text("Layout: off, image to image is on")
    await draw(page, "a meadow")
    plan = web.engine.plans[-1]
    assert (plan.passes[0].strength, start_picture(plan).mask, plan.request.layout) == (0.75, None, None)
    assert plan.size[0] / plan.size[1] == pytest.approx(1.5, abs=0.05)
    assert await web.studio.inputs.file(plan.request.image or "") == photo.read_bytes()


async def test_what_is_painted_is_redrawn_and_the_rest_stays(web: WebWithFakes, photo: Path) -> None:
    page = await web.open()
    await choose(page, photo)
    await stroke(page, (0.1, 0.5), (0.4, 0.5))
    await page.locator("#mask_content").get_by_label("Fill").check()
    await expect(page.locator("#mask_padding")).to_be_hidden()  # it means nothing for the whole picture
    await page.locator("#mask_area").get_by_label("Only masked").check()
    await expect(page.locator("#mask_padding")).to_be_visible()
    await page.locator("#mask_area").get_by_label("Whole picture").check()
    await expect(page.locator("#mask_padding")).to_be_hidden()
    await draw(page, "a tree")
    plan = web.engine.plans[-1]
    mask = start_picture(plan).mask
    assert mask is not None
    grey = mask.image().convert("L").resize((100, 100))
    assert (grey.getpixel((25, 50)), grey.getpixel((75, 50)), grey.getpixel((25, 90))) == (255, 0, 0)
    assert (plan.request.mask_content, plan.request.mask_area) == ("fill", "whole")


async def test_strokes_are_taken_back_one_by_one_or_all_at_once(web: WebWithFakes, photo: Path) -> None:
    page = await web.open()
    await choose(page, photo)
    await stroke(page, (0.1, 0.2), (0.4, 0.2))
    await page.wait_for_selector("#img2img-editor [data-does=clear]:visible")
    await page.wait_for_function(f"{REMEMBERED}.mask !== null")
    first = (await remembered(page))["mask"]
    await stroke(page, (0.1, 0.8), (0.4, 0.8))
    await page.wait_for_function(f"before => {REMEMBERED}.mask !== before", arg=first)
    await page.get_by_role("button", name="Undo").click()
    await page.wait_for_function(f"before => {REMEMBERED}.mask === before", arg=first)
    await page.get_by_role("button", name="Clear mask").click()
    await title(page, "whole picture")
    await page.get_by_role("button", name="Remove", exact=True).click()
    await title(page, "off")


async def test_quick_strokes_are_taken_back_one_by_one_and_the_next_picture_waits_for_all(
    web: WebWithFakes, photo: Path
) -> None:
    page = await web.open()
    await choose(page, photo)
    go_on = asyncio.Event()
    sent = 0

    async def hold(route: Route) -> None:
        nonlocal sent
        sent += 1
        await go_on.wait()
        await route.continue_()

    await page.route("**/masks", hold)
    await line(page, (0.1, 0.2), (0.4, 0.2))
    await line(page, (0.1, 0.8), (0.4, 0.8))  # while the first is on its way
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#generate")).to_be_disabled()
    go_on.set()
    await expect(page.locator("#generate")).to_be_enabled()
    assert sent == 2
    name = (await remembered(page))["mask"]
    assert name is not None
    mask = open_picture(await web.studio.inputs.file(name)).picture.image().convert("L").resize((100, 100))
    assert (mask.getpixel((25, 20)), mask.getpixel((25, 80))) == (255, 0), "the first stroke is held, and alone"
    await page.unroute_all()


async def test_it_survives_a_refresh_and_comes_back_with_the_settings_of_a_picture(
    web: WebWithFakes, photo: Path
) -> None:
    page = await web.open()
    await choose(page, photo)
    await stroke(page, (0.1, 0.5), (0.4, 0.5))
    await draw(page, "a tree")
    made = (await web.studio.gallery.page()).items[0].metadata.request
    await page.reload()
    await title(page, "inpaint")
    await page.click("#img2img-fold > button")
    await page.wait_for_function(f"document.querySelector('{BOARD} img').naturalWidth === 300")
    painted = f"document.querySelector('{BOARD} canvas').getContext('2d').getImageData(75, 100, 1, 1).data[3] > 200"
    await page.wait_for_function(painted)
    await page.get_by_role("button", name="Remove", exact=True).click()
    await title(page, "off")
    await page.click("#picture [name=reuse]")
    await title(page, "inpaint")
    await page.wait_for_function(f"mask => {REMEMBERED}.mask === mask", arg=made.mask)
    assert (await remembered(page)) == {"image": made.image, "mask": made.mask}


async def test_a_picture_of_the_gallery_can_be_started_from(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a house")
    await page.click("#picture [name=img2img]")
    await title(page, "whole picture")
    await expect(page.locator("#img2img-editor")).to_be_visible()
    await draw(page, "a castle")
    plan = web.engine.plans[-1]
    house = (await web.studio.gallery.page()).items[1]
    assert await web.studio.inputs.file(plan.request.image or "") == await web.studio.gallery.png(house.id)


async def test_what_is_no_picture_is_answered_with_a_sentence(web: WebWithFakes, tmp_path: Path) -> None:
    file = tmp_path / "notes.png"
    file.write_text("these are words")
    page = await web.open()
    await page.click("#img2img-fold > button")
    await page.locator("#img2img-editor input[type=file]").set_input_files(file)
    await expect(page.locator("#img2img-editor .img2img-status")).to_contain_text("not a picture the studio can open")
    await title(page, "off")


async def test_the_section_has_no_serious_accessibility_fault(web: WebWithFakes, photo: Path) -> None:
    page = await web.open()
    await choose(page, photo)
    await stroke(page, (0.1, 0.5), (0.4, 0.5))
    found = await Axe().run(page)
    serious = [one["id"] for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert serious == []
