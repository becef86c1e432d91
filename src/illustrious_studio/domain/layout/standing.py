"""How people stand in the frame: how much of them is seen, and the shape of the box that they need."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from illustrious_studio.domain.layout.figures import Figure, Framing
from illustrious_studio.domain.layout.scene import Mention, Scene
from illustrious_studio.domain.layout.values import KnownObject

ASPECTS: Final[dict[Framing, float]] = {"portrait": 0.87, "upper_body": 0.7, "full_body": 0.34}
"""Width by height of each, as people usually are: hair and clothes make the one broader and the other narrower."""
CHIBI: Final[dict[Framing, float]] = {"portrait": 0.87, "upper_body": 0.78, "full_body": 0.56}
SITTING: Final = 0.56
WINGED: Final[dict[Framing, float]] = {"portrait": 1.0, "upper_body": 0.95, "full_body": 0.42}
MOST_CUT: Final = 3
SHOULDERS: Final = -0.16
"""Between people who are seen from the waist up: they stand before each other."""
SMALL: Final = 0.72
"""How large the short are beside others."""
STATURES: Final = (0.75, 1.3)
"""Sizes of the tall and the short, who differ less than tall and short things; giants are as large as they are said."""
STEP: Final = 0x9E3779B1
"""Odd, so that no two of the people of a picture share a seed."""


def with_framing(scene: Scene, objects: Mapping[str, KnownObject], aspect: float) -> tuple[Mention, ...]:
    """The mentions with every figure's framing settled: alone, people are seen from the waist up; with things, or
    where a frame of that width by height has too little room for so many, whole."""
    people = sum(len(mention.figures) for mention in scene.mentions)
    things = [one for one in scene.mentions if not one.figures and objects[one.what].kind != "sky"]
    whole = bool(things) or people > min(max(1, round(2 * aspect)), MOST_CUT)
    # Beside each other all are seen alike, and who is taller shows by where they stand.
    sizes = {mention.size for mention in scene.mentions if mention.figures}
    whole = whole or len(sizes) > 1 or min(sizes, default=1.0) < 1.0
    whole = whole or any(one.figures and one.position not in (None, (0, 0)) for one in scene.mentions)
    return tuple(_framed(mention, whole) if mention.figures else mention for mention in scene.mentions)


def aspect_of(figure: Figure) -> float:
    """Width by height of the box in which it is drawn."""
    framing: Framing = figure.framing or "full_body"
    if figure.pose == "sitting" and framing == "full_body" and not figure.chibi:
        return SITTING
    return (WINGED if figure.wings and not figure.chibi else CHIBI if figure.chibi else ASPECTS)[framing]


def known_as(mention: Mention, known: KnownObject) -> KnownObject:
    """The object with the shape of the first figure; those of a mention stand alike."""
    if not mention.figures:
        return known
    figure = mention.figures[0]
    size = known.size * (SMALL if figure.chibi or figure.pose == "sitting" else 1.0)
    if STATURES[0] <= mention.size <= STATURES[1]:  # the size is counted once more where it is drawn
        size *= mention.size**-0.5
    return known.model_copy(update={"aspect": aspect_of(figure), "size": size})


def cut(mention: Mention) -> bool:
    """Whether the lower edge of the picture cuts them off."""
    return any(figure.framing in ("portrait", "upper_body") for figure in mention.figures)


def seeded(figure: Figure, seed: int, number: int) -> Figure:
    """The figure with a seed of its own, from the picture's."""
    return figure.model_copy(update={"seed": (seed + number * STEP) % 2**32})


def standing(who: str, shape: float, seed: int, number: int) -> Figure:
    """Somebody of whom only the box is known, that wide by its height: seen as far as it has room for."""
    framing: Framing = "full_body" if shape < (ASPECTS["full_body"] + ASPECTS["upper_body"]) / 2 else "upper_body"
    return seeded(Figure(who="boy" if who == "boy" else "girl", framing=framing), seed, number)


def _framed(mention: Mention, whole: bool) -> Mention:
    whole = whole or any(figure.chibi or figure.pose == "sitting" for figure in mention.figures)
    asked: list[Framing] = [figure.framing for figure in mention.figures if figure.framing]
    framing: Framing = asked[0] if asked else "full_body" if whole else "upper_body"
    return replace(mention, figures=tuple(figure.model_copy(update={"framing": framing}) for figure in mention.figures))
