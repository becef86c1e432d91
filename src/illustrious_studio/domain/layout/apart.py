"""Who of several is meant: "one ..., the other ...", "the left girl", "the one on the right", "a redhead boy".

Phrases in, phrases out: each of several is named as one of its own, so that the reader need not know these ways
to say it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from illustrious_studio.domain.layout import word_lists as lists
from illustrious_studio.domain.layout.figures import Who
from illustrious_studio.domain.layout.people import ANYBODY, Person
from illustrious_studio.domain.layout.traits import Trait, merged
from illustrious_studio.domain.layout.vocabulary import Mark

THE = Mark("article", "the")
WITH = Mark("relation", "with", lists.RELATIONS["with"])


def told_apart(marks: Sequence[Mark]) -> list[Mark]:
    """The same phrases, with each of several named alone."""
    return list(_each_named(_by_their_looks(list(_on_their_side(marks)))))


@dataclass(frozen=True)
class _Named:
    """ "The tall girl with a hat": where the article, the noun and the end of it are, and what is said of her."""

    article: int
    noun: int
    end: int
    who: Who
    said: tuple[str, ...]


def noun_after(marks: Sequence[Mark]) -> str:
    """What kind of noun the adjectives go on to: "thing", "people", or neither."""
    for mark in marks:
        if mark.kind in ("thing", "people"):
            return mark.kind
        adjective = mark.kind == "trait" and cast(tuple[Trait, object], mark.value)[0].before_a_noun
        adjective = adjective or (mark.kind == "trait" and mark.text.endswith("ed"))
        if not adjective and mark.kind not in ("colour", "size", "nothing"):
            break
    return ""


def one_person(marks: Sequence[Mark]) -> list[Mark]:
    """Of two words for one person the first says what the second looks like: "a redhead boy", "a student girl"."""
    read: list[Mark] = []
    for mark in marks:
        both = _both(read[-1], mark) if read else None
        if both is not None:
            read[-1] = both
        else:
            read.append(mark)
    return read


def _both(one: Mark, other: Mark) -> Mark | None:
    if not (one.kind == other.kind == "people") or one.plural:
        return None
    first, person = cast(Person, one.value), cast(Person, other.value)
    if first.count is not None or person.count is not None:
        return None
    both = replace(person, who=person.who or first.who, look=merged(first.look, person.look))
    return replace(other, text=f"{one.text} {other.text}", value=both)


def _on_their_side(marks: Sequence[Mark]) -> Iterator[Mark]:
    """ "The left girl", "the right one" are the girl and the one on that side."""
    at = 0
    while at < len(marks):
        mark, following = marks[at], marks[at + 1] if at + 1 < len(marks) else THE
        side = lists.SIDES.get(mark.text) if mark.kind == "nothing" else None
        if side is not None and (following.kind in ("people", "thing") or following.text == "one"):
            yield from (following, Mark("position", mark.text, side))
            at += 1
        else:
            yield mark
        at += 1


def _by_their_looks(marks: list[Mark]) -> list[Mark]:
    """ "The black girl and the white girl" are two, though nobody named them before: one cannot be both."""
    known: set[Who] = set()
    several: set[Who] = set()
    last: dict[Who, _Named] = {}
    for at, mark in enumerate(list(marks)):
        if mark.kind != "people":
            continue
        who = _who(mark)
        one = None if _is_several(mark) else _named_by_looks(marks, at)
        if one is None:
            (several if _is_several(mark) else known).add(who)
            continue
        before = last.get(who)
        if before is not None and (who in several or who not in known) and _two_of_them(before, one, marks):
            for other in (before, one):
                if who in several:
                    noun = marks[other.noun]
                    marks[other.noun] = replace(noun, value=replace(cast(Person, noun.value), who=who, count=1))
                else:
                    marks[other.article] = Mark("article", "a")
        last[who] = one
    return marks


def _who(mark: Mark) -> Who:
    person = cast(Person, mark.value)
    return person.who or person.usual


def _named_by_looks(marks: Sequence[Mark], at: int) -> _Named | None:
    begin = at
    while begin and marks[begin - 1].kind in ("trait", "colour", "size", "nothing", "unknown"):
        begin -= 1
    if not begin or marks[begin - 1].text != "the" or cast(Person, marks[at].value).count is not None:
        return None
    end = at + 1
    if end < len(marks) and marks[end].kind == "relation" and marks[end].text in ("with", "in", "wearing"):
        while end < len(marks) and marks[end].kind in ("relation", "article", "trait", "colour", "size", "clothing"):
            end += 1
    own = (marks[at].text,) if cast(Person, marks[at].value).look != ANYBODY else ()
    return _Named(
        begin - 1, at, end, _who(marks[at]), (*(m.text for m in (*marks[begin:at], *marks[at + 1 : end])), *own)
    )


def _two_of_them(one: _Named, other: _Named, marks: Sequence[Mark]) -> bool:
    """Whether what is said of them tells them apart; of one of them nothing need be said where "and" joins them."""
    between = [mark.kind for mark in marks[one.end : other.article]]
    return one.said != other.said and (between == ["and"] or bool(one.said and other.said))


def _each_named(marks: list[Mark]) -> Iterator[Mark]:
    """ "Two girls, one with ..., the other with ...", "two cats, one black": as in "the girl with ..."."""
    several: Mark | None = None
    at = 0
    while at < len(marks):
        several = marks[at] if _is_several(marks[at]) else several
        length = _one_of_them(marks, at) if several is not None else 0
        said = marks[at + length :]
        is_ = int(len(said) > 1 and said[0].text in lists.IS)
        named, taken = _named(several, said[is_:]) if several is not None and length and said else ([], 0)
        if named:
            yield from named
            at += length + is_ + taken
        else:
            yield marks[at]
            at += 1


def _named(several: Mark, said: Sequence[Mark]) -> tuple[list[Mark], int]:
    """One of the several, of whom that is said, and how many of the phrases say so; nobody if it is none of them."""
    first, text = said[0], said[0].text
    if several.kind == "thing":
        one = replace(several, plural=False)
        if first.kind == "colour" and not noun_after(said[1:]):
            return [THE, first, one], 1
        if first.kind == "position" and len(said) > 1 and said[1].kind == "colour" and not noun_after(said[2:]):
            return [THE, said[1], one, first], 2
        return ([THE, one], 0) if first.kind == "position" else ([], 0)
    person = cast(Person, several.value)
    who = person.who or person.usual
    one = Mark("people", "", Person(who, count=1))
    if text in lists.HAS:
        return [THE, one, WITH], 1
    if first.kind in ("relation", "position"):
        return [THE, one], 0
    article = int(first.kind == "article")  # "... and the other a dress"
    if noun_after(said[article:]) == "people":  # "... and the other is a tall redhead"
        at = next(at for at, mark in enumerate(said) if mark.kind == "people")
        noun = cast(Person, said[at].value)
        same = noun.who in (None, who) and noun.count is None and not said[at].plural
        return (
            ([THE, *said[article:at], replace(one, value=replace(noun, who=who, count=1))], at + 1) if same else ([], 0)
        )
    return ([THE, one], 0) if said[article:] and said[article].kind == "trait" else ([], 0)


def _one_of_them(marks: Sequence[Mark], at: int) -> int:
    """How many phrases here are "one", "the other", "the first one"; 0 for something else."""
    words = [mark.text for mark in marks[at : at + 3]]
    if words[0] == "the" and words[1:] and (words[1] in lists.THE_ONE or words[1] == "one"):
        return 3 if words[2:] == ["one"] and words[1] != "one" else 2
    return int(words[0] == "one" or (words[0] == "another" and noun_after(marks[at + 1 :]) == ""))


def _is_several(mark: Mark) -> bool:
    if mark.kind == "people":
        return mark.plural or (cast(Person, mark.value).count or 1) > 1
    return mark.kind == "thing" and mark.plural
