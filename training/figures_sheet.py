"""Draws the sheet of figures: one of each seed from 1 to 48, nothing chosen. `python -m training.figures_sheet FILE`"""

import sys
from pathlib import Path

from PIL import Image

from illustrious_studio.adapters.sketch.figures import draw
from illustrious_studio.domain.layout.figures import Figure, Framing, completed

ACROSS, CELL = 8, 256


def main(file: Path) -> None:
    """Every third a boy; every sixth the whole body, every eighth a chibi, every seventh a portrait."""
    sheet = Image.new("RGB", (ACROSS * CELL, 48 // ACROSS * CELL), (226, 236, 246))
    for seed in range(1, 49):
        drawn = draw(completed(_somebody(seed)), CELL - 8)
        drawn.thumbnail((CELL - 4, CELL - 8), Image.Resampling.LANCZOS)
        column, row = (seed - 1) % ACROSS, (seed - 1) // ACROSS
        sheet.paste(drawn, (column * CELL + (CELL - drawn.width) // 2, (row + 1) * CELL - drawn.height), drawn)
    sheet.save(file)


def _somebody(seed: int) -> Figure:
    framing: Framing = "full_body" if seed % 6 == 0 else "portrait" if seed % 7 == 0 else "upper_body"
    return Figure(
        who="boy" if seed % 3 == 0 else "girl",
        seed=seed,
        chibi=seed % 8 == 0,
        framing="full_body" if seed % 8 == 0 else framing,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
