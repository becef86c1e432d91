"""Prompts and where their things stand, at one seed: `layouts.txt`, made once and looked at as painted sketches."""

from pathlib import Path

import pytest

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.arrangement import arrange
from illustrious_studio.domain.layout.parser import read_scene
from illustrious_studio.domain.layout.values import Placed
from illustrious_studio.domain.layout.vocabulary import Vocabulary

SEED = 7


def table() -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / "layouts.txt").read_text("utf-8").splitlines()[3:]
    return [(prompt, said.strip()) for prompt, said in zip(lines[::2], lines[1::2], strict=True)]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    painter = SpritePainter()
    return Vocabulary(painter.objects(), painter.backgrounds())


def in_words(things: tuple[Placed, ...]) -> str:
    def one(thing: Placed) -> str:
        x, y, w, h = (round(share * 100) for share in (thing.x, thing.y, thing.w, thing.h))
        return f"{thing.colour + ' ' if thing.colour else ''}{thing.what} {w}x{h} at {x},{y}"

    return "; ".join(map(one, things)) or "-"


def test_the_table_is_long_enough() -> None:
    assert len(table()) >= 120
    assert len({prompt for prompt, _ in table()}) == len(table())


@pytest.mark.parametrize(("prompt", "expected"), table(), ids=[prompt for prompt, _ in table()])
def test_a_prompt_is_laid_out_as_it_was_looked_at(prompt: str, expected: str, vocabulary: Vocabulary) -> None:
    assert in_words(arrange(read_scene(prompt, vocabulary), vocabulary.objects, SEED)) == expected
