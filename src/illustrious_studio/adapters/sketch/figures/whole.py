"""A whole figure: its parts in the order in which they cover each other, and how much of it is seen."""

from functools import lru_cache

import numpy as np
from PIL import Image

from illustrious_studio.adapters.sketch.figures import (
    around,
    creature,
    eyes,
    face,
    hair_back,
    hair_front,
    headwear,
    lower,
    wardrobe,
)
from illustrious_studio.adapters.sketch.figures.body import Body, hand, neck
from illustrious_studio.adapters.sketch.figures.canvas import Painter, Scene, Sprite
from illustrious_studio.adapters.sketch.figures.geometry import Points, Warp
from illustrious_studio.adapters.sketch.figures.look import Look
from illustrious_studio.adapters.sketch.figures.palette import Tones, cloth_tones
from illustrious_studio.domain.layout.figures import LOWER, Figure, GarmentKind

BOTTOMS = {"portrait": 196.0, "upper_body": 330.0, "full_body": 1e9}
CHIBI_BOTTOMS = {"portrait": 142.0, "upper_body": 232.0, "full_body": 1e9}
"""Down to where somebody is seen."""
HELD_SIZE = 118.0
BARE_ABOVE: tuple[GarmentKind, Tones] = ("shirt", cloth_tones("white"))
"""What is worn where nothing is said of the upper body."""


class _Parts:
    """What goes into one scene, and in what order."""

    def __init__(self, figure: Figure, held: Image.Image | None = None, heavier: float = 1) -> None:
        self.look = Look(figure)
        self.body = Body(self.look)
        self.held = held
        whole = figure.framing == "full_body" and not figure.chibi
        self.scene = Scene((1.5 if whole else 1.1) * heavier)
        self._head = _held_head(self.look)
        self._shrunk = _chibi if figure.chibi else _shorter if whole else None

    def compose(self) -> Scene:
        look, scene, body = self.look, self.scene, self.body
        self._on_body()
        if look.figure.wings:
            creature.wings(scene, look)
        if look.figure.tail:
            creature.tail(scene, look)
        if look.has("cape"):
            around.cape_behind(scene, body)
        self._on_head()
        hair_back.back_hair(scene, look)
        self._on_body()
        self._body()
        self._on_head()
        face.ears(scene, look)
        face.face(scene, look)
        face.features(scene, look)
        eyes.eyes(scene, look)
        hair_front.front_hair(scene, look)
        hair_back.ties(scene, look)
        eyes.brows(scene, look)
        face.eyewear(scene, look)
        self._upon_head()
        self._on_body()
        self._before()
        return scene

    def hold_at(self) -> tuple[float, float]:
        arm = self.body.arms[self.body.side]
        x, y = arm.wrist
        at = np.array([[self.body.side * (x + 12), y - 62.0]])
        ((x, y),) = self._shrunk(at) if self._shrunk else at
        return float(x), float(y)

    def _on_head(self) -> None:
        self.scene.warp = self._head

    def _on_body(self) -> None:
        self.scene.warp = self._shrunk

    def _garment(self, *, below: bool) -> tuple[GarmentKind, Tones] | None:
        """The first that is worn above or below the waist, and its colour."""
        worn = (one for one in self.look.figure.clothes if (one.kind in LOWER) == below)
        return next(((one.kind, cloth_tones(one.colour)) for one in worn), None)

    def _body(self) -> None:
        scene, body, look = self.scene, self.body, self.look
        below = self._garment(below=True)
        kind, colour = self._garment(below=False) or BARE_ABOVE
        if below is None and kind not in lower.FULL and kind != "swimsuit":
            matching = colour if kind == "suit" else cloth_tones("dark blue")
            below = "pants" if look.boy else "skirt", matching
        if kind == "armor":
            below = "pants", cloth_tones("black")
        if kind == "swimsuit" and look.boy:
            below = "shorts", colour
        if kind in lower.FULL:
            below = None
        neck(scene, body, face.face_shape(look))
        trousers = below[0] if below and below[0] != "skirt" else None
        lower.legs_and_feet(scene, body, trousers, below[1] if below else colour)
        over = kind in ("hoodie", "sweater", "jacket", "armor", "school_uniform", "suit", "t_shirt")
        if over and below:
            self._below(*below)
        top, collar = wardrobe.TOPS[kind]
        for side in (-1, 1):
            if body.arms[side].hand == "behind":
                self._arm(side, kind, colour)
        top(scene, body, colour)
        if not over and below:
            self._below(*below)
        if kind in lower.FULL:
            lower.full_lower(scene, body, kind, colour)
        if kind == "maid_dress" or look.has("apron"):
            lower.apron(scene, body, look.colour("apron", "white"), bib=kind != "maid_dress")
        for side in (body.side, -body.side):
            if not body.arms[side].before and body.arms[side].hand != "behind":
                self._arm(side, kind, colour)
        if collar:
            collar(scene, body, colour)
        if look.has("cape"):
            around.cape_before(scene, body)
        if look.has("scarf"):
            around.scarf(scene, body)

    def _arm(self, side: int, kind: GarmentKind, colour: Tones) -> None:
        hand(self.scene, self.body, side)
        wardrobe.arm_in(self.scene, self.body, side, kind, colour)

    def _below(self, kind: GarmentKind, colour: Tones) -> None:
        if kind == "skirt":
            lower.plain_skirt(self.scene, self.body, colour)
        else:
            lower.hips(self.scene, self.body, colour)

    def _upon_head(self) -> None:
        look, scene = self.look, self.scene
        if look.figure.horns:
            creature.horns(scene, look)
        if look.figure.ears and look.figure.ears != "elf":
            creature.animal_ears(scene, look)
        headwear.ornaments(scene, look)
        if look.has("earrings"):
            face.earrings(scene, look)
        headwear.hats(scene, look)
        if look.has("halo"):
            creature.halo(scene, look)

    def _before(self) -> None:
        """Raised arms, before the hair, and what they hold."""
        kind, colour = self._garment(below=False) or BARE_ABOVE
        for side in (-1, 1):
            if self.body.arms[side].before:
                self._arm(side, kind, colour)
                if self.look.figure.pose == "holding":  # the thing over the sleeve, and the fingers over the thing
                    if self.held is not None:
                        self.scene.areas.append(Sprite(self.held, *self.hold_at(), HELD_SIZE))
                    hand(self.scene, self.body, side)


def _held_head(look: Look) -> Warp:
    """How the head is held: tilted a little, and turned a little to one side."""
    chance = look.chance("head")
    tilt = chance.choice((-1, 1)) * chance.uniform(1.5, 5)
    turn = chance.choice((-1, 1)) * chance.uniform(3, 9)

    def warp(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        fade = np.clip((260 - y) / 190, 0, 1)
        fade = fade * fade * (3 - 2 * fade)  # what hangs down hangs straight
        turned = x + turn * np.clip(1 - (x / 120) ** 2, 0, 1) * fade
        angle = np.radians(tilt) * fade
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([turned * cos - (y - 96) * sin, turned * sin + (y - 96) * cos + 96], axis=1)

    return warp


def _shorter(points: Points) -> Points:
    """The same body a little shorter in the leg: so much smaller a whole figure that its face is lost is no gain."""
    return np.stack([points[:, 0], np.interp(points[:, 1], [-400, 100, 450, 1100], [-400, 100, 428, 950])], axis=1)


def _chibi(points: Points) -> Points:
    """The same body two and a half heads high."""
    x, y = points[:, 0], points[:, 1]
    short = np.interp(y, [-400, 70, 130, 450, 1100], [-400, 70, 108, 238, 392])
    return np.stack([x * np.interp(y, [70, 130, 450, 1100], [1, 0.72, 0.72, 0.9]), short], axis=1)


@lru_cache(maxsize=64)
def _bounds(figure: Figure) -> tuple[float, float, float, float]:
    bottoms = CHIBI_BOTTOMS if figure.chibi else BOTTOMS
    return _Parts(figure).compose().bounds(bottoms[figure.framing or "upper_body"])


def aspect_of(figure: Figure) -> float:
    """Width by height of a completed figure, without painting it."""
    left, top, right, bottom = _bounds(figure)
    return (right - left) / (bottom - top)


_PARTS: dict[str, tuple[float, float]] = {
    "crown": (0, -70), "left eye": (-eyes.SPACE, eyes.HEIGHT), "right eye": (eyes.SPACE, eyes.HEIGHT),
    "mouth": (0, face.MOUTH + 4),
}  # fmt: skip


def part_at(figure: Figure, part: str) -> tuple[float, float]:
    """Where a part of the head is, in shares of the figure's width and height: for whoever measures colours there."""
    left, top, right, bottom = _bounds(figure)
    ((x, y),) = _held_head(Look(figure))(np.array([_PARTS[part]], dtype=np.float64))
    return float((x - left) / (right - left)), float((y - top) / (bottom - top))


_FACE = ((0, -72), (0, face.CHIN), (-84, 16), (84, 16))
"""The forehead under the hair, the chin, and both ears."""


def face_at(figure: Figure) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the face of a completed figure, in shares of its width and height."""
    left, top, right, bottom = _bounds(figure)
    points = _held_head(Look(figure))(np.array(_FACE, dtype=np.float64))
    (low_x, low_y), (high_x, high_y) = points.min(axis=0), points.max(axis=0)
    wide, high = right - left, bottom - top
    return (
        float((low_x - left) / wide), float((low_y - top) / high),
        float((high_x - left) / wide), float((high_y - top) / high),
    )  # fmt: skip


def draw(figure: Figure, height: int, held: Image.Image | None = None) -> Image.Image:
    """A completed figure of that height in pixels, on nothing; `held` is what it holds, when its pose is that."""
    left, top, right, bottom = _bounds(figure)
    # Of a small figure the lines are heavier, of a large one finer.
    scene = _Parts(figure, held, min(1.3, max(0.85, (512 / height) ** 0.4))).compose()
    fine = 4 if height <= 300 else 3 if height <= 700 else 2
    scale = height * fine / (bottom - top)
    width = max(1, round((right - left) * scale / fine))
    painter = Painter(width * fine, height * fine, left, top, scale)
    return painter.paint(scene).reduce(fine)
