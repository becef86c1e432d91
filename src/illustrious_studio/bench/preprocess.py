"""preprocess: each preprocessor that needs no network on a picture of one megapixel, through the service.

Canny has a peer, OpenCV's own function on the same pixels; the others are what the studio computes itself.
"""

import asyncio

from PIL import Image

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds, timed
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.services.preprocessing import PreprocessingService
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import annotator

SIDE = 1000
RATE = 2.0
"""Of the tile, which at its usual one does nothing."""


async def preprocess(settings: Settings, rounds: int) -> list[Figure]:
    """Milliseconds of a megapixel for each, and how much longer Canny takes than OpenCV alone."""
    import cv2
    import numpy

    service, picture = PreprocessingService(annotator(settings)), _picture()
    pixels = numpy.asarray(picture.image())
    ours, alone = await in_turn(
        lambda: timed(service.run("canny", picture)),
        lambda: timed(asyncio.to_thread(cv2.Canny, pixels, 100, 200)),
        rounds,
    )
    figures = [Figure("canny, to OpenCV alone", ratios(ours, alone), "", "", seconds(ours), seconds(alone))]
    for one in service.preprocessors():
        if one.network is None:
            a = RATE if one.name == "tile" else None
            await service.run(one.name, picture, threshold_a=a)
            times = [1000 * await timed(service.run(one.name, picture, threshold_a=a)) for _ in range(rounds)]
            figures.append(Figure(f"{one.name}, of a megapixel", times, "", " ms"))
    return figures


def _picture() -> Picture:
    """Edges of each strength and direction."""
    shades = [Image.radial_gradient("L").rotate(turn).resize((SIDE, SIDE)) for turn in (0, 30, 60)]
    for count, shade in zip((5, 9, 14), shades, strict=True):
        part = shade.resize((SIDE // count, SIDE // count))
        for at in range(0, count * count, 2):
            shade.paste(part, (at % count * part.width, at // count * part.height))
    return Picture.from_image(Image.merge("RGB", shades))
