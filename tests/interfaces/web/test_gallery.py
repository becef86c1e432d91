"""Gallery, Analyze and System in the browser."""

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from fakes import gradient
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import CheckpointOverride
from running_web import HeldState, WebWithFakes, draw, running_web, tab
from studio_for_tests import with_own_checkpoint

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def drawn(web: WebWithFakes, *prompts: str) -> None:
    for prompt in prompts:
        await web.studio.images.generate_image(ImageRequest(prompt=prompt, steps=2, width=64, height=64))


async def thumbs(page: Page, number: int) -> None:
    await expect(page.locator("#gallery-grid .thumb")).to_have_count(number)


async def test_the_gallery_loads_more_as_one_scrolls(web: WebWithFakes) -> None:
    await drawn(web, *(f"cat {number}" for number in range(60)))
    page = await web.open("gallery")
    await page.locator("#gallery-grid .thumb").nth(47).wait_for()
    await page.locator("#gallery-grid .thumb").last.scroll_into_view_if_needed()
    await page.mouse.wheel(0, 20_000)
    await thumbs(page, 60)
    prompts = [await one.get_attribute("title") for one in await page.locator("#gallery-grid .thumb").all()]
    assert prompts == [f"cat {number}" for number in reversed(range(60))]


async def test_pictures_are_found_by_words_and_filters(web: WebWithFakes) -> None:
    await drawn(web, "a red fox", "a blue whale")
    page = await web.open("gallery")
    await thumbs(page, 2)
    await page.fill("#gallery-search", "whale")
    await thumbs(page, 1)
    await page.click("#gallery-grid .thumb")
    await page.click("#viewer [name=favourite]")
    await page.wait_for_selector("#viewer [name=favourite]:has-text('take away')")
    await page.keyboard.press("Escape")
    await page.fill("#gallery-search", "")
    await thumbs(page, 2)
    await page.click("[name=filter][value=favourites]")
    await thumbs(page, 1)
    await expect(page.locator("#gallery-grid .thumb")).to_have_attribute("title", "a blue whale")
    await page.fill("#gallery-search", "no such words")
    await page.wait_for_selector("#gallery-grid:has-text('No picture fits.')")


async def test_a_picture_large_with_all_settings_and_arrows_for_the_next(web: WebWithFakes) -> None:
    await drawn(web, "an older cat", "a newer cat")
    page = await web.open("gallery")
    await page.click("#gallery-grid .thumb >> nth=0")
    await page.wait_for_selector("#viewer table:has-text('newer')")
    item = (await web.studio.gallery.page()).items[0]
    for text in (str(item.metadata.request.seed), "64 × 64", item.metadata.checkpoint):
        assert text in await page.inner_text("#viewer table")
    await page.click("#viewer tr:has-text('Seed') >> text=Copy")
    await page.wait_for_selector("#viewer tr:has-text('Seed') >> text=Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == str(item.metadata.request.seed)
    await page.keyboard.press("ArrowRight")
    await page.wait_for_selector("#viewer table:has-text('older')")
    await page.keyboard.press("ArrowLeft")
    await page.wait_for_selector("#viewer table:has-text('newer')")
    await page.click("#viewer [name=reuse]")
    await page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'a newer cat'")
    await page.wait_for_selector("#tab-create-button[aria-selected=true]")


async def test_deleting_takes_a_picture_away_and_undo_brings_it_back(web: WebWithFakes) -> None:
    await drawn(web, "first cat", "second cat")
    page = await web.open("gallery")
    await page.click("#gallery-grid .thumb[title='second cat']")
    await page.click("#viewer [name=delete]")
    await thumbs(page, 1)
    await expect(page.locator("#viewer")).to_be_hidden()
    await page.click("#snack >> text=Undo")
    await thumbs(page, 2)


async def test_an_answer_about_a_picture_streams_and_says_who_looked(web: WebWithFakes) -> None:
    await drawn(web, "a cat")
    png = await web.studio.gallery.png((await web.studio.gallery.page()).items[0].id)
    page = await web.open("analyze")
    await page.set_input_files(
        "#analyze-picture input[type=file]", {"name": "cat.png", "mimeType": "image/png", "buffer": png}
    )
    await page.wait_for_selector("#recorded:has-text('a cat')")
    await page.click("text=Read the text")
    await page.wait_for_selector("#answer:has-text('word for word.: 64 x 64')")
    await page.wait_for_selector("text=Analyzed by fake-eyes")
    await page.click("text=Reuse settings >> visible=true")
    await page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'a cat'")
    await page.wait_for_selector("#tab-create-button[aria-selected=true]")


async def test_a_file_that_is_no_picture_is_told_in_a_sentence(web: WebWithFakes) -> None:
    page = await web.open("analyze")
    await page.click("#analyze-button")
    await page.wait_for_selector("text=Choose or paste a picture first.")
    await page.set_input_files(
        "#analyze-picture input[type=file]", {"name": "bad.png", "mimeType": "image/png", "buffer": b"not a picture"}
    )
    await page.wait_for_selector("#analyze-picture img")
    await page.click("#analyze-button")
    await page.wait_for_selector("#analyze .failed:has-text('not a picture the studio can open')")


def radio(fold: Locator, group: str, choice: str) -> Locator:
    return fold.locator("fieldset", has_text=group).locator("label", has_text=choice).locator("input")


async def test_what_the_checkpoints_file_does_not_say_is_said_under_system(web: WebWithFakes) -> None:
    page = await web.open("system")
    fold = page.locator("#prediction")
    await expect(fold).to_contain_text("v_prediction, zero terminal SNR, as its file says")
    await fold.locator("button").first.click()
    await radio(fold, "Prediction type", "epsilon").click()
    await expect(fold).to_contain_text("epsilon, zero terminal SNR, as you set it")
    assert web.studio.models.checkpoint().prediction_type == "epsilon"
    await radio(fold, "Prediction type", "As its file says").click()
    await expect(fold).to_contain_text("v_prediction, zero terminal SNR, as its file says")
    assert web.studio.models.checkpoint().prediction_type == "v_prediction"


async def test_a_checkpoint_that_was_chosen_elsewhere_is_shown_with_what_is_set_for_it(
    tmp_path: Path, web: WebWithFakes
) -> None:
    async with running_web(with_own_checkpoint(tmp_path), web.browser) as two:
        own, builtin = (one.name for one in await two.studio.models.checkpoints())
        await two.studio.models.set_override(builtin, {"prediction_type": "epsilon", "zero_terminal_snr": False})
        page = await two.open("system")
        chosen, fold = page.locator("#switch-checkpoint input"), page.locator("#prediction")
        await expect(chosen).to_have_value(own)
        await fold.locator("button").first.click()
        await two.studio.models.switch(checkpoint=builtin)
        await expect(chosen).to_have_value(builtin)
        await expect(fold).to_contain_text("epsilon, as you set it")
        await expect(radio(fold, "Prediction type", "epsilon")).to_be_checked()
        await expect(radio(fold, "Zero terminal SNR", "Off")).to_be_checked()
        await page.close()
        assert two.troubles == []


async def test_what_is_pressed_is_set_alone_and_for_the_checkpoint_that_is_shown(
    tmp_path: Path, web: WebWithFakes
) -> None:
    async with running_web(with_own_checkpoint(tmp_path), web.browser) as two:
        own, builtin = (one.name for one in await two.studio.models.checkpoints())
        page = await two.open("system")
        fold = page.locator("#prediction")
        await fold.locator("button").first.click()
        state = HeldState(page)
        await state.hold()  # the page does not hear what follows
        await two.studio.models.set_override(own, {"zero_terminal_snr": False})
        await two.studio.models.switch(checkpoint=builtin)
        await radio(fold, "Prediction type", "epsilon").click()
        await expect(page.get_by_text(f"That is kept for {own}")).to_be_visible()
        overrides = {one.name: one.override for one in await two.studio.models.checkpoints()}
        assert overrides[own] == CheckpointOverride(prediction_type="epsilon", zero_terminal_snr=False)
        assert overrides[builtin] == CheckpointOverride()
        await state.let_go()
        await page.close()
        assert two.troubles == []


async def test_what_was_put_into_the_folder_is_taken_in_at_the_press_of_a_button(web: WebWithFakes) -> None:
    page = await web.open("gallery")
    (web.gallery / "my holiday.png").write_bytes(to_png(gradient(64, 64, 1)))
    (web.gallery / "half.png").write_bytes(b"half")
    await page.click("text=Read the folder again")
    await expect(page.locator(".notice", has_text="1 picture, 1 of them new")).to_contain_text("half.png")
    await page.wait_for_selector('#gallery-grid img[alt="my holiday"]')
    (web.gallery / "half.png").unlink()


async def test_why_a_file_cannot_be_used_stands_under_system(web: WebWithFakes) -> None:
    page = await web.open("system")
    await expect(page.locator("#system li", has_text="a-model.gguf")).to_contain_text("GGUF is not read here")


async def test_system_shows_three_cards_and_switches_the_language_model(web: WebWithFakes) -> None:
    page = await web.open()
    await page.click("header .chip >> nth=1")
    await page.wait_for_selector("#system .card >> nth=2")
    await expect(page.locator("#system .cards")).to_contain_text("fake-eyes")
    await page.click("#switch-language input")
    await page.click("[role=option]:has-text('other-chat')")
    await page.wait_for_selector("text=Chat model: other-chat.")
    await page.wait_for_selector("header .chip:has-text('other-chat')")
    await page.click("#switch-language input")
    await page.click("[role=option]:has-text('fake-chat')")
    await page.wait_for_selector("header .chip:has-text('fake-chat')")
    await page.click("#system >> text=Check again")
    await page.wait_for_selector("text=Everything is ready.")


async def test_a_checkpoint_that_gave_up_its_memory_says_so_and_comes_back_with_the_next_picture(
    web: WebWithFakes,
) -> None:
    page = await web.open("system")
    await page.click("text=Unload the checkpoint")
    reason = page.locator("#system .card .reason", has_text="the next picture loads it again")
    await reason.wait_for()
    await tab(page, "create")
    await draw(page, "a cat")
    await reason.wait_for(state="detached")
