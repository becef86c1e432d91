"""The sheets of people in the docs, as the studio draws these prompts: seed 1 for the first, 2 for the second and so
on, nothing chosen by hand."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from training.mini.drawing import Drawer
from training.mini.run import Plan

CELL = 192
GAP = 2
QUALITY = 82
PEOPLE = (
    "1girl, solo, long hair, blue eyes", "1girl, silver hair, looking at viewer, masterpiece",
    "1boy, black hair, glasses, school uniform", "1girl, twintails, pink hair, sailor uniform, smile",
    "a girl with long silver hair and a red dress", "1girl, fox ears, fox tail, kimono, orange hair",
    "1girl, maid, black hair, blue eyes", "1boy, blonde hair, armor, cape", "2girls, blonde hair, black hair",
    "1girl, witch hat, purple hair, black robe", "1girl, angry, red hair, crossed arms",
    "1girl, portrait, green eyes, freckles, orange hair", "1girl, cat ears, white hair, hoodie",
    "1boy, blue hair, grin, hoodie", "1girl, heterochromia, black hair, bob cut", "1girl, full body, summer dress",
    "chibi, 1girl, pink hair", "1girl, angel wings, halo, blonde hair, white dress", "1girl, 1boy, smile",
    "1girl, demon horns, demon wings, red eyes, grin", "a boy in a brown suit with a top hat",
    "1girl, crying, blue hair", "1girl, surprised, open mouth, green hair",
    "1girl, dark skin, white hair, yellow dress",
    "1boy, silver hair, red eyes, black jacket", "1girl, twin braids, straw hat, freckles",
    "1girl, headphones, aqua hair, jacket", "1girl, ponytail, brown hair, sweater, scarf",
    "1girl, double bun, red china dress", "1boy, crown, red cape, brown hair", "1girl, waving, yellow hair, t-shirt",
    "3girls, red hair, blue hair, green hair", "1girl, elf, pointy ears, green dress", "1girl, rabbit ears, swimsuit",
    "1girl, closed eyes, smile, blush", "1boy, portrait, angry, black hair", "1girl, sunglasses, leather jacket",
    "chibi, 1boy, wizard hat, robe", "1girl, eyepatch, black hair, school uniform", "1girl, drill hair, pink dress",
    "a smiling woman with short red hair in a blue shirt", "2boys, suit, smile",
    "1girl, very long hair, light blue hair, white dress", "1girl, sitting, skirt, smile",
    "1girl, gradient hair, hair flower", "1boy, tan, green hair, tank top", "1girl, one eye closed, hair ribbon, smile",
    "masterpiece, best quality, 1girl, silver hair, red eyes, black dress",
)  # fmt: skip
AND_THINGS = (
    "1girl, beach, straw hat, smile", "a girl with a cat in the forest", "1boy, armor, dragon, mountains",
    "1girl, kimono, night, full moon", "2girls, beach, sunset, swimsuit", "a boy next to a dog in a meadow",
    "1girl, city, night, umbrella", "1girl holding an apple", "1boy, wizard hat, snow, owl", "1girl, space, rocket",
    "a girl between two trees", "1girl, maid, cake", "1boy, desert, camel", "1girl, full body, forest, fox",
    "a boy and a girl in the city at night", "1girl, blue hair, under the sea, fish",
    "1girl, red background, black dress", "a girl in front of a castle", "chibi, 1girl, snow, snowman",
    "1girl, snow, scarf, penguin", "1boy holding a guitar", "1girl, balloons, sky, white dress",
    "three girls in a meadow", "a girl with blue hair, a red car, city",
)  # fmt: skip


def main(plan: Plan) -> None:
    drawer = Drawer(plan)
    for name, prompts, across in (("people", PEOPLE, 8), ("people-and-things", AND_THINGS, 6)):
        _sheet(drawer, name, prompts, across, plan.work / f"{name}.webp")


def _sheet(drawer: Drawer, name: str, prompts: Sequence[str], across: int, file: Path) -> None:
    drawn = drawer.begin([(prompt, seed) for seed, prompt in enumerate(prompts, 1)], name).get()
    sheet = Image.new("RGB", (across * CELL, -(-len(prompts) // across) * CELL), "white")
    for number, picture in enumerate(drawn):
        small = picture.resize((CELL - GAP, CELL - GAP), Image.Resampling.LANCZOS)
        sheet.paste(small, (number % across * CELL, number // across * CELL))
    sheet.save(file, quality=QUALITY, method=6)
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB")
