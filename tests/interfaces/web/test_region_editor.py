"""The Regions section of Create: boxes with words of their own, moved by mouse and keyboard, and drawn so."""

import io
import json
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Page, expect
from tests.interfaces.web.test_layout_editor import drag, place_of

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.regions import Region
from running_web import WebWithFakes, draw
from waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS = "a fluffy cat and a red house in the snow"


async def opened(web: WebWithFakes, **size: int) -> Page:
    page = await web.open(**size)
    await page.fill("#prompt textarea", WORDS)
    await page.click("#regions-fold > button")
    await page.wait_for_selector("#regions-editor[data-ready]")
    return page


async def does(page: Page, name: str) -> None:
    await page.click(f"#regions-editor [data-does={name}]")


async def held(page: Page) -> list[dict[str, Any]]:
    """What the browser remembers with the form."""
    saved = json.loads(await page.evaluate("localStorage.getItem('studio.create')") or "{}").get("held_regions")
    return json.loads(saved) if saved else []


async def last(web: WebWithFakes) -> ImageRequest:
    return (await web.studio.gallery.page()).items[0].metadata.request


async def test_a_layout_becomes_boxes_that_are_dragged_and_drawn_with_their_words(web: WebWithFakes) -> None:
    page = await opened(web)
    await expect(page.locator("#regions-fold > button")).to_contain_text("Regions: off")
    await does(page, "layout")
    await expect(page.locator("#regions-fold > button")).to_contain_text("Regions: 2")  # and it is switched on
    before = await until(lambda: held(page))
    assert [one["prompt"] for one in before] == ["fluffy cat", "red house"]
    await page.locator("#regions-editor textarea").first.fill("a fluffy white cat")
    rect, board = await place_of(page.locator(".region").first), await place_of(page.locator(".region-board"))
    await drag(page, (rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] / 2), (0.1 * board["width"], 0))
    await page.locator(".region").last.hover()
    corner = await place_of(page.locator(".region").last.locator("[data-corner='-1 -1']"))
    at = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    await drag(page, at, (0.05 * board["width"], 0.1 * board["height"]))
    await until(lambda: held(page), lambda now: now[1]["h"] < before[1]["h"])
    await draw(page, WORDS)
    cat, house = (await last(web)).regions
    assert (cat.prompt, cat.w, cat.h) == ("a fluffy white cat", before[0]["w"], before[0]["h"])
    assert cat.x == pytest.approx(before[0]["x"] + 0.1, abs=0.01)
    assert house.w == pytest.approx(before[1]["w"] - 0.05, abs=0.01)
    assert house.h == pytest.approx(before[1]["h"] - 0.1, abs=0.01)
    assert house.x + house.w / 2 == pytest.approx(before[1]["x"] + before[1]["w"] / 2, abs=0.002)


async def test_a_prompt_is_split_at_break_and_regions_are_switched_off(web: WebWithFakes) -> None:
    page = await opened(web)
    await page.fill("#prompt textarea", "a forest BREAK a fox BREAK a bear")
    await does(page, "columns")
    await expect(page.locator("#prompt textarea")).to_have_value("a forest")
    await expect(page.locator(".region")).to_have_count(2)
    await draw(page, "a forest")
    fox, bear = (await last(web)).regions
    assert (fox.prompt, fox.x, bear.prompt, bear.x) == ("a fox", 0.25, "a bear", 0.75)
    await page.click("#regions-wanted input")
    await expect(page.locator("#regions-fold > button")).to_contain_text("Regions: off")
    await draw(page, "a forest at night")
    assert (await last(web)).regions == ()


async def test_a_region_is_added_moved_by_keys_masked_removed_and_brought_back(web: WebWithFakes) -> None:
    page = await opened(web, width=390, height=844)
    await does(page, "add")
    await page.keyboard.type("a tree")
    await page.locator(".region").focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Shift+ArrowRight")
    file = io.BytesIO()
    Image.new("L", (8, 8), 255).save(file, "png")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Mask", exact=True).click()
    await (await chooser.value).set_files([{"name": "m.png", "mimeType": "image/png", "buffer": file.getvalue()}])
    (one,) = await until(lambda: held(page), lambda now: bool(now and now[0]["mask"]))
    assert (one["prompt"], one["x"], one["y"], one["w"]) == ("a tree", 0.295, 0.4, 0.41)
    await page.get_by_role("button", name="Remove region 1").click()
    await expect(page.locator(".region")).to_have_count(0)
    await does(page, "undo")
    await expect(page.locator(".region")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    found = await Axe().run(page, "#regions-fold")
    assert not [one["id"] for one in found.response["violations"] if one["impact"] in ("serious", "critical")]


async def test_reuse_brings_them_back_and_what_is_wrong_with_one_is_said(web: WebWithFakes) -> None:
    regions = (Region(prompt="a tree", x=0.25, w=0.5), Region(prompt="a fox", feather=3))
    await web.studio.images.generate_image(ImageRequest(prompt="a wood", regions=regions, region_base=0.5, steps=2))
    page = await web.open()
    await page.get_by_role("button", name="Reuse settings").click()
    await expect(page.locator("#regions-fold > button")).to_contain_text("Regions: 2")
    await page.click("#regions-fold > button")
    await expect(page.locator("#regions-editor textarea").last).to_have_value("a fox")
    await draw(page, "a wood")
    assert ((await last(web)).regions, (await last(web)).region_base) == (regions, 0.5)
    await page.locator("#regions-editor textarea").last.fill("")
    await page.click("#generate")
    await expect(page.locator("#create-notice")).to_contain_text("Regions 2, prompt: must not be empty")
