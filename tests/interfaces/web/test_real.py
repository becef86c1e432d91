"""One walk through the page with nothing faked: the small models, llama.cpp, files and SQLite."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext

from illustrious_studio.settings import Settings
from illustrious_studio.wiring import open_studio
from running_web import Web, draw, say, serving_web, tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(400),
]

A_WHILE = 180_000


async def test_draw_chat_generate_analyze_find_and_delete(tmp_path: Path, browser: BrowserContext) -> None:
    settings = Settings(data_dir=tmp_path / "data", ollama_base_url="none")
    async with open_studio(settings) as studio, serving_web(studio) as url:
        web = Web(url, studio, browser)
        page = await web.open()
        page.set_default_timeout(A_WHILE)
        await page.wait_for_selector("header .dot.ready")

        await draw(page, "a red apple")
        drawn = (await studio.gallery.page()).items[0]
        assert drawn.metadata.checkpoint == studio.models.checkpoint().name
        assert len(set((await studio.gallery.png(drawn.id))[:20_000])) > 200  # no plain black square

        await tab(page, "chat")
        await say(page, "Say hello.")
        await page.wait_for_selector("#messages .byline:has-text('SmolLM2')")
        assert (await page.inner_text("#messages article.answer .md")).strip()

        await say(page, "#generate a black cat in the snow")
        await page.wait_for_selector("#messages .chat-picture img")
        generated = (await studio.gallery.page()).items[0]
        assert generated.metadata.origin.words == "a black cat in the snow"

        await tab(page, "analyze")
        png = await studio.gallery.png(drawn.id)
        await page.set_input_files(
            "#analyze-picture input[type=file]", {"name": "apple.png", "mimeType": "image/png", "buffer": png}
        )
        await page.wait_for_selector("#recorded:has-text('a red apple')")
        await page.click("#analyze-button")
        await page.wait_for_selector(f"#answer:has-text('{drawn.metadata.width}')")

        await tab(page, "gallery")
        await page.wait_for_selector("#gallery-grid .thumb >> nth=1")
        await page.fill("#gallery-search", "apple")
        await page.wait_for_function("document.querySelectorAll('#gallery-grid .thumb').length === 1")
        await page.click("#gallery-grid .thumb")
        await page.click("#viewer [name=delete]")
        await page.wait_for_selector("#gallery-grid:has-text('No picture fits.')")
        assert [item.id for item in (await studio.gallery.page()).items] == [generated.id]
        await page.close()
        assert web.troubles == []
