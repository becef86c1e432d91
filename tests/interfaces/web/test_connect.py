"""The Connect tab in the browser, beside a running API: what is copied, and the self-test."""

import asyncio
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, expect
from pydantic import SecretStr

from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.interfaces.selftest.client import Access
from running_api import running_api
from running_web import Web, WebWithFakes, serving_web, tab
from waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY = "a-key-of-some-length"
OVER = "#client-outcomes caption:has-text('{}')"


async def choose(page: Page, client: str) -> None:
    await tab(page, "connect")
    await page.click(f"#client label:has-text('{client}')")


async def copied(page: Page, name: str) -> str:
    """What is in the clipboard after the button of that name was pressed."""
    button = page.get_by_role("button", name=name)
    await button.click()
    await button.and_(page.get_by_text("Copied")).wait_for()
    return str(await page.evaluate("navigator.clipboard.readText()"))


async def test_settings_are_copied_as_they_stand_there(web: WebWithFakes) -> None:
    page = await web.open("connect")
    code = await copied(page, "Copy: VS Code's mcp.json")
    assert code == await page.inner_text("#client-settings pre >> nth=1")
    assert '"url": "http://127.0.0.1:8000/mcp"' in code
    await choose(page, "SillyTavern")
    await page.wait_for_selector("#client-settings:has-text('Custom (OpenAI-compatible)')")
    assert await copied(page, "Copy: Custom endpoint. Chat: API Connections") == "http://127.0.0.1:8000/v1"
    assert await copied(page, "Copy: Model. Chat: API Connections") == "fake-chat", "the one in use"
    assert await copied(page, "Copy: MCP. Addresses") == "http://127.0.0.1:8000/mcp"


async def test_a_browser_without_a_clipboard_for_pages_copies_too(web: WebWithFakes) -> None:
    page = await web.open()
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await choose(page, "curl")
    button = page.get_by_role("button", name="Copy: A picture, with jq")
    await button.click()
    await button.and_(page.get_by_text("Copied")).wait_for()
    await tab(page, "create")
    await page.focus("#prompt textarea")
    await page.keyboard.press("Control+V")
    await page.wait_for_function(
        "document.querySelector('#prompt textarea').value.includes('curl -s http://127.0.0.1')"
    )


async def test_the_choice_of_a_program_is_made_with_the_keyboard(web: WebWithFakes) -> None:
    page = await web.open("connect")
    await page.focus("#client input >> nth=0")
    await page.keyboard.press("ArrowDown")
    await page.wait_for_selector("#client-settings:has-text('Admin Panel')")


async def test_what_was_chosen_last_stays_though_what_was_asked_before_is_slower(web: WebWithFakes) -> None:
    async def look_for(path: str) -> None:
        """What was answered before has come to the page when this has: it comes on the same stream."""
        web.studio.refused.add("curl", "POST", path, 400, "No.")
        await page.click("#look-for-refused")
        await page.wait_for_selector(f"#refused-requests:has-text('{path}')")

    page = await web.open("connect")
    await page.wait_for_selector("#client-settings:has-text('mcp.json')")
    await tab(page, "create")
    slow = web.chat.slow_list = asyncio.Event()
    await tab(page, "connect")
    await until(lambda: web.chat.slow_list is None)
    before = web.chat.lists
    await page.click("#client label:has-text('Open WebUI')")
    await look_for("/first")
    slow.set()
    await until(lambda: web.chat.lists == before + 2)
    await look_for("/second")
    await expect(page.locator("#client-settings")).to_contain_text("Admin Panel")


async def test_the_self_test_says_who_would_get_along_with_the_studio_and_leaves_nothing_behind(
    tmp_path: Path, browser: BrowserContext
) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        access = Access(url=api.url, key=SecretStr(KEY))
        async with serving_web(api.studio, access) as url:
            web = Web(url, api.studio, browser)
            page = await web.open(width=390, height=844)
            await tab(page, "connect")
            await page.wait_for_selector("#client-settings:has-text('the-key-of-your-studio')")
            assert KEY not in await page.content()
            await page.click("#test-clients")
            await page.wait_for_selector(OVER.format("All of them work."))
            await expect(page.locator("#client-outcomes tbody tr", has_text="Passed")).to_have_count(7)
            assert (await api.studio.gallery.page()).items == []

            api.engine.faults = [OutOfMemory("Too large. Choose a smaller size.") for _ in range(20)]
            await page.click("#test-clients")
            await page.wait_for_selector(OVER.format("5 of 7 failed."))
            failed = page.locator("#client-outcomes tr", has_text="Failed")
            why = "POST /generate-image: expected 200, came 507: Too large."
            await expect(failed.last).to_contain_text(why)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            results = await Axe().run(page)
            assert [
                one["id"] for one in results.response["violations"] if one["impact"] in ("serious", "critical")
            ] == []
            await page.close()
            assert web.troubles == []


async def test_what_a_program_was_refused_stands_there_with_the_sentence(
    tmp_path: Path, browser: BrowserContext
) -> None:
    async with running_api(tmp_path) as api, serving_web(api.studio, Access(url=api.url)) as url:
        page = await Web(url, api.studio, browser).open("connect")
        await page.wait_for_selector("#refused-requests:has-text('None since the studio started')")
        asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        await api.http.post("/v1/chat/completions", json=asked, headers={"user-agent": "Python/3.12 aiohttp/3.13"})
        await page.click("#look-for-refused")
        row = page.locator("#refused-requests tr:has-text('Open WebUI')")
        await row.get_by_text("There are: fake-chat").wait_for()
        assert "POST /v1/chat/completions" in await row.inner_text()
        results = await Axe().run(page)
        assert [one["id"] for one in results.response["violations"] if one["impact"] in ("serious", "critical")] == []
        await page.close()
