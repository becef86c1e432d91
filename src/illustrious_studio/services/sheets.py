"""Sheets of grids: made of their pictures in the gallery, kept as files beside it.

A sheet is no picture of the gallery: no request makes it, and it can be made again at any time, as long as its pictures
are there.
"""

import asyncio
from collections.abc import Sequence

from illustrious_studio.domain.encoding import image_to_png
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.grids.axes import AxisValue
from illustrious_studio.domain.grids.sheet import Sheet, grid_labels, sheet_plan
from illustrious_studio.domain.grids.values import NAMES, Grid, GridCell, GridProgress, Place, SheetFiles
from illustrious_studio.domain.metadata.infotext import text_with, write_infotext
from illustrious_studio.domain.pictures import open_image
from illustrious_studio.services.gallery import GalleryService

OWN_GRID = "illustrious_grid"
"""The text in the file that holds the grid as JSON."""
SCRIPT = "X/Y/Z plot"
"""What A1111 calls the script that makes such sheets."""
GONE = "The picture was deleted."


class SheetService:
    """Makes sheets, and keeps them."""

    def __init__(self, gallery: GalleryService, files: SheetFiles) -> None:
        self._gallery = gallery
        self._files = files

    async def of(self, grid: GridProgress) -> bytes:
        """The sheet of a grid whose pictures are over, as it is kept; made again where it is lost."""
        return await self._files.read(grid.grid.id) or await self.make(grid)

    async def make(self, grid: GridProgress) -> bytes:
        """Make it anew, and keep it. Raises StorageFull, Unavailable."""
        png = await self.drawn(grid)
        await self._files.save(grid.grid.id, png)
        return png

    async def drawn(self, now: GridProgress, block: int | None = None) -> bytes:
        """The PNG file of the whole, or of the pictures of one value of z alone."""
        grid = now.grid
        cells = [cell for cell in now.cells if block in (None, cell.place[2])]
        items = [await self._item(cell) for cell in cells]
        labels = [None if axis is None else axis.labels for axis in grid.axes]
        shape = grid.shape
        if block is not None:
            labels[2], shape = None, (*shape[:2], 1)
        sizes = [item.metadata.size for item in items if item is not None]
        plan = sheet_plan(shape, sizes, grid_labels(labels, legend=grid.legend), grid.margin)
        sheet = await asyncio.to_thread(Sheet, plan)
        for cell, item in zip(cells, items, strict=True):
            place: Place = cell.place if block is None else (*cell.place[:2], 0)
            png = None if item is None else await self._png(item)
            if png is None:
                sheet.add_gap(place, cell.error or GONE)
            else:
                await asyncio.to_thread(_put, sheet, place, png)
        return await asyncio.to_thread(image_to_png, sheet.image, _text(grid, items))

    async def _item(self, cell: GridCell) -> GalleryItem | None:
        if cell.image_id is None:
            return None
        try:
            return await self._gallery.get(cell.image_id)
        except NotFound:
            return None

    async def _png(self, item: GalleryItem) -> bytes | None:
        try:
            return await self._gallery.png(item.id)
        except NotFound:
            return None


def _put(sheet: Sheet, place: Place, png: bytes) -> None:
    sheet.add(place, open_image(png))


def _text(grid: Grid, items: Sequence[GalleryItem | None]) -> dict[str, str]:
    """What the file carries: A1111's text of its first picture with what was varied, and the grid itself."""
    first = next((item for item in items if item is not None), None)
    parameters = "" if first is None else write_infotext(first.metadata)
    return {"parameters": text_with(parameters, fields_of(grid)), OWN_GRID: grid.model_dump_json(exclude={"finished"})}


def fields_of(grid: Grid) -> dict[str, str]:
    """What was varied, by A1111's keys."""
    fields = {"Script": SCRIPT}
    for name, axis in zip(NAMES, grid.axes, strict=True):
        if axis is not None:
            values = ", ".join(_written(value) for value in axis.values)
            fields |= {f"{name.upper()} Type": axis.label, f"{name.upper()} Values": values}
    return fields


def _written(value: AxisValue) -> str:
    """As a line of values has it."""
    if value is None:
        return "none"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if "," in text or '"' in text else text
