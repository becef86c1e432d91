"""Upscaling on the page: one press on a picture, in Create and in the gallery."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from illustrious_studio.domain.errors import OutOfMemory
from running_web import WebWithFakes, running_web
from samples import a_picture, metadata
from studio_for_tests import with_own_checkpoint

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
async def test_a_picture_is_upscaled_by_one_press_and_stands_there_with_what_was_done(
    web: WebWithFakes, width: int
) -> None:
    await web.studio.gallery.add(a_picture().image(), metadata("a red fox"))
    page = await web.open(width=width)
    await page.click("#picture [name=upscale]")
    await expect(page.locator("#picture img[width='192']")).to_be_visible()
    await expect(page.locator("#picture .facts")).to_contain_text("Upscaled from 96 × 64 by Real-ESRGAN anime")
    await expect(page.locator("#strip .thumb")).to_have_count(2)
    await page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")


async def test_in_the_gallery_it_leads_to_create_and_its_settings_say_what_was_done(web: WebWithFakes) -> None:
    await web.studio.gallery.add(a_picture().image(), metadata("a red fox"))
    page = await web.open("gallery")
    await page.click("#gallery-grid .thumb")
    await page.click("#viewer [name=upscale]")
    await expect(page.locator("#viewer")).to_be_hidden()
    await expect(page.locator("#picture img[width='192']")).to_be_visible()
    await page.click("#tab-gallery-button")
    await expect(page.locator("#gallery-grid .thumb")).to_have_count(2)
    await page.locator("#gallery-grid .thumb").first.click()
    await expect(page.locator("#viewer tr", has_text="Upscale")).to_contain_text("Upscaled from 96 × 64")
    await expect(page.locator("#viewer tr", has_text="Inpaint size")).to_have_count(0)
    await expect(page.locator("#viewer tr", has_text="Seed")).to_contain_text("1234")


async def test_while_it_runs_it_can_be_cancelled_and_the_queue_says_what_waits(web: WebWithFakes) -> None:
    await web.studio.gallery.add(a_picture().image(), metadata("a red fox"))
    web.engine.go_on.clear()
    page = await web.open()
    await page.click("#picture [name=upscale]")
    await expect(page.locator("#progress")).to_contain_text("Tile 1 of 2")
    await page.click("#picture [name=upscale]")
    await expect(page.locator(".queue:visible li")).to_contain_text("Upscale: a red fox")
    await page.click(".queue:visible [name=cancel]")
    await expect(page.locator(".queue:visible li")).to_have_count(0)
    await page.click("#progress [name=cancel]")
    await expect(page.locator("#create-notice")).to_contain_text("Cancelled.")


async def test_a_failure_is_a_sentence_and_try_again_upscales_again(web: WebWithFakes) -> None:
    await web.studio.gallery.add(a_picture().image(), metadata("a red fox"))
    web.engine.faults.append(OutOfMemory("The device's memory does not hold it."))
    page = await web.open()
    await page.click("#picture [name=upscale]")
    await expect(page.locator("#create-notice [role=alert]")).to_contain_text("does not hold it")
    await page.click("#create-notice [name=retry]")
    await expect(page.locator("#picture img[width='192']")).to_be_visible()


async def test_a_picture_that_would_become_too_large_is_refused_in_a_sentence(web: WebWithFakes) -> None:
    large = a_picture().image().resize((4000, 3000))
    await web.studio.gallery.add(large, metadata("a red fox").model_copy(update={"width": 4000, "height": 3000}))
    page = await web.open()
    await page.click("#picture [name=upscale]")
    await expect(page.get_by_text("at most 25 megapixels")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
async def test_a_picture_is_upscaled_and_redrawn_by_one_press(web: WebWithFakes, tmp_path: Path, width: int) -> None:
    async with running_web(with_own_checkpoint(tmp_path), web.browser) as own:
        await own.studio.gallery.add(a_picture().image(), metadata("a red fox"))
        page = await own.open("gallery", width=width)
        await page.click("#gallery-grid .thumb")
        await page.click("#viewer [name=redraw]")
        await expect(page.locator("#picture img[width='192']")).to_be_visible()
        request = own.engine.plans[-1].request
        assert (request.prompt, request.width, request.tile, request.strength) == ("a red fox", 192, 256, 0.3)
        await page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        await page.click("#picture [name=reuse]")
        await page.click("#advanced button.label-wrap")
        await page.click("#img2img-fold > button")
        await expect(page.locator("#tile input")).to_have_value("256")
        await expect(page.locator("#image_upscaler input")).to_have_value("Real-ESRGAN anime")
        await page.close()
        assert own.troubles == []


async def test_a_model_that_only_paints_over_sketches_offers_no_redraw(web: WebWithFakes) -> None:
    """It makes no picture finer: the lines of what it drew itself become grainy (docs/models.md)."""
    await web.studio.gallery.add(a_picture().image(), metadata("a red fox"))
    page = await web.open()
    await expect(page.locator("#picture [name=upscale]")).to_be_visible()
    await expect(page.locator("#picture [name=redraw]")).to_be_hidden()
