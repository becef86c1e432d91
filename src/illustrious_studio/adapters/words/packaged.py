"""The words of nine languages that come with the studio (see data/words/NOTICE)."""

from pathlib import Path

from pydantic import TypeAdapter

from illustrious_studio.domain.languages.dictionary import Lexicon, lexicon
from illustrious_studio.domain.layout.guesses import NearWords

WORDS = Path(__file__).parents[2] / "data" / "words"


def packaged_near_words(folder: Path = WORDS) -> NearWords:
    """What English words are a kind of."""
    return TypeAdapter(NearWords).validate_json((folder / "near.json").read_bytes())


def packaged_lexicon(folder: Path = WORDS) -> Lexicon:
    """All of them."""
    words = TypeAdapter(dict[str, dict[str, dict[str, str]]]).validate_json((folder / "words.json").read_bytes())
    return lexicon(words)
