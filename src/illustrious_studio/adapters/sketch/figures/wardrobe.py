"""Which drawing belongs to which garment of the upper body, and what its sleeves are like."""

from collections.abc import Callable

from illustrious_studio.adapters.sketch.figures import costumes, tops
from illustrious_studio.adapters.sketch.figures.body import Body, bare_arm
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import GOLD, STEEL, WHITE, shirt_collar, sleeve
from illustrious_studio.adapters.sketch.figures.palette import CLOTH, Tones, cloth_tones, tones
from illustrious_studio.domain.layout.figures import GarmentKind

Draws = Callable[[Scene, Body, Tones], None]
TOPS: dict[GarmentKind, tuple[Draws, Draws | None]] = {
    "t_shirt": (tops.t_shirt, None),
    "shirt": (tops.shirt, shirt_collar),
    "sweater": (tops.sweater, tops.turtleneck),
    "hoodie": (tops.hoodie, tops.hood),
    "sailor_uniform": (tops.sailor, tops.sailor_collar),
    "school_uniform": (tops.school, tops.school_collar),
    "suit": (tops.suit, tops.suit_collar),
    "jacket": (tops.jacket, tops.jacket_collar),
    "dress": (tops.dress_top, tops.dress_bow),
    "maid_dress": (costumes.maid_top, costumes.maid_collar),
    "kimono": (costumes.kimono_top, costumes.kimono_collar),
    "robe": (costumes.robe_top, costumes.robe_collar),
    "armor": (costumes.armor, costumes.armor_collar),
    "swimsuit": (costumes.swimsuit, None),
}
"""What is painted before the arms, and what lies over it around the neck."""


def arm_in(scene: Scene, body: Body, side: int, kind: GarmentKind, colour: Tones) -> None:
    """An arm in the sleeve of that garment."""
    if kind in ("t_shirt", "dress", "swimsuit", "maid_dress", "armor"):
        bare_arm(scene, body, side)
    if kind == "t_shirt":
        sleeve(scene, body, side, colour, 0.36, (9, 11, 13))
    elif kind in ("dress", "maid_dress"):
        sleeve(scene, body, side, colour, 0.26, (10, 26, 8), cuff=WHITE)
    elif kind == "shirt":
        sleeve(scene, body, side, colour, 1, (6, 8, 8), cuff=colour)
    elif kind == "sailor_uniform":
        sleeve(scene, body, side, WHITE, 1, (6, 9, 8), cuff=colour)
    elif kind in ("sweater", "hoodie", "jacket"):
        sleeve(scene, body, side, colour, 1, (11, 13, 12), cuff=tones(colour.shade))
    elif kind in ("school_uniform", "suit"):
        sleeve(scene, body, side, colour, 0.96, (9, 9, 9))
    elif kind in ("kimono", "robe"):
        sleeve(scene, body, side, colour, 0.94, (14, 36, 84))
    elif kind == "armor":
        metal = STEEL if colour.base == CLOTH["gray"] else colour
        sleeve(scene, body, side, cloth_tones("black"), 0.5, (4, 4, 6))
        sleeve(scene, body, side, metal, 1, (2, 10, 8), cuff=GOLD)
