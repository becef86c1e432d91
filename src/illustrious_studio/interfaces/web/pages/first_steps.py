"""The panel in Create that leads to real pictures. Whether it was hidden, the browser remembers."""

from typing import Any

from illustrious_studio.interfaces.web.error_handling import show_errors
from illustrious_studio.interfaces.web.page import IN_ORDER, QUIET, Page, html
from illustrious_studio.interfaces.web.views.first_steps import panel
from illustrious_studio.services.studio import Studio


class FirstStepsPanel:
    """Shows the three steps until a checkpoint of one's own is in use."""

    def __init__(self, studio: Studio, page: Page) -> None:
        self.studio = studio
        self.page = page
        self.shown = html("", elem_id="first-steps")

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        page = self.page
        blocks.load(show_errors(self.now), None, self.shown, **QUIET)
        page.on("model", self.changed, [], self.shown, **IN_ORDER)
        page.on("finished", self.changed, [], self.shown, **IN_ORDER)
        page.on("check_models", self.check, [], self.shown, **IN_ORDER)
        page.on("use_checkpoint", self.use, [], self.shown, **IN_ORDER)
        page.on("open_models", self.open_folder)

    async def now(self) -> str:
        return panel(await self.studio.first_steps.now())

    async def changed(self, _: str) -> str:
        """Another checkpoint is in use, or a picture shows how fast it draws."""
        return await self.now()

    async def check(self, _: str) -> str:
        return panel(await self.studio.first_steps.check())

    async def use(self, name: str) -> str:
        await self.studio.models.switch(checkpoint=name)
        return await self.now()

    async def open_folder(self, _: str) -> None:
        await self.studio.first_steps.show_folder()
