"""A figure: somebody in the manner of anime, described by what danbooru's tags say of people.

What a prompt leaves open is empty here; `completed` fills it in from a seed, so that two seeds give two characters and
the same one the same. What is in the lists can be painted, and nothing else.
"""

from collections.abc import Sequence
from random import Random
from typing import Final, Literal, TypeVar

from pydantic import Field, field_validator

from illustrious_studio.domain.values import Text, Value

Who = Literal["girl", "boy"]
HairColour = Literal[
    "black", "brown", "light_brown", "blonde", "red", "orange", "pink", "purple", "blue", "light_blue", "aqua",
    "green", "silver", "grey", "white",
]  # fmt: skip
EyeColour = Literal[
    "black", "brown", "red", "orange", "yellow", "green", "aqua", "blue", "purple", "pink", "grey"
]  # fmt: skip
Skin = Literal["pale", "fair", "tan", "dark"]
HairLength = Literal["short", "medium", "long", "very_long"]
HairStyle = Literal[
    "straight", "wavy", "curly", "messy", "bob", "twintails", "ponytail", "side_ponytail", "braid", "twin_braids",
    "bun", "double_bun", "drills", "afro",
]  # fmt: skip
Bangs = Literal["blunt", "swept", "parted", "over_one_eye"]
Expression = Literal["neutral", "smile", "grin", "sad", "angry", "surprised"]
Closed = Literal["none", "both", "one"]
Ears = Literal["cat", "fox", "dog", "rabbit", "elf"]
Tail = Literal["cat", "fox", "dog", "rabbit", "demon"]
Wings = Literal["angel", "demon", "fairy"]
Horns = Literal["demon", "oni", "sheep"]
Pose = Literal["standing", "waving", "arms_crossed", "holding", "sitting"]
Framing = Literal["portrait", "upper_body", "full_body"]
Extra = Literal[
    "ahoge", "blush", "tears", "open_mouth", "fang", "freckles", "glasses", "sunglasses", "eyepatch", "halo",
    "hairband", "hair_ribbon", "hair_bow", "hair_flower", "hairclip", "earrings", "choker", "scarf", "cape",
    "apron", "headphones", "witch_hat", "straw_hat", "beret", "cap", "top_hat", "crown", "maid_headdress",
]  # fmt: skip
"""What is there or not."""
GarmentKind = Literal[
    "dress", "kimono", "sailor_uniform", "school_uniform", "hoodie", "armor", "suit", "shirt", "t_shirt", "sweater",
    "jacket", "maid_dress", "swimsuit", "robe", "skirt", "pants", "shorts",
]  # fmt: skip
Colour = Literal[
    "red", "orange", "yellow", "green", "blue", "light blue", "dark blue", "purple", "pink", "brown", "black", "gray",
    "white", "beige", "teal",
]  # fmt: skip
"""The studio's own names of colours, of things and of clothes."""

LOWER: Final[frozenset[GarmentKind]] = frozenset({"skirt", "pants", "shorts"})
"""What is worn below; everything else covers the upper body, and a dress all of it."""
OVER: Final[frozenset[GarmentKind]] = frozenset({"jacket", "suit", "school_uniform", "hoodie", "sweater"})
UNDER: Final[frozenset[GarmentKind]] = frozenset({"shirt", "t_shirt", "sweater"})
"""Of what covers the upper body, what is worn over what."""

V = TypeVar("V", bound=str)


class Garment(Value):
    """Something that is worn."""

    kind: GarmentKind
    colour: Colour | Literal[""] = ""

    def goes_with(self, other: "Garment") -> bool:
        """Whether one person wears both at once."""
        kinds = {self.kind, other.kind}
        if len(kinds) == 1 or kinds <= LOWER:
            return False
        return bool(kinds & LOWER or "jacket" in kinds or (kinds & OVER and kinds & UNDER))


class Figure(Value):
    """Somebody. Empty is left to chance, or to what is most usual."""

    who: Who = "girl"
    hair: HairColour | Literal[""] = ""
    hair_second: HairColour | Literal[""] = Field("", description="Of two-coloured hair, the colour of its tips.")
    hair_length: HairLength | Literal[""] = ""
    hair_style: HairStyle | Literal[""] = ""
    bangs: Bangs | Literal[""] = ""
    eyes: EyeColour | Literal[""] = ""
    eyes_second: EyeColour | Literal[""] = Field("", description="Of heterochromia, the colour of the other eye.")
    skin: Skin | Literal[""] = ""
    expression: Expression | Literal[""] = ""
    closed: Closed = Field("none", description="Which eyes are closed.")
    ears: Ears | Literal[""] = ""
    tail: Tail | Literal[""] = ""
    wings: Wings | Literal[""] = ""
    horns: Horns | Literal[""] = ""
    extras: tuple[Extra, ...] = ()
    extra_colours: tuple[tuple[Extra, Colour], ...] = Field((), description="Colours of extras that were asked for.")
    clothes: tuple[Garment, ...] = ()
    pose: Pose | Literal[""] = ""
    holding: Text = Field("", max_length=100, description="Name of a known object in the hand.")
    holding_colour: Colour | Literal[""] = Field("", description="What to paint that in; empty: its own colours.")
    framing: Framing | Literal[""] = ""
    chibi: bool = False
    seed: int = Field(0, ge=0, lt=2**32, description="What draws all that is left to chance, shapes included.")

    @field_validator("extras", "clothes", "extra_colours", mode="before")
    @classmethod
    def _lists_are_fine(cls, value: object) -> object:
        """JSON has no tuples, and strict values take nothing else."""
        if not isinstance(value, list):
            return value
        return tuple(tuple(one) if isinstance(one, list) else one for one in value)


USUAL_HAIR: Final[dict[Who, tuple[HairStyle, ...]]] = {
    "girl": ("straight", "straight", "wavy", "twintails", "ponytail", "bob", "side_ponytail", "twin_braids"),
    "boy": ("messy", "straight", "messy", "curly"),
}
USUAL_LENGTH: Final[dict[Who, tuple[HairLength, ...]]] = {
    "girl": ("long", "long", "medium", "short", "very_long"),
    "boy": ("short",),
}
USUAL_COLOURS: Final[tuple[HairColour, ...]] = (
    "black", "brown", "light_brown", "blonde", "blonde", "silver", "pink", "red", "blue", "purple", "aqua",
)  # fmt: skip
USUAL_EYES: Final[tuple[EyeColour, ...]] = ("blue", "blue", "green", "brown", "red", "purple", "yellow", "aqua")
USUAL_CLOTHES: Final[dict[Who, tuple[tuple[GarmentKind, ...], ...]]] = {
    "girl": (("sailor_uniform", "skirt"), ("dress",), ("sweater", "skirt"), ("hoodie", "shorts"), ("shirt", "skirt")),
    "boy": (("shirt", "pants"), ("hoodie", "pants"), ("t_shirt", "pants"), ("jacket", "pants")),
}
USUAL_GARMENT_COLOURS: Final[dict[GarmentKind, tuple[Colour, ...]]] = {
    "sailor_uniform": ("dark blue",), "school_uniform": ("dark blue", "brown"), "suit": ("black", "dark blue"),
    "maid_dress": ("black",), "armor": ("gray",), "pants": ("dark blue", "black", "brown"), "robe": ("purple", "blue"),
}  # fmt: skip
ANY_COLOUR: Final[tuple[Colour, ...]] = ("red", "blue", "white", "pink", "teal", "purple", "green", "yellow")
TIED_UP: Final[frozenset[HairStyle]] = frozenset({"twintails", "ponytail", "side_ponytail", "twin_braids", "bun"})
"""For these hair has to be longer than short."""
BY_STYLE: Final[dict[HairStyle, HairLength]] = {"bob": "short", "bun": "medium", "double_bun": "medium"}


def completed(figure: Figure) -> Figure:
    """The same with nothing left open. What was asked for stays; the rest comes from the seed alone."""
    random = Random(figure.seed)

    def left(value: V | Literal[""], usual: Sequence[V]) -> V:
        chosen = random.choice(usual)  # drawn always, so that one thing asked for does not change the others
        return value or chosen

    style = left(figure.hair_style, USUAL_HAIR[figure.who])
    if figure.hair_length == "short" and not figure.hair_style and style in TIED_UP:
        style = "bob"
    length = left(figure.hair_length, (BY_STYLE[style],) if style in BY_STYLE else USUAL_LENGTH[figure.who])
    hair, eyes = left(figure.hair, USUAL_COLOURS), left(figure.eyes, USUAL_EYES)
    usual = random.choice(USUAL_CLOTHES[figure.who])
    clothes = figure.clothes or tuple(Garment(kind=kind) for kind in usual)
    if clothes and all(one.kind in LOWER for one in clothes):
        clothes = (Garment(kind="shirt"), *clothes)
    return figure.model_copy(
        update={
            "hair_style": style,
            "hair_length": length,
            "hair": hair,
            "eyes": eyes,
            "bangs": left(figure.bangs, ("swept", "swept", "parted", "blunt")),
            "skin": figure.skin or "fair",
            "expression": left(figure.expression, ("smile", "neutral", "smile")),
            "pose": figure.pose or ("holding" if figure.holding else "standing"),
            # Of somebody who sits, the upper body would not show it.
            "framing": figure.framing or ("full_body" if figure.chibi or figure.pose == "sitting" else "upper_body"),
            "clothes": tuple(
                one.model_copy(update={"colour": left(one.colour, USUAL_GARMENT_COLOURS.get(one.kind, ANY_COLOUR))})
                for one in clothes
            ),
        }
    )
