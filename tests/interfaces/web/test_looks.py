"""The page on a phone, in the dark, for those who cannot see it well, and for those who only use a keyboard."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from illustrious_studio.domain.images import ImageRequest
from running_web import WebWithFakes, say, tab

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TABS = ("create", "chat", "analyze", "gallery", "connect", "system")


async def filled(web: WebWithFakes) -> None:
    await web.studio.images.generate_image(ImageRequest(prompt="a red fox", steps=2))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_axe_finds_nothing_serious(web: WebWithFakes, dark: bool) -> None:
    await filled(web)
    page = await web.open(dark=dark)
    await tab(page, "chat")
    await say(page, "Hello")
    await page.wait_for_selector("#messages .byline")
    found = []
    for name in TABS:
        await tab(page, name)
        if name == "gallery":
            await page.wait_for_selector("#gallery-grid .thumb")
        if name == "create":
            await page.click("#advanced > button")
        results = await Axe().run(page)
        found += [
            f"{name}: {one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
            for one in results.response["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
    assert found == []


async def test_nothing_is_wider_than_a_phone(web: WebWithFakes) -> None:
    await filled(web)
    page = await web.open(width=390, height=844)
    for name in TABS:
        await tab(page, name)
        await expect(page.locator(f"#tab-{name}")).to_be_visible()
        await page.wait_for_function("document.documentElement.scrollWidth <= 390")
        cut = """[...document.querySelectorAll('.buttons button')].filter((one) =>
          one.offsetParent && one.scrollWidth > one.clientWidth + 1).map((one) => one.innerText)"""
        assert await page.evaluate(cut) == [], name
    await page.click("#tab-chat-button")
    await expect(page.locator("#chat-side")).to_be_hidden()
    await page.click("[name=drawer]")
    await expect(page.locator("#chat-side")).to_be_visible()


async def test_the_theme_follows_the_system_and_no_gradio_footer_stands_there(web: WebWithFakes) -> None:
    page = await web.open(dark=True)
    await expect(page.locator("body.dark")).to_be_visible()
    await expect(page.locator("footer")).to_be_hidden()


async def test_tabs_open_and_close_with_the_keyboard_and_every_control_has_a_name(web: WebWithFakes) -> None:
    page = await web.open()
    await page.focus("#tab-create-button")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#tab-chat-button[aria-selected=true]")
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, select')].filter((one) =>
          one.offsetParent && !one.innerText?.trim() && !one.getAttribute('aria-label') && !one.title &&
          !one.labels?.length && !one.placeholder).map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
