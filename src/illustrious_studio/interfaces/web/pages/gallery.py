"""The Gallery tab: a search box, filters, a grid that loads as one scrolls, and one picture large.

The grid is fetched by the page's script (`fragments`); only what changes a picture comes through events.
"""

from illustrious_studio.interfaces.web.page import Page, html, now
from illustrious_studio.interfaces.web.views import gallery as fragments
from illustrious_studio.services.studio import Studio

GRID = """
<div class="gallery-bar">
  <label class="unseen" for="gallery-search">Search the gallery</label>
  <input id="gallery-search" type="search" placeholder="Search prompts, models, seeds" maxlength="500"
    autocomplete="off">
  <div class="buttons" role="group" aria-label="Filters">
    <button type="button" class="act chip" name="filter" value="favourites" aria-pressed="false">Favourites</button>
    <button type="button" class="act chip" name="filter" value="from_chat" aria-pressed="false">From chat</button>
  </div>
  <button type="button" class="act chip" name="reindex" value="" title="Take in pictures that were put into the folder"
    >Read the folder again</button>
</div>
<div id="gallery-grid" class="grid" aria-live="polite"></div>
<dialog id="viewer" aria-label="Picture with its settings">
  <div class="viewer-bar">
    <button type="button" class="act" name="step" value="-1">Newer</button>
    <button type="button" class="act" name="step" value="1">Older</button>
    <button type="button" class="act" name="close" value="">Close</button>
  </div>
  <div class="viewer-body"></div>
</dialog>
"""


class GalleryTab:
    """Shows what was made."""

    def __init__(self, studio: Studio, page: Page) -> None:
        self.studio = studio
        self.page = page
        self.found = html("")
        html(GRID, elem_id="gallery")

    def attach(self) -> None:
        self.page.on("favourite", self.favourite, [], self.page.changed)

        self.page.on("reindex", self.reindex, [], [self.found, self.page.changed])

    async def reindex(self, _: str) -> tuple[str, str]:
        """Take in what was put into the folder by hand, and say what became of it."""
        return fragments.reindexed(await self.studio.gallery.reindex()), now()

    async def favourite(self, value: str) -> str:
        item_id, _, state = value.partition(" ")
        await self.studio.gallery.set_favourite(item_id, state == "on")
        return now()
