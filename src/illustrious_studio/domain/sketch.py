"""A layout: what stands where in a picture, before it is drawn; and the port of whatever paints one."""

from typing import Literal, Protocol

from pydantic import Field

from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.values import Value


class Placed(Value):
    """One thing. Centre and size are shares of the picture's width and height (0 to 1)."""

    what: str = Field(min_length=1, max_length=100, description="Name of a known object.")
    x: float = Field(ge=0, le=1, description="Centre, from the left.")
    y: float = Field(ge=0, le=1, description="Centre, from the top.")
    w: float = Field(gt=0, le=1)
    h: float = Field(gt=0, le=1)


class Layout(Value):
    """The things of a picture, farthest first, before a background (a place, a time of day, a colour, or plain white)."""

    things: tuple[Placed, ...] = ()
    background: str = "white"
    style: Literal["flat", "cartoon"] = "flat"
    unknown: tuple[str, ...] = Field((), description="Words of the prompt that name nothing it knows.")


class KnownObject(Value):
    """An object that can be painted."""

    name: str
    synonyms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class SketchPainter(Protocol):
    """Knows objects and backgrounds, and paints layouts of them."""

    def objects(self) -> tuple[KnownObject, ...]: ...

    def backgrounds(self) -> dict[str, tuple[str, ...]]:
        """Name of each background and the words that ask for it."""
        ...

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        """The same layout, size and seed give the same picture."""
        ...
