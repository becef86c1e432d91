"""Reads a prompt as a scene: which things, how many, how large, in what colour, how they stand together, and where.

A pure reader of plain English phrases and danbooru tags. It places nothing: `arrangement` does.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, cast

from illustrious_studio.domain.layout import person_words, roles
from illustrious_studio.domain.layout import word_lists as lists
from illustrious_studio.domain.layout.apart import noun_after, one_person, told_apart
from illustrious_studio.domain.layout.compounds import worn_as_one
from illustrious_studio.domain.layout.figures import Figure, Garment, Who
from illustrious_studio.domain.layout.mentions import HAVING, LIVING, Mentions, Modifiers
from illustrious_studio.domain.layout.people import Person, Side, held, seated, under_umbrellas
from illustrious_studio.domain.layout.rooms import in_its_room, on_the_table
from illustrious_studio.domain.layout.scene import Mention, Scene
from illustrious_studio.domain.layout.traits import Trait, merged
from illustrious_studio.domain.layout.values import ObjectKind, Weather
from illustrious_studio.domain.layout.vocabulary import Mark, Vocabulary, split_words
from illustrious_studio.domain.layout.word_lists import RelationKind

WORN: frozenset[ObjectKind] = frozenset({"headwear", "eyewear", "clothes"})
CREDITS = frozenset({"artist", "artists", "in the style of"})
"""What comes after them, as after "by", names people and not things."""
MOST_UNUSED = 60


def read_scene(prompt: str, vocabulary: Vocabulary) -> Scene:
    """What the prompt says."""
    marks = told_apart(marks_of(split_words(without_syntax(prompt)), vocabulary))
    people = any(mark.kind == "people" for mark in marks)
    return _Reader(vocabulary).read(worn_as_one(marks) if people else marks)


def marks_of(words: Sequence[str], vocabulary: Vocabulary) -> list[Mark]:
    """The phrases of the words. Without people in them nothing is said of anybody, and a hat is a hat; but hair alone
    is somebody's."""
    marks = one_person(list(vocabulary.marks(words)))
    if any(mark.kind == "people" for mark in marks):
        return marks
    for at, mark in enumerate(marks):
        company = roles.COMPANIES.get(mark.text, "")
        if company and mark.kind in ("number", "unknown", "nothing") and not noun_after(marks[at + 1 :]):
            before = marks[: at - 1] if at and marks[at - 1].kind == "article" else marks[:at]
            return [*before, *vocabulary.marks(split_words(company)), *marks[at + 1 :]]
    alive = vocabulary.names_living(marks)
    spoken_of = next((cast(Who, mark.value) for mark in marks if mark.kind == "they" and mark.value), None)
    if spoken_of and not alive:
        return [Mark("people", "", Person(spoken_of, count=1)), Mark("break", ","), *marks]
    traits = [cast(tuple[Trait, object], mark.value)[0] for mark in marks if mark.kind == "trait"]
    if any(trait.implies_somebody for trait in traits) and not alive:
        return [Mark("people", "", Person("girl", count=1)), Mark("break", ","), *marks]
    return list(vocabulary.marks(words, traits=False))


def without_syntax(prompt: str) -> str:
    """The prompt's words alone: no weights, LoRAs, wildcards or prompt editing; breaks become commas."""
    text = re.sub(r"<[^<>]*>|__[\w/-]+__", " ", prompt)
    text = re.sub(r"\bBREAK\b", ",", text)
    text = re.sub(r"\[([^\[\]:|]*):([^\[\]:|]*):[\d.]+\]", lambda edit: edit[2].strip() or edit[1], text)
    text = re.sub(r"\[([^\[\]|]*)\|[^\[\]]*\]", r"\1", text)
    text = re.sub(r":\s*[\d.]+\s*\)", " ", text)
    text = text.replace("\\", "").replace("_", " ")
    return re.sub(r"[\[\](){}]", " ", text)


class _Reader(Mentions):
    """Understands phrases."""

    def read(self, marks: list[Mark]) -> Scene:
        self._take_all(marks)
        self.pause()
        self.cast.finish()
        relations = under_umbrellas(self.mentions, seated(self.mentions, self.relations, self.resting))
        mentions, relations = held(self.mentions, relations)
        mentions, relations, self.background = in_its_room(mentions, relations, self.background)
        relations = on_the_table(mentions, relations, self.vocabulary.objects)
        place = self.background or self.time or self.weather or "white"
        is_place = self.background not in {"", "space", *lists.COLOURS.values()}
        under_a_sky = place not in lists.INDOORS and (is_place or place == self.time)
        if self.weather and self.weather != place and not under_a_sky:
            self.unused.append({"rain": "rain", "snow": "falling snow", "fog": "fog"}[self.weather])
        return Scene(
            mentions=tuple(mentions),
            relations=tuple(relations),
            background=place,
            time=cast(Literal["day", "night", "sunset"], self.time if is_place and self.time else "day"),
            weather=self.weather if under_a_sky and self.weather != place else "",
            style=cast(Literal["flat", "cartoon"], self.style),
            unknown=tuple(dict.fromkeys(self.unknown)),
            unused=tuple(dict.fromkeys(self.unused))[:MOST_UNUSED],
            stand_ins=tuple(self.stand_ins.items()),
        )

    def _take_all(self, marks: list[Mark]) -> None:
        skip = False
        for at, (mark, following) in enumerate(pairwise([*marks, Mark("break", ",")])):
            if skip:
                skip = False
                continue
            if self.credits and mark.kind != "break":
                self._not_drawn(mark)
            elif mark.kind == "trait":
                trait, plain = cast(tuple[Trait, tuple[Mark, ...]], mark.value)
                self.goes_on = False
                if not self._trait(trait, mark.text, noun_after(marks[at + 1 :])):
                    self._take_all(list(plain))
                    continue
                materials = [word for word in mark.text.split() if word in person_words.MATERIALS]
                if materials:
                    self.unused.append(f"{' '.join(materials)} (of {mark.text})")
            else:
                skip = self._take(mark, following)
            self.goes_on = mark.kind == "nothing" or self.credits

    def _take(self, mark: Mark, following: Mark) -> bool:
        """Understand one phrase; True when it used up the following one as well."""
        match mark.kind:
            case "thing":
                return self._thing(mark, following)
            case "people":
                self._person(mark, following)
            case "they":
                self.they(cast(Who | None, mark.value))
            case "nothing" if mark.text == "other" and self.modifiers.article == "the":
                self.modifiers.article = "another"
            case "nothing" if mark.text in lists.IS and self.group:
                self.modifiers.of = self.group[-1]
            case "nothing":
                self._not_drawn(mark)
                self.becomes = self.becomes or mark.text in lists.AS
                if mark.text in lists.RESTING and (living := self.somebody_living()) is not None:
                    self.resting.append(living)
                self.credits = self.credits or (mark.text in CREDITS and not self.cast.clause)
            case "background":
                if not self.modifiers.negated:
                    self._place(cast(str, mark.value), mark.text)
                self.relation = None
                self.forget()
            case "weather":
                if not self.modifiers.negated:
                    self.weather = cast(Weather, mark.value)
                self.relation = None
                self.forget()
            case "time":
                self.time = self.time or cast(str, mark.value)
                self.relation = None
                self.forget()
            case "style":
                self.style = cast(str, mark.value)
            case "relation" if mark.text == "by" and not self.cast.clause and following.kind != "article":
                self.credits = True
                self._not_drawn(replace(mark, value=True))
            case "relation":
                self.relate(cast(RelationKind, mark.value), mark.text)
            case "position":
                self.put_at(cast(tuple[int, int], mark.value))
            case "number" if mark.text == "both" and len(self.cast.there()) > 0:
                self.cast.everybody = True
            case "number":
                self.said.append(mark.text)
                self.modifiers.count, self.modifiers.pair = cast(int, mark.value), mark.text.startswith("pair")
            case "contents":
                self.contents, self.relation = (self.group[-1] if self.group else None), None
                self.forget()
            case "size":
                self.said.append(mark.text)
                self.modifiers.size *= cast(float, mark.value)
            case "colour":
                self.said.append(mark.text)
                self.modifiers.colour = self.modifiers.colour or cast(str, mark.value)
            case "article":
                negated = self.modifiers.negated
                self.left_over()
                self.modifiers = Modifiers(article=mark.text, negated=negated)
            case "negation":
                self.modifiers.negated = True
            case "and":
                self.dressed()
                self.joined = True
            case "pronoun":
                self.pronoun()
            case "body":
                self._not_drawn(replace(mark, value=True))
            case "break":
                self.pause()
            case "clothing" if self.somebody_living() is not None:
                self._not_drawn(replace(mark, value=True))
            case "unknown" | "clothing":
                self.unknown.append(mark.text)
                if following.kind not in ("thing", "people", "colour", "size", "unknown", "nothing"):
                    self.relation = None
                    self.forget()
        return False

    def _place(self, place: str, text: str) -> None:
        """A background is named. The first one counts, but before one that may be anywhere; snow falls on any other,
        and trees in autumn or in blossom stand in a forest and in a park as well."""
        if place == self.background:
            return
        if self.background and text in lists.ANYWHERE:
            return
        if self.background and not self.anywhere:
            if {place, self.background} & lists.SEASONS and {place, self.background} & lists.GREEN:
                self.background = place if place in lists.SEASONS else self.background
                return
            snow = "snow" in (place, self.background)
            if snow and place not in lists.COLOURS.values() and self.background not in lists.COLOURS.values():
                self.weather = "snow"
                self.background = place if self.background == "snow" else self.background
            else:
                self.unused.append(text)
            return
        self.background, self.anywhere = place, text in lists.ANYWHERE

    def _not_drawn(self, mark: Mark) -> None:
        """Something that is in no sketch, to be named; a mark without a value is a word that says nothing."""
        if mark.kind in ("body", "clothing"):
            words, negated = [*self.said, mark.text], self.modifiers.negated
            self.forget()
            if not negated:
                self.unused.append(" ".join(words))
            elif mark.text in person_words.ON_THE_FEET:
                self.unused.append(f"no {mark.text}")
        elif mark.value or self.credits:
            if self.goes_on and self.unused:
                self.unused[-1] += f" {mark.text}"
            elif not self.modifiers.negated:
                self.unused.append(mark.text)

    def _trait(self, trait: Trait, text: str, noun: str) -> bool:
        """Give what is said of somebody to whom it belongs; False where it is nobody's, so that a hat is a thing."""
        if self.modifiers.negated:
            self.relation = None
            self.forget()
            if trait.look.clothes:  # nobody is drawn without clothes
                self.unused.append(f"no {text}")
            return True
        if trait.look.chibi:
            self.style = "cartoon"
        living = next((at for at in reversed(self.cast.clause) if self.kind_of(at) in LIVING), None)
        if noun == "people" and (trait.before_a_noun or living is None or text.endswith("ed")):
            self.cast.early(trait)
            return True
        if trait.before_a_noun and noun == "thing":
            return False
        if self.relation is not None and self.how not in HAVING:
            return False
        if living is None:
            self.cast.tag(trait)
        elif self.mentions[living].figures:
            self.cast.of(living, trait)
            self.apart = True
        else:
            return False
        self.relation, self.dressing = None, bool(trait.look.clothes or trait.look.extras)
        self.forget()
        return True

    def _person(self, mark: Mark, following: Mark) -> None:
        """People are named: somebody new, or somebody who is there already."""
        person, modifiers = cast(Person, mark.value), self.modifiers
        if modifiers.negated:
            self.relation = None
            self.forget()
            return
        as_tag = not (modifiers.article or modifiers.count is not None or self.relation or self.joined)
        there = [at for at in self.cast.clause if self.mentions[at].figures]
        if self.becomes and there:
            self.cast.describe(there[-1:], Trait(person.look))
            self.forget()
            return
        the = modifiers.article == "the"
        goes_on = person.count is not None and (the or following.kind == "relation")
        again = self.cast.meant(
            person,
            the=the,
            as_tag=as_tag,
            plural=mark.plural,
            goes_on=goes_on,
            side=self._side(following),
        )
        if again is None and goes_on:
            again = self.cast.part_of(person)
        if again is not None:
            self.mentions[again] = replace(self.mentions[again], size=self.mentions[again].size * modifiers.size)
            self.cast.describe([again], Trait(self._coloured(person.look)))
            self.cast.spoken_of(again)
            self.connect(again)
            return
        count = modifiers.count if modifiers.count is not None else lists.PLURAL_COUNT if mark.plural else 1
        count = min(person.count or count, lists.MOST)
        who = person.who or person.usual
        look = self._coloured(person.look).model_copy(update={"who": who})
        before = len(self.mentions)
        self.add(Mention(who, count, modifiers.size, "", self.position, (look,) * count))
        if len(self.mentions) > before:
            self.cast.came(before)
            if person.count is not None:
                self.somebody.append(before)

    def _coloured(self, look: Figure) -> Figure:
        """A colour before somebody is that of their clothes, where the word says what they wear, or of their skin."""
        colour = self.modifiers.colour
        if colour and look.clothes:
            first, *others = look.clothes
            clothes = (Garment.model_validate({"kind": first.kind, "colour": colour}), *others)
            return look.model_copy(update={"clothes": clothes})
        if colour in person_words.COMPLEXIONS:
            return merged(look, Figure(skin=person_words.COMPLEXIONS[colour]))
        if colour:
            self.unused.append(" ".join(self.said))
        return look

    def _side(self, following: Mark) -> Side:
        """Where in the frame it is said to be what is named now."""
        return cast(tuple[int, int], following.value) if following.kind == "position" else self.position

    def _thing(self, mark: Mark, following: Mark) -> bool:
        what = cast(str, mark.value)
        known = self.vocabulary.objects[what]
        modifiers = self.modifiers
        living = self.somebody_living()
        alone = modifiers.article in lists.NEW and self.relation is None
        if mark.text in lists.BODY and living is not None and not alone:
            self.forget()
            return False
        its_part = following.text in lists.BODY
        if its_part:  # "cat ears" are somebody's; "a lion's head" is a lion
            if living is not None and known.kind == "animal":
                self.unused.append(" ".join([*self.said, mark.text, following.text]))
                self.forget()
                self.relation = None
                return True
        elif following.kind in ("thing", "people") and not mark.plural:
            if following.text in lists.PEOPLE:  # "cat girl" is a girl, "elf girl" an elf
                if known.kind != "person":
                    self.unused.append(mark.text)
                    return False
                self._name(what, following.plural, known.kind, mark.text)
                return True
            if modifiers.article or modifiers.count or following.plural:  # "an apple pie" is a pie
                self.unused.append(f"{mark.text} (of {mark.text} {following.text})")
                return False
        self._name(what, mark.plural, known.kind, mark.text, self._side(following))
        return its_part

    def _name(self, what: str, plural: bool, kind: ObjectKind, text: str, side: Side = None) -> None:
        """A thing is named: a new one, or one that was named before."""
        modifiers, living = self.modifiers, self.somebody_living()
        if modifiers.negated:
            if text in person_words.ON_THE_FEET and living is not None:
                self.unused.append(f"no {text}")
            self.relation = None
            self.forget()
            return
        role = roles.ROLES.get(text)
        alone = modifiers.article in lists.NEW and not self.becomes
        if role is not None and self.cast.now and not alone and modifiers.count is None:
            self.cast.tag(Trait(role))
            self.relation = None
            self.forget()
            return
        kind = "clothes" if text.split()[-1] in lists.JEWELRY and living is not None else kind
        if kind in WORN and living is not None and self._worn(kind, living, carried=text in lists.CARRIED):
            self.unused.append(" ".join([*self.said, text]))
            self.forget()
            self.relation = None
            return
        if text in self.vocabulary.stand_ins:
            self.stand_ins[text] = what
        again = self._named_before(what, plural, kind, side)
        if again is not None:
            self.name_again(again, what)
            return
        count = modifiers.count if modifiers.count is not None else (lists.PLURAL_COUNT if plural else 1)
        if modifiers.pair and not plural and what.endswith("s"):
            count = 1  # a pair of glasses
        self.add(Mention(what, min(count, lists.MOST), modifiers.size, modifiers.colour, self.position))

    def _worn(self, kind: ObjectKind, living: int, *, carried: bool) -> bool:
        """Whether clothes are only a detail of somebody; a hat or glasses become worn instead."""
        modifiers = self.modifiers
        with_it = (self.dressing and self.joined) or (self.relation is not None and self.how in HAVING)
        with_it = with_it and not carried and bool(self.mentions[living].figures)
        dressed = self.relation in ("wearing", "inside") or with_it
        as_tag = self.relation is None and not modifiers.article and modifiers.count is None and not self.group
        if not (dressed or as_tag):
            return False
        if kind == "clothes" and (as_tag or self.kind_of(living) == "person"):
            return True
        self.relation = "wearing"
        self.group = [living] if as_tag else self.group
        return False

    def _named_before(self, what: str, plural: bool, kind: ObjectKind, side: Side) -> int | None:
        """Which of the things there is named again: none that has another colour, or is elsewhere; of several one."""
        modifiers = self.modifiers
        same = [
            index
            for index, mention in enumerate(self.mentions)
            if mention.what == what
            and (not modifiers.colour or mention.colour in ("", modifiers.colour))
            and (side is None or mention.position in (None, side))
        ]
        as_tag = not (modifiers.article or modifiers.count is not None or self.relation or self.joined)
        if same and (modifiers.article == "the" or as_tag):
            one, several = same[-1], self.mentions[same[-1]].count > 1
            if several and not plural and (modifiers.colour or side):
                return self.cast.parted(one, 1)
            return one if not plural or several or modifiers.article == "the" else None
        if kind == "person" and self.somebody and as_tag:
            return self.somebody.pop(0)
        return None
