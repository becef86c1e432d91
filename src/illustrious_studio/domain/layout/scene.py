"""A scene: what a prompt says, as far as it was understood. It has no places yet: `arrangement` gives them."""

from dataclasses import dataclass
from typing import Literal

from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.values import Weather
from illustrious_studio.domain.layout.word_lists import RelationKind


@dataclass(frozen=True)
class Mention:
    """A thing that the prompt names. `position` is a place in the frame that was asked for."""

    what: str
    count: int = 1
    size: float = 1.0
    colour: str = ""
    position: tuple[int, int] | None = None
    figures: tuple[Figure, ...] = ()
    """Of people one each, from the left; empty for things."""


@dataclass(frozen=True)
class Relation:
    """Mention number `subject` stands so to mention number `object` (and, between two, to `other`)."""

    kind: RelationKind
    subject: int
    object: int
    other: int | None = None


@dataclass(frozen=True)
class Scene:
    """What a prompt says."""

    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()
    background: str = "white"
    time: Literal["day", "night", "sunset"] = "day"
    weather: Weather = ""
    style: Literal["flat", "cartoon"] = "flat"
    unknown: tuple[str, ...] = ()
    """Words that may name things, and none that is known."""
    unused: tuple[str, ...] = ()
    """What else was said and is in no sketch: quality, gaze, camera, looks and doings that have no drawing."""
    stand_ins: tuple[tuple[str, str], ...] = ()
    """Words for things that are drawn as others, and as which."""
