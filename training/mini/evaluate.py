"""How often the model draws what it was asked for, beside chance and beside what the autoencoder alone leaves.

A hundred things (every fifth by name: the training did not choose them), three seeds each, with the sketch at the
shipped size and strength, and from words alone at the size it was trained at. Judged twice: by the nearest, in the
autoencoder's latents, of all 506 things sketched with the same seed; and by a small classifier (`Judge`) that was
trained on rendered scenes and never saw a drawn one. The same classifier judges backgrounds, counts and pairs.
"Ceiling" is the sketch itself, through the autoencoder.

Also draws the sheet of 48 prompts in the docs, seeds 1 to 48. All through the studio's own pipeline.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.vision.classifier import Classifier
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromPicture, Step
from illustrious_studio.services.render_plan import render_plan
from training.mini import scenes, vae
from training.mini.export import NAME
from training.mini.prompts import NUMBERS, UNCOUNTED, with_article
from training.mini.run import Plan

SEEDS = (1, 2, 3)
MOST = 9
FEATURES = 1280
JUDGE_PASSES = 40
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
    work = plan.work
    judge = trained_judge(plan)
    drawer = Drawer(plan)
    drawer.sheet(work / "sheet.png")
    singles = [Question(with_article(name), (name,)) for name in _hundred()]
    others = _other_questions(judge)
    asked = [singles, *(questions for _, questions, _ in others)]
    # The processes draw while this one makes what needs no drawing.
    begun = {
        way: [drawer.begin(_with_seeds(questions), sketched) for questions in asked]
        for way, sketched in (("with the sketch", True), ("from words alone", False))
    }
    results: dict[str, Any] = {}
    for way in ("ceiling", *begun):
        if way == "ceiling":
            pictures, *rest = [drawer.ceiling(questions) for questions in asked]
        else:
            pictures, *rest = [drawing.get() for drawing in begun[way]]
        things = _each_seed(singles)
        results[f"things, nearest in latents, {way}"] = _ranked(drawer.nearest(pictures), drawer.names, things)
        results[f"things, classifier, {way}"] = _ranked(judge.seen(pictures).things, drawer.names, things)
        for (kind, questions, right), drawn in zip(others, rest, strict=True):
            results[f"{kind}, {way}"] = round(float(np.mean(right(drawn, _each_seed(questions)))), 3)
        (work / "evaluation.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def _with_seeds(questions: Sequence[Question]) -> list[tuple[str, int]]:
    return [(question.prompt, seed) for question in questions for seed in SEEDS]


def _each_seed(questions: Sequence[Question]) -> list[Question]:
    """The questions of the pictures drawn for these."""
    return [question for question in questions for _ in SEEDS]


@cache
def _opened(work: Path) -> tuple[Checkpoint, SdxlPipeline]:
    """The studio's own pipeline on the exported model, once in each process."""
    torch.set_num_threads(1)
    (checkpoint,) = asyncio.run(DiskCheckpoints([work / NAME], builtin=None).list())
    pipeline = SdxlPipeline()
    pipeline.load(checkpoint)
    return checkpoint, pipeline


def _drawn(work: Path, prompt: str, seed: int, sketched: bool) -> Picture:
    checkpoint, pipeline = _opened(work)
    side = checkpoint.native_width if sketched else scenes.SIDE
    request = ImageRequest(
        prompt=prompt, seed=seed, steps=checkpoint.steps, guidance=checkpoint.guidance, width=side, height=side
    )
    start = FromPicture(_sketch(prompt, seed, side)) if sketched else None
    return pipeline.render(render_plan(request, checkpoint, start), _Unwatched()).picture


class Drawer:
    """Draws with several processes, question by question with each seed."""

    def __init__(self, plan: Plan) -> None:
        from diffusers import AutoencoderKL

        self.work = plan.work
        self.pool = get_context("spawn").Pool(plan.processes)
        self.vae = AutoencoderKL.from_pretrained(plan.work / NAME / "vae", dtype=torch.float32).eval()
        self.names = [known.name for known in scenes.painter().objects()]
        self._known: Tensor | None = None

    def begin(self, asked: Sequence[tuple[str, int]], sketched: bool) -> "AsyncResult[list[Picture]]":
        """One picture for each prompt and seed."""
        tasks = [(self.work, prompt, seed, sketched) for prompt, seed in asked]
        return self.pool.starmap_async(_drawn, tasks, chunksize=1)

    @torch.no_grad()
    def ceiling(self, questions: Sequence[Question]) -> list[Picture]:
        """The sketches, encoded and decoded."""
        sketches = _pixels([_sketch(question.prompt, seed) for question in questions for seed in SEEDS])
        decoded = torch.cat([vae.through(self.vae, part) for part in sketches.split(20)])
        pixels = ((decoded + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        return [Picture(scenes.SIDE, scenes.SIDE, one.tobytes()) for one in pixels]

    def nearest(self, pictures: Sequence[Picture]) -> Tensor:
        """How near each picture is to each thing sketched with its seed, pictures x 506: minus their distance."""
        if self._known is None:
            every = [_sketch(with_article(name), seed) for seed in SEEDS for name in self.names]
            self._known = self._latents(every).unflatten(0, (len(SEEDS), -1))
        found = self._latents(pictures).unflatten(0, (-1, len(SEEDS))).transpose(0, 1)
        return -torch.cdist(found, self._known).transpose(0, 1).flatten(0, 1)

    @torch.no_grad()
    def _latents(self, pictures: Sequence[Picture]) -> Tensor:
        parts = _pixels(pictures).split(20)
        return torch.cat([self.vae.encode(part).latent_dist.mean for part in parts]).flatten(1)

    def sheet(self, file: Path) -> None:
        """The prompts of `SHEET`, seed 1 for the first, 2 for the second and so on; nothing chosen by hand."""
        cell, across = 200, 8
        drawn = self.begin([(prompt, number) for number, prompt in enumerate(SHEET, 1)], sketched=True).get()
        picture = Image.new("RGB", (across * cell, -(-len(SHEET) // across) * (cell + 18)), "white")
        pen = ImageDraw.Draw(picture)
        for number, prompt in enumerate(SHEET):
            x, y = number % across * cell, number // across * (cell + 18)
            small = drawn[number].image().resize((cell - 4, cell - 4), Image.Resampling.LANCZOS)
            picture.paste(small, (x + 2, y + 2))
            pen.text((x + 4, y + cell), prompt[:34], fill="black")
        picture.save(file)


class _Unwatched:
    def check(self) -> None: ...

    def step(self, step: Step) -> None: ...

    def wants_preview(self) -> bool:
        return False


def _sketch(prompt: str, seed: int, side: int = scenes.SIDE) -> Picture:
    return asyncio.run(scenes.painted(prompt, seed, side)).picture


def _pixels(pictures: Sequence[Picture]) -> Tensor:
    """At the size of the scenes, whatever size they were drawn at: n x 3 x 256 x 256 in -1 to 1."""
    small = [one.image().resize((scenes.SIDE, scenes.SIDE), Image.Resampling.BOX) for one in pictures]
    return vae.as_tensor(np.stack([np.asarray(one) for one in small]))


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
    def seen(self, pictures: Sequence[Picture]) -> "Seen":
        things, backgrounds, counts = self(_features([one.image() for one in pictures]))
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
    found = scenes.shards(folder)
    with get_context("spawn").Pool(plan.processes) as pool:
        features = torch.cat(pool.starmap(_features_of, [(folder, shard) for shard in found], chunksize=1))
    layouts = [layout for shard in found for _, layout in scenes.words_of(folder, shard)]
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


def _features_of(folder: Path, shard: int) -> Tensor:
    return _features([Image.fromarray(picture) for picture in scenes.pictures_of(folder, shard)])


def _features(images: Sequence[Image.Image]) -> Tensor:
    parts = [_classifier().features(images[at : at + 50]) for at in range(0, len(images), 50)]
    return torch.from_numpy(np.concatenate(parts))


@cache
def _classifier() -> Classifier:
    return Classifier()


Right = Callable[[Sequence[Picture], Sequence[Question]], list[bool]]


def _other_questions(judge: Judge) -> list[tuple[str, list[Question], Right]]:
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

    def both_there(pictures: Sequence[Picture], questions: Sequence[Question]) -> list[bool]:
        best = judge.seen(pictures).things.topk(2).indices.tolist()
        return [
            {judge.things[at] for at in two} == set(asked.things) for two, asked in zip(best, questions, strict=True)
        ]

    return [
        ("backgrounds", backgrounds, lambda pictures, questions: [
            got == asked.background for got, asked in zip(judge.seen(pictures).backgrounds, questions, strict=True)]),
        ("counts", counts, lambda pictures, questions: [
            got == asked.count for got, asked in zip(judge.seen(pictures).counts, questions, strict=True)]),
        ("pairs", pairs, both_there),
    ]  # fmt: skip
