"""Things that are only on what somebody wears: "cat hoodie", "star earrings", "strawberry print dress", "nose ring".

Phrases in, phrases out. What is worn stays as far as it can be drawn; what is on it is named as not drawn, and is no
thing of the scene.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from illustrious_studio.domain.layout import person_words
from illustrious_studio.domain.layout import word_lists as lists
from illustrious_studio.domain.layout.traits import Trait
from illustrious_studio.domain.layout.vocabulary import Mark


def worn_as_one(marks: Sequence[Mark]) -> list[Mark]:
    """The same phrases; for people only, since a cat may have a hat of its own."""
    read: list[Mark] = []
    for at, mark in enumerate(marks):
        start = len(read)
        while start and _is_on(read[start - 1]):
            start -= 1
        motif = read[start:]
        if motif and (worn := _worn(motif, mark, marks[at + 1 :])):
            read[start:] = worn
        elif mark.kind == "pronoun" and (start := _printed(read)):
            words = " ".join(one.text for one in read[start + 1 : -1] if one.kind != "article")
            read[start:] = [Mark("nothing", f"{words} (on the {read[start - 1].text.split()[-1]})", True)]
        else:
            read.append(mark)
    return read


def _printed(read: Sequence[Mark]) -> int:
    """Where "... with a black cat on (it)" begins, after what somebody wears; 0 for something else."""
    if not read or read[-1].kind != "relation" or read[-1].text != "on":
        return 0
    at = len(read) - 2
    while at > 0 and read[at].kind in ("thing", "colour", "size", "number", "article"):
        at -= 1
    if at < 1 or read[at].text != "with" or read[at - 1].kind != "trait":
        return 0
    return at if cast(tuple[Trait, object], read[at - 1].value)[0].look.clothes else 0


def _is_on(mark: Mark) -> bool:
    """Whether it may say what is on something: a thing, a part of somebody, a word that nobody knows."""
    if mark.kind == "trait":
        return mark.text.split()[-1] == "bow"  # "red bow tie"
    return mark.kind in ("unknown", "body") or (mark.kind == "thing" and not mark.plural) or mark.text in lists.PATTERNS


def _worn(motif: Sequence[Mark], mark: Mark, after: Sequence[Mark]) -> list[Mark]:
    """The two as one; empty where they are none."""
    words = " ".join(one.text for one in motif)
    whole = Mark("clothing", f"{words} {mark.text}")
    if motif[-1].kind == "trait":
        return [*motif[:-1], replace(whole, text=f"{motif[-1].text} {mark.text}")] if mark.text in lists.TIES else []
    if mark.kind == "trait":
        look = cast(tuple[Trait, object], mark.value)[0].look
        if person_words.ANY_HAT in look.extras and mark.text.split()[-1] in ("hat", "hats"):
            return [whole]  # a straw hat is no chef's
        if look.clothes or look.extras:
            return [Mark("nothing", f"{words} (of {whole.text})", True), mark]
        return []
    if mark.kind == "clothing" or (mark.kind in ("thing", "unknown") and mark.text in lists.ADORNMENTS):
        return [whole]
    if mark.text in lists.PATTERNS and not (after and (_is_on(after[0]) or after[0].kind in ("trait", "clothing"))):
        return [replace(whole, kind="clothing")]
    return []
