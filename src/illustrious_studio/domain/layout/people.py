"""Who is in a scene, and to whom belongs what is said of somebody.

By grammar where there is some ("a girl with long hair and a boy in a suit"), by order in tags ("1girl, red hair, 1boy")
or to all where tags say no more ("2girls, school uniform"). Several colours of one kind go to one after the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from illustrious_studio.domain.layout import roles
from illustrious_studio.domain.layout.figures import Figure, Garment, Who
from illustrious_studio.domain.layout.scene import Mention, Relation
from illustrious_studio.domain.layout.traits import Trait, merged, two_coloured
from illustrious_studio.domain.layout.values import KnownObject

ANYBODY: Final = Figure()
PLURAL: Final = 3
MOST: Final = 6
Somebody = tuple[int, int]
"""A mention's number, and which of those in it."""
Side = tuple[int, int] | None
"""A place in the frame that was asked for."""
SEATS: Final = {
    "chair": (0.5, 0.5),
    "couch and lamp": (0.41, 0.84),
    "bed": (0.6, 0.5),
    "toilet": (0.38, 0.45),
    "bench": (0.5, 0.58),
}
"""What one sits and lies on, and where: shares of its width from the left and of its height from the top."""
PARTED: Final = (
    "hair",
    "eyes",
    "hair_length",
    "hair_style",
    "bangs",
    "skin",
    "expression",
    "closed",
    "pose",
    "ears",
    "tail",
)
"""Of these one person has one, so that a second one is the next person's."""


@dataclass(frozen=True)
class Person:
    """A word for people. `who` is None where it fits a girl and a boy; `count` is None where the word has none."""

    who: Who | None
    look: Figure = ANYBODY
    count: int | None = None
    usual: Who = "girl"


FIGURE_OBJECTS: Final = (
    KnownObject(
        name="girl", synonyms=("woman", "lady", "princess", "witch", "maid"), kind="person", size=1.4, aspect=0.34
    ),
    KnownObject(name="boy", synonyms=("man", "guy", "prince", "knight"), kind="person", size=1.4, aspect=0.34),
)
"""People as things of a layout; what they look like says the figure."""


def people_words() -> dict[str, Person]:
    """Every word for people in the singular."""
    return {
        word: Person(who, look, usual="boy" if word in roles.USUALLY_BOYS else "girl")
        for word, (who, look) in roles.PEOPLE.items()
    }


def people_counts() -> dict[str, Person]:
    """Danbooru's tags of how many there are."""
    counts: dict[str, Person] = {"1woman": Person("girl", count=1), "1man": Person("boy", count=1)}
    counts |= {"1other": Person("girl", count=1), "everyone": Person(None, count=PLURAL)}
    for who in ("girl", "boy"):
        counts[f"multiple {who}s"] = Person(who, count=PLURAL)
        for count in range(1, MOST + 1):
            counts[f"{count}{who}"] = counts[f"{count}{who}s"] = Person(who, count=count)
            counts[f"{count}+{who}s"] = Person(who, count=count)
    return counts


@dataclass
class Cast:
    """The people among the mentions, which are the reader's own list."""

    mentions: list[Mention]
    clause: list[int] = field(default_factory=list)
    """Who and what was named since the last pause."""
    now: list[int] = field(default_factory=list)
    """Whom the next tag describes."""
    everybody: bool = False
    """ "Both", "all": what is said next belongs to all of them."""
    _described: bool = False
    _early: list[Trait] = field(default_factory=list)
    """Said before anybody was named."""
    _said: dict[str, list[object]] = field(default_factory=dict)
    _two: dict[int, set[str]] = field(default_factory=dict)

    def there(self) -> list[int]:
        return [index for index, mention in enumerate(self.mentions) if mention.figures]

    def pause(self) -> None:
        self.clause = []
        self.everybody = False

    def came(self, index: int) -> None:
        """A person is named for the first time."""
        if self._described:
            self.now, self._said, self._described = [], {}, False
        self.now.append(index)
        early, self._early = self._early, []
        for trait in early:
            self.describe([index], trait)

    def spoken_of(self, index: int) -> None:
        """A person is named again: what follows is about them alone."""
        self.now, self._said, self._described = [index], {}, False
        early, self._early = self._early, []
        for trait in early:
            self.describe([index], trait)

    def meant(
        self, person: Person, *, the: bool, as_tag: bool, plural: bool, goes_on: bool, side: Side = None
    ) -> int | None:
        """Who of those there a word means; None for somebody new. `goes_on`: "1girl with ..."; `side`: "the girl on the
        left", who is nobody that is elsewhere."""
        same = [at for at in self.there() if person.who in (None, self.mentions[at].figures[0].who)]
        if side is not None:
            same = [at for at in same if self.mentions[at].position in (None, side)]
            same.sort(key=lambda at: self.mentions[at].position == side)
        if not same or not (the or as_tag):
            return None
        if side is not None and not plural:
            return same[-1] if self.mentions[same[-1]].count == 1 else self.parted(same[-1], 1)
        if person.count is None:
            one = next((at for at in reversed(same) if at in self.now), same[-1])
            return one if the or not plural or self.mentions[one].count > 1 else None
        equal = [at for at in same if self.mentions[at].count == person.count]
        if goes_on:
            return next((at for at in equal if self._bare(at)), None)
        return equal[-1] if equal else None

    def part_of(self, person: Person) -> int | None:
        """ "2girls, 1girl with red hair": whom of the two it means."""
        for at in reversed(self.there()):
            mention = self.mentions[at]
            if mention.figures[0].who == person.who and 0 < (person.count or 0) < mention.count:
                return self.parted(at, person.count or 0)
        return None

    def parted(self, at: int, count: int) -> int:
        """The first so many of them are spoken of alone, and the others come after them."""
        mention = self.mentions[at]
        self.mentions[at] = replace(mention, count=count, figures=mention.figures[:count])
        self.mentions.append(replace(mention, count=mention.count - count, figures=mention.figures[count:]))
        return at

    def early(self, trait: Trait) -> None:
        self._early.append(trait)

    def tag(self, trait: Trait) -> None:
        """Something said between commas."""
        if not self.now:
            self._early.append(trait)
            return
        self.describe(self.now, trait)
        self._described = True

    def of(self, index: int, trait: Trait) -> None:
        """Something said of that person, in their own clause."""
        if self.everybody:
            self.tag(trait)
            return
        if self.now != [index]:
            self.now, self._said = [index], {}
        self.describe(self.now, trait)
        self._described = True

    def describe(self, whom: Sequence[int], trait: Trait) -> None:
        whom = [at for at in whom if self.mentions[at].figures]  # who was said to be a mermaid is no figure any more
        girls = [at for at in whom if self.mentions[at].figures[0].who == "girl"]
        whom = girls if trait.for_girls and girls else whom
        persons = [(at, number) for at in whom for number in range(self.mentions[at].count)]
        for look in _single(trait.look, alone=len(persons) == 1):
            for at, number in self._whose(look, persons):
                mention = self.mentions[at]
                figures = list(mention.figures)
                before = _without(figures[number], look) if len(persons) > 1 else figures[number]
                figures[number] = merged(before, look)
                self.mentions[at] = replace(mention, figures=tuple(figures))
        if trait.two:
            for at in whom:
                self._two.setdefault(at, set()).add(trait.two)

    def finish(self) -> None:
        """Two colours where two were asked for."""
        for at, whats in self._two.items():
            for what in whats:
                mention = self.mentions[at]
                figures = tuple(two_coloured(figure, what) for figure in mention.figures)
                self.mentions[at] = replace(mention, figures=figures)

    def _bare(self, at: int) -> bool:
        mention = self.mentions[at]
        return mention.size == 1.0 and all(figure == Figure(who=figure.who) for figure in mention.figures)

    def _whose(self, look: Figure, persons: Sequence[Somebody]) -> Sequence[Somebody]:
        """For whom something holds: the second colour of hair is for the second one and those after, and so is a dress
        that is not worn over what was named before. Who has nothing of the kind yet comes first."""
        if len(persons) == 1:
            return persons
        if look.clothes:
            garment = look.clothes[0]
            bare = [one for one in persons if all(map(garment.goes_with, self._figure(one).clothes))]
            if 0 < len(bare) < len(persons):
                return bare
            said = self._said.setdefault("clothes", [])
            if garment not in said:
                said.append(garment)
            others = [one for one in said[: said.index(garment)] if not garment.goes_with(cast(Garment, one))]
            return persons[min(len(others), len(persons) - 1) :]
        name = next((name for name in PARTED if name in look.model_fields_set), "")
        if not name:
            return persons
        said = self._said.setdefault(name, [])
        if getattr(look, name) not in said:
            said.append(getattr(look, name))
        return persons[min(said.index(getattr(look, name)), len(persons) - 1) :]

    def _figure(self, one: Somebody) -> Figure:
        at, number = one
        return self.mentions[at].figures[number]


def _without(figure: Figure, look: Figure) -> Figure:
    """The figure without what the look puts another in the place of."""
    kept = tuple(worn for worn in figure.clothes if all(map(worn.goes_with, look.clothes)))
    return figure.model_copy(update={**dict.fromkeys(look.model_fields_set & {"hair", "eyes"}, ""), "clothes": kept})


def _single(look: Figure, *, alone: bool) -> Iterable[Figure]:
    """The parts of a look, each alone, so that each goes to whom it belongs."""
    if alone:
        return (look,)
    parts: list[Figure] = []
    for name in look.model_fields_set:
        value = getattr(look, name)
        if name in ("hair_second", "eyes_second"):  # "two girls with blonde and black hair"
            parts.append(Figure.model_validate({name.removesuffix("_second"): value}))
        elif name == "clothes":
            parts += [Figure(clothes=(one,)) for one in value]
        else:
            parts.insert(0, Figure.model_validate({name: value}))
    return parts


def seated(mentions: Sequence[Mention], relations: Sequence[Relation], resting: Sequence[int]) -> list[Relation]:
    """Who sits or sleeps is on the chair or bed that is there: tags do not say it. `resting` are animals that do."""
    sitting = [at for at, one in enumerate(mentions) if one.figures and one.figures[0].pose == "sitting"]
    sitting += resting
    seats = [at for at, one in enumerate(mentions) if one.what in SEATS]
    placed = {relation.subject for relation in relations if relation.kind != "holding"}
    taken = {at for relation in relations for at in (relation.subject, relation.object)}
    pairs = zip(sitting, seats, strict=False)
    return [*relations, *(Relation("on", one, seat) for one, seat in pairs if one not in placed and seat not in taken)]


def under_umbrellas(mentions: Sequence[Mention], relations: Sequence[Relation]) -> list[Relation]:
    """Of an umbrella that stands in no relation somebody has the handle: tags do not say it."""
    tied = {at for relation in relations for at in (relation.subject, relation.object, relation.other)}
    somebody = [at for at, one in enumerate(mentions) if one.figures and one.figures[0].pose in ("", "standing")]
    free = [at for at, one in enumerate(mentions) if one.what == "umbrella" and at not in tied and one.size == 1.0]
    return [*relations, *(Relation("holding", one, at) for one, at in zip(somebody, free, strict=False))]


def held(mentions: Sequence[Mention], relations: Sequence[Relation]) -> tuple[list[Mention], list[Relation]]:
    """What people hold goes into their hands, and is no thing of the scene any more.

    What has a size of its own, or stands in another relation, too, stays one: all that is held is as large. So it does
    beside who sits, whose hands are in the lap.
    """
    mentions, kept = list(mentions), list(relations)
    gone: set[int] = set()
    for relation in relations:
        holder, thing = mentions[relation.subject], mentions[relation.object]
        if relation.kind != "holding" or not holder.figures or thing.figures or relation.object in gone:
            continue
        others = [one for one in relations if one is not relation and relation.object in (one.subject, one.object)]
        sitting = any(figure.pose == "sitting" for figure in holder.figures)
        in_hand = not (others or sitting or thing.size != 1.0)
        look = Figure.model_validate(
            {"pose": "holding", **({"holding": thing.what, "holding_colour": thing.colour} if in_hand else {})}
        )
        figures = list(holder.figures)
        figures[: thing.count] = [
            figure if sitting else merged(figure, look) for figure in holder.figures[: thing.count]
        ]
        mentions[relation.subject] = replace(holder, figures=tuple(figures))
        if in_hand:
            gone.add(relation.object)
            kept.remove(relation)
    stay = [index for index in range(len(mentions)) if index not in gone]
    at = {index: number for number, index in enumerate(stay)}
    moved = [
        replace(one, subject=at[one.subject], object=at[one.object], other=None if one.other is None else at[one.other])
        for one in kept
    ]
    return [mentions[index] for index in stay], moved
