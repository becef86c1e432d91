"""Sketches from words: reads the known things out of a prompt, lays them out, and has the layout painted.

Pure reading and placing live in `domain/scene_words` and `domain/arrangement`; pixels come from the painter.
"""

from illustrious_studio.domain.arrangement import arrange
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.scene_words import read_scene
from illustrious_studio.domain.sketch import Layout, SketchPainter
from illustrious_studio.domain.vocabulary import Vocabulary
from illustrious_studio.domain.word_lists import COLOURS

PAINTED_COLOURS = sorted(set(COLOURS.values()))


class SketchService:
    """Words to layouts, layouts to pictures."""

    def __init__(self, painter: SketchPainter) -> None:
        self._painter = painter
        self._backgrounds = painter.backgrounds()
        self._vocabulary = Vocabulary(painter.objects(), self._backgrounds)

    def layout(self, prompt: str, seed: int, aspect: float = 1.0) -> Layout:
        """Where the things of the prompt stand in a frame of that width by height.

        The same prompt, seed and aspect give the same layout. A prompt that names nothing known gives no things; its
        `unknown` words are there to be told, with their `nearest` names.
        """
        scene = read_scene(prompt, self._vocabulary)
        return Layout(
            things=arrange(scene, self._vocabulary.objects, seed, aspect),
            background=scene.background,
            time=scene.time,
            style=scene.style,
            unknown=scene.unknown,
        )

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        """The layout as a picture; the same each time. Raises InvalidRequest for things it cannot paint."""
        for thing in layout.things:
            if thing.what not in self._vocabulary.objects:
                near = self.nearest(thing.what)
                hint = f" Nearest: {', '.join(near)}." if near else ""
                raise InvalidRequest(f"There is no drawing of {thing.what!r}.{hint}")
            if thing.colour and thing.colour not in PAINTED_COLOURS:
                raise InvalidRequest(f"There is no colour {thing.colour!r}. Use one of: {', '.join(PAINTED_COLOURS)}.")
        if layout.background not in self._backgrounds:
            names = ", ".join(self._backgrounds)
            raise InvalidRequest(f"There is no background {layout.background!r}. Use one of: {names}.")
        return await self._painter.paint(layout, width, height, seed)

    def nearest(self, word: str, count: int = 3) -> list[str]:
        """Names of known objects that an unknown word may have meant; none when nothing is like it."""
        return self._vocabulary.nearest(word, count)
