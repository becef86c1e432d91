"""A layout by a language model: its instruction, the shape of its answer, and how that is read.

Nothing in it is trusted: names are looked up, boxes are put into the frame and into the shape of their drawing, and
what comes twice, is nothing known, or is too much is dropped.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from illustrious_studio.domain.layout.values import MAX_THINGS, Layout, Placed
from illustrious_studio.domain.layout.word_lists import COLOURS

SMALLEST, LARGEST = 0.04, 1.0
TIMES = ("day", "night", "sunset")
SAME = 0.02
"""Two boxes of the same thing that lie no further apart are one."""
INSTRUCTION = """You place clip art. Answer with JSON only: {"things": [...], "background": "...", "time": "..."}.
Each thing is {"what", "x", "y", "w", "h", "colour"}. x and y are the centre of its box, w and h its size, all as shares
of the picture from 0 to 1; x = 0 is the left edge and y = 0 the top. Name the farthest thing first. Boxes stay inside
the picture and overlap only where one thing is on, in, behind or worn by the other. A single thing is about 0.6 wide.
"colour" is "" unless the words give one. Never leave a thing out: where there is no drawing of it, use the drawing that
looks most like it (a kitten: cat; a sofa: couch and lamp). Draw each of several things as often as the words say.

Example: "two kittens under a big oak at night"
{"things":[{"what":"tree","x":0.5,"y":0.4,"w":0.6,"h":0.7,"colour":""},
{"what":"cat","x":0.3,"y":0.8,"w":0.25,"h":0.25,"colour":""},
{"what":"cat","x":0.68,"y":0.81,"w":0.25,"h":0.25,"colour":""}],"background":"meadow","time":"night"}

The drawings: """


@dataclass(frozen=True)
class Drawings:
    """What can be painted. `aspects` are width by height of each drawing, `named` finds the one that words mean."""

    aspects: Mapping[str, float]
    backgrounds: Sequence[str]
    named: Callable[[str], tuple[str, str] | None]


def instruction(drawings: Drawings) -> str:
    """The system prompt: always the same, so that a server need not read it again for each prompt."""
    return INSTRUCTION + ", ".join(drawings.aspects)


def question(prompt: str, aspect: float) -> str:
    """What it is asked about one prompt."""
    shape = "square" if 0.95 < aspect < 1.05 else f"{aspect:.2f} times as wide as high"
    return f"The picture is {shape}. Lay out: {prompt}"


def answer_schema(drawings: Drawings, colours: Sequence[str]) -> dict[str, object]:
    """The JSON schema of an answer, in the little that every server understands."""
    share = {"type": "number"}
    properties = {
        "what": {"type": "string", "enum": list(drawings.aspects)},
        **dict.fromkeys(("x", "y", "w", "h"), share),
        "colour": {"type": "string", "enum": ["", *colours]},
    }
    thing = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "things": {"type": "array", "items": thing},
            "background": {"type": "string", "enum": list(drawings.backgrounds)},
            "time": {"type": "string", "enum": list(TIMES)},
        },
        "required": ["things", "background", "time"],
        "additionalProperties": False,
    }


def read_answer(answer: str, words: Layout, drawings: Drawings, aspect: float) -> Layout | None:
    """The layout that a model's answer describes; None when nothing in it can be painted.

    `words` is what the rules made of the prompt: its style stays, and so does its background unless that is white.
    `aspect` is that of the picture.
    """
    answered = _json_object(answer)
    listed = answered.get("things")
    things: list[Placed] = []
    for one in listed[: 2 * MAX_THINGS] if isinstance(listed, list) else ():
        thing = _thing(one, drawings, aspect) if isinstance(one, dict) else None
        if thing is not None and not any(_same(thing, other) for other in things):
            things.append(thing)
    if not things:
        return None
    things = _with_figures(things[:MAX_THINGS], words)
    update: dict[str, Any] = {"things": tuple(things), "unknown": (), "by": "model"}
    if words.background == "white" and answered.get("background") in drawings.backgrounds:
        update["background"] = answered["background"]
        if answered.get("time") in TIMES:
            update["time"] = answered["time"]
    return words.model_copy(update=update)


def _json_object(answer: str) -> dict[str, Any]:
    """The first JSON object in a text; servers without schemas wrap it into sentences and fences."""
    start = answer.find("{")
    try:
        found = json.JSONDecoder().raw_decode(answer, max(start, 0))[0]
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _thing(answered: Mapping[str, Any], drawings: Drawings, aspect: float) -> Placed | None:
    name, numbers = answered.get("what"), [_number(answered.get(key)) for key in ("x", "y", "w", "h")]
    found = drawings.named(name[:100]) if isinstance(name, str) else None
    if found is None or any(number is None for number in numbers):
        return None
    what, colour = found
    x, y, w, h = (number for number in numbers if number is not None)
    w, h = (min(max(side, SMALLEST), LARGEST) for side in (w, h))
    shape = drawings.aspects[what] / aspect
    w, h = (h * shape, h) if w > h * shape else (w, w / shape)
    x, y = min(max(x, w / 2), 1 - w / 2), min(max(y, h / 2), 1 - h / 2)
    colour = COLOURS.get(str(answered.get("colour") or "").strip().lower(), colour)
    return Placed(what=what, x=round(x, 4), y=round(y, 4), w=round(w, 4), h=round(h, 4), colour=colour)


def _with_figures(things: list[Placed], words: Layout) -> list[Placed]:
    """The people that the words describe, where the model put them; it says only who stands where.

    It was told of whole people. What it places itself, nobody holds."""
    described = [thing for thing in words.things if thing.figure is not None]
    there = {thing.what for thing in things}
    found: list[Placed] = []
    for thing in things:
        same = next((one for one in described if one.what == thing.what), None)
        if same is not None and same.figure is not None:
            described.remove(same)
            update: dict[str, object] = {"framing": "full_body"}
            if same.figure.holding in there:
                update["holding"] = ""
            thing = thing.model_copy(update={"figure": same.figure.model_copy(update=update)})
        found.append(thing)
    return found


def _number(value: object) -> float | None:
    """A share of the picture; models that count in per cent or in thousandths are not understood."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 2:
        return None
    return float(value)


def _same(one: Placed, other: Placed) -> bool:
    return one.what == other.what and abs(one.x - other.x) < SAME and abs(one.y - other.y) < SAME
