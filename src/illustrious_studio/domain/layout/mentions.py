"""The things of a scene as they are named one after the other, and how relations tie them.

What a phrase means, `parser` knows; here is kept what was named, whom the next relation is about, what a pause ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from illustrious_studio.domain.layout.figures import Figure, Garment, Who
from illustrious_studio.domain.layout.people import Cast
from illustrious_studio.domain.layout.scene import Mention, Relation
from illustrious_studio.domain.layout.traits import Trait
from illustrious_studio.domain.layout.values import MAX_THINGS, ObjectKind, Weather
from illustrious_studio.domain.layout.vocabulary import Vocabulary
from illustrious_studio.domain.layout.word_lists import RelationKind

WEARING = frozenset({"in", "wearing", "wears", "dressed in"})
HAVING = WEARING | {"with", "inside"}
"""Relations to what somebody wears or has."""
RIDDEN = frozenset({"bicycle", "motorcycle", "motor scooter", "kick scooter"})
LIVING: frozenset[ObjectKind] = frozenset({"person", "animal"})


@dataclass
class Modifiers:
    """What stands before a noun."""

    article: str = ""
    count: int | None = None
    pair: bool = False
    size: float = 1.0
    colour: str = ""
    negated: bool = False
    of: int | None = None
    """ "The cat is ...": the mention that they belong to, should no noun follow."""


@dataclass
class Mentions:
    """What was named so far."""

    vocabulary: Vocabulary
    mentions: list[Mention] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    stand_ins: dict[str, str] = field(default_factory=dict)
    """Words for things that are drawn as others, and as which."""
    background: str = ""
    anywhere: bool = False
    """Whether the background is one that another place comes before."""
    weather: Weather = ""
    time: str = ""
    style: str = "flat"

    modifiers: Modifiers = field(default_factory=Modifiers)
    relation: RelationKind | None = None
    contents: int | None = None
    """ "A basket of ...": what the next thing is in."""
    position: tuple[int, int] | None = None
    group: list[int] = field(default_factory=list)
    """The mentions that the next relation is about."""
    subjects: list[int] = field(default_factory=list)
    """Those that the last relation was about: "... and under a tree" is about them again."""
    fronted: tuple[RelationKind, int] | None = None
    """ "On the bed ...": a relation whose subject is still to come."""
    joined: bool = False
    somebody: list[int] = field(default_factory=list)
    """People from tags like 2girls, that a later "astronaut" makes more exact."""
    how: str = ""
    """The words of the relation."""
    said: list[str] = field(default_factory=list)
    """The words of the modifiers."""
    goes_on: bool = False
    """The last phrase was one that is not drawn, and the next may belong to it."""
    apart: bool = False
    """Those of the group were described one by one, so that what comes then is done by the last of them."""
    dressing: bool = False
    """The last phrase was something that somebody wears: "... and a tie"."""
    resting: list[int] = field(default_factory=list)
    """Animals that sit or sleep."""
    becomes: bool = False
    """ "As a ...": who comes next is who is there already."""
    credits: bool = False
    """ "By ...", "artist: ...": names of people, and not things, up to the next pause."""

    def __post_init__(self) -> None:
        self.cast = Cast(self.mentions)

    def left_over(self) -> None:
        """What no noun came after: "the cat is black"; and of the fruit in "an orange" nothing is in a sketch."""
        said = self.modifiers
        if said.of is not None and not said.negated and not (said.colour and self.mentions[said.of].figures):
            mention = self.mentions[said.of]
            self.mentions[said.of] = replace(
                mention, colour=said.colour or mention.colour, size=mention.size * said.size
            )
        elif said.colour and self.said and not said.negated:
            self.unused.append(" ".join(self.said))
        self.forget()

    def forget(self) -> None:
        self.modifiers = Modifiers()
        self.said = []

    def pause(self) -> None:
        """A pause: what was begun ends here, but "on the bed, a cat" may go on."""
        self.dressed()
        if self.fronted:
            kind, known = self.fronted
            before = [index for index in range(known) if index not in self.group]
            if kind in ("holding", "wearing"):
                before = [index for index in before if self.kind_of(index) in LIVING]
            if before:
                self.relations.append(Relation(kind, before[-1], known))
                self.fronted = None
        if self.relation is not None and self.how.endswith("ing") and not self.fronted:
            self.unused.append(self.how)  # something is done, to nothing that was named
        self.relation, self.group, self.joined, self.contents = None, [], False, None
        self.credits = self.apart = self.becomes = self.dressing = False
        self.cast.pause()
        self.left_over()

    def relate(self, kind: RelationKind, text: str) -> None:
        self.dressed()
        if self.joined and self.subjects:
            self.group = list(self.subjects)
        self.relation, self.joined, self.how = kind, False, text
        if text.startswith("riding"):
            self._ride(self.group)
        self.left_over()

    def _ride(self, whom: Sequence[int]) -> None:
        self.cast.describe(whom, Trait(Figure(pose="sitting")))

    def dressed(self) -> None:
        """ "A girl in red": a colour alone is that of the clothes."""
        people = [at for at in self.group if self.mentions[at].figures]
        if not (self.relation and self.how in WEARING and self.modifiers.colour and people):
            return
        for at in people[-1:] if self.apart else people:
            kind = "dress" if self.mentions[at].figures[0].who == "girl" else "shirt"
            garment = Garment.model_validate({"kind": kind, "colour": self.modifiers.colour})
            self.cast.describe([at], Trait(Figure(clothes=(garment,))))
        self.relation, self.apart = None, True
        self.forget()

    def pronoun(self) -> None:
        """ "A dog behind it", "behind it a dog"."""
        others = [index for index in range(len(self.mentions)) if index not in self.group]
        if self.relation and others and self.group:
            self.relations += [Relation(self.relation, subject, others[-1]) for subject in self.group]
        elif self.relation and others:
            self.fronted = (self.relation, others[-1])
        self.relation = None

    def they(self, who: Who | None) -> None:
        """ "She", "he", "they": who was named last of them."""
        there = [at for at in self.cast.there() if who in (None, self.mentions[at].figures[0].who)]
        if there:
            self.group = [there[-1]]
            self.cast.clause.append(there[-1])
            self.cast.everybody = who is None

    def put_at(self, position: tuple[int, int]) -> None:
        if self.group:
            index = self.group[-1]
            self.mentions[index] = replace(self.mentions[index], position=position)
        else:
            self.position = position

    def kind_of(self, index: int) -> ObjectKind:
        return self.vocabulary.objects[self.mentions[index].what].kind

    def somebody_living(self) -> int | None:
        return next((i for i in reversed(range(len(self.mentions))) if self.kind_of(i) in LIVING), None)

    def name_again(self, index: int, what: str) -> None:
        mention = self.mentions[index]
        self.mentions[index] = replace(
            mention,
            what=what,
            size=self.modifiers.size if self.modifiers.size != 1.0 else mention.size,
            colour=self.modifiers.colour or mention.colour,
            figures=mention.figures if what == mention.what else (),
        )
        self.connect(index)

    def add(self, mention: Mention) -> None:
        if sum(one.count for one in self.mentions) + mention.count > MAX_THINGS:
            self.forget()
            return
        self.mentions.append(mention)
        self.position = None
        self.connect(len(self.mentions) - 1)

    def connect(self, index: int) -> None:
        """Tie the mention just read to those before it."""
        self.cast.clause.append(index)
        holder = self.contents if self.relation is None else None
        if holder not in (None, index) and self.kind_of(holder) == "thing":
            self.relations.append(Relation("inside", index, holder))
            self.contents = None
            self.forget()
            return
        self.contents = None
        if self.relation is None and self.fronted and index != self.fronted[1]:
            if not (self.joined and self.group == [self.fronted[1]]):
                kind, known = self.fronted
                self.relations.append(Relation(kind, index, known))
                self.subjects, self.fronted = [index], None
                self.group = [index]
            else:
                self.group = [index]
        elif self.relation is None:
            self.join(index)
        elif subjects := [subject for subject in self.group if subject != index]:
            subjects = subjects[-1:] if self.apart and self.relation in ("holding", "wearing") else subjects
            self.relations += [Relation(self.relation, subject, index) for subject in subjects]
            if self.relation == "on" and (self.kind_of(index) == "animal" or self.mentions[index].what in RIDDEN):
                self._ride(subjects)
            self.subjects, self.group = subjects, [index]
        else:
            self.fronted, self.group = (self.relation, index), [index]
        self.relation, self.joined = None, False
        self.forget()

    def join(self, index: int) -> None:
        """ "A and B" stand together; after "between A" the B is the other side."""
        last = self.relations[-1] if self.relations else None
        if self.joined and last and last.kind == "between" and last.other is None and self.group == [last.object]:
            for at, relation in enumerate(self.relations):
                if relation.kind == "between" and relation.object == last.object and relation.other is None:
                    self.relations[at] = replace(relation, other=index)
            self.group = [index]
        elif self.joined and self.group and not any(relation.object in self.group for relation in self.relations):
            self.group.append(index)
        else:
            self.group = [index]
