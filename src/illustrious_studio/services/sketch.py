"""Sketches from words: reads the known things out of a prompt, lays them out, and has the layout painted.

Pure reading and placing live in `domain/layout/parser` and `domain/layout/arrangement`; pixels come from the painter.
"""

from collections.abc import Mapping

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.languages.dictionary import Lexicon
from illustrious_studio.domain.languages.reading import Languages, Reading
from illustrious_studio.domain.layout.arrangement import arrange
from illustrious_studio.domain.layout.parser import read_scene, without_syntax
from illustrious_studio.domain.layout.values import Guess, KnownObject, Layout, Placed, SketchPainter
from illustrious_studio.domain.layout.vocabulary import Vocabulary, plural_of, split_words
from illustrious_studio.domain.layout.word_lists import COLOURS
from illustrious_studio.domain.pictures import Picture

NO_GUESSES: Mapping[str, str] = {}
ENGLISH_ONLY = Lexicon()
PAINTED_COLOURS = sorted(set(COLOURS.values()))
ROUNDING = 0.001
"""Centre and size are rounded one by one, so the edges of a box may be off by that much."""


class SketchService:
    """Words to layouts, layouts to pictures. Words of other languages than English are read by the `lexicon`."""

    def __init__(self, painter: SketchPainter, lexicon: Lexicon = ENGLISH_ONLY) -> None:
        self._painter = painter
        self._backgrounds = painter.backgrounds()
        self._vocabulary = Vocabulary(painter.objects(), self._backgrounds)
        self._languages = Languages(lexicon, self._vocabulary.knows, plural_of)

    def in_english(self, prompt: str) -> Reading:
        """The prompt as it is read: in English, whatever language it came in."""
        return self._languages.read(without_syntax(prompt), prompt)

    @property
    def vocabulary(self) -> Vocabulary:
        """What it knows by name."""
        return self._vocabulary

    def layout(self, prompt: str, seed: int, aspect: float = 1.0, guesses: Mapping[str, str] = NO_GUESSES) -> Layout:
        """Where the things of the prompt stand in a frame of that width by height.

        The same prompt, seed and aspect give the same layout. A prompt that names nothing known gives no things; its
        `unknown` words are there to be shown, with their `nearest` names. `guesses` are unknown words and the names
        to take them for; the layout names them as `guessed`.
        """
        reading = self.in_english(prompt)
        scene = read_scene(reading.text, self._vocabulary.taking(guesses) if guesses else self._vocabulary)
        return Layout(
            things=arrange(scene, self._vocabulary.objects, seed, aspect),
            background=scene.background,
            time=scene.time,
            style=scene.style,
            seed=seed,
            unknown=tuple(reading.said(word) for word in scene.unknown),
            guessed=tuple(Guess(word=word, taken_for=name) for word, name in guesses.items()),
        )

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        """The layout as a picture; the same each time. Its own seed comes before this one.

        Raises InvalidRequest for things it cannot paint.
        """
        self.check(layout)
        return await self._painter.paint(layout, width, height, seed if layout.seed is None else layout.seed)

    def completed(self, layout: Layout, prompt: str) -> Layout:
        """The layout with nothing left open: without a background, it gets background, light and style of the words.

        Raises InvalidRequest for one that cannot be painted.
        """
        if not layout.background:
            scene = read_scene(self.in_english(prompt).text, self._vocabulary)
            update = {"background": scene.background, "time": scene.time, "style": scene.style}
            layout = layout.model_copy(update=update)
        self.check(layout)
        return layout

    def check(self, layout: Layout) -> None:
        """Raises InvalidRequest for what cannot be painted, with what can."""
        for number, thing in enumerate(layout.things, 1):
            if thing.what not in self._vocabulary.objects:
                near = self.nearest(thing.what)
                hint = f" Nearest: {', '.join(near)}." if near else " GET /layout/objects lists what there is."
                raise InvalidRequest(f"There is no drawing of {thing.what!r}.{hint}")
            if thing.colour and thing.colour not in PAINTED_COLOURS:
                raise InvalidRequest(f"There is no colour {thing.colour!r}. Use one of: {', '.join(PAINTED_COLOURS)}.")
            if not _inside(thing):
                raise InvalidRequest(
                    f"Thing {number} ({thing.what}) reaches out of the picture. x and y are its centre, w and h its "
                    "size, as shares of the picture: keep x - w/2, x + w/2, y - h/2 and y + h/2 between 0 and 1."
                )
        if layout.background not in self._backgrounds:
            names = ", ".join(self._backgrounds)
            raise InvalidRequest(f"There is no background {layout.background!r}. Use one of: {names}.")

    def objects(self) -> tuple[KnownObject, ...]:
        """Everything that can be painted."""
        return tuple(self._vocabulary.objects.values())

    def backgrounds(self) -> tuple[str, ...]:
        """Every background there is."""
        return tuple(self._backgrounds)

    def named(self, words: str) -> tuple[str, str] | None:
        """The object and the colour that somebody means by these words, taken loosely; None when nothing is like them.

        "a brown puppy" is a dog in brown; what is no name at all may still be near one.
        """
        marks = list(self._vocabulary.marks(split_words(words)))
        colour = next((str(mark.value) for mark in marks if mark.kind == "colour"), "")
        things = [str(mark.value) for mark in marks if mark.kind == "thing"] or self.nearest(words, 1)
        return (things[-1], colour) if things else None

    def nearest(self, word: str, count: int = 3) -> list[str]:
        """Names of known objects that an unknown word may have meant; none when nothing is like it."""
        return self._vocabulary.nearest(word, count)


def _inside(thing: Placed) -> bool:
    edges = (thing.x - thing.w / 2, thing.x + thing.w / 2, thing.y - thing.h / 2, thing.y + thing.h / 2)
    return all(-ROUNDING <= edge <= 1 + ROUNDING for edge in edges)
