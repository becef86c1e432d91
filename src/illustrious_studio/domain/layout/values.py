"""A layout: what stands where in a picture, before it is drawn; and the port of whatever paints one."""

from typing import Annotated, Literal, Protocol

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.values import Text, Value

MAX_THINGS = 24
"""More than that are crumbs."""

ObjectKind = Literal["thing", "person", "animal", "sky", "headwear", "eyewear", "clothes"]
"""What can be done with it: the living can wear and hold things, things of the sky hang above the others."""


class Placed(Value):
    """One thing. Centre and size are shares of the picture's width and height (0 to 1)."""

    what: Text = Field(min_length=1, max_length=100, description="Name of a known object.")
    x: float = Field(ge=0, le=1, description="Centre, from the left.")
    y: float = Field(ge=0, le=1, description="Centre, from the top.")
    w: float = Field(gt=0, le=1)
    h: float = Field(gt=0, le=1)
    colour: Text = Field("", max_length=30, description="A colour to paint it in; empty: its own.")
    figure: Figure | None = Field(
        None,
        exclude_if=lambda figure: figure is None,  # most things are no figures, and records of old have none
        description="Somebody drawn in the manner of anime, in place of the object.",
    )


class Guess(Value):
    """A word that is no name of anything known, and what was drawn for it."""

    word: Text
    taken_for: Text


Weather = Literal["", "rain", "snow", "fog"]
LayoutWriter = Literal["words", "model", "hand"]
"""Who placed the things: the rules that read the words, a language model, or a person."""


class Layout(Value):
    """The things of a picture, farthest first, before a background: a place, a time of day, a colour, or white."""

    things: tuple[Placed, ...] = Field((), max_length=MAX_THINGS, description="Farthest first.")
    background: Text = Field("white", max_length=30, description="Empty in a request: as the prompt's words say.")
    time: Literal["day", "night", "sunset"] = Field("day", description="The light over a background that is a place.")
    weather: Weather = Field(
        "",
        exclude_if=lambda weather: not weather,  # records of old have none
        description="What falls or lies over a background that is a place; empty: nothing.",
    )
    style: Literal["flat", "cartoon"] = "flat"
    seed: int | None = Field(
        None, ge=0, lt=2**32, description="Strews what is strewn over the background; left out, the picture's own does."
    )
    unknown: tuple[Text, ...] = Field((), description="Words of the prompt that name nothing it knows.")
    unused: tuple[Text, ...] = Field(
        (), description="What else of the prompt is not in it: quality words, gaze, camera, what has no drawing."
    )
    guessed: tuple[Guess, ...] = Field((), description="Words of it that were taken for the nearest that it knows.")
    by: LayoutWriter = Field("words", description="Who wrote it: the words alone, a language model, or a hand.")

    @field_validator("things", "unknown", "unused", "guessed", mode="before")
    @classmethod
    def _lists_are_fine(cls, value: object) -> object:
        """JSON has no tuples, and strict values take nothing else."""
        return tuple(value) if isinstance(value, list) else value


def _as_layout(value: object) -> object:
    """A layout of a request, whole or only its things: placed by hand, and what it leaves out is as the words say."""
    if isinstance(value, list | tuple):
        value = {"things": value}
    return {"background": "", "by": "hand", **value} if isinstance(value, dict) else value


class _OrOnlyItsThings:
    """Says in JSON schemas, too, that a bare list of things is a layout."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # By the handler, so that what a figure is made of is defined where this schema goes.
        thing = handler(Placed.__pydantic_core_schema__)
        things = {"type": "array", "items": thing, "maxItems": MAX_THINGS}
        return {"anyOf": [handler(schema), things]}


LayoutGiven = Annotated[Layout, BeforeValidator(_as_layout), _OrOnlyItsThings()]
"""A layout as a request may bring it: whole, or only its things."""


class KnownObject(Value):
    """An object that can be painted. `tags` are words that hint at it, but may mean something else; `stands_for` are
    those of the synonyms that name other things, which are drawn as it for want of their own."""

    name: str
    synonyms: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    kind: ObjectKind = "thing"
    size: float = Field(1.0, gt=0, description="How large it is drawn beside others.")
    aspect: float = Field(1.0, gt=0, description="Width by height.")
    head: float = Field(0.5, ge=0, le=1, description="Where its head is, from the left: there a hat goes.")


class SketchPainter(Protocol):
    """Knows objects and backgrounds, and paints layouts of them."""

    def objects(self) -> tuple[KnownObject, ...]: ...

    def backgrounds(self) -> dict[str, tuple[str, ...]]:
        """Name of each background and the words that ask for it."""
        ...

    def faces(self, layout: Layout, width: int, height: int) -> list[tuple[float, float, float, float]]:
        """Where the faces of its figures come to be in a picture of that size, from ear to ear and from the forehead to
        the chin: left, top, right and bottom in pixels."""
        ...

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        """The same layout, size and seed give the same picture."""
        ...
