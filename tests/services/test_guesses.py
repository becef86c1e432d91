from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fakes import FakeChat

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.adapters.words.packaged import packaged_lexicon, packaged_near_words
from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.layout.guesses import Near, NearWords
from illustrious_studio.domain.layout.values import Guess
from illustrious_studio.domain.layout.vocabulary import split_words
from illustrious_studio.services.guesses import GuessService
from illustrious_studio.services.layouts import LayoutService
from illustrious_studio.services.sketch import SketchService

SKETCHES = SketchService(SpritePainter())
NEAR = packaged_near_words()


class Meanings:
    """Implements MeaningModel: the same for every word."""

    def __init__(self, near: Near | None) -> None:
        self.near = near
        self.asked: list[str] = []

    async def nearest(self, words: Sequence[str]) -> list[Near | None]:
        self.asked += words
        return [self.near for _ in words]


class NotInstalled:
    """Implements MeaningModel."""

    async def nearest(self, words: Sequence[str]) -> list[Near | None]:
        raise Unavailable("It is not installed.")


def table() -> list[tuple[str, list[str]]]:
    lines = (Path(__file__).parent / "guesses.txt").read_text("utf-8").splitlines()
    pairs = [line.partition(" = ") for line in lines if not line.startswith("#")]
    rows = [(" ".join(split_words(word)), right.split(", ")) for word, _, right in pairs]
    return [(word, right) for word, right in rows if not any(SKETCHES.vocabulary.knows(word.split()))]


async def test_most_words_that_are_near_something_are_taken_for_it_and_few_others_are() -> None:
    rows = table()
    guesses = GuessService(SKETCHES.vocabulary, NEAR)
    taken = {word: (await guesses.guesses([word])).get(word) for word, _ in rows}
    assert len(taken) >= 145
    right = wrong = 0
    for word, expected in rows:
        drawn = [thing.what for thing in SKETCHES.layout(f"a {taken[word]}", 7).things] if taken[word] else []
        if drawn or taken[word]:
            fits = bool({*drawn[:1], taken[word]} & {*expected})
            right, wrong = right + fits, wrong + (not fits)
    assert right >= 72
    assert wrong <= 2


async def test_a_word_is_taken_for_its_kind_in_its_number() -> None:
    guesses = await GuessService(SKETCHES.vocabulary, NEAR).guesses(["poodles", "daisy"])
    assert guesses == {"poodles": "dogs", "daisy": "flower"}
    layout = SKETCHES.layout("two poodles under a daisy", 7, guesses=guesses)
    assert sorted(thing.what for thing in layout.things) == ["dog", "dog", "hibiscus flower"]
    assert layout.guessed == (Guess(word="poodles", taken_for="dogs"), Guess(word="daisy", taken_for="flower"))
    assert layout.unknown == ()


async def test_a_slip_of_the_keys_is_put_right_and_a_real_word_is_none() -> None:
    guesses = GuessService(SKETCHES.vocabulary, NEAR)
    assert await guesses.guesses(["elephnat", "dolhpin", "buterfly"]) == {
        "elephnat": "elephant",
        "dolhpin": "dolphin",
        "buterfly": "butterfly",
    }
    slips = {"gril": "girl", "pepole": "people", "blak": "black", "purpel": "purple", "dres": "dress"}
    assert await guesses.guesses(list(slips)) == slips
    assert await guesses.guesses(["bottles", "sharp", "handle", "money", "steam"]) == {}


async def test_meaning_decides_last_and_only_when_it_is_sure() -> None:
    sure, unsure = Meanings(Near("tower", 0.7)), Meanings(Near("tower", 0.4))
    assert await GuessService(SKETCHES.vocabulary, NEAR, sure).guesses(["poodle", "turretlike"]) == {
        "poodle": "dog",
        "turretlike": "tower",
    }
    assert sure.asked == ["turretlike"]
    assert await GuessService(SKETCHES.vocabulary, NearWords(), unsure).guesses(["turretlike"]) == {}
    assert await GuessService(SKETCHES.vocabulary, NearWords(), Meanings(None)).guesses(["turretlike"]) == {}


async def test_words_that_only_begin_alike_are_not_taken_for_each_other() -> None:
    hedge = GuessService(SKETCHES.vocabulary, NearWords(), Meanings(Near("hedgehog", 0.9)))
    assert await hedge.guesses(["hedge"]) == {}


async def test_a_model_that_is_missing_costs_a_guess_and_nothing_else() -> None:
    assert await GuessService(SKETCHES.vocabulary, NEAR, NotInstalled()).guesses(["poodle", "zzyzx"]) == {
        "poodle": "dog"
    }


async def test_a_layout_from_words_has_its_guesses() -> None:
    layouts = LayoutService(SKETCHES, lambda: FakeChat([]), GuessService(SKETCHES.vocabulary, NEAR))
    laid = await layouts.lay_out("a poodle on the beach", 7, 1.0, "words")
    assert [thing.what for thing in laid.layout.things] == ["dog"]
    assert laid.layout.guessed == (Guess(word="poodle", taken_for="dog"),)
    known = await layouts.lay_out("a dog on the beach", 7, 1.0, "words")
    assert known.layout.guessed == ()
    assert known.layout.things == laid.layout.things


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("ein Hund in der Küche", "Küche"),
        ("un chat dans la cuisine", "cuisine"),
        ("a dog in a bathroom", "bathroom"),
        ("eine Katze im Schlafzimmer", "Schlafzimmer"),
        ("教室、猫", "教室"),
    ],
)
async def test_a_word_of_any_language_is_guessed_by_what_it_is_in_english_and_is_not_unknown_then(
    prompt: str, word: str
) -> None:
    sketches = SketchService(SpritePainter(), packaged_lexicon())
    layouts = LayoutService(sketches, lambda: FakeChat([]), GuessService(sketches.vocabulary, NEAR))
    layout = (await layouts.lay_out(prompt, 7, 1.0, "words")).layout
    assert (layout.background, layout.guessed) == ("room", (Guess(word=word, taken_for="room"),))
    assert (layout.unknown, layout.unused) == ((), ())
