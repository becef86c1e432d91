"""How often the model draws what it was asked for, beside chance and beside what the autoencoder alone leaves.

A hundred things (every fifth by name: the training did not choose them), each with `--seeds` seeds, with the sketch at
the shipped size and strength, and from words alone at the size it was trained at. Judged twice: by the nearest, in the
autoencoder's latents, of all 506 things sketched with the same seed; and by a small classifier (`Judge`) that was
trained on rendered scenes, roughened as if painted (`strokes`), and never saw a drawn one. The same classifier judges
backgrounds, counts and pairs.
"Ceiling" is the sketch itself, through the autoencoder.

Also draws the sheet of 48 prompts in the docs, seeds 1 to 48. All through the studio's own pipeline.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from illustrious_studio.adapters.sketch.backgrounds import COLOURS
from illustrious_studio.adapters.vision.classifier import Classifier
from illustrious_studio.domain.layout.values import Layout
from training.mini import scenes, strokes, vae
from training.mini.drawing import Drawer
from training.mini.prompts import NUMBERS, UNCOUNTED, with_article
from training.mini.run import Plan, autocast

MOST = 9
FEATURES = 1280
JUDGE_PASSES = 40
EACH = 3
"""So many times the judge sees every thing alone."""
FIRST_SINGLE = 2_000_000
PLACES = ("in the forest", "on the beach", "in the snow", "in the city", "in a meadow", "in space", "at night")
SHEET = (
    "a red apple", "a cat", "two dogs in a meadow", "a rocket in space", "a castle at night", "a pizza",
    "three strawberries", "a sailboat at sunset", "a fish under the sea", "an astronaut riding a horse",
    "1girl, solo, hat", "a wizard in the forest", "a blue car in the city", "a tiny mouse next to a huge elephant",
    "five bees", "a cat to the left of a dog", "a bird above a house", "a rabbit in the snow",
    "a snowman between two trees", "a robot, cartoon style", "a purple butterfly, yellow background",
    "two penguins in the mountains", "a palm tree on the beach", "a hamburger and french fries",
    "a dragon behind a castle", "a camel in the desert", "nine balloons", "a guitar on a red background",
    "a cup of coffee on a book", "a fox in the snow at night", "a unicorn, cartoon", "a ninja holding a pizza",
    "a turtle in front of a tree", "a big pumpkin under the full moon", "a ufo above a cow", "2girls, 1boy, beach",
    "a lion wearing a crown", "four sunflowers in the sky", "a green apple and a red apple",
    "a train in the mountains",
    "a whale, ocean, sunset", "a violin, trumpet and drum", "a penguin wearing sunglasses", "an owl on a gift",
    "a samurai at dawn", "quantum entanglement", "a zorblax in the meadow",
    "masterpiece, best quality, 1girl, long hair",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A prompt, and what its picture has to show."""

    prompt: str
    things: tuple[str, ...] = ()
    count: int = 0
    background: str = ""


def main(plan: Plan) -> None:
    work, seeds = plan.work, range(1, plan.seeds + 1)
    drawer = Drawer(plan)
    singles = [Question(with_article(name), (name,)) for name in _hundred()]
    # The processes draw while this one makes what needs no drawing.
    asked = [singles, *(questions for _, questions in _other_questions())]
    begun = {
        way: [drawer.begin(_with_seeds(questions, seeds), way, sketched=sketched) for questions in asked]
        for way, sketched in (("with the sketch", True), ("from words alone", False))
    }
    judge = trained_judge(plan)
    nearest = Nearest(drawer.vae, judge.things, seeds)
    things = _each_seed(singles, seeds)
    results: dict[str, Any] = {}
    for way in ("ceiling", *begun):
        if way == "ceiling":
            pictures, *rest = [drawer.ceiling(_with_seeds(questions, seeds)) for questions in asked]
        else:
            pictures, *rest = [drawing.get() for drawing in begun[way]]
        results[f"things, nearest in latents, {way}"] = _ranked(nearest(pictures), judge.things, things)
        results[f"things, classifier, {way}"] = _ranked(judge.seen(pictures).things, judge.things, things)
        for (kind, questions), drawn in zip(_other_questions(), rest, strict=True):
            right = _right(kind, judge, drawn, _each_seed(questions, seeds))
            results[f"{kind}, {way}"] = round(float(np.mean(right)), 3)
        (work / f"evaluation-{drawer.name}.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(results, indent=2), flush=True)
    sheet(drawer, work / "sheet.png")


def _with_seeds(questions: Sequence[Question], seeds: Sequence[int]) -> list[tuple[str, int]]:
    return [(question.prompt, seed) for question in questions for seed in seeds]


def _each_seed(questions: Sequence[Question], seeds: Sequence[int]) -> list[Question]:
    """The questions of the pictures drawn for these."""
    return [question for question in questions for _ in seeds]


class Nearest:
    """Judges by the nearest, in the autoencoder's latents, of all things sketched with the same seed."""

    def __init__(self, autoencoder: Any, names: Sequence[str], seeds: Sequence[int]) -> None:
        self.vae, self.seeds = autoencoder, seeds
        every = [_sketch(with_article(name), seed) for seed in seeds for name in names]
        self._known = self._latents(every).unflatten(0, (len(seeds), -1))

    def __call__(self, pictures: Sequence[Image.Image]) -> Tensor:
        """How near each picture is to each thing, pictures x 506: minus their distance."""
        found = self._latents(pictures).unflatten(0, (-1, len(self.seeds))).transpose(0, 1)
        return -torch.cdist(found, self._known).transpose(0, 1).flatten(0, 1)

    @torch.no_grad()
    def _latents(self, pictures: Sequence[Image.Image]) -> Tensor:
        with autocast(torch.device("cpu")):
            parts = [self.vae.encode(part).latent_dist.mean for part in _pixels(pictures).split(20)]
        return torch.cat(parts).float().flatten(1)


def sheet(drawer: Drawer, file: Path) -> None:
    """The prompts of `SHEET`, seed 1 for the first, 2 for the second and so on; nothing chosen by hand."""
    cell, across = 200, 8
    drawn = drawer.begin([(prompt, number) for number, prompt in enumerate(SHEET, 1)], "sheet").get()
    picture = Image.new("RGB", (across * cell, -(-len(SHEET) // across) * (cell + 18)), "white")
    pen = ImageDraw.Draw(picture)
    for number, prompt in enumerate(SHEET):
        x, y = number % across * cell, number // across * (cell + 18)
        picture.paste(drawn[number].resize((cell - 4, cell - 4), Image.Resampling.LANCZOS), (x + 2, y + 2))
        pen.text((x + 4, y + cell), prompt[:34], fill="black")
    picture.save(file)


def _sketch(prompt: str, seed: int) -> Image.Image:
    return asyncio.run(scenes.painted(prompt, seed)).picture.image()


def _pixels(pictures: Sequence[Image.Image]) -> Tensor:
    """At the size of the scenes, whatever size they were drawn at: n x 3 x 256 x 256 in -1 to 1."""
    return vae.pixels([one.resize((scenes.SIDE, scenes.SIDE), Image.Resampling.BOX) for one in pictures])


def _hundred() -> list[str]:
    return sorted(known.name for known in scenes.painter().objects())[::5][:100]


def _ranked(scores: Tensor, names: Sequence[str], questions: Sequence[Question]) -> dict[str, float]:
    """How often the thing asked for comes first, and among the first five."""
    right = torch.tensor([names.index(question.things[0]) for question in questions])
    rank = (scores > scores.gather(1, right[:, None])).sum(1)
    return {"top 1": round((rank < 1).float().mean().item(), 3), "top 5": round((rank < 5).float().mean().item(), 3)}


class Judge(nn.Module):
    """Says what a picture shows, from what an image classifier of the real world sees in it (EfficientNet-Lite0, which
    the studio has for looking at pictures): which things, before what, how many. Only these last layers are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.things = [known.name for known in scenes.painter().objects()]
        self.backgrounds = list(scenes.painter().backgrounds())
        self.sizes = (len(self.things), len(self.backgrounds), MOST + 1)
        self.layers = nn.Sequential(
            nn.BatchNorm1d(FEATURES),
            nn.Linear(FEATURES, 768),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(768, sum(self.sizes)),
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        things, backgrounds, counts = self.layers(features).split(self.sizes, 1)
        return things, backgrounds, counts

    @torch.no_grad()
    def seen(self, pictures: Sequence[Image.Image]) -> "Seen":
        things, backgrounds, counts = self(_features(pictures))
        chosen = [self.backgrounds[at] for at in backgrounds.argmax(1).tolist()]
        return Seen(things, chosen, counts.argmax(1).tolist())


@dataclass(frozen=True)
class Seen:
    """What a judge sees in some pictures: how likely each thing is (pictures x 506), what is behind, how many."""

    things: Tensor
    backgrounds: list[str]
    counts: list[int]


def trained_judge(plan: Plan) -> Judge:
    """Trained on the rendered scenes; kept, so that a second evaluation has the same judge."""
    judge, file = Judge(), plan.work / "judge.pt"
    if not file.exists():
        _teach(judge, plan)
        torch.save(judge.state_dict(), file)
    judge.load_state_dict(torch.load(file, weights_only=True))
    return judge.eval()


def _teach(judge: Judge, plan: Plan) -> None:
    """The last twentieth of the scenes is not learned from: how often the judge is right there is told."""
    folder = plan.work / "scenes"
    with get_context("spawn").Pool(plan.processes) as pool:
        begun = [pool.apply_async(_features_of, (plan.work, folder, shard)) for shard in scenes.shards(folder)]
        begun += [pool.apply_async(_features_of_singles, (plan.work, time)) for time in range(EACH)]
        lessons = [one.get() for one in begun]
    features = torch.cat([found for found, _ in lessons])
    layouts = [layout for _, several in lessons for layout in several]
    order = np.random.default_rng(0).permutation(len(layouts)).tolist()
    # Words for people become figures, which are not among the things.
    order = [at for at in order if all(thing.what in judge.things for thing in layouts[at].things)]
    features, layouts = features[order], [layouts[at] for at in order]
    things = torch.zeros(len(layouts), len(judge.things))
    for row, layout in enumerate(layouts):
        things[row, [judge.things.index(name) for name in {thing.what for thing in layout.things}]] = 1
    shown = things.sum(1, keepdim=True)
    behind = torch.tensor([judge.backgrounds.index(layout.background) for layout in layouts])
    counts = torch.tensor([min(MOST, len(layout.things)) for layout in layouts])
    learned = len(layouts) * 19 // 20
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3, weight_decay=0.02)
    batches = [part for _ in range(JUDGE_PASSES) for part in torch.randperm(learned).split(256)]
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    for chosen in batches:
        said = judge(features[chosen])
        truth = (things[chosen] / shown[chosen].clamp(min=1), behind[chosen], counts[chosen])
        loss = torch.stack([F.cross_entropy(one, right) for one, right in zip(said, truth, strict=True)]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    with torch.no_grad():
        said = judge.eval()(features[learned:])
    first = things[learned:].gather(1, said[0].argmax(1, keepdim=True)).mean()
    right = [
        (one.argmax(1) == truth[learned:]).float().mean() for one, truth in zip(said[1:], (behind, counts), strict=True)
    ]
    print(f"judge, of unseen scenes: a thing {first:.1%}, the background {right[0]:.1%}, how many {right[1]:.1%}")


def _features_of(work: Path, folder: Path, shard: int) -> tuple[Tensor, list[Layout]]:
    """Of the scenes without people, each roughened."""
    told = zip(scenes.pictures_of(folder, shard), scenes.words_of(folder, shard), strict=True)
    kept = [(picture, layout) for picture, (_, layout) in told if all(one.figure is None for one in layout.things)]
    pictures = _roughened(work, [Image.fromarray(picture) for picture, _ in kept], shard)
    return _features(pictures), [layout for _, layout in kept]


def _features_of_singles(work: Path, time: int) -> tuple[Tensor, list[Layout]]:
    """Every thing alone, roughened; in every second time before a colour or a place."""
    made = []
    for number, known in enumerate(scenes.painter().objects()):
        random = Random(f"single {time} {number}")
        prompt = with_article(known.name)
        if time % 2:
            prompt += f", {random.choice([*(f'{colour} background' for colour in COLOURS), *PLACES])}"
        made.append(asyncio.run(scenes.painted(prompt, FIRST_SINGLE + 1000 * time + number)))
    return _features(_roughened(work, [one.picture.image() for one in made], time)), [one.layout for one in made]


def _roughened(work: Path, pictures: list[Image.Image], seed: int) -> list[Image.Image]:
    """Every third through the noise, the others with strokes and filters."""
    random = Random(seed)
    found = [one if at % 3 == 0 else strokes.painted_over(one, random) for at, one in enumerate(pictures)]
    found[::3] = strokes.through_noise(vae.finish(work), pictures[::3], seed)
    return found


def _features(images: Sequence[Image.Image]) -> Tensor:
    parts = [_classifier().features(images[at : at + 50]) for at in range(0, len(images), 50)]
    return torch.from_numpy(np.concatenate(parts))


@cache
def _classifier() -> Classifier:
    return Classifier()


def _other_questions() -> list[tuple[str, list[Question]]]:
    """Backgrounds, counts and pairs: twenty questions each."""
    from illustrious_studio.domain.layout.vocabulary import plurals

    names = [name for name in _hundred() if any(plurals(name)) and name not in UNCOUNTED]
    colours = [f"{name} background" for name in ("red", "green", "blue", "purple", "orange", "pink", "black", "teal")]
    places = ["meadow", "beach", "forest", "desert", "space", "city", "mountains", "sea", "snow", "sky"]
    behind = [*colours, *places]
    backgrounds = [
        Question(f"{with_article(names[at])}, {behind[at % len(behind)]}", (names[at],), 1,
                 behind[at % len(behind)].removesuffix(" background"))
        for at in range(20)
    ]  # fmt: skip
    counts = [
        Question(f"{NUMBERS[at % len(NUMBERS)]} {next(iter(plurals(names[at])))}", (names[at],), at % len(NUMBERS) + 2)
        for at in range(20)
    ]
    pairs = [
        Question(f"{with_article(names[at])} and {with_article(names[at + 40])}", (names[at], names[at + 40]))
        for at in range(20)
    ]

    return [("backgrounds", backgrounds), ("counts", counts), ("pairs", pairs)]


def _right(kind: str, judge: Judge, pictures: Sequence[Image.Image], asked: Sequence[Question]) -> list[bool]:
    seen = judge.seen(pictures)
    if kind == "backgrounds":
        return [got == one.background for got, one in zip(seen.backgrounds, asked, strict=True)]
    if kind == "counts":
        return [got == one.count for got, one in zip(seen.counts, asked, strict=True)]
    best = seen.things.topk(2).indices.tolist()
    return [{judge.things[at] for at in two} == set(one.things) for two, one in zip(best, asked, strict=True)]
