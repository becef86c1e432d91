"""Things in their own units, tied to each other: boxes beside, above, on, in and behind boxes.

A thing of size 1 is 1 across its longer side; up is negative. Scaling to a frame is `arrangement`'s business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random

from illustrious_studio.domain.layout.people import SEATS
from illustrious_studio.domain.layout.scene import Mention, Relation
from illustrious_studio.domain.layout.standing import SHOULDERS, cut
from illustrious_studio.domain.layout.values import KnownObject
from illustrious_studio.domain.layout.word_lists import RelationKind

GAP = 0.08
MOST_PUSHES = 400
ROW_OF = {1: (1,), 2: (2,), 3: (2, 1), 4: (2, 2), 5: (3, 2), 6: (3, 3), 7: (4, 3), 8: (4, 4), 9: (3, 3, 3)}


@dataclass(frozen=True)
class Box:
    """One thing: its upper left corner and size. `depth`: higher is nearer."""

    mention: int
    x: float
    y: float
    w: float
    h: float
    depth: float = 0.0

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def right(self) -> float:
        return self.x + self.w

    def moved(self, dx: float, dy: float) -> "Box":
        return replace(self, x=self.x + dx, y=self.y + dy)

    def meets(self, other: "Box") -> bool:
        return (
            min(self.right, other.right) - max(self.x, other.x) > 1e-6
            and min(self.bottom, other.bottom) - max(self.y, other.y) > 1e-6
        )


Block = list[Box]


def cluster(index: int, mention: Mention, known: KnownObject, grounded: bool) -> Block:
    """One thing, or several of a kind in rows (three on the ground stand in one)."""
    size = known.size * mention.size
    w, h = size * min(1.0, known.aspect), size * min(1.0, 1 / known.aspect)
    gap = SHOULDERS if cut(mention) else GAP * size
    boxes: Block = []
    in_a_row = (mention.figures and mention.count <= 4) or (grounded and mention.count == 3)
    rows = (mention.count,) if in_a_row else ROW_OF[mention.count]
    wide = max(rows) * w + (max(rows) - 1) * gap
    for row, count in enumerate(rows):
        left = (wide - count * w - (count - 1) * gap) / 2
        boxes += [Box(index, left + at * (w + gap), row * (h + gap), w, h) for at in range(count)]
    return boxes


def extent_of(boxes: Iterable[Box]) -> Box:
    boxes = list(boxes)
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    return Box(-1, x, y, max(box.right for box in boxes) - x, max(box.bottom for box in boxes) - y)


def part_of(block: Block, mention: int) -> Block:
    return [box for box in block if box.mention == mention]


def moved_by(block: Block, dx: float, dy: float) -> Block:
    return [box.moved(dx, dy) for box in block]


@dataclass(frozen=True)
class RelationGroup:
    """A relation of one or several things to the same other one."""

    kind: RelationKind
    subjects: tuple[int, ...]
    object: int
    other: int | None


def apply_relations(
    blocks: dict[int, Block],
    relations: Iterable[Relation],
    objects: Mapping[str, KnownObject],
    mentions: tuple[Mention, ...],
    random: Random,
) -> None:
    """Join the blocks (one for each mention at first) until every relation holds that can."""
    for tie in _ties(relations):
        _tie(blocks, tie, objects, mentions, random)


def _ties(relations: Iterable[Relation]) -> list[RelationGroup]:
    """Relations of a group as one; what stands left or right of something comes last, so that it clears the rest."""
    groups: dict[tuple[RelationKind, int, int | None], list[int]] = {}
    for relation in relations:
        groups.setdefault((relation.kind, relation.object, relation.other), []).append(relation.subject)
    ties = [RelationGroup(kind, tuple(subjects), anchor, other) for (kind, anchor, other), subjects in groups.items()]
    return sorted(ties, key=lambda tie: tie.kind in ("left_of", "right_of", "beside"))


def _tie(
    blocks: dict[int, Block],
    tie: RelationGroup,
    objects: Mapping[str, KnownObject],
    mentions: tuple[Mention, ...],
    random: Random,
) -> None:
    """Put the subjects' block into the object's, as the relation says. What is tied already stays as it is."""
    first = tie.subjects[0]
    if tie.object not in blocks or first not in blocks:
        return
    subjects = [index for index in tie.subjects if index in blocks]
    for index in subjects[1:]:
        if blocks[index] is not blocks[first]:
            moved = _next_to(
                blocks[index], blocks[first], extent_of(part_of(blocks[index], index)), extent_of(blocks[first])
            )
            _merge(blocks, index, first, moved)
    moving, resting = blocks[first], blocks[tie.object]
    if moving is resting:
        return
    known = objects[mentions[tie.object].what]
    subject = extent_of(box for box in moving if box.mention in subjects)
    anchor = extent_of(part_of(resting, tie.object))
    side = random.choice((-1, 1))
    match tie.kind:
        case "left_of":
            moved = moved_by(moving, anchor.x - GAP - subject.right, anchor.bottom - subject.bottom)
            moved = _pushed(moved, resting, (-1, 0))
        case "right_of":
            moved = _next_to(moving, resting, subject, anchor)
        case "beside":  # what comes first stays left
            _merge(blocks, tie.object, first, _next_to(resting, moving, anchor, subject))
            return
        case "above":
            moved = moved_by(moving, _centre(anchor, subject), anchor.y - GAP - subject.bottom)
            moved = _pushed(moved, resting, (0, -1))
        case "on" if known.name in SEATS:  # with the legs before it, or as high as its seat
            x, y = SEATS[known.name]
            low = anchor.bottom - 0.04 * anchor.h if _sits(mentions[first]) else anchor.y + y * anchor.h
            dx = anchor.x + x * anchor.w - subject.x - subject.w / 2
            moved = _deeper(moved_by(moving, dx, low - subject.bottom), 1.0)
        case "on" if _sits(mentions[first]):
            moved = moved_by(moving, _centre(anchor, subject), anchor.y + 0.4 * anchor.h - subject.bottom)
            moved = _deeper(_pushed(moved, [box for box in resting if box.mention != tie.object], (0, -1)), 1.0)
        case "on":
            moved = moved_by(moving, _centre(anchor, subject), anchor.y + 0.06 * anchor.h - subject.bottom)
            moved = _deeper(_pushed(moved, [box for box in resting if box.mention != tie.object], (0, -1)), 1.0)
        case "under" if known.name.endswith("tree") and subject.h < anchor.h:  # in its shade, not below its roots
            moved = moved_by(moving, _centre(anchor, subject), anchor.bottom + 0.12 * subject.h - subject.bottom)
            moved = _deeper(_pushed(moved, [box for box in resting if box.mention != tie.object], (1, 0)), 1.0)
        case "below" | "under":
            moved = moved_by(moving, _centre(anchor, subject), anchor.bottom + GAP - subject.y)
            moved = _pushed(moved, resting, (0, 1))
        case "inside":
            moving, subject = _shrunk(moving, subjects, 0.55 * min(anchor.w, anchor.h))
            middle = anchor.y + 0.58 * anchor.h - subject.h / 2
            moved = _deeper(moved_by(moving, _centre(anchor, subject), middle - subject.y), 1.0)
        case "behind":
            dx = _centre(anchor, subject) + side * (0.28 * anchor.w + 0.22 * subject.w)
            moved = _deeper(moved_by(moving, dx, anchor.bottom - 0.2 * anchor.h - subject.bottom), -1.0)
        case "in_front_of":
            dx = _centre(anchor, subject) + side * (0.28 * anchor.w + 0.22 * subject.w)
            moved = _deeper(moved_by(moving, dx, anchor.bottom + 0.15 * subject.h - subject.bottom), 1.0)
        case "between":
            _between(blocks, tie, first)
            return
        case "wearing":
            wearer = part_of(moving, first)[0]
            worn, extent = _shrunk(resting, [tie.object], 0.5 * wearer.w)
            head = wearer.x + objects[mentions[first].what].head * wearer.w - extent.x - extent.w / 2
            low = {"headwear": 0.12, "eyewear": 0.5}.get(known.kind, 0.9)
            moved = moved_by(worn, head, wearer.y + low * wearer.h - extent.bottom)
            _merge(blocks, tie.object, first, _deeper(moved, 1.0))
            return
        case "holding":
            holder = part_of(moving, first)[-1]
            held, extent = _shrunk(resting, [tie.object], 0.5 * max(holder.w, holder.h))
            dx = holder.right - 0.25 * extent.w - extent.x
            moved = moved_by(held, dx, holder.y + 0.68 * holder.h - extent.h / 2 - extent.y)
            _merge(blocks, tie.object, first, _deeper(moved, 1.0))
            return
    _merge(blocks, first, tie.object, moved)


def _sits(mention: Mention) -> bool:
    return any(figure.pose == "sitting" for figure in mention.figures)


def _centre(anchor: Box, subject: Box) -> float:
    return anchor.x + anchor.w / 2 - subject.x - subject.w / 2


def _next_to(moving: Block, resting: Block, subject: Box, anchor: Box) -> Block:
    """To the right of the anchor, at the same level, past whatever stands there."""
    moved = moved_by(moving, anchor.right + GAP - subject.x, anchor.bottom - subject.bottom)
    return _pushed(moved, resting, (1, 0))


def _pushed(moving: Block, resting: Block, push: tuple[int, int]) -> Block:
    """Moved on in that direction until nothing is overlapped."""
    for _ in range(MOST_PUSHES):
        if not any(box.meets(other) for box in moving for other in resting):
            break
        moving = moved_by(moving, 0.1 * push[0], 0.1 * push[1])
    return moving


def _deeper(block: Block, depth: float) -> Block:
    return [replace(box, depth=box.depth + depth) for box in block]


def _shrunk(block: Block, mentions: Iterable[int], longest: float) -> tuple[Block, Box]:
    """The block made so small that those mentions are at most that long; and how large they are now."""
    wanted = set(mentions)
    extent = extent_of(box for box in block if box.mention in wanted)
    scale = min(1.0, longest / max(extent.w, extent.h))
    smaller = [replace(box, x=box.x * scale, y=box.y * scale, w=box.w * scale, h=box.h * scale) for box in block]
    return smaller, extent_of(box for box in smaller if box.mention in wanted)


def _merge(blocks: dict[int, Block], moving: int, resting: int, moved: Block) -> None:
    """One block of two: what moved, and what it moved to."""
    before, after = (blocks[moving], blocks[resting]), [*moved, *blocks[resting]]
    for index, block in list(blocks.items()):
        if any(block is one for one in before):
            blocks[index] = after


def _between(blocks: dict[int, Block], tie: RelationGroup, subject: int) -> None:
    """The subject in the middle, one of the others (or half of several) on each side."""
    middle, left = blocks[subject], blocks[tie.object]
    right = blocks.get(tie.other) if tie.other is not None else None
    if right is None or right is middle or right is left:
        column, step = left[0], left[0].h * (1 + GAP)
        half = (len(left) + 1) // 2
        sides = [[replace(column, y=-at * step) for at in range(count)] for count in (half, len(left) - half)]
    else:
        sides = [left, right]
    core = extent_of(part_of(middle, subject))
    joined = list(middle)
    for side, block in zip((-1, 1), sides, strict=True):
        if block:
            extent = extent_of(block)
            dx = core.x - GAP - extent.right if side < 0 else core.right + GAP - extent.x
            joined += _pushed(moved_by(block, dx, core.bottom - extent.bottom), joined, (side, 0))
    for index, block in list(blocks.items()):
        if any(block is one for one in (middle, left, *([right] if right else []))):
            blocks[index] = joined
