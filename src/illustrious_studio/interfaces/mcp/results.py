"""What hosts are shown: of a picture a preview, a line with its facts, and a link to the PNG; of all else its JSON.

A whole PNG would burst the limits that hosts set on a result. They fetch it through the link if they want it.
"""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from mcp.types import ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic_core import to_json

from illustrious_studio.domain.cutouts import Cutout
from illustrious_studio.domain.encoding import to_preview
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.pictures import Picture, open_image
from illustrious_studio.interfaces.shared.grids import GridEntry
from illustrious_studio.services.studio import Studio

ADDRESS = "studio://images/"
"""A picture's id follows it."""
GRIDS = "studio://grids/"
"""The id of a grid follows it: its sheet."""
CUTOUTS = "studio://cutouts/"
"""The id of a picture of the gallery, or of one that was given, follows it: that picture without its background."""


@dataclass(frozen=True)
class Answer:
    """What a tool found, of the type that it declares; and what is shown of it, where that is not simply its JSON."""

    found: object
    shown: Sequence[ContentBlock] = ()

    def content(self) -> list[ContentBlock]:
        return list(self.shown) or [text(to_json(self.found).decode("utf-8"))]


async def picture(studio: Studio, item: GalleryItem) -> list[ContentBlock]:
    """A picture, preview first."""
    preview = await asyncio.to_thread(b64encode, await studio.gallery.preview(item.id))
    return [ImageContent(data=preview.decode("ascii"), mime_type="image/webp"), text(facts(item)), link(item)]


async def cutout_shown(cutout: Cutout, uri: str) -> list[ContentBlock]:
    """A picture without its background, preview first."""

    preview = await asyncio.to_thread(lambda: b64encode(cutout.preview()).decode("ascii"))
    line = f"A cutout of {cutout.width} x {cutout.height} pixels; what was background is transparent."
    whole = ResourceLink(uri=uri, name="cutout.png", mime_type="image/png")
    return [ImageContent(data=preview, mime_type="image/webp"), text(line), whole]


async def map_shown(map: Picture, preprocessor: str) -> list[ContentBlock]:
    """What a control model sees of a picture, preview first."""
    preview = await asyncio.to_thread(lambda: b64encode(to_preview(map.image())).decode("ascii"))
    line = f"The map that {preprocessor} makes of the picture, {map.width} x {map.height} pixels."
    return [ImageContent(data=preview, mime_type="image/webp"), text(line)]


async def sheet_shown(sheet: bytes, grid: GridEntry) -> list[ContentBlock]:
    """A grid's sheet, preview first, with what was varied and what is missing."""
    preview = await asyncio.to_thread(lambda: b64encode(to_preview(open_image(sheet))).decode("ascii"))
    axes = (grid.x, grid.y, grid.z)
    varied = "; ".join(
        f"{name} {axis.label}: {', '.join(axis.labels)}" for name, axis in zip("xyz", axes, strict=True) if axis
    )
    line = f"Grid {grid.id}: {grid.done} of {grid.pictures} pictures. {varied}."
    lost = [f"{cell.label}: {cell.error or cell.state}" for cell in grid.cells if cell.image_id is None]
    whole = ResourceLink(uri=f"{GRIDS}{grid.id}", name=f"grid-{grid.id}.png", mime_type="image/png")
    shown = [text(line), *([text(f"Not drawn: {'; '.join(lost)}")] if lost else [])]
    return [ImageContent(data=preview, mime_type="image/webp"), *shown, whole]


def facts(item: GalleryItem) -> str:
    """A line for models whose host hides the structured content from them."""
    made = item.metadata
    upscaled = f", upscaled with {made.upscale.request.upscaler}" if made.upscale else ""
    return (
        f"Picture {item.id}: {made.width} x {made.height} pixels, seed {made.request.seed}, "
        f"{made.request.steps} steps, guidance {made.request.guidance:g}, drawn with {made.checkpoint}{upscaled}."
    )


def link(item: GalleryItem) -> ResourceLink:
    return ResourceLink(uri=f"{ADDRESS}{item.id}", name=f"{item.stem}.png", mime_type="image/png")


def text(words: str) -> TextContent:
    return TextContent(text=words)
