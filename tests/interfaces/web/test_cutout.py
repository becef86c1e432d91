"""Removing backgrounds on the page, with the real network: a picture to download, and masks to inpaint by."""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.pictures import Picture
from running_web import WebWithFakes
from samples import metadata, owl

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MASK = "JSON.parse(JSON.parse(localStorage.getItem('studio.create')).held_picture || '{}').mask"
COVERED = """canvas => {
  const pen = canvas.getContext('2d');
  return [0.5, 0.05].map((at) => pen.getImageData(at * canvas.width, at * canvas.height, 1, 1).data[3] > 127);
}"""


async def shown_cutout(page: Page) -> Image.Image:
    """The cutout in the dialog, once it is there, as it is downloaded."""
    await expect(page.locator("#cutout img")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.click("#cutout a:has-text('Download PNG')")
    download = await downloading.value
    assert download.suggested_filename.endswith("-cutout.png")
    return Image.open(io.BytesIO((await download.path()).read_bytes()))


async def test_a_background_is_removed_in_the_gallery_and_in_create(web: WebWithFakes) -> None:
    await web.studio.gallery.add((await owl()).image(), metadata("an owl", width=320, height=320))
    page = await web.open()
    await page.click("#picture [name=cutout]")
    cutout = await shown_cutout(page)
    assert (cutout.mode, cutout.size) == ("RGBA", (320, 320))
    assert (cutout.getpixel((160, 160))[3], cutout.getpixel((10, 10))[3]) == (255, 0)
    await page.click("#cutout [name=close]")
    await page.click("#tab-gallery-button")
    await page.click("#gallery-grid .thumb")
    await page.click("#viewer [name=cutout]")
    assert (await shown_cutout(page)).tobytes() == cutout.tobytes()
    assert len((await web.studio.gallery.page()).items) == 1  # a file, and no picture of its own


async def test_a_picture_in_which_nothing_stands_out_is_a_sentence(web: WebWithFakes) -> None:
    plain = Picture.from_image(Image.new("RGB", (64, 64), "teal"))
    await web.studio.gallery.add(plain.image(), metadata(width=64, height=64))
    page = await web.open()
    await page.click("#picture [name=cutout]")
    await expect(page.locator("#cutout [role=status]")).to_contain_text("Nothing in this picture stands out")
    await expect(page.locator("#cutout a")).to_be_hidden()


async def test_the_subject_or_the_background_is_masked_and_painted_on(web: WebWithFakes, tmp_path: Path) -> None:
    file = tmp_path / "owl.png"
    file.write_bytes(to_png(await owl()))
    page = await web.open()
    await page.click("#img2img-fold > button")
    await expect(page.get_by_role("button", name="Mask the subject")).to_be_hidden()
    await page.locator("#img2img-editor input[type=file]").set_input_files(file)
    canvas = page.locator("#img2img-editor canvas")
    await page.wait_for_function("document.querySelector('#img2img-editor canvas').width === 320")
    await page.get_by_role("button", name="Mask the subject").click()
    await page.wait_for_function(f"Boolean({MASK})")
    subject = await page.evaluate(MASK)
    await until_covered(page, [True, False])
    mask = Image.open(io.BytesIO(await web.studio.inputs.file(subject)))
    assert (mask.mode, mask.size) == ("L", (320, 320))
    await page.get_by_role("button", name="Mask the background").click()
    await page.wait_for_function(f"before => {MASK} !== before", arg=subject)
    await until_covered(page, [False, True])
    background = await page.evaluate(MASK)
    await canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")
    box = await canvas.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.wait_for_function(f"before => {MASK} !== before", arg=background)
    assert await canvas.evaluate(COVERED) == [True, True]
    for before in (background, subject):
        await page.get_by_role("button", name="Undo").click()
        await page.wait_for_function(f"before => {MASK} === before", arg=before)
    assert await canvas.evaluate(COVERED) == [True, False]


async def until_covered(page: Page, where: list[bool]) -> None:
    """Until the canvas is painted in its middle and in its corner, or not."""
    await page.wait_for_function(
        f"where => String(({COVERED})(document.querySelector('#img2img-editor canvas'))) === String(where)", arg=where
    )
