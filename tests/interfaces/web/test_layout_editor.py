"""The Layout section of Create: what stands where is shown, moved by mouse, finger and keyboard, and drawn so."""

import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FloatRect, Locator, Page, Request, expect

from fakes import start_picture
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.rendering import FromNoise
from running_web import WebWithFakes, draw, running_web
from studio_for_tests import with_own_checkpoint
from waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS = "a fox and a tree in the snow"


async def shown(page: Page, prompt: str = WORDS) -> None:
    """Type a prompt and have it laid out."""
    await page.fill("#prompt textarea", prompt)
    if not await page.locator("#layout-editor").is_visible():
        await page.click("#layout-fold > button")
    await page.get_by_role("button", name="Show layout").click()
    await page.wait_for_selector(".board img[src^=blob]")


def box(page: Page, name: str) -> Locator:
    return page.locator(".board .thing", has=page.locator(f".thing-name:text-is('{name}')"))


async def remembered(page: Page) -> Layout | None:
    """The layout that the browser remembers with the form."""
    saved = await page.evaluate("localStorage.getItem('studio.create')")
    held = json.loads(saved)["held_layout"]
    return Layout.model_validate(json.loads(held)["layout"]) if held else None


async def held(page: Page) -> Layout:
    layout = await until(lambda: remembered(page))
    assert layout is not None
    return layout


async def thing(page: Page, name: str) -> Placed:
    return next(one for one in (await held(page)).things if one.what == name)


async def other_than(page: Page, before: Placed) -> Placed:
    """The thing, as soon as it is remembered elsewhere or in another size."""
    return await until(lambda: thing(page, before.what), before.__ne__)


async def holds(page: Page, *names: str) -> None:
    await until(lambda: held(page), lambda layout: {one.what for one in layout.things} == set(names))


async def title(page: Page, words: str) -> None:
    await expect(page.locator("#layout-fold > button")).to_contain_text(f"Layout: {words}")


async def place_of(locator: Locator) -> FloatRect:
    rect = await locator.bounding_box()
    assert rect is not None
    return rect


async def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    await page.mouse.move(*start)
    await page.mouse.down()
    await page.mouse.move(start[0] + by[0] / 2, start[1] + by[1] / 2)
    await page.mouse.move(start[0] + by[0], start[1] + by[1])
    await page.mouse.up()


async def drag_box(page: Page, name: str, by: tuple[float, float]) -> None:
    await box(page, name).scroll_into_view_if_needed()
    rect = await place_of(box(page, name))
    await drag(page, (rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] / 2), by)


async def last_layout(web: WebWithFakes) -> Layout:
    layout = (await web.studio.gallery.page()).items[0].metadata.request.layout
    assert layout is not None
    return layout


async def test_words_are_shown_as_boxes_over_the_sketch_and_drawn_as_shown(web: WebWithFakes) -> None:
    page = await web.open()
    await title(page, "from your words")
    await shown(page)
    await title(page, "2 things, from your words")
    assert await page.locator(".thing-name").all_inner_texts() == [one.what for one in (await held(page)).things]
    await draw(page, WORDS)
    assert await last_layout(web) == await held(page)


async def test_somebody_who_is_moved_stays_who_they_are(web: WebWithFakes) -> None:
    page = await web.open()
    words = "1girl, red hair, witch hat, in front of a castle"
    await shown(page, words)
    before = await thing(page, "girl")
    await drag_box(page, "girl", (-20, 0))
    after = await other_than(page, before)
    assert after.figure is not None
    assert (after.figure.hair, after.figure.extras) == ("red", ("witch_hat",))
    assert after == before.model_copy(update={"x": after.x, "y": after.y})
    await draw(page, words)
    assert await last_layout(web) == await held(page)


async def test_a_dragged_box_changes_what_is_sent_painted_and_recorded(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    before, board = await thing(page, "fox"), await place_of(page.locator(".board"))
    paints: list[Any] = []

    def note(request: Request) -> None:
        if request.url.endswith("/layout/sketch"):
            paints.append(request.post_data_json)

    page.on("request", note)
    await drag_box(page, "fox", (40, -30))
    await title(page, "2 things, edited")
    after = await other_than(page, before)
    assert after.x == pytest.approx(before.x + 40 / board["width"], abs=0.01)
    assert after.y == pytest.approx(before.y - 30 / board["height"], abs=0.01)
    assert (after.w, after.h) == (before.w, before.h)
    await draw(page, WORDS)
    kept = await last_layout(web)
    assert kept.by == "hand"
    assert after in kept.things
    assert paints
    assert paints[-1]["layout"]["things"] == [one.model_dump() for one in kept.things]
    sketch = start_picture(web.engine.plans[-1]).picture
    assert sketch == await web.studio.sketches.paint(kept, 512, 512, web.engine.plans[-1].request.seed)


async def test_a_box_stays_in_the_picture_however_far_it_is_dragged(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    before = await thing(page, "fox")
    await drag_box(page, "fox", (-2000, 2000))
    fox = await other_than(page, before)
    assert fox.x == pytest.approx(fox.w / 2, abs=0.001)
    assert fox.y == pytest.approx(1 - fox.h / 2, abs=0.001)
    await draw(page, WORDS)


async def test_a_corner_resizes_and_the_opposite_corner_and_the_shape_stay(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    before = await thing(page, "fox")
    await box(page, "fox").scroll_into_view_if_needed()
    await box(page, "fox").focus()
    rect = await place_of(box(page, "fox"))
    await drag(page, (rect["x"] + 1, rect["y"] + 1), (rect["width"] / 3, 0))
    after = await other_than(page, before)
    assert after.w == pytest.approx(before.w * 2 / 3, rel=0.05)
    assert after.w / after.h == pytest.approx(before.w / before.h, rel=0.01)
    assert after.x + after.w / 2 == pytest.approx(before.x + before.w / 2, abs=0.002)
    assert after.y + after.h / 2 == pytest.approx(before.y + before.h / 2, abs=0.002)


async def test_the_keyboard_moves_resizes_and_removes(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    before = await thing(page, "fox")
    await box(page, "fox").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        await page.keyboard.press(key)
    there = (pytest.approx(before.x - 0.01), pytest.approx(before.y - 0.02))
    moved = await until(lambda: thing(page, "fox"), lambda fox: (fox.x, fox.y) == there)
    await expect(page.locator(".layout-announced")).to_contain_text(f"{round(moved.y * 100)}% from the top")
    await page.keyboard.press("Shift+ArrowUp")
    assert (await other_than(page, moved)).w == pytest.approx(moved.w + 0.01, abs=0.001)
    await page.keyboard.press("Delete")
    await expect(box(page, "fox")).to_have_count(0)
    await until(lambda: held(page), lambda layout: [one.what for one in layout.things] == ["tree"])
    await page.get_by_role("button", name="Undo").click()
    await expect(box(page, "fox")).to_have_count(1)
    await box(page, "fox").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")  # on its button
    await title(page, "1 thing, edited")


async def test_objects_are_added_by_name_and_an_unknown_name_is_answered_with_the_nearest(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    add = page.get_by_label("Add an object")
    await add.fill("elefant")
    await page.keyboard.press("Enter")
    await expect(page.locator(".layout-status")).to_contain_text("Nearest: elephant")
    await add.fill("Kitty")  # a synonym
    await page.keyboard.press("Enter")
    await expect(box(page, "cat")).to_be_focused()
    await expect(page.locator("#layout-names option")).to_have_count(559)
    await draw(page, WORDS)
    assert [one.what for one in (await last_layout(web)).things][-1] == "cat"


async def test_a_refresh_keeps_the_layout_and_settings_of_a_picture_bring_it_back(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    await drag_box(page, "fox", (40, -30))
    await title(page, "2 things, edited")
    layout = await until(lambda: held(page), lambda layout: layout.by == "hand")
    await page.reload()
    await title(page, "2 things, edited")
    await until(lambda: held(page), layout.__eq__)
    await draw(page, WORDS)
    await page.click("#layout-fold > button")
    await page.get_by_role("button", name="Back to the words").click()
    await title(page, "from your words")
    await until(lambda: remembered(page), lambda kept: kept is None)
    await page.click("#picture [name=reuse]")
    await title(page, "2 things, edited")
    await until(lambda: held(page), layout.__eq__)
    await page.click("#picture [name=regenerate]")
    await page.wait_for_selector("#strip .thumb:nth-child(2)")
    assert await last_layout(web) == layout


async def test_settings_of_a_picture_bring_its_layout_also_after_something_was_moved(web: WebWithFakes) -> None:
    request = ImageRequest(prompt="a cat and a dog", steps=2, width=128, height=128)
    await web.studio.images.generate_image(request)
    page = await web.open()
    await shown(page)
    await drag_box(page, "fox", (40, -30))
    await title(page, "2 things, edited")
    await page.click("#picture [name=reuse]")
    await title(page, "2 things, from your words")
    await holds(page, "cat", "dog")


async def test_escape_goes_back_to_the_words_and_can_be_undone(web: WebWithFakes) -> None:
    web.engine.go_on.clear()
    page = await web.open()
    await shown(page)
    await drag_box(page, "fox", (40, -30))
    await page.click("#generate")
    await page.wait_for_selector("#progress:has-text('Step 2 of')")
    await box(page, "fox").focus()
    await page.keyboard.press("Escape")
    await title(page, "from your words")
    assert not web.engine.stopped.is_set()  # elsewhere, Escape cancels the drawing
    await page.keyboard.press("Enter")  # Undo has the focus
    await title(page, "2 things, edited")
    web.engine.go_on.set()
    await page.wait_for_selector(f'#picture img[alt="{WORDS}"]')


async def test_other_words_do_not_lose_what_was_moved_and_that_is_said(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    await drag_box(page, "fox", (40, -30))
    stale = page.get_by_text("Your layout was made for another prompt.")
    await title(page, "2 things, edited")
    await expect(stale).to_be_hidden()
    await page.fill("#prompt textarea", "a cat on a chair")
    await expect(stale).to_be_visible()
    await page.click("#layout-fold > button")
    await expect(stale).to_be_visible()
    await draw(page, "a cat on a chair")
    assert {one.what for one in (await last_layout(web)).things} == {"fox", "tree"}
    await page.get_by_role("button", name="Keep it").click()
    await expect(stale).to_be_hidden()
    await page.fill("#prompt textarea", "a cat on a sofa")
    await page.click("[name=layout_again]")
    await title(page, "2 things, from your words")
    await holds(page, "cat", "couch and lamp")


async def test_what_nobody_moved_follows_the_words_the_seed_and_the_size(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page)
    await page.fill("#prompt textarea", "three cats")
    await title(page, "3 things, from your words")
    await expect(page.locator(".board .thing")).to_have_count(3)
    await page.get_by_label("Landscape").check()
    await page.wait_for_function(
        "document.querySelector('.board').clientWidth > 1.3 * document.querySelector('.board').clientHeight"
    )
    await draw(page, "three cats")
    assert await last_layout(web) == await held(page)
    assert web.studio.sketches.layout("three cats", 7, 608 / 416) != await held(page)
    await page.click("#advanced > button")
    await page.fill("#seed input", "7")
    await page.keyboard.press("Tab")
    await page.wait_for_function("JSON.parse(JSON.parse(localStorage.getItem('studio.create')).held_layout).seed === 7")
    await until(lambda: held(page), web.studio.sketches.layout("three cats", 7, 608 / 416).__eq__)


async def test_unknown_words_and_what_became_of_the_language_model_are_said_there(web: WebWithFakes) -> None:
    page = await web.open()
    await shown(page, "a catt and a poodle")
    told = page.locator(".layout-status")
    await expect(told).to_contain_text("“catt” (nearest: cat")
    await expect(told).to_contain_text("Guessed: poodle taken for dog.")
    await expect(told).to_contain_text("without the language model")
    boat = {"what": "sailboat", "x": 0.5, "y": 0.6, "w": 0.5, "h": 0.5, "colour": ""}
    web.chat.scripts = [[json.dumps({"things": [boat], "background": "sea", "time": "day"})]]
    await page.fill("#prompt textarea", "a regatta")
    await title(page, "no things, from your words")
    await page.get_by_role("button", name="Lay out again").click()
    await title(page, "1 thing, by the language model")
    await expect(told).to_contain_text("Laid out by fake-chat.")
    await draw(page, "a regatta")
    assert (await last_layout(web)).by == "model"


async def test_while_a_model_lays_the_words_out_draw_says_so(web: WebWithFakes) -> None:
    web.chat.scripts = [["{", "}"]]
    web.chat.go_on.clear()
    page = await web.open()
    await page.fill("#prompt textarea", "a catamaran and a dog")
    await page.click("#generate")
    await page.wait_for_selector("#create-notice:has-text('Laying the words out')")
    web.chat.go_on.set()
    await page.wait_for_selector('#picture img[alt="a catamaran and a dog"]')
    await expect(page.locator("#create-notice")).not_to_contain_text("Laying")


async def test_an_empty_prompt_is_answered_with_what_to_do(web: WebWithFakes) -> None:
    page = await web.open()
    await page.click("#layout-fold > button")
    await page.get_by_role("button", name="Show layout").click()
    await expect(page.get_by_text("Write what you would like to see first.")).to_be_visible()
    await expect(page.get_by_role("button", name="Show layout")).to_be_enabled()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_axe_finds_nothing_serious_in_it(web: WebWithFakes, dark: bool) -> None:
    page = await web.open(dark=dark)
    await shown(page)
    await box(page, "fox").focus()
    await page.keyboard.press("ArrowLeft")
    results = await Axe().run(page)
    found = [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for one in results.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert found == []


async def test_it_fits_a_phone_and_a_finger_moves_boxes_there(web: WebWithFakes) -> None:
    page = await web.open(width=390, height=844)
    await shown(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    board = await place_of(page.locator(".board"))
    assert board["width"] <= 358
    before = await thing(page, "fox")
    await box(page, "fox").scroll_into_view_if_needed()
    rect = await place_of(box(page, "fox"))
    touch = await page.context.new_cdp_session(page)

    async def finger(kind: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] / 2
    await finger("touchStart", x, y)
    for step in (10, 20, 30):
        await finger("touchMove", x, y - step)
    await finger("touchEnd")
    await title(page, "2 things, edited")
    assert (await other_than(page, before)).y == pytest.approx(before.y - 30 / board["height"], abs=0.015)


async def test_a_checkpoint_of_ones_own_starts_from_a_layout_only_when_asked(tmp_path: Path, web: WebWithFakes) -> None:
    async with running_web(with_own_checkpoint(tmp_path), web.browser) as own:
        page = await own.open()
        await title(page, "off")
        await draw(page, WORDS)
        assert own.engine.plans[-1].passes[0].start == FromNoise()
        await shown(page)
        await expect(page.get_by_label("Start from a layout")).to_be_checked()
        strength = page.locator("#sketch_strength input[type=number]")
        await expect(strength).to_have_attribute("placeholder", "Automatic: 0.8")
        await expect(strength).to_have_value("")
        await strength.fill("0.9")
        await page.keyboard.press("Tab")
        await page.click("#picture [name=delete]")
        await expect(page.locator("#picture .frame img")).to_have_count(0)
        await draw(page, WORDS)
        assert start_picture(own.engine.plans[-1]).mask is None
        assert own.engine.plans[-1].passes[0].strength == 0.9
        await page.get_by_label("Start from a layout").uncheck()
        await title(page, "off")
        await page.click("#picture [name=delete]")
        await expect(page.locator("#picture .frame img")).to_have_count(0)
        await draw(page, WORDS)
        assert own.engine.plans[-1].passes[0].start == FromNoise()
        await page.close()
        assert own.troubles == []
