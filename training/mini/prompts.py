"""Prompts as people write them, of what the sketches can show: things, counts, relations, places, styles; and people,
by danbooru's tags.

Only words. What a prompt shows is what the studio's own reader makes of it: `scenes`.
"""

from collections.abc import Iterable, Sequence
from random import Random

from illustrious_studio.adapters.sketch.backgrounds import COLOURS, PLACE_WORDS
from illustrious_studio.domain.layout.person_words import (
    BANGS,
    EXTRAS,
    EYE_COLOURS,
    FOR_GIRLS,
    GARMENTS,
    HAIR_COLOURS,
    HAIRSTYLES,
    LENGTHS,
    STYLES,
    TRAITS,
)
from illustrious_studio.domain.layout.values import KnownObject
from illustrious_studio.domain.layout.vocabulary import plurals

NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
BESIDE = ("next to", "beside", "and", "and", "to the left of", "to the right of")
UPRIGHT = ("above", "below", "on", "under", "on top of")
DEPTH = ("behind", "in front of", "in")
LOOKS = ("cute ", "simple ", "nice ", "beautiful ", "small ", "tiny ", "big ", "huge ")
TIMES = ("at night", "at sunset", "at dusk", "night", "sunset")
OPENINGS = ("a picture of ", "an illustration of ", "a drawing of ", "an image of ")
CARTOON = (", cartoon", ", cartoon style", " in cartoon style", ", anime style")
FLAT = (", flat illustration", ", flat design", ", minimalist", "")
UNCOUNTED = frozenset(
    {
        "corn", "popcorn", "bread", "broccoli", "spaghetti", "sushi", "bacon", "fire", "coral", "camping", "baseball",
        "basketball", "volleyball", "tennis", "bowling", "badminton",
    }
)  # fmt: skip
PEOPLE = 0.5
"""The share of prompts with people in them."""
COUNTS = ("1girl",) * 11 + ("1boy",) * 5 + ("1girl, 1boy", "2girls", "2girls", "2boys", "3girls")
FRAMINGS = ("",) * 10 + ("upper body",) * 3 + ("portrait",) * 4 + ("full body",) * 2 + ("chibi",)
MOODS = ("smile", "smile", "grin", "sad", "angry", "surprised", "expressionless", "open mouth, smile", "crying")
BESIDES = tuple(
    word for word, looks in TRAITS.items() if looks.ears or looks.tail or looks.wings or looks.horns or looks.extras
)
"""What somebody may have besides: ears, tails, wings, horns, blush."""
GARMENT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "gray", "white")


def write_prompt(objects: Sequence[KnownObject], random: Random) -> str:
    """One prompt, of people or of things."""
    return person_prompt(objects, random) if random.random() < PEOPLE else thing_prompt(objects, random)


def person_prompt(objects: Sequence[KnownObject], random: Random) -> str:
    """Somebody, or a few, by tags; sometimes somewhere, or with a thing. What is left out comes from the seed."""
    who = random.choice(COUNTS)
    tags = [who, *_looks(random, boy="girl" not in who)]
    if "," not in who and who[0] != "1" and random.random() < 0.7:  # the second of them has hair of their own
        tags.append(f"{random.choice(tuple(HAIR_COLOURS))} hair")
    framing = random.choice(FRAMINGS)
    if framing:
        tags.append(framing)
    draw = random.random()
    if draw < 0.1:
        tags.append(f"{random.choice(tuple(COLOURS))} background")
    elif draw < 0.3:
        tags.append(random.choice(PLACE_WORDS[random.choice(tuple(PLACE_WORDS))]))
    if random.random() < 0.1:
        tags.append(_name(random.choice(objects), random))
    return ", ".join(tags)


def _looks(random: Random, boy: bool) -> list[str]:
    """Tags of one person, each with a chance of its own."""
    worn = [word for word, kind in GARMENTS.items() if not (boy and kind in FOR_GIRLS)]
    styles = [f"{style} hair" for style in STYLES] if boy else list(HAIRSTYLES)
    chosen = [
        (0.85, _one(HAIR_COLOURS, random) + " hair"),
        (0.35, _one(LENGTHS, random) + " hair"),
        (0.25, _one(styles, random)),
        (0.1, _one(BANGS, random)),
        (0.7, _one(EYE_COLOURS, random) + " eyes"),
        (0.5, _one(MOODS, random)),
        (0.5, f"{_one(GARMENT_COLOURS, random)} {_one(worn, random)}"),
        (0.25, _one(worn, random)),
        (0.25, _one(EXTRAS, random)),
        (0.2, _one(BESIDES, random)),
        (0.06, _one(("closed eyes", "one eye closed"), random)),
        (0.1, _one(("dark skin", "tan", "pale skin"), random)),
        (0.1, _one(("waving", "crossed arms", "sitting"), random)),
    ]
    return [tag for chance, tag in chosen if random.random() < chance]


def _one(words: Iterable[str], random: Random) -> str:
    return random.choice(tuple(words))


def thing_prompt(objects: Sequence[KnownObject], random: Random) -> str:
    """Things. `objects` is what there is to draw; each is drawn as often as the others."""
    kind = random.random()
    if kind < 0.55:
        core = with_article(_look(random) + _name(random.choice(objects), random))
    elif kind < 0.70:
        core = _several(random.choice(objects), random)
    else:
        core = _together(objects, random)
    return _dressed(core, random)


def with_article(name: str) -> str:
    """ "an owl", "a cat", "scissors", "the sun"."""
    if name in {"sun", "statue of liberty", "full moon"}:
        return f"the {name}"
    last = name.split(" ")[-1]
    if name in UNCOUNTED or not any(plurals(name)) or (last.endswith("s") and not last.endswith(("ss", "us", "is"))):
        return name
    return ("an " if name[0] in "aeiou" and not name.startswith(("uni", "ufo", "eu")) else "a ") + name


def _name(known: KnownObject, random: Random) -> str:
    return random.choice(known.synonyms) if known.synonyms and random.random() < 0.25 else known.name


def _look(random: Random) -> str:
    draw = random.random()
    if draw < 0.14:
        return random.choice(tuple(COLOURS)) + " "
    return random.choice(LOOKS) if draw < 0.28 else ""


def _several(known: KnownObject, random: Random) -> str:
    forms = list(plurals(known.name))
    if not forms or known.name in UNCOUNTED:
        return with_article(known.name)
    number = random.choice(NUMBERS[:3] if random.random() < 0.7 else NUMBERS)
    return f"{number} {_look(random) if random.random() < 0.3 else ''}{random.choice(forms)}"


def _together(objects: Sequence[KnownObject], random: Random) -> str:
    first, second, third = (
        with_article(_look(random) + _name(known, random)) for known in random.sample(list(objects), 3)
    )
    draw = random.random()
    if draw < 0.5:
        return f"{first} {random.choice(BESIDE)} {second}"
    if draw < 0.7:
        return f"{first} {random.choice(UPRIGHT)} {second}"
    if draw < 0.84:
        return f"{first} {random.choice(DEPTH)} {second}"
    if draw < 0.92:
        return f"{first} between {second} and {third}"
    return f"{first}, {second} and {third}"


def _dressed(core: str, random: Random) -> str:
    """With a place or a colour behind it, a time of day and a style, as a sentence or as tags."""
    if random.random() < 0.12:
        core = random.choice(OPENINGS) + core
    draw = random.random()
    behind = ""
    if draw < 0.16:
        behind = f"{random.choice(tuple(COLOURS))} background"
    elif draw < 0.56:
        behind = random.choice(PLACE_WORDS[random.choice(tuple(PLACE_WORDS))])
    elif draw < 0.66:
        behind = random.choice(TIMES)
    if behind and draw < 0.56 and random.random() < 0.18:
        behind += f" {random.choice(TIMES)}"
    if behind:
        reads_on = behind.split(" ")[0] in {"in", "on", "at", "under", "by", "with", "among", "above"}
        core += f" {behind}" if reads_on and random.random() < 0.8 else f", {behind}"
    return core + random.choice(CARTOON if random.random() < 0.5 else FLAT)
