"""How what was found in a picture is put into words: articles, lists, numbers, places."""

from collections.abc import Sequence

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "goose": "geese",
    "fish": "fish", "sheep": "sheep", "deer": "deer", "foot": "feet", "leaf": "leaves", "wolf": "wolves",
    "knife": "knives",
}  # fmt: skip
SETTINGS_OF_PLACES = {
    "sea": "in the sea", "beach": "on a beach", "snow": "in the snow", "meadow": "in a meadow", "forest": "in a forest",
    "desert": "in a desert", "space": "in space", "city": "in a city", "mountains": "in the mountains",
    "sky": "in the sky", "night": "at night", "sunset": "at sunset", "room": "in a room", "lake": "at a lake",
    "river": "by a river", "waterfall": "by a waterfall", "cave": "in a cave", "autumn": "among trees in autumn",
    "blossoms": "among cherry trees in blossom", "rain": "in the rain", "fog": "in the fog",
}  # fmt: skip
"""Backgrounds that the studio paints, as one says them; any other is a colour."""


def article(name: str) -> str:
    """The name with "a" or "an"; none before a plural."""
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def plural(name: str) -> str:
    before, _, last = name.rpartition(" ")
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        last += "" if last.endswith("s") and not last.endswith(("ss", "us")) else "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{before} {last}".strip()


def counted(name: str, count: int) -> str:
    if count == 1:
        return article(name)
    return f"{NUMBERS[count] if count < len(NUMBERS) else count} {plural(name)}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def place(middle: tuple[float, float]) -> str:
    """Where a point is in a picture, as people say it."""
    across = "left" if middle[0] < 0.36 else "right" if middle[0] > 0.64 else ""
    down = "upper" if middle[1] < 0.36 else "lower" if middle[1] > 0.64 else ""
    if across and down:
        return f"at the {down} {across}"
    if across:
        return f"on the {across}"
    return {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}[down]


def portion(share: float) -> str:
    """A share of the picture in words."""
    steps = (
        (0.7, "nearly all"),
        (0.55, "more than half"),
        (0.4, "about half"),
        (0.28, "about a third"),
        (0.2, "a quarter"),
        (0.13, "a sixth"),
    )
    return next((words for least, words in steps if share >= least), "a small part")


def clipped(text: str, longest: int = 200) -> str:
    """The beginning of a long text, up to a whole word."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[:longest].rpartition(" ")[0].rstrip(",;. ") + " …"
