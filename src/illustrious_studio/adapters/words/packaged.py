"""The words of nine languages that come with the studio (see data/words/NOTICE)."""

from pathlib import Path

from pydantic import TypeAdapter

from illustrious_studio.domain.languages.dictionary import Lexicon, lexicon

WORDS = Path(__file__).parents[2] / "data" / "words"


def packaged_lexicon(folder: Path = WORDS) -> Lexicon:
    """All of them."""
    words = TypeAdapter(dict[str, dict[str, dict[str, str]]]).validate_json((folder / "words.json").read_bytes())
    return lexicon(words)
