"""Outpainting in Create: by so many pixels on each side of a chosen picture, or of one from the gallery."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from fakes import gradient, start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.outpainting import Outpaint
from running_web import WebWithFakes, draw

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_picture_grows_by_the_pixels_of_its_sides_and_comes_back_with_its_settings(
    web: WebWithFakes, tmp_path: Path
) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(to_png(gradient(300, 200, 5)))
    page = await web.open()
    await page.click("#img2img-fold > button")
    await expect(page.locator("#outpaint")).to_be_hidden()
    await page.locator("#img2img-editor input[type=file]").set_input_files(file)
    await page.locator("#outpaint input").check()
    await expect(page.locator("#img2img-fold > button")).to_contain_text("Image to image: outpaint")
    await expect(page.locator("#strength")).to_be_hidden()  # it has one of its own, and fits to nothing
    for side, pixels in (("left", 64), ("right", 0), ("top", 8), ("bottom", 0)):
        await page.locator(f"#outpaint_{side} input").fill(str(pixels))
    await expect(page.locator("#img2img-editor .img2img-status")).to_have_text("300 × 200 becomes 364 × 208.")
    await page.locator("#outpaint_content").get_by_label("Latent noise").check()
    await draw(page, "a meadow")
    plan = web.engine.plans[-1]
    assert plan.request.outpaint == Outpaint(left=64, top=8, content="latent_noise")
    assert (plan.size, plan.passes[0].strength) == ((368, 208), 1.0)
    assert start_picture(plan).content == "latent_noise"
    await page.reload()
    await page.wait_for_function("document.body.dataset.restored === 'yes'")
    await page.click("#img2img-fold > button")
    await page.locator("#outpaint input").uncheck()
    await expect(page.locator("#outpaint_left")).to_be_hidden()
    await page.get_by_role("button", name="Reuse settings").first.click()
    await expect(page.locator("#outpaint input")).to_be_checked()
    await expect(page.locator("#outpaint_left input")).to_have_value("64")


async def test_one_press_takes_a_picture_of_the_gallery_there(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a cat")
    await page.locator("#picture").get_by_role("button", name="Outpaint").click()
    await expect(page.locator("#img2img-fold > button")).to_contain_text("Image to image: outpaint")
    await expect(page.locator("#outpaint input")).to_be_checked()
    await expect(page.locator("#img2img-editor .img2img-board.outpainting img")).to_be_visible()
