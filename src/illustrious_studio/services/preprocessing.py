"""Preprocessors: which there are, which one a name means, and what they make of a picture."""

import asyncio
from collections.abc import Mapping

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.preprocessing import (
    PREPROCESSORS,
    Annotator,
    Network,
    Numbers,
    Preprocessor,
    preprocessor_named,
)


class PreprocessingService:
    """Makes the maps that control models read. A map depends on the picture and the numbers alone."""

    def __init__(self, annotator: Annotator) -> None:
        self._annotator = annotator
        self._turn = asyncio.Lock()

    def preprocessors(self) -> list[Preprocessor]:
        """All of them, `none` first; also those whose network is missing."""
        return list(PREPROCESSORS.values())

    async def missing(self) -> Mapping[Network, str]:
        """For each network that is not there, which file goes where."""
        return await self._annotator.missing()

    def named(self, name: str) -> Preprocessor:
        """By the studio's name or sd-webui-controlnet's. Raises NotFound, which lists them."""
        return preprocessor_named(name)

    async def checked(
        self,
        name: str,
        *,
        resolution: int | None = None,
        threshold_a: float | None = None,
        threshold_b: float | None = None,
    ) -> Preprocessor:
        """The preprocessor, once it is sure that it can work with these numbers, for who will run it later.

        Raises NotFound (no such name, or its network's file is not there) and InvalidRequest, naming the field.
        """
        found = self.named(name)
        found.numbers(resolution, threshold_a, threshold_b)
        if found.network is not None and (sentence := (await self.missing()).get(found.network)):
            raise NotFound(sentence)
        return found

    async def run(
        self,
        name: str,
        picture: Picture,
        *,
        resolution: int | None = None,
        threshold_a: float | None = None,
        threshold_b: float | None = None,
    ) -> Picture:
        """The map of a picture, in the picture's size. It is computed with the shorter side brought to `resolution`
        pixels, or where there is none in the picture's own size, with at most 2048 pixels to that side.

        Raises NotFound, InvalidRequest (a number outside of its range, or nothing is found in the picture) and
        Unavailable.
        """
        found = self.named(name)
        map = await self.detect(found, picture, found.numbers(resolution, threshold_a, threshold_b))
        size = picture.width, picture.height
        return map if (map.width, map.height) == size else await self._annotator.resized(map, found.map, size)

    async def detect(self, preprocessor: Preprocessor, picture: Picture, numbers: Numbers) -> Picture:
        """The map in the size in which it is computed. Raises what `run` raises."""
        async with self._turn:  # a large picture takes hundreds of megabytes: so it is one at a time
            return await self._annotator.detect(preprocessor, picture, numbers)
