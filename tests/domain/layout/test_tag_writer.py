"""Sentences and the tags that the rules write of them."""

import pytest

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.tag_writer import write_tags
from illustrious_studio.domain.layout.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    painter = SpritePainter()
    return Vocabulary(painter.objects(), painter.backgrounds())


@pytest.mark.parametrize(
    ("sentence", "tags"),
    [
        ("a cat sleeping on a red sofa at night", "cat, sleeping, red couch, night"),
        (
            "a girl with long silver hair and blue eyes smiling in a garden",
            "1girl, long hair, silver hair, blue eyes, smile, garden",
        ),
        ("two dogs running on the beach at sunset", "2 dogs, running, beach, sunset"),
        (
            "a boy with short black hair holding a red umbrella in the rain",
            "1boy, short hair, black hair, holding red umbrella, rain",
        ),
        ("a knight riding a white horse in front of a castle", "1boy, knight, riding white horse, in front of castle"),
        ("a princess in a pink dress", "1girl, princess, pink dress"),
        ("three girls in school uniforms", "3girls, school uniform"),
        ("a cat behind a tree", "cat behind tree"),
        ("a man who is not wearing a hat", "1boy, no hat"),
        ("a girl without glasses sitting on a chair", "1girl, no glasses, sitting, chair"),
        ("a cat to the left of a dog", "cat to the left of dog"),
        ("a fluffy white cat", "fluffy white cat"),
        (
            "masterpiece, best quality, a girl with red hair in the snow",
            "1girl, masterpiece, best quality, red hair, snow",
        ),
        ("a lighthouse by the sea in the style of van gogh", "lighthouse, sea, in the style of van gogh"),
        ("a woman reading a book on a chair", "1girl, reading book, chair"),
        (
            "she has long blonde hair and is wearing a black dress",
            "1girl, long hair, blonde hair, black dress",
        ),
        ("a witch flying over the mountains at night", "1girl, witch, flying, mountains, night"),
        ("a girl and a boy holding hands under a tree", "1girl, 1boy, holding hands, under tree"),
        ("two cats and a bird, a house", "2 cats, bird, house"),
        ("cyberpunk street with neon signs", "cyberpunk street, neon signs"),
        ("a dog without a hat", "dog, no hat"),
        ("a girl in a cat hoodie with star earrings", "1girl, cat hoodie, star earrings"),
        ("a blonde girl and a redhead boy", "1girl, 1boy, blonde hair, redhead boy"),
        ("a black girl with an afro", "1girl, black, afro"),
        (
            "a smiling elf girl with green eyes playing the guitar in the forest",
            "1girl, smile, elf girl, green eyes, playing guitar, forest",
        ),
        ("On the left a cat, on the right a dog", "cat on the left, dog on the right"),
        ("a small house between two big trees in winter", "small house between 2 big trees, winter"),
        ("a cup of coffee on a wooden table next to a croissant", "cup of coffee on wooden table, croissant"),
        ("a girl sitting on a chair with a cat", "1girl, sitting, chair, cat"),
        ("a group of boys playing soccer", "4boys, playing soccer"),
        ("an old man walking", "1boy, old man, walking"),
        ("a boy with red and black hair and his eyes closed",
         "1boy, red hair, black hair, multicolored hair, closed eyes"),
    ],
)  # fmt: skip
def test_a_sentence_becomes_tags(sentence: str, tags: str, vocabulary: Vocabulary) -> None:
    assert write_tags(sentence, vocabulary) == tags


@pytest.mark.parametrize(
    "prompt",
    ["1girl, silver hair, blue eyes", "cat", "1girl, hand on hip, looking at viewer", "",
     "a red apple :1.2 AND a green house :0.8",
     "ein roter Apfel auf dem Tisch", "赤いりんご", "1girl, (red hair:1.2), <lora:x:1>"],
)  # fmt: skip
def test_tags_and_other_languages_are_left_alone(prompt: str, vocabulary: Vocabulary) -> None:
    assert write_tags(prompt, vocabulary) is None


@pytest.mark.parametrize(
    ("prompt", "tags"),
    [
        (
            "a cat with (red fur:1.25) in __place__, <lora:Foo_v1:0.8>",
            "cat, (red fur:1.25), __place__, <lora:Foo_v1:0.8>",
        ),
        ("(a cat sleeping:1.3) on the sofa", "(a cat sleeping:1.3), couch"),
        ("a red cat BREAK a blue dog", "red cat BREAK blue dog"),
        ("a {red|blue} cat in the snow", "{red|blue} cat, snow"),
        ("a girl with (silver:1.2) hair in __place__", "1girl, (silver:1.2) hair, __place__"),
        ("a __color__ cat <lora:x:1>", "__color__ cat, <lora:x:1>"),
        ("a cat in a [small:large:0.5] garden, {night|day}", "cat, [small:large:0.5] garden, {night|day}"),
        (r"a girl in a garden, saber \(fate\)", r"1girl, garden, saber \(fate\)"),
    ],
)
def test_prompt_syntax_stays_as_it_was(prompt: str, tags: str, vocabulary: Vocabulary) -> None:
    assert write_tags(prompt, vocabulary) == tags


def test_what_was_written_is_tags(vocabulary: Vocabulary) -> None:
    once = write_tags("a girl with long silver hair and blue eyes smiling in a garden", vocabulary)
    assert once is not None
    assert write_tags(once, vocabulary) is None
