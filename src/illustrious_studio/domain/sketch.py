"""A layout: what stands where in a picture, before it is drawn; and the port of whatever paints one."""

from typing import Literal, Protocol

from pydantic import Field

from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.values import Value

ObjectKind = Literal["thing", "person", "animal", "sky", "headwear", "eyewear", "clothes"]
"""What can be done with it: the living can wear and hold things, things of the sky hang above the others."""


class Placed(Value):
    """One thing. Centre and size are shares of the picture's width and height (0 to 1)."""

    what: str = Field(min_length=1, max_length=100, description="Name of a known object.")
    x: float = Field(ge=0, le=1, description="Centre, from the left.")
    y: float = Field(ge=0, le=1, description="Centre, from the top.")
    w: float = Field(gt=0, le=1)
    h: float = Field(gt=0, le=1)
    colour: str = Field("", max_length=30, description="A colour to paint it in; empty: its own.")


class Layout(Value):
    """The things of a picture, farthest first, before a background: a place, a time of day, a colour, or white."""

    things: tuple[Placed, ...] = ()
    background: str = "white"
    time: Literal["day", "night", "sunset"] = Field("day", description="The light over a background that is a place.")
    style: Literal["flat", "cartoon"] = "flat"
    unknown: tuple[str, ...] = Field((), description="Words of the prompt that name nothing it knows.")


class KnownObject(Value):
    """An object that can be painted. `tags` are words that hint at it, but may mean something else."""

    name: str
    synonyms: tuple[str, ...] = ()
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

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        """The same layout, size and seed give the same picture."""
        ...
