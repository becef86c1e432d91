from pathlib import Path

import pytest

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.parser import read_scene, without_syntax
from illustrious_studio.domain.layout.roles import PEOPLE
from illustrious_studio.domain.layout.scene import Scene
from illustrious_studio.domain.layout.vocabulary import Vocabulary


def table() -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / "scenes.txt").read_text("utf-8").splitlines()[2:]
    return [(prompt, said.strip()) for prompt, said in zip(lines[::2], lines[1::2], strict=True)]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    painter = SpritePainter()
    return Vocabulary(painter.objects(), painter.backgrounds())


def in_words(scene: Scene) -> str:
    def listed(parts: list[str]) -> str:
        return ", ".join(parts) or "-"

    names = [mention.what for mention in scene.mentions]
    things = [
        (f"{mention.count} " if mention.count > 1 else "")
        + mention.what
        + (f" in {mention.colour}" if mention.colour else "")
        + (f" x{mention.size:g}" if mention.size != 1 else "")
        for mention in scene.mentions
    ]
    relations = [
        f"{names[relation.subject]} {relation.kind} {names[relation.object]}"
        + (f" and {names[relation.other]}" if relation.other is not None else "")
        for relation in scene.relations
    ]
    background = scene.background + (f" at {scene.time}" if scene.time != "day" else "")
    background += f" in {scene.weather}" if scene.weather else ""
    background += " (cartoon)" if scene.style == "cartoon" else ""
    return " | ".join((listed(things), listed(relations), background, listed(list(scene.unknown))))


def test_the_table_is_long_enough() -> None:
    assert len(table()) >= 120


@pytest.mark.parametrize(("prompt", "expected"), table(), ids=[prompt for prompt, _ in table()])
def test_a_prompt_is_read_as_its_scene(prompt: str, expected: str, vocabulary: Vocabulary) -> None:
    assert in_words(read_scene(prompt, vocabulary)) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("(a cat:1.2), [dog], {bird}", "a cat , dog , bird "),
        ("a <lora:cats_v2:0.8> cat __animal/colour__", "a cat"),
        ("[cat:dog:0.5] [a bird::10] [fish|whale]", "dog a bird fish"),
        (r"saber \(fate\), black_hair BREAK tree", "saber fate , black hair , tree"),
    ],
)
def test_prompt_syntax_is_no_word(prompt: str, expected: str) -> None:
    assert without_syntax(prompt).split() == expected.split()


def test_the_longest_name_counts(vocabulary: Vocabulary) -> None:
    assert [mention.what for mention in read_scene("a cat face, a hot dog, a police car", vocabulary).mentions] == [
        "cat face",
        "hot dog",
        "police car",
    ]


def test_every_object_is_found_by_its_name_and_synonyms(vocabulary: Vocabulary) -> None:
    missed = []
    for known in vocabulary.objects.values():
        for name in (known.name, *known.synonyms):
            scene = read_scene(f"the {name}", vocabulary)
            named = [mention.what for mention in scene.mentions]
            if named != [known.name] and name not in PEOPLE and scene.background == "white":
                missed.append(name)
    assert missed == []


def test_a_flood_of_words_stays_a_small_scene(vocabulary: Vocabulary) -> None:
    scene = read_scene("nine cats and nine dogs and nine birds and nine bees, " * 200, vocabulary)
    assert sum(mention.count for mention in scene.mentions) <= 24
    assert read_scene("zxqv " * 2000, vocabulary).unknown == ("zxqv",)


@pytest.mark.parametrize(
    "prompt", ["", " ", ",,,", "between", "on on on", "1", "((((", "[a:", "a\0b", "of of", "猫", "🐱"]
)
def test_fragments_are_read_without_error(prompt: str, vocabulary: Vocabulary) -> None:
    assert read_scene(prompt, vocabulary).relations == ()


def test_parts_of_somebody_are_no_things_but_a_part_alone_is(vocabulary: Vocabulary) -> None:
    def named(prompt: str) -> list[str]:
        return [mention.what for mention in read_scene(prompt, vocabulary).mentions]

    assert named("1girl, blue eyes, open mouth, cat ears") == ["girl"]
    assert named("a dog with a big nose and two ears") == ["dog"]
    assert named("a mouse and a mouth") == ["mouse", "mouth"]
    assert named("an eye") == ["eye"]
