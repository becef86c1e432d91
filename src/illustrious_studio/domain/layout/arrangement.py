"""Places the things of a scene in the frame: nothing overlaps but what is meant to, and every relation holds.

All things are first laid out in their own units (a thing of size 1 is 1 across its longer side), tied to each other by
their relations; then the whole is scaled to the frame. Chance comes only from the seed. A pure function, no pixels.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.relations import GAP, Block, Box, apply_relations, cluster, extent_of, moved_by
from illustrious_studio.domain.layout.scene import Mention, Scene
from illustrious_studio.domain.layout.standing import SHOULDERS, cut, known_as, seeded, with_framing
from illustrious_studio.domain.layout.values import KnownObject, Placed

MARGIN = 0.03
LARGEST_ALONE = 0.76
LARGEST_BESIDE = 0.5
LARGEST_NESTED = 0.66
LARGEST_PEOPLE = 0.94
EDGE = 0.001
"""Whom the lower edge cuts stand on it."""
NESTED = frozenset({"behind", "in_front_of", "inside", "wearing", "holding"})
PLACES_WITH_GROUND = frozenset(
    {
        "beach", "snow", "meadow", "forest", "desert", "city", "mountains", "night", "sunset", "room", "lake", "river",
        "waterfall", "cave", "autumn", "blossoms", "rain", "fog",
    }
)  # fmt: skip


def arrange(scene: Scene, objects: Mapping[str, KnownObject], seed: int, aspect: float = 1.0) -> tuple[Placed, ...]:
    """The scene's things in a frame of that width by height, farthest first."""
    if not scene.mentions:
        return ()
    random = Random(seed)
    scene = replace(scene, mentions=with_framing(scene, objects, aspect))
    grounded = scene.background in PLACES_WITH_GROUND
    tied = {index for relation in scene.relations for index in (relation.subject, relation.object, relation.other)}
    high = [
        index
        for index, mention in enumerate(scene.mentions)
        if index not in tied
        and (objects[mention.what].kind == "sky" if mention.position is None else mention.position[1] < 0)
    ]
    if len(high) == len(scene.mentions) and not any(mention.position for mention in scene.mentions):
        high = []
    blocks = {
        index: cluster(index, mention, known_as(mention, objects[mention.what]), grounded)
        for index, mention in enumerate(scene.mentions)
        if index not in high
    }
    apply_relations(blocks, scene.relations, objects, scene.mentions, random)
    whole = _side_by_side(list({id(block): block for block in blocks.values()}.values()), scene.mentions)
    width, height = max(aspect, 1.0), max(1 / aspect, 1.0)
    top = MARGIN + (0.27 if high and whole else 0.0)
    placed = _fit(whole, scene, random, (width, height), top, grounded) if whole else []
    placed += _in_the_sky(high, scene.mentions, objects, random, (width, height), bool(whole))
    figures = _who_is_where(placed, scene, seed)
    return tuple(
        Placed(
            what=scene.mentions[box.mention].what,
            x=round((box.x + box.w / 2) / width, 4),
            y=round((box.y + box.h / 2) / height, 4),
            w=round(box.w / width, 4),
            h=round(box.h / height, 4),
            colour=scene.mentions[box.mention].colour,
            figure=figures.get(box),
        )
        for box in sorted(placed, key=lambda box: (box.depth, box.bottom))
    )


def _who_is_where(placed: Block, scene: Scene, seed: int) -> dict[Box, Figure]:
    """Whose box each is: of several of a kind the first stands left. Each has a seed of their own."""
    found: dict[Box, Figure] = {}
    for index, mention in enumerate(scene.mentions):
        boxes = sorted((box for box in placed if box.mention == index), key=lambda box: (box.x, box.y))
        for box, figure in zip(boxes, mention.figures, strict=False):
            found[box] = seeded(figure, seed, len(found))
    return found


def _side_by_side(blocks: list[Block], mentions: tuple[Mention, ...]) -> Block:
    """Blocks that nothing ties stand beside each other in the order they were named; more than four in two rows."""

    def place(block: Block) -> int:
        return next((at[0] for box in block if (at := mentions[box.mention].position)), 0)

    low = [block for block in blocks if any((mentions[box.mention].position or (0, 0))[1] > 0 for box in block)]
    others = sorted((block for block in blocks if block not in low), key=place)
    rows = [others] if len(others) <= 4 else [others[(len(others) + 1) // 2 :], others[: (len(others) + 1) // 2]]
    whole: Block = []
    for row in [*rows, low]:
        line: Block = []
        for block in row:
            extent = extent_of(block)
            gap = SHOULDERS if line and cut(mentions[line[-1].mention]) and cut(mentions[block[0].mention]) else GAP
            right = extent_of(line).right + gap if line else 0.0
            line += moved_by(block, right - extent.x, -extent.bottom)
        if not line:
            continue
        if whole:
            above, here = extent_of(whole), extent_of(line)
            line = moved_by(line, above.x + above.w / 2 - here.x - here.w / 2, above.bottom + GAP - here.y)
        whole += line
    return whole


def _fit(
    whole: Block,
    scene: Scene,
    random: Random,
    frame: tuple[float, float],
    top: float,
    grounded: bool,
) -> Block:
    """Scale the whole into the frame and put it on the ground, or in the middle where there is none."""
    width, height = frame
    extent = extent_of(whole)
    room_w, room_h = width - 2 * MARGIN, height - MARGIN - top
    largest = max(max(box.w, box.h) for box in whole)
    people = [scene.mentions[box.mention] for box in whole if scene.mentions[box.mention].figures]
    standing_low = any(cut(mention) for mention in people)
    if standing_low:
        room_w, room_h = width - 2 * EDGE, height - EDGE - top
    if people and (len(whole) > 1 or people[0].position in (None, (0, 0))):
        limit = LARGEST_PEOPLE * height * max(0.35, min(1.0, max(mention.size for mention in people)))
    elif len(whole) == 1:
        mention = scene.mentions[whole[0].mention]
        limit = min(0.94, LARGEST_ALONE * max(0.35, min(1.2, mention.size)))
        limit *= 0.88 if grounded else 1.0
        if mention.position and mention.position != (0, 0):
            limit = min(limit, 0.46)
    else:
        nested = any(relation.kind in NESTED for relation in scene.relations)
        limit = LARGEST_NESTED if nested else LARGEST_BESIDE
    scale = min(room_w / extent.w, room_h / extent.h, limit / largest) * random.uniform(0.95, 1.0)
    w, h = extent.w * scale, extent.h * scale
    named = {box.mention for box in whole}
    side, low = (scene.mentions[named.pop()].position or (0, 0)) if len(named) == 1 else (0, 0)
    x = (width - w) / 2 + side * (width - w) / 2 * 0.8
    y = top + (room_h - h) / 2
    if grounded:
        y = max(y, 0.88 * height - h)
    if low > 0:
        y = height - MARGIN - h
    if standing_low:
        x = min(max(x + random.uniform(-0.025, 0.025) * width, EDGE), width - EDGE - w)
        y = height - EDGE - h
        return _scaled(whole, extent, (x, y), scale)
    x = min(max(x + random.uniform(-0.025, 0.025) * width, MARGIN), width - MARGIN - w)
    y = min(max(y + random.uniform(-0.02, 0.02) * height, top), height - MARGIN - h)
    return _scaled(whole, extent, (x, y), scale)


def _scaled(whole: Block, extent: Box, corner: tuple[float, float], scale: float) -> Block:
    """The whole at that scale, with its upper left corner there."""
    x, y = corner
    return [
        replace(
            box,
            x=x + (box.x - extent.x) * scale,
            y=y + (box.y - extent.y) * scale,
            w=box.w * scale,
            h=box.h * scale,
        )
        for box in whole
    ]


def _in_the_sky(
    high: list[int],
    mentions: tuple[Mention, ...],
    objects: Mapping[str, KnownObject],
    random: Random,
    frame: tuple[float, float],
    above_others: bool,
) -> Block:
    """Sun, clouds and planes, spread over the top of the frame."""
    width, _ = frame
    every = [index for index in high for _ in range(mentions[index].count)]
    every.sort(key=lambda index: (mentions[index].position or (0, 0))[0])
    slots = len(every)
    if not slots:
        return []
    boxes: Block = []
    longest = min(0.24 if above_others else 0.4, 0.9 * width / slots)
    offset = random.uniform(-0.3, 0.3) if slots == 1 else 0.0
    for at, index in enumerate(every):
        known, mention = objects[mentions[index].what], mentions[index]
        size = longest * min(1.0, max(0.4, mention.size * 0.85)) * random.uniform(0.92, 1.0)
        w, h = size * min(1.0, known.aspect), size * min(1.0, 1 / known.aspect)
        middle = width * ((at + 0.5) / slots + offset)
        if slots == 1 and mention.position:
            middle = width * (0.5 + 0.34 * mention.position[0])
        y = 0.15 - h / 2 + random.uniform(-0.01, 0.02)
        x = min(max(middle - w / 2, MARGIN), width - MARGIN - w)
        boxes.append(Box(index, x, max(y, MARGIN), w, h, depth=-2.0))
    return boxes
