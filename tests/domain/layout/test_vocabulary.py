import pytest

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.vocabulary import Vocabulary, plurals, split_words


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    painter = SpritePainter()
    return Vocabulary(painter.objects(), painter.backgrounds())


@pytest.mark.parametrize(
    ("word", "expected"),
    [("kitten", "cat"), ("elefant", "elephant"), ("bananna", "banana"), ("brontosauruses", "sauropod dinosaur"),
     ("grizzlys", "bear"), ("marsupials", "koala"), ("reptile", "crocodile")],
)  # fmt: skip
def test_the_nearest_is_what_was_meant(word: str, expected: str, vocabulary: Vocabulary) -> None:
    assert (vocabulary.nearest(word, 3) or [""])[0] == expected


def test_what_is_of_that_kind_is_nearer_than_what_is_spelled_like_it(vocabulary: Vocabulary) -> None:
    assert vocabulary.nearest("marsupial", 2) == ["koala", "kangaroo"]


def test_a_word_that_nobody_mistyped_is_near_to_nothing_by_its_letters(vocabulary: Vocabulary) -> None:
    assert vocabulary.nearest("bedroom", 3) == ["broom"]
    assert vocabulary.nearest("bedroom", 3, real=True) == []
    assert vocabulary.nearest("marsupial", 2, real=True) == ["koala", "kangaroo"]


def test_nothing_near_is_no_answer(vocabulary: Vocabulary) -> None:
    for word in ("qqqqzzzz", "bald", "mona", "lisa", "gun", "wheat", "curtain", "pikachu"):
        assert vocabulary.nearest(word, 3) == []
    assert vocabulary.nearest("", 3) == []


@pytest.mark.parametrize(
    ("one", "several"),
    [("cat", "cats"), ("fox", "foxes"), ("strawberry", "strawberries"), ("monkey", "monkeys"), ("mouse", "mice"),
     ("wolf", "wolves"), ("computer mouse", "computer mice"), ("glass of milk", "glasses of milk"),
     ("planet with rings", "planets with rings"), ("kitchen knife", "kitchen knives"), ("cactus", "cacti")],
)  # fmt: skip
def test_plurals(one: str, several: str) -> None:
    assert several in set(plurals(one))


def test_words_that_say_several_have_no_plural() -> None:
    assert [list(plurals(name)) for name in ("scissors", "grapes", "sheep")] == [[], [], []]


def test_words_lose_accents_hyphens_and_possessives() -> None:
    assert split_words("The T-Rex's piñata; isn’t it?") == ["the", "t", "rex", "pinata", ",", "isnt", "it", ","]
