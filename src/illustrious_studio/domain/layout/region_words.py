"""The words of a layout's things, as a prompt for the region of each: its name with what the prompt says of it, and of
people what they look like, in danbooru's words. Nothing is added that nobody asked for.
"""

from collections.abc import Iterator, Sequence

from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.parser import marks_of
from illustrious_studio.domain.layout.values import Placed
from illustrious_studio.domain.layout.vocabulary import Mark, Vocabulary, split_words
from illustrious_studio.domain.layout.word_lists import COLOURS

BEFORE_A_NOUN = frozenset({"colour", "size", "unknown"})


def words_of(things: Sequence[Placed], prompt: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Of each thing of a layout, by the English words that it was laid out from."""
    named = list(_phrases(marks_of(split_words(prompt), vocabulary)))
    return tuple(_figure(one.figure) if one.figure is not None else _said_of(one, named) for one in things)


def _said_of(thing: Placed, named: Sequence[tuple[str, str, str]]) -> str:
    """The phrase that names it, by name and colour; where none does, its name in its colour."""
    phrases = [phrase for what, colour, phrase in named if (what, colour) == (thing.what, thing.colour)]
    return phrases[0] if phrases else f"{thing.colour} {thing.what}".strip()


def _phrases(marks: Sequence[Mark]) -> Iterator[tuple[str, str, str]]:
    """What each thing is, in which colour, and the words that name it with those before it."""
    before: list[Mark] = []
    for mark in marks:
        if mark.kind in BEFORE_A_NOUN or (mark.kind == "nothing" and mark.value):
            before.append(mark)
            continue
        if mark.kind == "thing":
            what = str(mark.value)
            colour = next((COLOURS[one.text] for one in before if one.kind == "colour"), "")
            yield what, colour, " ".join([*(one.text for one in before), what if mark.plural else mark.text])
        before = []


def _figure(figure: Figure) -> str:
    """What is said of somebody, as danbooru's tags."""
    tags = [f"1{figure.who}"]
    for name, noun in (
        ("hair_length", "hair"), ("hair", "hair"), ("hair_second", "hair"), ("eyes", "eyes"), ("eyes_second", "eyes"),
        ("skin", "skin"), ("ears", "ears"), ("tail", "tail"), ("wings", "wings"), ("horns", "horns"),
    ):  # fmt: skip
        if value := getattr(figure, name):
            tags.append(f"{value} {noun}")
    plain = figure.hair_style in ("straight", "wavy", "curly", "messy")
    tags += [f"{figure.hair_style} hair" if plain else figure.hair_style] if figure.hair_style else []
    tags += [f"{figure.bangs} bangs" if figure.bangs != "over_one_eye" else "hair over one eye"] if figure.bangs else []
    tags += ["closed eyes"] if figure.closed == "both" else ["one eye closed"] if figure.closed == "one" else []
    tags += [figure.expression] if figure.expression not in ("", "neutral") else []
    tags += ["crossed arms" if figure.pose == "arms_crossed" else figure.pose] if figure.pose != "holding" else []
    colours = dict(figure.extra_colours)
    tags += [f"{colours.get(extra, '')} {extra}" for extra in figure.extras]
    tags += [f"{one.colour} {one.kind}" for one in figure.clothes]
    tags += [f"holding {figure.holding_colour} {figure.holding}"] if figure.holding else []
    tags += ["chibi"] if figure.chibi else []
    return ", ".join(" ".join(tag.replace("_", " ").split()) for tag in tags if tag)
