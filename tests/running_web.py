"""The page as it stands on its port, in headless Chromium: a whole studio with fake models, behind the guard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import BrowserContext, Locator, Page, Request, Route
from playwright.async_api import Error as PlaywrightError

from fakes import FakeChat, FakeEngine, FakeMachine, FakeVision
from illustrious_studio.domain.errors import Conflict
from illustrious_studio.domain.models import CheckpointOverride
from illustrious_studio.interfaces.http.guard import GRADIO_PAGES, Guard
from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.services.studio import Studio
from serving import serving
from studio_for_tests import studio_for_tests

DEFAULT_ACCESS = Access(url="http://127.0.0.1:8000")
PATIENCE = 30_000
"""Milliseconds that a condition may take on a busy machine."""


@dataclass
class Web:
    """The running page, and what went wrong inside the browser."""

    url: str
    studio: Studio
    browser: BrowserContext
    troubles: list[str] = field(default_factory=list)

    async def open(self, at: str = "create", *, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        """A page in a browser that remembers nothing, at one of its tabs."""
        page = await self.browser.new_page()
        page.set_default_timeout(PATIENCE)
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme="dark" if dark else "light")
        page.on("pageerror", lambda error: self.troubles.append(f"{error} {error.stack}"))
        page.on("request", self._stays_here)
        await page.add_init_script("if (!sessionStorage.known) { localStorage.clear(); sessionStorage.known = 'yes'; }")
        await page.goto(self.url)
        await settled(page)
        if at != "create":
            await tab(page, at)
        return page

    def _stays_here(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.troubles.append(f"a request left the machine: {request.url}")


@dataclass
class WebWithFakes(Web):
    """The same, over fakes that do as a test tells them."""

    gallery: Path = field(kw_only=True)
    engine: FakeEngine = field(default_factory=FakeEngine)
    chat: FakeChat = field(default_factory=FakeChat)
    vision: FakeVision = field(default_factory=FakeVision)
    machine: FakeMachine = field(default_factory=FakeMachine)

    async def make_empty(self) -> None:
        """No pictures, chats, jobs or overrides, and fakes that do as they are told at once."""
        self.engine.go_on.set()
        self.engine.stopped.clear()
        self.engine.faults.clear()
        self.chat.go_on.set()
        self.chat.closed.clear()
        self.chat.speaking.clear()
        self.chat.scripts = [["Hello", " there", "."]]
        for active in self.studio.jobs.active():
            with contextlib.suppress(Conflict):
                await self.studio.jobs.cancel(active.job.id)
        while items := (await self.studio.gallery.page()).items:
            for item in items:
                await self.studio.gallery.delete(item.id)
        for session in await self.studio.chat.sessions():
            await self.studio.chat.delete(session.id)
        await self.studio.models.set_override(self.studio.models.checkpoint().name, dict(CheckpointOverride()))
        self.troubles.clear()


@contextlib.asynccontextmanager
async def serving_web(studio: Studio, access: Access = DEFAULT_ACCESS) -> AsyncIterator[str]:
    """The address of the page, served as on port 7860. Its Connect tab shows an API at `access`."""
    from illustrious_studio.interfaces.web.app import create_web_app

    app = create_web_app(studio, access)
    async with (
        app.router.lifespan_context(app),
        serving(lambda port: Guard(app, port=port, page_policy=GRADIO_PAGES)) as url,
    ):
        yield url


@contextlib.asynccontextmanager
async def running_web(folder: Path, browser: BrowserContext) -> AsyncIterator[WebWithFakes]:
    async with studio_for_tests(folder) as tested, serving_web(tested.studio) as url:
        yield WebWithFakes(
            url,
            tested.studio,
            browser,
            gallery=folder / "gallery",
            engine=tested.engine,
            chat=tested.chat,
            vision=tested.vision,
            machine=tested.machine,
        )


async def settled(page: Page) -> None:
    """The page is there, with what the server and the browser remember filled in."""
    await page.wait_for_selector("header .dot")
    await page.wait_for_selector("#about p")
    await page.wait_for_selector("body[data-restored]")


async def draw(page: Page, prompt: str) -> Locator:
    """Type a prompt, press Generate, and wait until its picture stands there large."""
    await page.fill("#prompt textarea", prompt)
    await page.click("#generate")
    picture = page.locator(f'#picture .frame img[alt="{prompt}"]')
    await picture.wait_for()
    return picture


@dataclass
class HeldState:
    """What the page asks the studio for as it changes, held up: answers wait, and new questions are not asked."""

    page: Page
    stale: asyncio.Event = field(default_factory=asyncio.Event)
    _go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _first: bool = True

    async def hold(self) -> None:
        """Until one question was answered by the studio, and its answer does not reach the page."""
        await self.page.route("**/live?*", self._on_question)
        await self.stale.wait()

    async def deliver_stale(self) -> None:
        """The old answer reaches the page, if it still waits for it."""
        self._hurry.set()

    async def let_go(self) -> None:
        """Everything goes on, questions that waited included."""
        self._hurry.set()
        self._go_on.set()
        await self.page.unroute("**/live?*")

    async def _on_question(self, route: Route) -> None:
        with contextlib.suppress(PlaywrightError):  # the page may have given the question up
            if self._first:
                self._first = False
                answer = await route.fetch()
                self.stale.set()
                await self._hurry.wait()
                await route.fulfill(response=answer)
            else:
                await self._go_on.wait()
                await route.continue_()


async def say(page: Page, text: str) -> None:
    """Type into the chat and send it."""
    await page.fill("#chat-box textarea", text)
    await page.keyboard.press("Enter")


async def tab(page: Page, name: str) -> None:
    await page.click(f"#tab-{name}-button")
