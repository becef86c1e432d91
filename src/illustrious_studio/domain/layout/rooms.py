"""Rooms: a room has its window, a window beside somebody has its room, and small things stand on the table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from illustrious_studio.domain.layout.scene import Mention, Relation
from illustrious_studio.domain.layout.values import KnownObject

TABLES = frozenset({"table", "desk"})
SMALL = 0.65
"""As large as a cup or a book beside other things."""
MOST_ON_A_TABLE = 3


def on_the_table(
    mentions: Sequence[Mention], relations: Sequence[Relation], objects: Mapping[str, KnownObject]
) -> list[Relation]:
    """The relations, and those of small things to the one table beside somebody: tags leave it out."""
    tables = [at for at, one in enumerate(mentions) if one.what in TABLES and one.count == 1]
    tied = {at for relation in relations for at in (relation.subject, relation.object, relation.other)}
    if len(tables) != 1 or tables[0] in tied or not any(mention.figures for mention in mentions):
        return [*relations]
    small = [
        at
        for at, one in enumerate(mentions)
        if at not in tied
        and not one.figures
        and (one.size, one.position) == (1.0, None)
        and objects[one.what].kind == "thing"
        and objects[one.what].size <= SMALL
    ]
    on_it = small if sum(mentions[at].count for at in small) <= MOST_ON_A_TABLE else []
    return [*relations, *(Relation("on", at, tables[0]) for at in on_it)]


def in_its_room(
    mentions: Sequence[Mention], relations: Sequence[Relation], background: str
) -> tuple[list[Mention], list[Relation], str]:
    """The scene with its window in the wall of the room, where it would stand on the floor beside somebody.

    One that has a colour, or that something is on, in or before, is drawn as a thing.
    """
    somebody = any(mention.figures for mention in mentions)
    at = next((at for at, one in enumerate(mentions) if (one.what, one.count, one.colour) == ("window", 1, "")), None)
    ties = [one for one in relations if at is not None and at in (one.subject, one.object, one.other)]
    in_a_room = background == "room" and len(mentions) > 1
    if at is None or not (in_a_room or (somebody and not background)) or any(one.kind != "beside" for one in ties):
        return [*mentions], [*relations], background

    def moved(index: int) -> int:
        return index - (index > at)

    kept = [
        replace(
            one,
            subject=moved(one.subject),
            object=moved(one.object),
            other=None if one.other is None else moved(one.other),
        )
        for one in relations
        if one not in ties
    ]
    return [*mentions[:at], *mentions[at + 1 :]], kept, "room"
