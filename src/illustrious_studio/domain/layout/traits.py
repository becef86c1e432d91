"""Reads what is said of somebody: "long silver hair", "black pleated skirt", "one eye closed", "eyes are blue".

Phrases become partial figures, in which only what was said is set. To whom they belong, `people` decides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, cast

from illustrious_studio.domain.layout import person_words as lists
from illustrious_studio.domain.layout.figures import (
    Colour,
    Extra,
    EyeColour,
    Figure,
    Garment,
    HairColour,
    HairLength,
    HairStyle,
)
from illustrious_studio.domain.layout.word_lists import COLOURS

LONGEST = 8
T = TypeVar("T")
Words = Sequence[str]


@dataclass(frozen=True)
class Trait:
    """Something said of somebody. `two`: that this of them has two colours."""

    look: Figure
    two: Literal["", "hair", "eyes"] = ""
    for_girls: bool = False
    implies_somebody: bool = False
    """Nothing but a person has it, so that somebody is there even if nobody is named."""
    before_a_noun: bool = False


@dataclass
class _Adjectives:
    """What stands before a noun, each as the words that were there."""

    colours: list[str]
    lengths: list[HairLength]
    styles: list[HairStyle]


def trait_at(words: Words, at: int) -> tuple[int, Trait] | None:
    """The trait that begins at that word and how many words it has, the longest that there is."""
    found = [*_phrase(words, at), *_with_adjectives(words, at), *_said_afterwards(words, at)]
    return max(found, key=lambda one: one[0], default=None)


def merged(figure: Figure, look: Figure) -> Figure:
    """The figure with what the look says; a second colour of hair or eyes becomes their second."""
    update: dict[str, object] = {}
    for name in look.model_fields_set:
        new, old = getattr(look, name), getattr(figure, name)
        if name in ("hair", "eyes") and old and new != old:
            name = f"{name}_second"
        elif name == "extras":
            new = _adorned(old, new)
        elif name == "extra_colours":
            new = (*(one for one in old if one[0] not in dict(new)), *new)
        elif name == "clothes":
            new = _dressed(old, new)
        update[name] = new
    return figure.model_copy(update=update)


def two_coloured(figure: Figure, what: str) -> Figure:
    """The figure with a second colour of hair or eyes, where the words named none, or only one."""
    if what == "hair" and not figure.hair_second:
        hair = figure.hair or "blue"
        return figure.model_copy(update={"hair": hair, "hair_second": lists.SECOND_HAIR[hair]})
    if what == "eyes" and not figure.eyes_second:
        eyes = figure.eyes or "blue"
        return figure.model_copy(update={"eyes": eyes, "eyes_second": lists.SECOND_EYES[eyes]})
    return figure


def _adorned(old: tuple[Extra, ...], new: tuple[Extra, ...]) -> tuple[Extra, ...]:
    """A head has one hat: the one named last, unless that is just "a hat"."""
    worn = [one for one in old if one in lists.HATS]
    if worn and lists.ANY_HAT in new:
        new = tuple(one for one in new if one != lists.ANY_HAT)
    elif worn and set(new) & lists.HATS:
        old = tuple(one for one in old if one not in worn)
    return (*old, *(one for one in new if one not in old))


def _dressed(old: tuple[Garment, ...], new: tuple[Garment, ...]) -> tuple[Garment, ...]:
    """A second naming of the same kind says its colour; what a role wears gives way to what is said of clothes."""
    clothes = list(old)
    for one in new:
        same = next((at for at, worn in enumerate(clothes) if worn.kind == one.kind), None)
        if same is None:
            clothes.append(one)
        elif one.colour:
            clothes[same] = one
    return tuple(clothes)


def _phrases() -> dict[tuple[str, ...], Trait]:
    said: dict[str, Trait] = {
        phrase: Trait(look, before_a_noun=phrase in lists.BEFORE_A_NOUN) for phrase, look in lists.TRAITS.items()
    }
    for phrase, what in lists.TWO_COLOURS.items():
        said[phrase] = Trait(Figure(), two=cast(Literal["hair", "eyes"], what), implies_somebody=True)
    for phrase, bangs in lists.BANGS.items():
        said[phrase] = Trait(Figure(bangs=bangs))
    said["hime cut"] = Trait(Figure(hair_style="straight", bangs="blunt"), implies_somebody=True)
    return {tuple(phrase.split()): trait for phrase, trait in said.items()}


_PHRASES: Final = _phrases()


def _keys(table: Mapping[str, T]) -> dict[tuple[str, ...], T]:
    return {tuple(phrase.split()): value for phrase, value in table.items()}


def _several(table: Mapping[str, T]) -> dict[tuple[str, ...], T]:
    """With the plurals: "girls in kimonos"."""
    plural = {name + ("es" if name.endswith("s") else "s"): value for name, value in table.items()}
    return _keys({**plural, **table})


_LENGTHS, _STYLES = _keys(lists.LENGTHS), _keys(lists.STYLES)
_COLOURS = _keys({name: name for name in {**lists.HAIR_COLOURS, **lists.EYE_COLOURS, **COLOURS}})
_HAIRSTYLES, _GARMENTS, _EXTRAS = _keys(lists.HAIRSTYLES), _several(lists.GARMENTS), _several(lists.EXTRAS)
_PARTS = _keys({phrase: look for phrase, look in lists.TRAITS.items() if phrase.split()[-1] in lists.PARTS})
_HAIR: Final = frozenset({"hair", "haired"})
_EYES: Final = frozenset({"eyes", "eye", "eyed"})


def _longest(table: Mapping[tuple[str, ...], T], words: Words, at: int, most: int = 4) -> tuple[int, T] | None:
    for length in range(min(most, len(words) - at), 0, -1):
        value = table.get(tuple(words[at : at + length]))
        if value is not None:
            return length, value
    return None


def _phrase(words: Words, at: int) -> Iterator[tuple[int, Trait]]:
    found = _longest(_PHRASES, words, at, LONGEST)
    if found:
        yield found


def _adjectives(words: Words, at: int) -> Iterator[tuple[int, _Adjectives]]:
    """Every way to go on from here over adjectives: after each of them a noun may stand."""
    said = _Adjectives([], [], [])
    here, joined = at, False
    while here < len(words) and here - at < LONGEST:
        yield here, _Adjectives(list(said.colours), list(said.lengths), list(said.styles))
        if words[here] == "and" and here > at and not joined:
            joined, here = True, here + 1
            continue
        tables: tuple[tuple[dict[tuple[str, ...], str], list[str]], ...] = (
            (cast(dict[tuple[str, ...], str], _LENGTHS), cast(list[str], said.lengths)),
            (cast(dict[tuple[str, ...], str], _STYLES), cast(list[str], said.styles)),
            (_COLOURS, said.colours),
        )
        for table, into in tables:
            found = _longest(table, words, here)
            if found:
                into.append(found[1])
                here += found[0]
                break
        else:
            if words[here] not in lists.FILLERS:
                return
            here += 1
        joined = False


def _with_adjectives(words: Words, at: int) -> Iterator[tuple[int, Trait]]:
    for here, said in _adjectives(words, at):
        if here > at and words[here - 1] == "and":
            continue
        if words[here] in _HAIR and here > at:
            tips = _tips(words, here + 1)
            trait = _hair(said, tips[1] if tips else "")
            if trait:
                yield here + 1 - at + (tips[0] if tips else 0), trait
        elif words[here] in _EYES and said.colours and not (said.lengths or said.styles):
            trait = _eyes(said.colours)
            second = _other_eye(words, here + 1) if words[here] == "eye" else None
            if trait and second:
                yield here + 1 - at + second[0], Trait(merged(trait.look, Figure(eyes=second[1])))
            elif trait and words[here] != "eye":
                yield here + 1 - at, trait
        part = _longest(_PARTS, words, here)
        if part and here > at:
            yield here + part[0] - at, Trait(part[1])
        for found, make in (
            (_longest(_HAIRSTYLES, words, here), _hairstyle),
            (_longest(_GARMENTS, words, here), _garment),
            (_longest(_EXTRAS, words, here), _extra),
        ):
            if found and (trait := cast(Callable[[str, _Adjectives], Trait | None], make)(found[1], said)):
                yield here + found[0] - at, trait


def _said_afterwards(words: Words, at: int) -> Iterator[tuple[int, Trait]]:
    """ "Hair is long and silver", "eyes are blue"."""
    if at + 2 < len(words) and words[at] in ("hair", "eyes") and words[at + 1] in ("is", "are"):
        ways = list(_adjectives([*words[at + 2 : at + 2 + LONGEST], ","], 0))
        length, said = next((way for way in reversed(ways) if way[0] and words[at + 1 + way[0]] != "and"), (0, None))
        trait = None if said is None else _hair(said, "") if words[at] == "hair" else _eyes(said.colours)
        if trait:
            yield length + 2, trait


def _tips(words: Words, at: int) -> tuple[int, str] | None:
    """ "... with pink tips", after "hair"."""
    if at + 2 < len(words) and words[at] == "with":
        colour = _longest(_COLOURS, words, at + 1)
        if colour:
            noun = at + 1 + colour[0]
            if noun < len(words) and words[noun] in ("tips", "ends", "streaks", "highlights", "streak"):
                return colour[0] + 2, colour[1]
    return None


def _other_eye(words: Words, at: int) -> tuple[int, EyeColour] | None:
    """ "... and one red eye", after "one blue eye"."""
    here = at
    while here < len(words) and words[here] in ("and", "one", "a", "the", "other", ","):
        here += 1
    colour = _longest(_COLOURS, words, here)
    if here == at or colour is None:
        return None
    here += colour[0]
    if here < len(words) and words[here] == "eye" and colour[1] in lists.EYE_COLOURS:
        return here + 1 - at, lists.EYE_COLOURS[colour[1]]
    return None


def _hair(said: _Adjectives, tips: str) -> Trait | None:
    colours: list[HairColour] = [
        lists.HAIR_COLOURS[one] for one in [*said.colours, *([tips] if tips else [])] if one in lists.HAIR_COLOURS
    ]
    values: dict[str, object] = {}
    if colours:
        values["hair"] = colours[0]
    if len(colours) > 1 and colours[1] != colours[0]:
        values["hair_second"] = colours[1]
    if said.lengths:
        values["hair_length"] = said.lengths[-1]
    if said.styles:
        values["hair_style"] = said.styles[-1]
    return Trait(Figure.model_validate(values), implies_somebody=True) if values else None


def _eyes(colours: list[str]) -> Trait | None:
    known = [lists.EYE_COLOURS[one] for one in colours if one in lists.EYE_COLOURS]
    if not known:
        return None
    second = {"eyes_second": known[1]} if len(known) > 1 and known[1] != known[0] else {}
    return Trait(Figure.model_validate({"eyes": known[0], **second}))


def _hairstyle(style: HairStyle, said: _Adjectives) -> Trait | None:
    look = _hair(_Adjectives(said.colours, said.lengths, []), "")
    first = look.look if look else Figure()
    return Trait(merged(first, Figure(hair_style=style)), implies_somebody=True)


def _garment(kind: str, said: _Adjectives) -> Trait | None:
    if said.styles:
        return None
    garment = Garment.model_validate({"kind": kind, "colour": _painted(said.colours)})
    somebody = kind in ("sailor_uniform", "school_uniform")
    return Trait(Figure(clothes=(garment,)), for_girls=garment.kind in lists.FOR_GIRLS, implies_somebody=somebody)


def _extra(name: str, said: _Adjectives) -> Trait | None:
    if said.styles:
        return None
    colour = _painted(said.colours)
    values: dict[str, object] = {"extras": (name,)}
    if colour:
        values["extra_colours"] = ((name, colour),)
    return Trait(Figure.model_validate(values))


def _painted(colours: list[str]) -> Colour | Literal[""]:
    """The studio's own colour of the first word that is one."""
    return cast(Colour | Literal[""], next((COLOURS[one] for one in colours if one in COLOURS), ""))
