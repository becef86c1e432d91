"""Prompts and the people in them: `people.txt`."""

from pathlib import Path

import pytest

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.arrangement import arrange
from illustrious_studio.domain.layout.figures import TIED_UP, Figure, completed
from illustrious_studio.domain.layout.parser import read_scene
from illustrious_studio.domain.layout.scene import Scene
from illustrious_studio.domain.layout.vocabulary import Vocabulary


def table() -> list[tuple[str, str, str]]:
    lines = (Path(__file__).parent / "people.txt").read_text("utf-8").splitlines()[3:]
    return [
        (prompt, who.strip(), rest.strip())
        for prompt, who, rest in zip(lines[::3], lines[1::3], lines[2::3], strict=True)
    ]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    painter = SpritePainter()
    return Vocabulary(painter.objects(), painter.backgrounds())


def in_words(figure: Figure) -> str:
    def value(name: str) -> str:
        match name:
            case "clothes":
                return " + ".join(f"{one.colour} {one.kind}".strip() for one in figure.clothes)
            case "extras":
                colours = dict(figure.extra_colours)
                return " + ".join(f"{colours.get(one, '')} {one}".strip() for one in figure.extras)
            case _:
                return str(getattr(figure, name))

    said = figure.model_dump(exclude_defaults=True, exclude={"who", "extra_colours"})
    return f"{figure.who}: " + (", ".join(f"{name} {value(name)}" for name in said) or "-")


def people(scene: Scene) -> str:
    return "; ".join(in_words(figure) for mention in scene.mentions for figure in mention.figures) or "-"


def others(scene: Scene) -> str:
    names = [mention.what for mention in scene.mentions]
    things = [
        (f"{mention.count} " if mention.count > 1 else "") + f"{mention.colour} {mention.what}".strip()
        for mention in scene.mentions
        if not mention.figures
    ]
    relations = [f"{names[one.subject]} {one.kind} {names[one.object]}" for one in scene.relations]
    background = scene.background + (f" at {scene.time}" if scene.time != "day" else "")
    lists = (things, relations, [background], scene.unknown, scene.unused)
    return " | ".join(", ".join(one) or "-" for one in lists)


def test_the_table_is_long_enough() -> None:
    assert len({prompt for prompt, *_ in table()}) == len(table()) >= 100


@pytest.mark.parametrize(("prompt", "who", "rest"), table(), ids=[prompt for prompt, *_ in table()])
def test_who_is_there_and_what_they_look_like(prompt: str, who: str, rest: str, vocabulary: Vocabulary) -> None:
    scene = read_scene(prompt, vocabulary)
    assert (people(scene), others(scene)) == (who, rest)


def figures(prompt: str, vocabulary: Vocabulary, seed: int = 7, aspect: float = 1.0) -> list[Figure]:
    things = arrange(read_scene(prompt, vocabulary), vocabulary.objects, seed, aspect)
    return [thing.figure for thing in things if thing.figure is not None]


def test_each_has_a_seed_of_their_own_from_the_pictures(vocabulary: Vocabulary) -> None:
    seeds = [one.seed for one in figures("3girls, 1boy", vocabulary, 2**32 - 1)]
    assert len(set(seeds)) == 4
    assert seeds == [one.seed for one in figures("3girls, 1boy", vocabulary, 2**32 - 1)]
    assert not set(seeds) & {one.seed for one in figures("3girls, 1boy", vocabulary, 2)}
    assert figures("1girl", vocabulary, 12)[0].seed == 12


@pytest.mark.parametrize(
    ("prompt", "aspect", "framing"),
    [
        ("1girl", 1.0, "upper_body"), ("1girl, portrait", 1.0, "portrait"), ("1girl, cat", 1.0, "full_body"),
        ("1girl, upper body, cat", 1.0, "upper_body"), ("2girls", 1.0, "upper_body"), ("2girls", 0.68, "full_body"),
        ("3girls", 1.0, "full_body"), ("3girls", 1.5, "upper_body"), ("1girl, chibi", 1.0, "full_body"),
        ("1girl, sitting", 1.0, "full_body"), ("1girl, sun", 1.0, "upper_body"),
        ("a girl in a forest", 1.0, "upper_body"), ("a girl in the top left corner", 1.0, "full_body"),
        ("a tall man next to a short woman", 1.0, "full_body"), ("a girl on the left and a boy", 1.0, "full_body"),
    ],
)  # fmt: skip
def test_how_much_of_people_is_seen(prompt: str, aspect: float, framing: str, vocabulary: Vocabulary) -> None:
    assert {one.framing for one in figures(prompt, vocabulary, aspect=aspect)} == {framing}


@pytest.mark.parametrize("prompt", ["1girl", "2girls", "1girl, portrait, cat", "1girl, 1boy, upper body, sun"])
def test_whom_the_frame_cuts_off_stand_on_its_edge(prompt: str, vocabulary: Vocabulary) -> None:
    things = arrange(read_scene(prompt, vocabulary), vocabulary.objects, 3, 1.0)
    assert all(0.99 < one.y + one.h / 2 <= 1 for one in things if one.figure is not None)
    assert any(one.h > 0.55 for one in things if one.figure is not None)


def test_what_is_said_of_several_goes_from_left_to_right(vocabulary: Vocabulary) -> None:
    things = arrange(read_scene("2girls, red hair, blue hair", vocabulary), vocabulary.objects, 3, 1.0)
    left, right = sorted(things, key=lambda one: one.x)
    assert left.figure is not None
    assert right.figure is not None
    assert (left.figure.hair, right.figure.hair) == ("red", "blue")


@pytest.mark.parametrize(
    ("prompt", "left", "right"),
    [
        ("the girl on the right has red hair, the girl on the left has blue hair", "blue", "red"),
        ("two boys, the right one has red hair, the left one has blue hair", "blue", "red"),
        ("a woman with red hair on the right and a man with blue hair on the left", "blue", "red"),
    ],
)
def test_who_is_said_to_be_on_a_side_stands_there(prompt: str, left: str, right: str, vocabulary: Vocabulary) -> None:
    things = sorted(arrange(read_scene(prompt, vocabulary), vocabulary.objects, 3, 1.0), key=lambda one: one.x)
    assert [one.figure.hair for one in things if one.figure is not None] == [left, right]


@pytest.mark.parametrize(
    "prompt", ["tall man next to a short woman", "the man on the left is tall, the woman on the right is short"]
)
def test_the_tall_and_the_short_stand_on_the_same_ground(prompt: str, vocabulary: Vocabulary) -> None:
    man, woman = sorted(arrange(read_scene(prompt, vocabulary), vocabulary.objects, 3, 1.0), key=lambda one: one.x)
    assert (man.what, woman.what) == ("boy", "girl")
    assert 1.15 * woman.h < man.h < 1.35 * woman.h
    assert man.y + man.h / 2 == pytest.approx(woman.y + woman.h / 2, abs=0.01)


def test_hair_that_is_said_to_be_short_is_not_tied_up_by_chance(vocabulary: Vocabulary) -> None:
    short = [completed(*figures("1girl, short hair", vocabulary, seed)) for seed in range(20)]
    assert {one.hair_length for one in short} == {"short"}
    assert not {one.hair_style for one in short} & TIED_UP
    (asked,) = figures("1girl, short twintails", vocabulary)
    assert completed(asked).hair_style == "twintails"
