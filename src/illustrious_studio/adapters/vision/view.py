"""One picture that is analyzed, and what was found in it: things and where they are, colours, text, its record.

Everything is found when it is first asked for, and only once.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from illustrious_studio.adapters.vision.classifier import Classifier
from illustrious_studio.adapters.vision.facts import (
    Thing,
    colour_shares,
    has_plain_ground,
    is_flat,
    separate_things,
)
from illustrious_studio.adapters.vision.ocr import LONGEST_SIDE, Line, TextReader
from illustrious_studio.adapters.vision.surface import Gradient, gradient_of, is_noise
from illustrious_studio.domain.layout.figures import Figure, completed
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.metadata.recorded import RecordedSettings, recorded_settings
from illustrious_studio.domain.pictures import OpenedPicture

PHOTO_SURE, PHOTO_MAYBE, DRAWING_SURE, DRAWING_MAYBE = 0.45, 0.15, 0.6, 0.45
GREYS = frozenset({"black", "white", "gray", "light gray", "dark gray"})
SHAPES = frozenset({"circle", "square", "symbol"})
COLOURS = frozenset({"red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"})
GIRLS = frozenset({"woman", "girl", "princess", "mermaid", "fairy", "witch", "bride", "old woman", "dancing woman"})
BOYS = frozenset({"man", "boy", "prince", "king", "wizard", "santa claus", "old man", "superhero", "vampire", "elf"})
PEOPLE = GIRLS | BOYS | {"person", "people", "baby", "child", "family", "ninja", "zombie", "genie", "cook", "astronaut"}
SHORTEST_WORD = 3
"""Letters and digits of a line that is a word."""
OURS = "illustrious-studio"
"""How the version begins that this studio writes into its pictures."""


@dataclass(frozen=True)
class Subject:
    """Something that the picture shows, how often, and where the only one of it is (as shares of the picture)."""

    name: str
    count: int = 1
    sure: bool = True
    photographed: bool = False
    middle: tuple[float, float] | None = None
    share: float = 0.0


class View:
    """Blocking: ask for what it found in a thread."""

    def __init__(self, picture: OpenedPicture, reader: TextReader, classifier: Classifier) -> None:
        self.picture = picture
        self.size = picture.size
        self.image: Image.Image = picture.picture.image()
        self.flat = is_flat(self.image)
        self.image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        self.recorded: RecordedSettings | None = recorded_settings(picture.text)
        self._reader, self._classifier = reader, classifier

    @property
    def drawn_here(self) -> bool:
        """Whether this studio drew it, by its record."""
        return self.recorded is not None and self.recorded.fields.get("Version", "").startswith(OURS)

    @property
    def layout(self) -> Layout | None:
        """What this studio laid out and painted over, if it did. Over another picture it does not."""
        if self.recorded is None or not self.drawn_here or self.recorded.request.image:
            return None
        layout = self.recorded.request.layout
        return layout if layout is not None and layout.things else None

    @cached_property
    def people(self) -> list[tuple[Placed, Figure]]:
        """The people that this studio drew, from the left, with all that was left to their seeds."""
        things = self.layout.things if self.layout is not None else ()
        figures = [(thing, completed(thing.figure)) for thing in things if thing.figure is not None]
        return sorted(figures, key=lambda one: one[0].x)

    @cached_property
    def colours(self) -> list[tuple[str, float]]:
        return colour_shares(self.image)

    @property
    def one_colour(self) -> bool:
        return self.colours[0][1] > 0.985

    @property
    def colourless(self) -> bool:
        return all(name in GREYS for name, _ in self.colours)

    @cached_property
    def gradient(self) -> Gradient | None:
        return None if self.one_colour else gradient_of(self.image)

    @cached_property
    def noise(self) -> bool:
        return not self.one_colour and not self.lines and is_noise(self.image)

    @cached_property
    def plain_ground(self) -> bool:
        return has_plain_ground(self.image)

    @cached_property
    def lines(self) -> list[Line]:
        return self._reader.read(self.image)

    @property
    def writing(self) -> list[Line]:
        """The lines that are surely meant as text: short ones are mostly spots, and the studio's own paintings have
        none. Who asks for the text is told all `lines`."""
        if self.layout is not None:
            return []
        return [line for line in self.lines if sum(map(str.isalnum, line.text)) >= SHORTEST_WORD]

    @cached_property
    def subjects(self) -> list[Subject]:
        """What it shows, the surest first: by the layout where the studio painted over one, else by the classifier."""
        if self.layout is not None:
            return _laid_out(self.layout, " ".join(name for name, _ in self.colours))
        return [] if self.one_colour or self.gradient or self.noise else self._recognised()

    def _recognised(self) -> list[Subject]:
        """Drawings are compared with drawings, photographs classified."""
        apart = separate_things(self.image)
        things = [thing for thing in apart if not any(line.covers(thing.middle) for line in self.lines)]
        if apart and not things:
            return []
        pieces = [thing.image for thing in things]
        drawn = self._classifier.drawn([*pieces, self.image] if len(pieces) < 2 else pieces)
        if len(pieces) < 2:
            drawn = [max(drawn, key=lambda found: found[1])]
        drawn = [(_in_its_colour(name, things, place), like) for place, (name, like) in enumerate(drawn)]
        sure = [(name, place) for place, (name, like) in enumerate(drawn) if like >= DRAWING_SURE]
        known = {name for name, _ in sure}
        maybe = [
            (name, place)
            for place, (name, like) in enumerate(drawn)
            if DRAWING_MAYBE <= like < DRAWING_SURE and name not in known and name.split()[-1] not in SHAPES
        ]
        if sure or (maybe and self.flat):
            return [*_counted(sure, things, sure=True), *_counted(maybe, things, sure=False)]
        if self.flat:
            return []
        named = [(name, chance) for name, chance in self._classifier.photographed(self.image) if chance >= PHOTO_MAYBE]
        if named and named[0][1] >= PHOTO_SURE:
            return [Subject(named[0][0], photographed=True)]
        return [Subject(name, sure=False, photographed=True) for name, _ in named]


def _counted(found: list[tuple[str, int]], things: list[Thing], *, sure: bool) -> list[Subject]:
    counts = Counter(name for name, _ in found)
    subjects = []
    for name, count in counts.items():
        place = next(place for one, place in found if one == name)
        thing = things[place] if place < len(things) and count == 1 else None
        subjects.append(
            Subject(name, count, sure, middle=thing.middle if thing else None, share=thing.share if thing else 0.0)
        )
    return subjects


def _in_its_colour(name: str, things: list[Thing], place: int) -> str:
    """A circle or a square is known by its form; its colour is measured."""
    before, _, shape = name.rpartition(" ")
    if before not in COLOURS or shape not in SHAPES or place >= len(things):
        return name
    own = [colour for colour, _ in colour_shares(things[place].image) if colour != "white"]
    return f"{own[0] if own else 'white'} {shape}"


def _laid_out(layout: Layout, seen: str) -> list[Subject]:
    """The things of the layout, nearest first, those of one name together. A colour that was asked for and did not come
    out (it is not among those `seen`) is left out."""
    named = []
    for thing in reversed(layout.things):
        words = f"{thing.colour} {thing.what}".split()
        named.append((" ".join(word for word in words if word not in COLOURS or word in seen), thing))
    counts = Counter(name for name, _ in named)
    subjects = []
    for name, count in counts.items():
        thing = next(thing for one, thing in named if one == name)
        alone = count == 1
        subjects.append(
            Subject(
                name, count, middle=(thing.x, thing.y) if alone else None, share=thing.w * thing.h if alone else 0.0
            )
        )
    return subjects
