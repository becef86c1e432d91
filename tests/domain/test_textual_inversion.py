"""Which words of a prompt are embeddings."""

import pytest

from illustrious_studio.domain.textual_inversion import missing_in, named_in, pieces

NAMES = ["EasyNegative", "bad-hands", "bad-hands-5", "verybadimagenegative_v1.3", "style (ink)"]


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a cat", []),
        ("easynegative, lowres", ["EasyNegative"]),
        ("(EasyNegative:1.2), EasyNegative", ["EasyNegative"]),
        ("EasyNegativeV2, my_easynegative", []),
        ("bad-hands-5, bad-hands", ["bad-hands-5", "bad-hands"]),
        ("embedding:bad-hands-5.safetensors", ["bad-hands-5"]),
        ("verybadimagenegative_v1.3", ["verybadimagenegative_v1.3"]),
        ("style (ink) of a fox", ["style (ink)"]),
    ],
)
def test_they_are_named_as_words_of_their_own(prompt: str, found: list[str]) -> None:
    assert named_in(prompt, NAMES) == found
    assert "".join(text for text, _ in pieces(prompt, NAMES)) == prompt


@pytest.mark.parametrize(
    ("prompt", "missing"),
    [
        ("embedding:nothing, a cat", "nothing"),
        ("(embedding:nothing:1.2)", "nothing"),
        ("embedding: a jewel", ""),
        ("embedding:EasyNegative", ""),
        ("an embedding", ""),
        ("nothing", ""),
    ],
)
def test_one_that_is_named_as_such_must_be_there(prompt: str, missing: str) -> None:
    assert missing_in(prompt, NAMES) == missing
