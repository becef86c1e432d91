"""What the people of a picture look like, in sentences and tags: of those that this studio drew, its record says it.

Of all other people nothing is known but that somebody was recognised, and that is said.
"""

from typing import Final

from illustrious_studio.adapters.vision.view import PEOPLE, View
from illustrious_studio.adapters.vision.wording import article, counted, listed, place
from illustrious_studio.domain.layout.figures import LOWER, Figure, Garment, HairStyle
from illustrious_studio.domain.layout.values import Placed

STYLES: Final[dict[HairStyle, str]] = {
    "bob": "in a bob", "twintails": "in twintails", "ponytail": "in a ponytail",
    "side_ponytail": "in a side ponytail", "braid": "in a braid", "twin_braids": "in twin braids", "bun": "in a bun",
    "double_bun": "in two buns", "drills": "in drills",
}  # fmt: skip
"""How hair is done up; any other style is an adjective."""
LOOKS: Final = {
    "smile": "smiles", "grin": "grins", "sad": "looks sad", "angry": "looks angry", "surprised": "looks surprised",
}  # fmt: skip
NOT_WORN: Final = frozenset({"ahoge", "blush", "tears", "open_mouth", "fang", "freckles"})
UNKNOWN = "Of people I can say no more: hair, faces and clothes I cannot judge. Look yourself, or ask a vision model."


def people(view: View) -> str:
    """Who is there, and what they look like."""
    known = [_described(thing, figure, alone=len(view.people) == 1) for thing, figure in view.people]
    if known:
        return " ".join(known)
    seen = [counted(one.name, one.count) for one in view.subjects if one.name in PEOPLE]
    return f"I recognise {listed(seen)} in it. {UNKNOWN}" if seen else f"I recognise nobody in it. {UNKNOWN}"


def tags_of(view: View) -> list[str]:
    """The looks of the people in danbooru's words."""
    tags: list[str] = []
    for _, figure in view.people:
        tags += [f"{figure.hair} hair", f"{figure.hair_length} hair", f"{figure.eyes} eyes", figure.expression]
        tags += [figure.hair_style] if figure.hair_style in STYLES else []
        tags += [f"{figure.ears} ears" if figure.ears else "", f"{figure.tail} tail" if figure.tail else ""]
        tags += [f"{one.colour} {one.kind}" for one in _seen(figure)]
        tags += figure.extras
    return [tag.replace("_", " ") for tag in tags if tag and tag != "neutral"]


def _described(thing: Placed, figure: Figure, *, alone: bool) -> str:
    who = f"The {figure.who}" if alone else f"The {figure.who} {place((thing.x, 0.5))}"
    style = STYLES.get(figure.hair_style, "") if figure.hair_style else ""
    adjective = "" if style else figure.hair_style
    hair = " ".join(filter(None, (figure.hair_length, adjective, figure.hair, "hair", style))).replace("_", " ")
    second = f" with {figure.hair_second} tips".replace("_", " ") if figure.hair_second else ""
    eyes = "closed eyes" if figure.closed == "both" else f"{figure.eyes} eyes"
    eyes = f"one {figure.eyes} and one {figure.eyes_second} eye" if figure.eyes_second else eyes
    has = {"ears": figure.ears, "wings": figure.wings, "horns": figure.horns}
    parts = [f"{kind} {part}" for part, kind in has.items() if kind]
    parts += [article(f"{figure.tail} tail")] if figure.tail else []
    parts += [f"{figure.skin} skin"] if figure.skin not in ("", "fair") else []
    doing = [f"has {listed([hair + second, eyes, *parts])}"]
    doing += [LOOKS[figure.expression]] if figure.expression in LOOKS else []
    doing.append(f"wears {listed(_worn(figure))}")
    doing += [f"holds {article(figure.holding)}"] if figure.holding else []
    return f"{who} {listed(doing)}."


def _worn(figure: Figure) -> list[str]:
    colours = dict(figure.extra_colours)
    clothes = [f"{one.colour} {one.kind}" for one in _seen(figure)]
    clothes += [f"{colours.get(one, '')} {one}".strip() for one in figure.extras if one not in NOT_WORN]
    return [article(one.replace("_", " ")) for one in clothes]


def _seen(figure: Figure) -> list[Garment]:
    """The clothes that the frame does not cut off."""
    return [one for one in figure.clothes if one.kind not in LOWER or figure.framing == "full_body"]
