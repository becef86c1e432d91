"""One running page and one browser for all tests of this folder; each test finds the studio empty and the page new."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, async_playwright, expect

from illustrious_studio.wiring import CHECKPOINTS
from running_web import PATIENCE, WebWithFakes, running_web

CHROMIUM = Path("/usr/bin/chromium")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[BrowserContext]:
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM if CHROMIUM.exists() else None,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        context = await chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
        yield context
        await chromium.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory, browser: BrowserContext) -> AsyncIterator[WebWithFakes]:
    folder = tmp_path_factory.mktemp("web")
    (folder / CHECKPOINTS).mkdir(parents=True)
    (folder / CHECKPOINTS / "a-model.gguf").write_bytes(b"GGUF")
    async with running_web(folder, browser) as web:
        yield web


@pytest_asyncio.fixture(loop_scope="session")
async def web(running: WebWithFakes) -> AsyncIterator[WebWithFakes]:
    await running.make_empty()
    yield running
    for page in running.browser.pages:
        if "The studio made a mistake" in await page.inner_text("body"):
            running.troubles.append("a handler failed; the log says more")
        await page.close()
    assert running.troubles == []
