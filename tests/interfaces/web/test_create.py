"""Create: what a person sees and does there, in a real browser over real services."""

import asyncio
import contextlib
import json
import re

import pytest
from playwright.async_api import Page, Request, Route, expect

from illustrious_studio.domain.errors import OutOfMemory, StudioError
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.interfaces.web.form_values import POSITIONAL
from running_web import HeldState, WebWithFakes, draw, tab

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_prompt_becomes_a_picture_with_its_facts_and_buttons(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a red fox in the snow")
    item = (await web.studio.gallery.page()).items[0]
    facts = await page.inner_text("#picture .facts")
    assert str(item.metadata.request.seed) in facts
    assert f"{item.metadata.width} × {item.metadata.height}" in facts
    async with page.expect_download() as download:
        await page.click("#picture >> text=Download")
    assert (await download.value).suggested_filename == f"{item.stem}.png"
    await expect(page.locator("#strip .thumb")).to_have_count(1)


async def test_the_empty_screen_offers_prompts_that_draw_when_pressed(web: WebWithFakes) -> None:
    page = await web.open()
    example = page.locator("#picture .example").first
    words = await example.inner_text()
    await expect(page.locator("#picture .example")).to_have_count(3)
    await expect(page.locator("#about")).to_contain_text("SDXL checkpoint")
    await example.click()
    await page.wait_for_selector(f'#picture img[alt="{words}"]')
    await expect(page.locator("#prompt textarea")).to_have_value(words)


async def test_a_refresh_shows_the_running_job_and_what_was_typed(web: WebWithFakes) -> None:
    web.engine.go_on.clear()
    page = await web.open()
    await page.fill("#prompt textarea", "a boat on the sea")
    await page.click("#generate")
    await page.wait_for_selector("#progress:has-text('Step 2 of')")
    await page.reload()
    await page.wait_for_selector("#progress:has-text('Step 2 of')")
    await page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'a boat on the sea'")
    web.engine.go_on.set()
    await page.wait_for_selector('#picture img[alt="a boat on the sea"]')


async def test_more_pictures_wait_in_the_queue_and_each_can_be_cancelled(web: WebWithFakes) -> None:
    web.engine.go_on.clear()
    page = await web.open()
    for prompt in ("a cat", "a dog"):
        await page.fill("#prompt textarea", prompt)
        await page.click("#generate")
        await page.wait_for_selector("#generate:has-text('Add to queue')")
    waiting = page.locator("#create .queue li")
    await waiting.filter(has_text="a dog").get_by_role("button", name="Cancel").click()
    await waiting.first.wait_for(state="detached")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#generate:has-text('Generate')")
    assert web.engine.stopped.is_set()
    assert [job.state for job in await web.studio.jobs.recent(2)] == ["cancelled", "cancelled"]


async def test_several_pictures_are_generated_at_one_press(web: WebWithFakes) -> None:
    page = await web.open()
    await page.fill("#count input[type=number]", "3")
    await page.keyboard.press("Tab")
    await page.fill("#prompt textarea", "a lake")
    await page.click("#generate")
    await page.wait_for_selector("#strip .thumb:nth-child(3)")
    seeds = [item.metadata.request.seed for item in (await web.studio.gallery.page()).items]
    assert sorted(seeds) == [min(seeds), min(seeds) + 1, min(seeds) + 2]


async def test_a_failure_is_a_sentence_with_a_way_to_try_again(web: WebWithFakes) -> None:
    web.engine.faults.append(OutOfMemory("The picture does not fit into memory. Choose a smaller size."))
    page = await web.open()
    await page.fill("#prompt textarea", "a cat")
    await page.click("#generate")
    notice = page.locator("#create-notice .failed")
    await expect(notice).to_contain_text("Choose a smaller size.")
    await notice.get_by_role("button", name="Try again").click()
    await page.wait_for_selector('#picture img[alt="a cat"]')


async def press_while_the_state_is_held(web: WebWithFakes, page: Page, prompt: str) -> HeldState:
    """Press Generate; the page hears the state from before the press late, and no later one until it is let go."""
    state = HeldState(page)
    await state.hold()
    web.engine.go_on.clear()
    await page.fill("#prompt textarea", prompt)
    await page.click("#generate")
    await page.wait_for_function("document.querySelector('#started [data-job]').dataset.job")
    await state.deliver_stale()
    return state


async def all_over(web: WebWithFakes) -> None:
    """Nothing is queued or drawn any more."""
    web.engine.go_on.set()
    for active in web.studio.jobs.active():
        with contextlib.suppress(StudioError):
            await web.studio.jobs.wait(active.job.id)


async def test_a_picture_that_was_over_before_the_page_asked_is_shown(web: WebWithFakes) -> None:
    page = await web.open()
    state = await press_while_the_state_is_held(web, page, "a quick fox")
    await all_over(web)
    await state.let_go()
    await page.wait_for_selector('#picture img[alt="a quick fox"]')
    await page.wait_for_selector("#strip .thumb")


async def test_a_failure_that_was_over_before_the_page_asked_is_told(web: WebWithFakes) -> None:
    page = await web.open()
    for detail in ("The first does not fit.", "The second does not fit."):
        web.engine.faults.append(OutOfMemory(detail))
        state = await press_while_the_state_is_held(web, page, "a cat")
        await all_over(web)
        await state.let_go()
        await page.wait_for_selector(f"#create-notice .failed:has-text('{detail}')")


async def test_a_failure_stays_when_what_was_queued_with_it_succeeds(web: WebWithFakes) -> None:
    web.engine.faults.append(OutOfMemory("The picture does not fit into memory."))
    page = await web.open()
    await page.fill("#count input[type=number]", "2")
    await page.keyboard.press("Tab")
    await page.fill("#prompt textarea", "a lake")
    await page.click("#generate")
    await page.wait_for_selector('#picture img[alt="a lake"]')
    await expect(page.locator("#create-notice .failed")).to_contain_text("does not fit")
    await page.click("#picture [name=regenerate]")
    await page.wait_for_selector("#strip .thumb:nth-child(2)")
    await expect(page.locator("#create-notice .failed")).to_have_count(0)


async def test_a_picture_drawn_elsewhere_between_two_questions_appears_once(web: WebWithFakes) -> None:
    page = await web.open()
    events: list[str] = []
    listener = await page.evaluate(
        "gradio_config.dependencies.find(({ targets }) => targets.some(([, name]) => name === 'finished')).id"
    )

    def note(request: Request) -> None:
        if "/queue/join" in request.url and request.post_data_json["fn_index"] == listener:
            events.append(request.url)

    page.on("request", note)
    state = HeldState(page)
    await state.hold()
    await web.studio.images.generate_image(ImageRequest(prompt="a kite", steps=2))
    await web.studio.images.generate_image(ImageRequest(prompt="a dove", steps=2))
    await state.let_go()
    await page.wait_for_selector('#picture img[alt="a dove"]')
    await page.wait_for_selector("#strip .thumb:nth-child(2)")
    async with page.expect_response("**/live?*"):
        pass
    assert len(events) == 1


async def test_an_empty_prompt_is_answered_with_what_to_do(web: WebWithFakes) -> None:
    page = await web.open()
    await page.click("#generate")
    await page.wait_for_selector("#create-notice:has-text('Write what you would like to see first.')")


async def test_words_that_the_sketch_does_not_know_are_named_with_the_nearest(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a catt and a dog")
    await expect(page.locator("#picture .not-drawn")).to_contain_text("Not drawn: “catt” (nearest: cat")


async def test_settings_of_a_picture_come_back_and_survive_a_refresh(web: WebWithFakes) -> None:
    page = await web.open()
    await page.get_by_label("Portrait").check()
    await page.click("#negative-fold > button")
    await page.fill("#negative textarea", "rain")
    await draw(page, "a red car")
    metadata = (await web.studio.gallery.page()).items[0].metadata
    assert metadata.height > metadata.width
    await page.fill("#prompt textarea", "something else")
    await page.get_by_label("Square").check()
    await page.click("#picture [name=reuse]")
    await page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'a red car'")
    await page.wait_for_selector(f"#advanced:has-text('seed {metadata.request.seed}')")
    await page.reload()
    await page.wait_for_selector(f"#advanced:has-text('seed {metadata.request.seed}')")
    await expect(page.get_by_label("Portrait")).to_be_checked()
    await page.wait_for_selector("#negative-fold:has-text('Negative prompt: rain')")


async def test_what_is_typed_while_a_page_opens_stays_and_the_rest_is_brought_back(web: WebWithFakes) -> None:
    page = await web.open()
    await page.fill("#prompt textarea", "an old boat")
    await page.get_by_label("Portrait").check()
    await page.wait_for_function("localStorage.getItem('studio.create')?.includes('portrait')")
    go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route("**/queue/join*", hold)
    await page.reload()
    await page.fill("#prompt textarea", "a new boat")
    go_on.set()
    await page.wait_for_selector("body[data-restored]")
    await expect(page.get_by_label("Portrait")).to_be_checked()
    assert await page.input_value("#prompt textarea") == "a new boat"
    kept = json.loads(await page.evaluate("localStorage.getItem('studio.create')"))
    assert (kept["prompt"], kept["shape"]) == ("a new boat", "portrait")
    await page.unroute_all()


async def test_a_form_that_a_page_before_this_version_saved_is_kept(web: WebWithFakes) -> None:
    page = await web.open()
    saved = [
        "an old boat", "rain", "custom", 320, 384, 12, 4.5, 77, "DPM++ 2M", "Normal", 2,
        0.4, "fill", "masked", "fill", "", 3, False, 0.7, "", web.studio.models.checkpoint().name,
    ]  # fmt: skip
    await page.evaluate("saved => localStorage.setItem('studio.create', saved)", json.dumps(saved))
    await page.reload()
    await page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'an old boat'")
    await page.wait_for_function("localStorage.getItem('studio.create').startsWith('{')")
    kept = json.loads(await page.evaluate("localStorage.getItem('studio.create')"))
    assert [kept[name] for name in POSITIONAL] == saved
    await draw(page, "a new boat")
    request = (await web.studio.gallery.page()).items[0].metadata.request
    assert (request.width, request.height, request.steps, request.guidance) == (320, 384, 12, 4.5)
    assert (request.sampler, request.schedule, request.clip_skip) == ("DPM++ 2M", "Normal", 2)
    assert request.seed in (77, 78, 79)
    assert request.negative_prompt == "rain"


async def test_again_draws_with_another_seed_and_vary_keeps_the_seed(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a house")
    first = (await web.studio.gallery.page()).items[0].metadata.request
    await page.click("#picture [name=regenerate]")
    await page.wait_for_selector("#strip .thumb:nth-child(2)")
    again = (await web.studio.gallery.page()).items[0].metadata.request
    assert again.seed != first.seed
    by_seed = {"seed": 0, "layout": None}
    assert again.model_copy(update=by_seed) == first.model_copy(update=by_seed)
    assert again.layout != first.layout  # the words alone placed it, with the seed
    await page.click("#picture [name=variation]")
    await page.wait_for_selector("#strip .thumb:nth-child(3)")
    varied = (await web.studio.gallery.page()).items[0].metadata.request
    assert varied.seed == again.seed
    assert varied.guidance != again.guidance
    assert varied.layout == again.layout


async def test_a_deleted_picture_can_be_brought_back(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a tree")
    await page.click("#picture [name=delete]")
    await page.wait_for_selector("#picture .teach")
    assert (await web.studio.gallery.page()).items == []
    await page.click("#snack >> text=Undo")
    await page.wait_for_selector('#picture img[alt="a tree"]')


async def test_enhancing_shows_before_and_after_and_can_be_undone(web: WebWithFakes) -> None:
    web.chat.scripts = [["no humans, tree, hill, green leaves, ", "blue sky, scenery"]]
    page = await web.open()
    await page.fill("#prompt textarea", "a tree on a hill")
    await page.click("#enhance")
    await page.wait_for_selector("#enhanced:has-text('Enhanced by fake-chat.')")
    await expect(page.locator("#enhanced")).to_contain_text("a tree on a hill")
    await expect(page.locator("#prompt textarea")).to_have_value(re.compile("blue sky"))
    await page.click("#enhanced >> text=Undo")
    await page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'a tree on a hill'")


async def test_a_language_model_with_nothing_to_add_is_said_and_the_prompt_stays(web: WebWithFakes) -> None:
    web.chat.scripts = [["I am sorry."]]
    page = await web.open()
    await page.fill("#prompt textarea", "a tree on a hill")
    await page.click("#enhance")
    await page.wait_for_selector("#enhanced:has-text('It stays as it is.')")
    await expect(page.locator("#prompt textarea")).to_have_value("a tree on a hill")


async def test_keys_draw_and_go_to_the_prompt(web: WebWithFakes) -> None:
    page = await web.open()
    await page.locator("body").click(position={"x": 5, "y": 790})
    await page.keyboard.press("/")
    await page.keyboard.type("a blue ball")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector('#picture img[alt="a blue ball"]')


async def test_pictures_drawn_elsewhere_appear_by_themselves(web: WebWithFakes) -> None:
    page = await web.open()
    web.engine.go_on.clear()
    drawing = asyncio.create_task(web.studio.images.generate_image(ImageRequest(prompt="a kite")))
    await page.wait_for_selector("#progress:has-text('Step 2 of')")
    web.engine.go_on.set()
    await drawing
    await page.wait_for_selector('#picture img[alt="a kite"]')
    await tab(page, "gallery")
    await page.wait_for_selector("#gallery-grid .thumb")


async def test_sampler_schedule_and_clip_skip_are_drawn_with_remembered_and_brought_back(web: WebWithFakes) -> None:
    wanted = ImageRequest(prompt="an old boat", seed=3, sampler="DPM++ 2M", schedule="Normal", clip_skip=2)
    item = await web.studio.images.generate_image(wanted)
    page = await web.open()
    await page.click("#advanced button.label-wrap")
    await expect(page.locator("#sampler input")).to_have_value("Euler")
    await page.click("#picture >> text=Reuse settings")
    await page.wait_for_function("document.querySelector('#sampler input')?.value === 'DPM++ 2M'")
    await page.wait_for_function("localStorage.getItem('studio.create').includes('DPM++ 2M')")
    await page.reload()
    await page.click("#advanced button.label-wrap")
    await page.wait_for_function("document.querySelector('#sampler input')?.value === 'DPM++ 2M'")
    await draw(page, "a new boat")
    drawn = (await web.studio.gallery.page()).items[0].metadata.request
    assert (drawn.sampler, drawn.schedule, drawn.clip_skip) == ("DPM++ 2M", "Normal", 2)
    assert item.metadata.request.sampler == drawn.sampler


async def test_words_of_which_none_is_known_are_answered_with_examples_to_press(web: WebWithFakes) -> None:
    page = await web.open()
    await page.fill("#prompt textarea", "xqzv")
    await page.click("#generate")
    await expect(page.locator("#create-notice .notice")).to_contain_text("There is no drawing for any of this: xqzv")
    await page.locator("#prompt textarea").press_sequentially("y")
    await expect(page.locator("#create-notice .notice")).to_have_count(0)  # it was about other words
    await page.click("#generate")
    pressed = await page.locator("#create-notice .example").first.inner_text()
    await page.locator("#create-notice .example").first.click()
    await page.wait_for_selector("#strip .thumb")
    assert (await web.studio.gallery.page()).items[0].metadata.request.prompt == pressed


async def test_what_failed_by_another_way_is_told_there_and_not_in_create(web: WebWithFakes) -> None:
    page = await web.open()
    web.engine.faults.append(OutOfMemory("The device's memory does not hold it."))
    with pytest.raises(OutOfMemory):
        await web.studio.images.generate_image(ImageRequest(prompt="a kite"))
    await draw(page, "a boat")
    await expect(page.locator("#create-notice")).not_to_contain_text("does not hold it")


async def test_a_fraction_where_a_whole_number_belongs_is_told_by_the_fields_name(web: WebWithFakes) -> None:
    page = await web.open()
    await page.fill("#prompt textarea", "a cat")
    await page.click("#advanced button.label-wrap")
    await page.fill("#seed input", "1.5")
    await page.keyboard.press("Tab")
    await page.click("#generate")
    await expect(page.locator("#create-notice")).to_contain_text("Seed: must be a whole number.")
