"""The sheet of a grid: its pictures side by side with what differs written at the rows and columns, drawn by Pillow.

Cells are all of one size, that of the largest picture, and made smaller where the whole would have more than 16
megapixels, so that any program opens it, this studio too. A block of x and y stands for each value of z.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

from illustrious_studio.domain.grids.values import Place, places_in
from illustrious_studio.domain.pictures import PillowImage

MOST_PIXELS = 16_000_000
USUAL_CELL = (512, 512)
"""Where no picture was drawn."""
SMALLEST_CELL = 16
PAPER, INK, GAP, GAP_INK = "white", "#27272a", "#f4f4f5", "#b91c1c"
MOST_LINES = 4
_OTHER_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKjp-Regular.otf", "DroidSansFallbackFull.ttf", "msgothic.ttc", "msyh.ttc",
    "malgun.ttf", "Hiragino Sans GB.ttc", "PingFang.ttc", "Arial Unicode.ttf", "DejaVuSans.ttf", "arial.ttf",
)  # fmt: skip
"""For what Pillow's own font, which is Latin, cannot write: looked for where the system keeps its fonts."""


@dataclass(frozen=True)
class SheetPlan:
    """What stands where, in pixels."""

    shape: Place
    cell: tuple[int, int]
    margin: int
    columns: Sequence[str]
    rows: Sequence[str]
    blocks: Sequence[str]
    """What is written at them; empty for nothing."""

    @cached_property
    def font_size(self) -> int:
        return max(9, min(28, self.cell[0] // 14))

    @cached_property
    def left(self) -> int:
        """How wide the writing at the rows is."""
        return 0 if not any(self.rows) else max(8 * self.font_size, self.cell[0] // 3)

    @cached_property
    def top(self) -> int:
        """How high that over the columns is."""
        return self._height(self.columns, self.cell[0])

    @cached_property
    def head(self) -> int:
        """How high that over each block is."""
        return self._height(self.blocks, self.block[0])

    @cached_property
    def block(self) -> tuple[int, int]:
        """The size of the pictures of one block, with the writing at its rows and columns."""
        (x, y, _), (width, height), margin = self.shape, self.cell, self.margin
        return self.left + x * width + (x - 1) * margin, self.top + y * height + (y - 1) * margin

    @cached_property
    def across(self) -> int:
        """How many blocks stand beside each other, so that the whole is nearly square."""
        width, height = self.block
        return min(self.shape[2], max(1, round(sqrt(self.shape[2] * height / width))))

    @cached_property
    def size(self) -> tuple[int, int]:
        down, apart = ceil(self.shape[2] / self.across), self.between
        width, height = self.block[0], self.block[1] + self.head
        return self.across * width + (self.across - 1) * apart, down * height + (down - 1) * apart

    @cached_property
    def between(self) -> int:
        """Pixels between blocks."""
        return 0 if self.shape[2] == 1 else max(2 * self.margin, self.font_size)

    def block_at(self, z: int) -> tuple[int, int]:
        """Where a block begins, with the writing over it."""
        row, column = divmod(z, self.across)
        return column * (self.block[0] + self.between), row * (self.block[1] + self.head + self.between)

    def cell_at(self, place: Place) -> tuple[int, int]:
        left, top = self.block_at(place[2])
        x = left + self.left + place[0] * (self.cell[0] + self.margin)
        return x, top + self.head + self.top + place[1] * (self.cell[1] + self.margin)

    def _height(self, labels: Sequence[str], width: int) -> int:
        lines = max((len(lines_of(label, width, self.font_size)) for label in labels if label), default=0)
        return 0 if not lines else round((lines + 0.8) * self.font_size * 1.25)


def sheet_plan(
    shape: Place,
    sizes: Sequence[tuple[int, int]],
    labels: tuple[Sequence[str], Sequence[str], Sequence[str]],
    margin: int,
) -> SheetPlan:
    """Where everything stands, for pictures of these sizes; `labels` are those of x, y and z."""
    width, height = max((w for w, _ in sizes), default=USUAL_CELL[0]), max((h for _, h in sizes), default=USUAL_CELL[1])
    scale = 1.0
    while True:
        cell = max(SMALLEST_CELL, int(width * scale)), max(SMALLEST_CELL, int(height * scale))
        plan = SheetPlan(shape, cell, round(margin * scale), *labels)
        pixels = plan.size[0] * plan.size[1]
        if pixels <= MOST_PIXELS or cell == (SMALLEST_CELL, SMALLEST_CELL):
            return plan
        scale *= min(0.98, sqrt(MOST_PIXELS / pixels))


class Sheet:
    """The picture while it is made. Cells come one by one, so that none but it is in memory for long."""

    def __init__(self, plan: SheetPlan) -> None:
        self.plan = plan
        self.image: PillowImage = Image.new("RGB", plan.size, PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._write_labels()

    def add(self, place: Place, picture: PillowImage) -> None:
        """Put a picture into its cell, in the middle, as large as it goes; it is changed here."""
        width, height = self.plan.cell
        picture.thumbnail((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        left, top = self.plan.cell_at(place)
        self.image.paste(picture, (left + (width - picture.width) // 2, top + (height - picture.height) // 2))

    def add_gap(self, place: Place, reason: str) -> None:
        """Mark a cell without a picture, and say why."""
        left, top = self.plan.cell_at(place)
        width, height = self.plan.cell
        self._draw.rectangle((left, top, left + width - 1, top + height - 1), GAP, GAP_INK)
        self._write(reason, (left, top, width, height), GAP_INK)

    def _write_labels(self) -> None:
        plan = self.plan
        for z in range(plan.shape[2]):
            left, top = plan.block_at(z)
            if any(plan.blocks):
                self._write(plan.blocks[z], (left, top, plan.block[0], plan.head), INK)
        for x, y, z in places_in(plan.shape):
            left, top = plan.cell_at((x, y, z))
            if y == 0 and plan.top:
                self._write(plan.columns[x], (left, top - plan.top, plan.cell[0], plan.top), INK)
            if x == 0 and plan.left:
                self._write(plan.rows[y], (left - plan.left, top, plan.left, plan.cell[1]), INK)

    def _write(self, text: str, box: tuple[int, int, int, int], colour: str) -> None:
        """In the middle of a box (left, top, width, height)."""
        left, top, width, height = box
        size = self.plan.font_size
        lines = lines_of(text, width - size // 2, size)
        room = max(1, int(height / (size * 1.25)))
        if len(lines) > room:
            lines = [*lines[: room - 1], _cut(lines[room - 1])]
        at = left + width / 2, top + height / 2
        self._draw.multiline_text(at, "\n".join(lines), colour, _font(size, latin(text)), "mm", size // 4, "center")


def grid_labels(
    axes: Sequence[Sequence[str] | None], *, legend: bool
) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """What is written at the axes; nothing at those that are not there."""
    x, y, z = ([""] if labels is None else list(labels) if legend else [""] * len(labels) for labels in axes)
    return x, y, z


def lines_of(text: str, width: int, size: int) -> list[str]:
    """A text in at most four lines that fit into a width of so many pixels."""
    font = _font(size, latin(text))
    letters = max(4, int(width / max(1.0, font.getlength(text) / max(1, len(text)))))
    lines = textwrap.wrap(text, letters, break_on_hyphens=False) or [""]
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], _cut(lines[MOST_LINES - 1])]


def _cut(line: str) -> str:
    return f"{line[: max(1, len(line) - 1)]}…"


def latin(text: str) -> bool:
    """Whether Pillow's own font can write it."""
    return all(ord(letter) < 0x250 or letter in "–—‘’“”…×→" for letter in text)


@cache
def _font(size: int, is_latin: bool) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    for name in () if is_latin else _OTHER_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
