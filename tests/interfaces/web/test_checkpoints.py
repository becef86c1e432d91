"""Checkpoints in System: their reports, presets by one press, and files by their hash."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import BrowserContext, expect

from illustrious_studio.domain.encoding import image_to_png
from illustrious_studio.domain.models import CheckpointOverride
from illustrious_studio.wiring import CHECKPOINTS
from running_web import WebWithFakes, running_web, settled, tab
from studio_for_tests import with_own_checkpoint
from tiny_models import SDXL, safetensors
from waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PONY = "ponyDiffusionV6XL <i>"
SCORES = "score_9, score_8_up, score_7_up, score_6_up, score_5_up, score_4_up"
PROMPT = "#prompt textarea"


def notes() -> dict[str, str]:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    return {
        "modelspec.title": '<img src=x onerror="document.title=1">',
        "modelspec.author": "<b id=marked>somebody</b>",
        "modelspec.thumbnail": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(),
    }


@pytest_asyncio.fixture(loop_scope="session")
async def two(tmp_path: Path, browser: BrowserContext) -> AsyncIterator[WebWithFakes]:
    """A studio with a checkpoint that draws, one that says a lot, and a file that is none."""
    folder = with_own_checkpoint(tmp_path)
    (folder / CHECKPOINTS / f"{PONY}.safetensors").write_bytes(safetensors(SDXL, notes()))
    (folder / CHECKPOINTS / "old.ckpt").write_bytes(b"\x80")
    async with running_web(folder, browser) as web:
        await web.studio.models.switch(checkpoint="own")
        yield web
        for page in web.browser.pages:
            await page.close()
        assert web.troubles == []


async def test_a_report_shows_what_a_header_says_as_text_and_files_are_found_by_hash(two: WebWithFakes) -> None:
    for width in (1280, 390):
        page = await two.open("system", width=width, height=844)
        await expect(page.locator("#checkpoint-rows li")).to_have_count(3)
        await page.locator("#checkpoint-rows li", has_text=PONY).locator("[name=report]").click()
        report = page.locator("#report")
        await expect(report).to_contain_text("Pony (as its name says)")
        await expect(report).to_contain_text('<img src=x onerror="document.title=1">')
        await expect(report).to_contain_text("<b id=marked>somebody</b>")
        await expect(page.locator("#marked, #report img[src=x]")).to_have_count(0)
        await expect(report.locator("header img")).to_have_js_property("naturalWidth", 64)
        await expect(report).to_contain_text("names may be wrong")
        await expect(report).to_contain_text("AutoV3")  # it comes when it is computed
        await expect(page.locator("#report h2")).to_be_in_viewport()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        found = (await Axe().run(page, "#checkpoints")).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        await expect(page.locator("#refused-files")).to_contain_text("old.ckpt .ckpt files can run code.")
    digits = (await two.studio.reports.report(PONY)).auto_v2
    for asked, words in ((f"x.safetensors [{digits}]", PONY), ("0123456789", "No model file"), ("what", "8 to 64 hex")):
        await page.fill("#find-hash input", asked)
        await page.press("#find-hash input", "Enter")
        await page.get_by_text(words).locator("visible=true").first.wait_for()


async def test_what_is_recommended_is_kept_and_put_into_create_by_one_press(two: WebWithFakes) -> None:
    page = await two.open()
    await page.fill(PROMPT, "1girl")
    await page.click("#about [name=report]")
    await expect(page.locator("#report h2")).to_have_text("own")
    await page.click("[name=use_offered]")
    await expect(page.locator("#preset-outcome")).to_contain_text("Kept, and put into Create.")
    await expect(page.locator("#checkpoint-rows li[aria-current]")).to_contain_text("has a preset")
    own = (await two.studio.reports.report("own")).preset
    assert own is not None
    assert (two.studio.models.checkpoint().steps, own.steps, own.guidance_rescale) == (30, 30, 0.7)
    await page.click("#preset-outcome [name=tab]")
    await expect(page.locator("#advanced")).to_contain_text("30 steps, CFG 5")
    await page.reload()
    await settled(page)
    await tab(page, "create")
    await expect(page.locator("#advanced")).to_contain_text("30 steps, CFG 5")


async def test_a_preset_is_changed_used_again_and_taken_back(two: WebWithFakes) -> None:
    page = await two.open("system")
    await page.locator("#checkpoint-rows li", has_text="own").locator("[name=report]").click()
    await expect(page.locator("#report h2")).to_have_text("own")
    await page.click("#preset > button")
    await page.fill("#preset-steps input[type=number]", "12")
    await page.fill("#preset-before textarea", SCORES)
    await page.click("#use-preset")
    await expect(page.locator("#preset-outcome")).to_contain_text("put into Create")
    kept = two.studio.models.checkpoint().override.preset
    assert kept is not None
    assert (kept.steps, kept.before, kept.sampler) == (12, SCORES, "Euler")
    await tab(page, "create")
    await expect(page.locator(PROMPT)).to_have_value(SCORES)
    await page.fill(PROMPT, "1girl")
    await page.click("#about [name=use_preset]")
    await expect(page.locator(PROMPT)).to_have_value(f"{SCORES}, 1girl")
    await tab(page, "system")
    await page.fill("#preset-width input", "")
    await page.click("#use-preset")
    await page.get_by_text("width and height belong together").first.wait_for()
    assert two.studio.models.checkpoint().override.preset == kept
    await page.click("#reset-preset")
    await expect(page.locator("#preset-outcome")).to_contain_text("It has no preset any more.")
    assert two.studio.models.checkpoint().override == CheckpointOverride()
    await expect(page.locator("#preset-before textarea")).to_have_value("")


async def test_the_checkpoint_of_another_programs_picture_is_found_by_its_hash(two: WebWithFakes) -> None:
    found = await until(lambda: two.studio.reports.report(PONY), lambda one: one.auto_v3)
    page = await two.open("analyze")
    for digits, words in (("0123456789", "It was drawn with other, which is not here."), (found.auto_v2, PONY)):
        said = f"a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model hash: {digits}, Model: other"
        png = image_to_png(Image.new("RGB", (64, 64)), {"parameters": said})
        await page.set_input_files(
            "#analyze-picture input[type=file]", {"name": f"{digits}.png", "mimeType": "image/png", "buffer": png}
        )
        await expect(page.locator("#recorded")).to_contain_text(words)
    await page.click("#recorded [name=use_checkpoint]")
    await until(lambda: two.studio.models.checkpoint().name == PONY)


async def test_a_preset_of_another_checkpoint_comes_with_it(two: WebWithFakes) -> None:
    page = await two.open("system")
    await page.locator("#checkpoint-rows li", has_text=PONY).locator("[name=report]").click()
    await page.click("[name=use_offered]")
    await expect(page.locator("#preset-outcome")).to_contain_text(f"It holds when you switch to {PONY}.")
    await tab(page, "create")
    await expect(page.locator("#advanced")).to_contain_text("30 steps, CFG 7.5")
    await two.studio.models.switch(checkpoint=PONY)
    await expect(page.locator("#advanced")).to_contain_text("25 steps, CFG 7,")
    await expect(page.locator(PROMPT)).to_have_value("")
    await page.click("#about [name=use_preset]")
    await expect(page.locator(PROMPT)).to_have_value(SCORES)
