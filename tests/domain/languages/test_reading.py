from dataclasses import replace
from pathlib import Path

import pytest

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.adapters.words.packaged import packaged_lexicon
from illustrious_studio.domain.languages.chinese import in_simplified
from illustrious_studio.domain.languages.stems import STEMS
from illustrious_studio.domain.layout.parser import Scene, read_scene
from illustrious_studio.services.sketch import SketchService

SKETCHES = SketchService(SpritePainter(), packaged_lexicon())
TABLES = Path(__file__).parents[1] / "layout"


def table() -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / "prompts.txt").read_text("utf-8").splitlines()
    pairs = [line.partition(" = ") for line in lines if line and not line.startswith("#")]
    return [(prompt.strip(), english.strip()) for prompt, _, english in pairs]


def english_prompts() -> list[str]:
    scenes = (TABLES / "scenes.txt").read_text("utf-8").splitlines()[2::2]
    layouts = (TABLES / "layouts.txt").read_text("utf-8").splitlines()[3::2]
    names = [name for known in SKETCHES.objects() for name in (known.name, *known.synonyms)]
    return [*scenes, *layouts, *names, *(f"two {name} on the beach" for name in names)]


def scene_of(prompt: str) -> Scene:
    return read_scene(SKETCHES.in_english(prompt).text, SKETCHES.vocabulary)


def test_the_table_is_long_enough() -> None:
    assert len(table()) >= 150


@pytest.mark.parametrize(("prompt", "english"), table(), ids=[prompt for prompt, _ in table()])
def test_a_prompt_in_another_language_is_the_scene_of_its_english_one(prompt: str, english: str) -> None:
    # What is left over is named as it was written, so it is not the same.
    assert replace(scene_of(prompt), unused=()) == replace(read_scene(english, SKETCHES.vocabulary), unused=())


def test_it_gives_the_same_layout() -> None:
    german = SKETCHES.layout("zwei schwarze Katzen am Strand bei Nacht", 7)
    assert german == SKETCHES.layout("two black cats on the beach at night", 7)


def test_english_stays_as_it_is() -> None:
    changed = [prompt for prompt in english_prompts() if SKETCHES.in_english(prompt).text != prompt]
    assert changed == []


@pytest.mark.parametrize(
    "prompt",
    [
        "a man in pain",
        "a stern rock",
        "1girl, luna, solo, long hair",
        "1girl, silver hair, sitting, cafe, night",
        "(masterpiece:1.2), a fine casa",
        "a chat",
        "pile of content",
        "",
    ],
)
def test_words_that_english_has_too_make_no_foreign_prompt(prompt: str) -> None:
    assert SKETCHES.in_english(prompt).text == prompt


@pytest.mark.parametrize(
    ("prompt", "english"),
    [
        ("🐱 on a 🛋️", "cat on a couch"), ("🐱", "cat"), ("🐱🐶", "cat, dog"), ("🐱 🐱🐱", "3 cats"),
        ("two 🍎 and a 👧🏽", "two red apple and a girl"), ("👩 in a 👗, 🏖️", "girl in a dress, beach"),
    ],
)  # fmt: skip
def test_emoji_are_words(prompt: str, english: str) -> None:
    assert SKETCHES.in_english(prompt).text == english


def test_emoji_that_have_no_word_are_named() -> None:
    layout = SKETCHES.layout("🐱 🪬 🪬", 7)
    assert ([one.what for one in layout.things], layout.unknown) == (["cat"], ("🪬",))
    assert SKETCHES.not_drawn(layout) == "Not drawn: 🪬"


@pytest.mark.parametrize(
    ("prompt", "left_out"),
    [
        ("手をつないでいる二人の女の子", ["手をつないでいる"]), ("女の子、黒い手袋", ["黒い手袋"]),
        ("chica con guantes negros", ["guantes negros"]), ("eine schöne Frau in Stiefeln", ["schöne", "Stiefeln"]),
        ("девушка в чёрных перчатках", ["чёрных перчатках"]), ("ein Mädchen im Katzenhoodie", ["Katzenhoodie"]),
        ("소녀와 소년이 손을 잡고 있는", ["손을 잡고 있는"]),
        ("une fille main dans la main avec un garçon", ["main dans la main"]),
    ],
)  # fmt: skip
def test_what_is_left_out_is_named_as_it_was_written(prompt: str, left_out: list[str]) -> None:
    layout = SKETCHES.layout(prompt, 7)
    assert [*layout.unknown, *layout.unused] == left_out


def test_in_a_list_of_tags_each_part_speaks_for_itself() -> None:
    reading = SKETCHES.in_english("masterpiece, best quality, chica con pelo azul en la playa")
    assert reading.text == "masterpiece, best quality, girl with blue hair on the beach"
    assert reading.languages == ("es",)
    assert SKETCHES.in_english("1girl, 猫耳, smile").text == "1girl, cat ears, smile"


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("黒猫", "ja"),
        ("黑猫", "zh"),
        ("りんご", "ja"),
        ("사과", "ko"),
        ("яблоко", "ru"),
        ("el perro", "es"),
        ("der Hund", "de"),
    ],
)
def test_the_language_is_told_by_script_and_words(prompt: str, language: str) -> None:
    assert SKETCHES.in_english(prompt).languages == (language,)


def test_unknown_words_are_named_as_they_were_written() -> None:
    assert SKETCHES.layout("ein Apfel auf dem Dach", 7).unknown == ("Dach",)
    assert SKETCHES.layout("屋根の上のりんご", 7).unknown == ("屋根",)


def test_traditional_characters_are_read_as_simplified_ones() -> None:
    assert in_simplified("藍色頭髮的貓") == "蓝色头发的猫"
    assert scene_of("藍色的貓") == scene_of("蓝色的猫")


@pytest.mark.parametrize(
    ("code", "forms"),
    [
        ("de", ("katze", "katzen")),
        ("de", ("rot", "rote", "roter", "rotes", "roten", "rotem")),
        ("fr", ("noir", "noire", "noirs", "noires")),
        ("es", ("gato", "gata", "gatos", "gatas")),
        ("es", ("azul", "azules")),
        ("pt", ("leao", "leoes")),
        ("it", ("bianco", "bianca", "bianchi", "bianche")),
        ("ru", ("девушка", "девушки", "девушкой", "девушек")),
        ("ru", ("замок", "замка", "замком")),
    ],
)
def test_the_forms_of_a_word_have_one_stem(code: str, forms: tuple[str, ...]) -> None:
    assert len({STEMS[code](form) for form in forms}) == 1
