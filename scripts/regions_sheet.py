"""The sheet of regions in the docs: the same words with the built-in model, seeds 1 to 12, without regions and with
those of their layout; nothing is chosen by hand. In each pair of rows the first is without, the second with.

    PYTHONPATH=src python scripts/regions_sheet.py docs/images/regions.webp
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from PIL import Image, ImageChops, ImageStat

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.pictures import open_image
from illustrious_studio.services.studio import Studio
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import open_studio

PROMPT = "a black cat, a red car and a yellow house in the snow"
STRENGTHS = (None, 0.6)
"""How much of the sketch is redrawn: what the studio takes by itself, and more."""
SEEDS = range(1, 13)
SIDE = 256
CELL = 128
GAP = 2
QUALITY = 80


async def draw(studio: Studio, seed: int, strength: float | None, *, regions: bool, base: float) -> Image.Image:
    request = studio.images.suggested(PROMPT).model_copy(
        update={
            "seed": seed, "width": SIDE, "height": SIDE, "sketch_strength": strength, "region_base": base,
            "layout_as": "both" if regions else "sketch",
        }
    )  # fmt: skip
    item = await studio.images.generate_image(ImageRequest.model_validate(request.model_dump()))
    return open_image(await studio.gallery.png(item.id))


async def sheet(seeds: Sequence[int], strengths: Sequence[float | None], base: float) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        async with open_studio(Settings(data_dir=Path(folder), ollama_base_url="none")) as studio:
            await studio.models.check_again()
            whole = Image.new("RGB", (len(seeds) * CELL, 2 * len(strengths) * CELL), "white")
            for row, strength in enumerate(strengths):
                apart = []
                for column, seed in enumerate(seeds):
                    pair = [await draw(studio, seed, strength, regions=regions, base=base) for regions in (False, True)]
                    apart.append(sum(ImageStat.Stat(ImageChops.difference(*pair)).mean) / 3)
                    for below, drawn in enumerate(pair):
                        small = drawn.resize((CELL - GAP, CELL - GAP), Image.Resampling.LANCZOS)
                        whole.paste(small, (column * CELL, (2 * row + below) * CELL))
                print(f"strength {strength or 'by itself'}: pixels differ by {mean(apart):.1f} of 255", flush=True)
            return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="How many, from 1 on.")
    parser.add_argument("--base", type=float, default=ImageRequest.model_fields["region_base"].default)
    given = parser.parse_args()
    whole = asyncio.run(sheet(SEEDS[: given.seeds], STRENGTHS, given.base))
    whole.save(given.file, quality=QUALITY, method=6)
    print(f"{given.file}: {given.file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
