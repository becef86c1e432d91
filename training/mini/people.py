"""How much of what was asked of people is in their pictures: hair, eyes and clothes by colour, expression, what they
wear and how many they are; beside chance, and beside the sketch itself.

Colours are measured. Where somebody's hair must be is where the sketch changes when another colour of hair is asked
for; there the median colour of the picture is compared with those of the same sketch in every colour there is, and the
nearest (in CIE Lab) is what the picture is said to show. The rest is told by small networks (`Eye`) that were trained
on figures rendered for them and roughened (`strokes`), and never saw a drawn picture.

60 prompts, seeds 1 to 60, nothing chosen. Pictures are kept: called again, it goes on where it was stopped.
"""

import asyncio
import json
import pickle
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from torch import Tensor, nn

from illustrious_studio.adapters.sketch.backgrounds import COLOURS
from illustrious_studio.adapters.sketch.figures import draw
from illustrious_studio.adapters.sketch.figures.whole import part_at
from illustrious_studio.domain.layout.figures import (
    LOWER,
    Colour,
    Expression,
    EyeColour,
    Figure,
    Garment,
    GarmentKind,
    HairColour,
    completed,
)
from illustrious_studio.domain.layout.values import Layout
from training.mini import scenes, strokes, vae
from training.mini.drawing import Drawer
from training.mini.run import Plan

STRENGTHS = (0.1, 0.15, 0.25, 0.4)
PROMPTS = (
    "1girl, silver hair, long hair, blue eyes, smile, red dress",
    "1girl, black hair, twintails, red eyes, angry, black hoodie",
    "1boy, brown hair, green eyes, smile, blue shirt",
    "1girl, pink hair, ponytail, purple eyes, surprised, white sweater",
    "1girl, blonde hair, blue eyes, sad, green dress, portrait",
    "1boy, black hair, brown eyes, expressionless, black suit",
    "1girl, blue hair, bob cut, yellow eyes, grin, yellow t-shirt",
    "1girl, white hair, red eyes, expressionless, purple kimono",
    "1girl, red hair, twin braids, green eyes, smile, brown jacket",
    "1boy, blonde hair, blue eyes, angry, red jacket",
    "1girl, orange hair, side ponytail, aqua eyes, grin, pink hoodie",
    "1girl, green hair, long hair, orange eyes, sad, white shirt",
    "2girls, black hair, smile, red dress",
    "1girl, purple hair, double bun, pink eyes, smile, blue kimono",
    "1boy, grey hair, yellow eyes, sad, gray armor",
    "1girl, aqua hair, twintails, blue eyes, surprised, sailor uniform, blue sailor uniform",
    "1girl, brown hair, brown eyes, smile, black maid dress",
    "1girl, light blue hair, purple eyes, angry, white robe",
    "1boy, red hair, red eyes, grin, green sweater",
    "1girl, blonde hair, ponytail, green eyes, smile, blue swimsuit",
    "1boy, 1girl, brown hair, smile, white shirt",
    "1girl, pink hair, long hair, red eyes, expressionless, black dress, full body",
    "1girl, silver hair, purple eyes, sad, blue sweater, portrait",
    "1boy, white hair, aqua eyes, smile, purple robe",
    "1girl, black hair, long hair, blue eyes, surprised, yellow dress",
    "1girl, blue hair, messy hair, pink eyes, angry, gray hoodie",
    "1girl, red hair, wavy hair, orange eyes, smile, green kimono",
    "1boy, blue hair, brown eyes, surprised, orange t-shirt",
    "2girls, blonde hair, blue eyes, grin, pink sweater",
    "1girl, purple hair, bob cut, green eyes, smile, red jacket",
    "1girl, white hair, twintails, blue eyes, grin, black school uniform",
    "1boy, orange hair, green eyes, angry, blue hoodie, portrait",
    "1girl, green hair, braid, yellow eyes, smile, brown sweater",
    "1girl, light brown hair, aqua eyes, sad, purple dress",
    "1boy, black hair, red eyes, grin, white t-shirt, full body",
    "1girl, aqua hair, long hair, purple eyes, expressionless, gray armor",
    "2boys, black hair, smile, black suit",
    "1girl, grey hair, red eyes, smile, orange dress",
    "1girl, orange hair, short hair, blue eyes, surprised, green t-shirt",
    "1girl, brown hair, curly hair, purple eyes, angry, blue jacket",
    "1boy, silver hair, blue eyes, expressionless, black robe",
    "1girl, pink hair, twin braids, brown eyes, grin, white maid dress",
    "1girl, blonde hair, drill hair, red eyes, smile, purple dress, portrait",
    "1boy, green hair, orange eyes, sad, brown jacket",
    "3girls, blue hair, smile, white shirt",
    "1girl, black hair, bun, green eyes, sad, red kimono",
    "1girl, red hair, ponytail, blue eyes, expressionless, white swimsuit",
    "1boy, purple hair, pink eyes, smile, gray suit",
    "1girl, light blue hair, long hair, orange eyes, smile, pink dress, full body",
    "1girl, white hair, messy hair, green eyes, surprised, blue shirt",
    "2girls, pink hair, angry, black hoodie",
    "1boy, light brown hair, blue eyes, smile, red sweater",
    "1girl, blue hair, twintails, red eyes, sad, yellow hoodie",
    "1girl, silver hair, bob cut, aqua eyes, angry, black jacket",
    "1boy, aqua hair, purple eyes, surprised, white shirt",
    "1girl, purple hair, long hair, yellow eyes, grin, white dress",
    "1girl, 1boy, blonde hair, blue eyes, smile, green sweater",
    "1girl, brown hair, straight hair, pink eyes, expressionless, purple sweater, portrait",
    "3girls, red hair, green eyes, grin, blue dress",
    "1boy, black hair, messy hair, yellow eyes, angry, red robe",
)  # fmt: skip
UPPER: tuple[GarmentKind, ...] = tuple(kind for kind in get_args(GarmentKind) if kind not in LOWER)
EXPRESSIONS: tuple[Expression, ...] = get_args(Expression)
MOST = 3
TAUGHT = 1000
"""Figures that are rendered to teach the judges."""
CROP, SEEN = 96, 64
"""A part of a picture as it is kept, and as a network sees it."""
PASSES = 14
Coloured = Literal["hair", "eyes", "clothes"]
CHOICES: dict[Coloured, tuple[str, ...]] = {
    "hair": get_args(HairColour), "eyes": get_args(EyeColour), "clothes": get_args(Colour)
}  # fmt: skip
Kind = Literal["expression", "kind of clothes", "how many"]
ANSWERS: dict[Kind, tuple[Any, ...]] = {
    "expression": EXPRESSIONS, "kind of clothes": UPPER, "how many": tuple(range(1, MOST + 1))
}  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """Where one colour of one person is, in a picture of 256 x 256; and what colour each choice would have there."""

    what: Coloured
    right: str
    where: "np.ndarray[Any, np.dtype[np.bool_]]"
    known: "np.ndarray[Any, np.dtype[np.float32]]"


@dataclass(frozen=True)
class Person:
    """What was asked of one person of a prompt. `eyes`: their two middles in a picture of 256 x 256."""

    spots: tuple[Spot, ...]
    expression: Expression | Literal[""]
    kind: GarmentKind | Literal[""]
    eyes: tuple[tuple[float, float], tuple[float, float]]


def main(plan: Plan) -> None:
    drawer = Drawer(plan)
    drawings = {strength: drawer.begin(seeded(PROMPTS), f"people {strength}", strength) for strength in STRENGTHS}
    asked = _asked(plan)
    judges = trained_judges(plan)
    results: dict[str, dict[str, Any]] = {"chance": {kind: round(1 / len(of), 3) for kind, of in _all().items()}}
    for name, pictures in (
        ("sketch", [_sketch(prompt, seed) for prompt, seed in seeded(PROMPTS)]),
        ("ceiling", drawer.ceiling(seeded(PROMPTS))),
    ):
        results[name] = right(pictures, asked, judges)
        print(name, results[name], flush=True)
    for strength, drawing in drawings.items():
        results[str(strength)] = right(drawing.get(), asked, judges)
        print(strength, results[str(strength)], flush=True)
        (plan.work / f"people-{drawer.name}.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _asked(plan: Plan) -> list[list[Person]]:
    """Kept, as it takes minutes to find all the places."""
    file = plan.work / "people.pickle"
    if not file.exists():
        with get_context("spawn").Pool(plan.processes) as pool:
            found = pool.starmap(people_of, seeded(PROMPTS), chunksize=1)
        file.write_bytes(pickle.dumps(found))
    asked: list[list[Person]] = pickle.loads(file.read_bytes())  # noqa: S301  our own, written above
    return asked


def seeded(prompts: Sequence[str]) -> list[tuple[str, int]]:
    """Seed 1 for the first, 2 for the second and so on."""
    return [(prompt, seed) for seed, prompt in enumerate(prompts, 1)]


def _all() -> dict[str, tuple[Any, ...]]:
    return {f"{what} colour": choices for what, choices in CHOICES.items()} | dict(ANSWERS)


def _sketch(prompt: str, seed: int, side: int = scenes.CLOSE_SIDE) -> Image.Image:
    return asyncio.run(scenes.painted(prompt, seed, side)).picture.image()


def people_of(prompt: str, seed: int) -> list[Person]:
    """What the prompt asks of each of its people, and where to look for it."""
    layout = scenes.sketches().layout(prompt, seed)
    return [_person(layout, number, seed, thing.figure) for number, thing in enumerate(layout.things) if thing.figure]


def _person(layout: Layout, number: int, seed: int, said: Figure) -> Person:
    """`said` is what the words say; what they leave open is no question."""
    upper = next((one for one in said.clothes if one.kind not in LOWER), None)
    asked: dict[Coloured, str] = {"hair": said.hair, "eyes": said.eyes, "clothes": upper.colour if upper else ""}
    spots = tuple(_spot(layout, number, seed, what, colour) for what, colour in asked.items() if colour)
    eyes = next((one for one in spots if one.what == "eyes"), None) or _spot(layout, number, seed, "eyes", "", 3)
    return Person(spots, said.expression, upper.kind if upper else "", _two_middles(eyes.where))


def _spot(layout: Layout, number: int, seed: int, what: Coloured, right: str, choices: int | None = None) -> Spot:
    """The place is where the sketches in all colours differ most: at least half as much as where they differ most."""
    several = np.stack([_lab(_recoloured(layout, number, seed, what, colour)) for colour in CHOICES[what][:choices]])
    apart = several.std(axis=0).sum(axis=-1)
    where = apart > 0.5 * np.quantile(apart[apart > 1], 0.95)
    return Spot(what, right, where, np.median(several[:, where], axis=1))


def _recoloured(layout: Layout, number: int, seed: int, what: Coloured, colour: str) -> Image.Image:
    thing = layout.things[number]
    assert thing.figure is not None
    figure = completed(thing.figure)
    changed: dict[str, Any] = {what: colour}
    if what == "clothes":
        changed = {"clothes": tuple(_dyed(one, colour) if one.kind not in LOWER else one for one in figure.clothes)}
    other = thing.model_copy(update={"figure": figure.model_copy(update=changed)})
    things = (*layout.things[:number], other, *layout.things[number + 1 :])
    painted = scenes.painter().paint(layout.model_copy(update={"things": things}), scenes.SIDE, scenes.SIDE, seed)
    return asyncio.run(painted).image()


def _dyed(garment: Garment, colour: str) -> Garment:
    return garment.model_copy(update={"colour": colour})


def _two_middles(where: "np.ndarray[Any, np.dtype[np.bool_]]") -> tuple[tuple[float, float], tuple[float, float]]:
    """Of the places of both irises."""
    ys, xs = np.nonzero(where)
    left = xs < (xs.min() + xs.max()) / 2
    return (float(xs[left].mean()), float(ys[left].mean())), (float(xs[~left].mean()), float(ys[~left].mean()))


def _lab(image: Image.Image) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """CIE Lab of sRGB under D65, h x w x 3."""
    rgb = np.asarray(image.convert("RGB"), np.float32) / 255
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    share = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def right(pictures: Sequence[Image.Image], asked: Sequence[Sequence[Person]], judges: "Judges") -> dict[str, Any]:
    """For each attribute the share that is right, and of how many."""
    found: dict[str, list[bool]] = defaultdict(list)
    for picture, people in zip(pictures, asked, strict=True):
        lab = _lab(picture.resize((scenes.SIDE, scenes.SIDE), Image.Resampling.BOX))
        for person in people:
            for spot in person.spots:
                seen = np.median(lab[spot.where], axis=0)
                nearest = int(np.square(spot.known - seen).sum(-1).argmin())
                found[f"{spot.what} colour"].append(CHOICES[spot.what][nearest] == spot.right)
            eyes = [(x * picture.width / scenes.SIDE, y * picture.width / scenes.SIDE) for x, y in person.eyes]
            if person.expression:
                said = judges.says("expression", _face(picture, *eyes))
                found["expression"].append(said == person.expression)
            if person.kind:
                found["kind of clothes"].append(judges.says("kind of clothes", _torso(picture, *eyes)) == person.kind)
        found["how many"].append(
            judges.says("how many", picture.resize((CROP, CROP), Image.Resampling.BOX)) == len(people)
        )
    every = [one for several in found.values() for one in several]
    shares = {kind: [round(float(np.mean(several)), 3), len(several)] for kind, several in found.items()}
    return shares | {"all": [round(float(np.mean(every)), 3), len(every)]}


Point = tuple[float, float]


def _face(picture: Image.Image, left: Point, right: Point) -> Image.Image:
    return _part(picture, left, right, 0.3, 2.3)


def _torso(picture: Image.Image, left: Point, right: Point) -> Image.Image:
    return _part(picture, left, right, 2.4, 3.0)


def _part(picture: Image.Image, left: Point, right: Point, below: float, side: float) -> Image.Image:
    """A square around a place under the middle of both eyes, in units of how far they are apart; what is outside of the
    picture is grey."""
    apart = max(6.0, float(np.hypot(right[0] - left[0], right[1] - left[1])))
    x, y, half = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2 + below * apart, side * apart / 2
    box = (round(x - half), round(y - half), round(x + half), round(y + half))
    room = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), (128, 128, 128))
    room.paste(picture, (-box[0], -box[1]))
    return room.resize((CROP, CROP), Image.Resampling.BOX if room.width > CROP else Image.Resampling.BICUBIC)


class Eye(nn.Module):
    """A small network that tells one of a few answers from a picture of 64 x 64."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 96)
        parts: list[nn.Module] = []
        for before, after in pairwise(widths):
            parts += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            parts += [nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*parts, nn.Flatten(), nn.Dropout(0.4), nn.Linear(96 * 16, answers))

    def forward(self, pictures: Tensor) -> Tensor:
        said: Tensor = self.layers(pictures)
        return said


class Judges:
    """The networks, one for each kind of question."""

    def __init__(self) -> None:
        self.eyes = {kind: Eye(len(answers)) for kind, answers in ANSWERS.items()}

    @torch.no_grad()
    def says(self, kind: Kind, picture: Image.Image) -> Any:
        return ANSWERS[kind][int(self.eyes[kind](_seen([picture])).argmax())]


def _seen(pictures: Sequence[Image.Image]) -> Tensor:
    small = [one.convert("RGB").resize((SEEN, SEEN), Image.Resampling.BOX) for one in pictures]
    return vae.pixels(small)


def trained_judges(plan: Plan) -> Judges:
    """Trained on rendered figures; kept, so that other weights are judged by the same."""
    judges, file = Judges(), plan.work / "judges.pt"
    if not file.exists():
        per = TAUGHT // plan.processes
        with get_context("spawn").Pool(plan.processes) as pool:
            lessons = pool.starmap(_lesson, [(plan.work, first, per) for first in range(0, TAUGHT, per)])
        for kind in ANSWERS:
            pictures = torch.cat([lesson[kind][0] for lesson in lessons])
            answers = torch.cat([lesson[kind][1] for lesson in lessons])
            _teach(kind, judges.eyes[kind], pictures, answers)
        torch.save({kind: eye.state_dict() for kind, eye in judges.eyes.items()}, file)
    for kind, weights in torch.load(file, weights_only=True).items():
        judges.eyes[kind].load_state_dict(weights)
        judges.eyes[kind].eval()
    return judges


def _teach(kind: str, eye: Eye, pictures: Tensor, answers: Tensor) -> None:
    """The last tenth is not learned from: how often it is right there is told."""
    torch.manual_seed(0)
    learned = len(pictures) * 9 // 10
    optimizer = torch.optim.AdamW(eye.parameters(), lr=1.5e-3, weight_decay=0.03)
    batches = [part for _ in range(PASSES) for part in torch.randperm(learned).split(48)]
    falling = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=len(batches))
    for chosen in batches:
        shift = torch.randint(-3, 4, (2,)).tolist()
        loss = F.cross_entropy(eye(pictures[chosen].roll(shift, (2, 3))), answers[chosen], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    with torch.no_grad():
        said = eye.eval()(pictures[learned:]).argmax(1)
    share = (said == answers[learned:]).float().mean()
    print(f"judge of {kind}, of {len(said)} unseen roughened renderings: {share:.1%}", flush=True)


def _lesson(work: Path, first: int, number: int) -> dict[Kind, tuple[Tensor, Tensor]]:
    """Rendered figures cut to faces and torsos, and put beside each other; each twice as if painted."""
    torch.set_num_threads(1)
    autoencoder = vae.finish(work)
    parts: dict[Kind, tuple[list[Image.Image], list[int]]] = {kind: ([], []) for kind in ANSWERS}
    drawn: list[Image.Image] = []
    for seed in range(first, first + number):
        random = Random(f"lesson {seed}")
        figure = _anybody(random, seed)
        alone = draw(figure, random.randint(260, 420) * (2 if figure.framing == "full_body" else 1))
        drawn.append(alone)
        picture = _backdrop(random, *alone.size)
        picture.paste(alone, (0, 0), alone)
        middles = [part_at(figure, part) for part in ("left eye", "right eye")]
        left, right = [
            (x * alone.width + random.uniform(-2, 2), y * alone.height + random.uniform(-2, 2)) for x, y in middles
        ]
        upper = next(one.kind for one in figure.clothes if one.kind not in LOWER)
        answers = {
            "expression": EXPRESSIONS.index(figure.expression or "neutral"),
            "kind of clothes": UPPER.index(upper),
        }
        for kind, cut in (("expression", _face), ("kind of clothes", _torso)):
            parts[kind][0].append(cut(picture, left, right))  # type: ignore[index]
            parts[kind][1].append(answers[kind])  # type: ignore[index]
        number_there = random.choice(range(1, MOST + 1))
        parts["how many"][0].append(_group(random, random.choices(drawn[-40:], k=number_there)))
        parts["how many"][1].append(number_there - 1)
    found: dict[Kind, tuple[Tensor, Tensor]] = {}
    for kind, (pictures, right_ones) in parts.items():
        random = Random(first)
        noisy = strokes.through_noise(autoencoder, pictures, first)
        over = [strokes.painted_over(one, random) for one in pictures]
        # One after the other, so that what is not learned from is of figures that were not, either.
        both = [one for pair in zip(noisy, over, strict=True) for one in pair]
        found[kind] = _seen(both), torch.tensor(right_ones).repeat_interleave(2)
    return found


def _anybody(random: Random, seed: int) -> Figure:
    """All kinds of people, evenly by expression and by clothes."""
    draw_ = random.random()
    return completed(
        Figure(
            who=random.choice(("girl", "girl", "boy")),
            hair=random.choice(get_args(HairColour)),
            eyes=random.choice(get_args(EyeColour)),
            expression=random.choice(EXPRESSIONS),
            extras=("open_mouth",) if random.random() < 0.1 else (),
            clothes=(Garment(kind=random.choice(UPPER), colour=random.choice(get_args(Colour))),),
            framing="portrait" if draw_ < 0.15 else "full_body" if draw_ < 0.22 else "upper_body",
            seed=seed,
        )
    )


def _backdrop(random: Random, width: int, height: int) -> Image.Image:
    colour = random.choice(((255, 255, 255), (255, 255, 255), random.choice(tuple(COLOURS.values()))))
    return Image.new("RGB", (width, height), colour)


def _group(random: Random, people: Sequence[Image.Image]) -> Image.Image:
    """Side by side on the lower edge, as the layouts have them."""
    picture = _backdrop(random, 192, 192)
    room = 192 / len(people)
    for number, one in enumerate(people):
        scale = min(room * random.uniform(0.85, 1.15) / one.width, 192 * random.uniform(0.8, 0.98) / one.height)
        small = one.resize((max(1, round(one.width * scale)), max(1, round(one.height * scale))))
        picture.paste(small, (round(room * (number + 0.5) - small.width / 2), 192 - small.height), small)
    return picture.resize((CROP, CROP), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.3))
