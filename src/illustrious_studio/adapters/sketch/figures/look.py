"""A completed figure with what all its parts go by: colours, chance by part, and how it is built."""

from dataclasses import dataclass
from functools import cached_property
from random import Random

from illustrious_studio.adapters.sketch.figures.canvas import Paint, Run
from illustrious_studio.adapters.sketch.figures.palette import SKINS, Tones, cloth_tones, hair_tones, mix
from illustrious_studio.domain.layout.figures import Colour, Extra, Figure, GarmentKind


@dataclass(frozen=True)
class Look:
    """Somebody to draw. Every part has chance of its own, so that a hat does not change the hair."""

    figure: Figure

    def chance(self, part: str) -> Random:
        return Random(f"{self.figure.seed} {part}")

    def has(self, extra: Extra) -> bool:
        return extra in self.figure.extras

    def colour(self, extra: Extra, usual: Colour) -> Tones:
        return cloth_tones(dict(self.figure.extra_colours).get(extra, usual))

    def wears(self, *kinds: GarmentKind) -> bool:
        return any(one.kind in kinds for one in self.figure.clothes)

    @property
    def boy(self) -> bool:
        return self.figure.who == "boy"

    @cached_property
    def skin(self) -> Tones:
        return SKINS[self.figure.skin or "fair"]

    @cached_property
    def hair(self) -> Tones:
        return hair_tones(self.figure.hair or "brown")

    @cached_property
    def tips(self) -> Tones | None:
        return hair_tones(self.figure.hair_second) if self.figure.hair_second else None

    def hair_paint(self, tone: str, root: float, tip: float) -> Paint:
        """That tone of the hair, from the height of a lock's root to that of its tip."""
        colour = getattr(self.hair, tone)
        if tip - root < 1:
            return colour  # type: ignore[no-any-return]
        if self.tips is None:
            end = mix(colour, self.hair.light, 0.16) if tone == "base" else colour
            return Run(((root, colour), (root + 0.4 * (tip - root), colour), (tip, end)))
        other = getattr(self.tips, tone)
        return Run(((root + 0.38 * (tip - root), colour), (root + 0.72 * (tip - root), other)))
