"""Sketches from words: reads the known things out of a prompt, lays them out, and has the layout painted.

Pure reading and placing live in `domain/layout/parser` and `domain/layout/arrangement`; pixels come from the painter.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from illustrious_studio.domain.errors import InvalidRequest, NothingKnown
from illustrious_studio.domain.languages.dictionary import Lexicon
from illustrious_studio.domain.languages.reading import Languages, Reading
from illustrious_studio.domain.layout.arrangement import arrange
from illustrious_studio.domain.layout.guesses import NearWords
from illustrious_studio.domain.layout.parser import read_scene, without_syntax
from illustrious_studio.domain.layout.people import FIGURE_OBJECTS, Person
from illustrious_studio.domain.layout.standing import standing
from illustrious_studio.domain.layout.tag_writer import write_tags
from illustrious_studio.domain.layout.values import Guess, KnownObject, Layout, Placed, SketchPainter
from illustrious_studio.domain.layout.vocabulary import Vocabulary, plural_of, split_words
from illustrious_studio.domain.layout.word_lists import COLOURS
from illustrious_studio.domain.pictures import Picture

NO_GUESSES: Mapping[str, str] = {}
ENGLISH_ONLY = Lexicon()
NO_NEAR_WORDS = NearWords()
PAINTED_COLOURS = sorted(set(COLOURS.values()))
MOST_SHOWN = 8
NEAREST = 3
ROUNDING = 0.001
"""Centre and size are rounded one by one, so the edges of a box may be off by that much."""


class SketchService:
    """Words to layouts, layouts to pictures. Words of other languages than English are read by the `lexicon`."""

    def __init__(
        self, painter: SketchPainter, lexicon: Lexicon = ENGLISH_ONLY, near: NearWords = NO_NEAR_WORDS
    ) -> None:
        self._painter = painter
        self._near = near
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
        `unknown` words are there to be shown, with their `nearest` names, and so is what else is `unused`. `guesses`
        are unknown words and the names to take them for; the layout names them as `guessed`, beside words for
        things that are drawn as others.
        """
        reading = self.in_english(prompt)
        scene = read_scene(reading.text, self._vocabulary.taking(guesses) if guesses else self._vocabulary)
        return Layout(
            things=arrange(scene, self._vocabulary.objects, seed, aspect),
            background=scene.background,
            time=scene.time,
            weather=scene.weather,
            style=scene.style,
            seed=seed,
            unknown=(*(reading.said(word) for word in scene.unknown), *dict.fromkeys(reading.unread)),
            unused=tuple(reading.said(word) for word in scene.unused),
            guessed=tuple(
                Guess(word=word, taken_for=name)
                for word, name in (
                    *((reading.said(word), name) for word, name in guesses.items() if word not in scene.unknown),
                    *((reading.said(word), name) for word, name in scene.stand_ins if word not in guesses),
                )
            ),
        )

    def unknown(self, prompt: str) -> tuple[str, ...]:
        """The words of the prompt that name nothing known, in English, as guesses are made of them."""
        return read_scene(self.in_english(prompt).text, self._vocabulary).unknown

    def draws(self, words: str) -> bool:
        """Whether anything of such words is drawn, or they say how: none of them is unknown or left out."""
        found = self.layout(words, 0)
        return bool(found.things) or found.background != "white" or not (found.unknown or found.unused)

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        """The layout as a picture; the same each time. Its own seed comes before this one.

        Raises InvalidRequest for things it cannot paint.
        """
        self.check(layout)
        return await self._painter.paint(layout, width, height, seed if layout.seed is None else layout.seed)

    def completed(self, layout: Layout, prompt: str, aspect: float = 1.0, seed: int = 0) -> Layout:
        """The layout with nothing left open: without a background, it gets background, light and style of the words,
        and people of whom nothing is said get a look of their own from the seed.

        Raises InvalidRequest for one that cannot be painted.
        """
        if not layout.background:
            scene = read_scene(self.in_english(prompt).text, self._vocabulary)
            names = ("background", "time", "weather", "style")
            layout = layout.model_copy(update={name: getattr(scene, name) for name in names})
        if any(_somebody(thing) for thing in layout.things):
            things = [
                thing.model_copy(update={"figure": standing(thing.what, thing.w * aspect / thing.h, seed, number)})
                if _somebody(thing)
                else thing
                for number, thing in enumerate(layout.things)
            ]
            layout = layout.model_copy(update={"things": tuple(things)})
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
            held = thing.figure.holding if thing.figure is not None else ""
            if held and held not in self._vocabulary.objects:
                raise InvalidRequest(
                    f"There is no drawing of {held!r} to hold. GET /layout/objects lists what there is."
                )
            if not _inside(thing):
                raise InvalidRequest(
                    f"Thing {number} ({thing.what}) reaches out of the picture. x and y are its centre, w and h its "
                    "size, as shares of the picture: keep x - w/2, x + w/2, y - h/2 and y + h/2 between 0 and 1."
                )
        if layout.background not in self._backgrounds:
            names = ", ".join(self._backgrounds)
            raise InvalidRequest(f"There is no background {layout.background!r}. Use one of: {names}.")

    def faces(self, layout: Layout, size: tuple[int, int]) -> list[tuple[float, float, float, float]]:
        """Where the faces of a layout's people come to be in a picture of that size: left, top, right and bottom in
        pixels."""
        return self._painter.faces(layout, *size)

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
        marks = list(self._vocabulary.marks(split_words(words), traits=False))
        colour = next((str(mark.value) for mark in marks if mark.kind == "colour"), "")
        people = [mark.value for mark in marks if isinstance(mark.value, Person)]
        things = [str(mark.value) for mark in marks if mark.kind == "thing"]
        things = things or [one.who or one.usual for one in people] or self.nearest(words, 1)
        return (things[-1], colour) if things else None

    def nearest(self, word: str, count: int = 3) -> list[str]:
        """Names of known objects that an unknown word may have meant; none when nothing is like it."""
        return self._vocabulary.nearest(word, count, real=word in self._near.words or word in self._near.kinds)

    def tags(self, prompt: str) -> str | None:
        """The prompt as danbooru's tags; None where there is nothing to write as tags."""
        return write_tags(prompt, self._vocabulary)

    def refuse_unknown(self, layout: Layout, prompt: str, examples: Sequence[str]) -> None:
        """Raises NothingKnown where there is nothing to paint for these words, with what they may have meant.

        An empty prompt asks for nothing, and is no mistake of this kind.
        """
        if layout.things or layout.background != "white" or not prompt.strip():
            return
        near = [self.nearest(word) for word in layout.unknown[:MOST_SHOWN]]
        near += [self.nearest(word) for word in layout.unused[:MOST_SHOWN]]
        nearest = list(dict.fromkeys(name for names in zip_longest(*near) for name in names if name))[:NEAREST]
        words = ", ".join((*layout.unknown, *layout.unused)[:MOST_SHOWN]) or prompt.strip()[:80]
        raise NothingKnown(
            f"There is no drawing for any of this: {words}. "
            + (f"Nearest: {', '.join(nearest)}. " if nearest else "")
            + "Name a thing, a place or somebody, for example “"
            + "” or “".join(examples[:2])
            + "”; an SDXL checkpoint of your own draws from any words.",
            [*(f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in nearest), *examples],
        )

    def not_drawn(self, layout: Layout) -> str:
        """Which words of the prompt are not in the layout, with what the unknown may have meant, and which were taken
        for others, in one line; empty for none."""
        listed = []
        for word in layout.unknown[:MOST_SHOWN]:
            near = ", ".join(self.nearest(word))
            listed.append(f"“{word}” (nearest: {near})" if near else word)
        listed += layout.unused[: MOST_SHOWN - len(listed)]
        more = len(layout.unknown) + len(layout.unused) - len(listed)
        left = f"Not drawn: {', '.join(listed)}{f' and {more} more' if more else ''}" if listed else ""
        guessed = ", ".join(f"{guess.word} taken for {guess.taken_for}" for guess in layout.guessed)
        return ". ".join(said for said in (left, f"Guessed: {guessed}." if guessed else "") if said)


def _somebody(thing: Placed) -> bool:
    return thing.figure is None and any(thing.what == known.name for known in FIGURE_OBJECTS)


def _inside(thing: Placed) -> bool:
    edges = (thing.x - thing.w / 2, thing.x + thing.w / 2, thing.y - thing.h / 2, thing.y + thing.h / 2)
    return all(-ROUNDING <= edge <= 1 + ROUNDING for edge in edges)
