"""The words of one language and what they are in English: phrases are looked up as they stand, or by their stems."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

from illustrious_studio.domain.languages.chinese import in_simplified
from illustrious_studio.domain.languages.stems import STEMS

WordKind = Literal[
    "noun", "people", "body", "clothes", "place", "adjective", "number", "article", "relation", "side", "verb", "and",
    "negation", "time", "position", "style", "nothing",
]  # fmt: skip
"""`side` is a relation that comes after its noun: "on" in Japanese, Chinese and Korean."""
NOUNS: Final = frozenset({"noun", "people", "body", "clothes", "place"})
CODES: Final = ("de", "fr", "es", "pt", "it", "ru", "ja", "zh", "ko")
UNSPACED: Final = frozenset({"ja", "zh"})
LONGEST_PHRASE: Final = 6


def folded(text: str, code: str) -> str:
    """The text in the form that words are compared in."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if code == "zh":
        return in_simplified(text)
    if code in ("ja", "ko"):
        return text
    if code == "ru":
        return text.replace("ё", "е")
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in text if not unicodedata.combining(letter))


_TOKEN = re.compile(r"\d+\+?\w*|[^\W\d_]+'?|[,.;:!?\n、。「」・…]")


def tokens(text: str) -> list[str]:
    """Words, numbers and pauses. An elided article keeps its apostrophe ("l'", "dell'")."""
    return ["," if not token[0].isalnum() else token for token in _TOKEN.findall(text)]


@dataclass(frozen=True)
class Entry:
    """What a phrase is in English. `length` counts what it took of the text: words, or characters without spaces."""

    kind: WordKind
    english: str
    length: int = 1
    plural: bool = False


class Dictionary:
    """Knows phrases of one language; of several that begin at a word, the longest counts."""

    def __init__(self, code: str, words: Mapping[str, Mapping[str, str]]) -> None:
        self.code = code
        self._stem = STEMS.get(code)
        self._exact: dict[tuple[str, ...], list[Entry]] = {}
        self._stems: dict[tuple[str, ...], list[tuple[str, Entry]]] = {}
        self.longest = 1
        for kind in get_args(WordKind):
            for phrase, english in words.get(kind, {}).items():
                self._learn(kind, phrase, english)

    def _learn(self, kind: WordKind, phrase: str, english: str) -> None:
        key = self.split(phrase)
        entry = Entry(kind, english, len(key))
        self.longest = max(self.longest, len(key))
        self._exact.setdefault(key, []).append(entry)
        if self._stem is not None and kind not in ("article", "and", "nothing", "relation"):
            self._stems.setdefault(tuple(map(self._stem, key)), []).append((phrase, entry))

    def split(self, text: str) -> tuple[str, ...]:
        """What a phrase is a sequence of: characters where words are not parted by spaces."""
        plain = folded(text, self.code)
        return tuple(plain) if self.code in UNSPACED else tuple(tokens(plain))

    def at(self, words: Sequence[str], said: Sequence[str] = ()) -> list[Entry]:
        """The readings of the longest phrase that these (folded) words begin with; nouns last. `said` is how they were
        written, with their accents, which tells some plurals."""
        for length in range(min(self.longest, len(words)), 0, -1):
            key = tuple(words[:length])
            entries = list(self._exact.get(key, ()))
            if entries and said:
                entries = [replace(one, plural=self._changed_vowel(key, said[:length])) for one in entries]
            elif not entries and self._stem is not None:
                stems = tuple(map(self._stem, key))
                entries = [
                    replace(entry, plural=self._is_plural(" ".join(key), folded(phrase, self.code)))
                    for phrase, entry in self._stems.get(stems, ())
                ]
            if entries:
                return sorted(entries, key=lambda entry: entry.kind in NOUNS)
        return []

    def _changed_vowel(self, key: tuple[str, ...], said: Sequence[str]) -> bool:
        """German says some plurals by a vowel alone: Apfel, Äpfel. The dictionary has the singular."""
        if self.code != "de" or len(key) != 1:
            return False
        phrase = next((phrase for phrase, _ in self._stems.get((german_stem(key[0]),), ())), said[0])
        return sum(map(said[0].lower().count, "äöü")) > sum(map(phrase.lower().count, "äöü"))

    def _is_plural(self, word: str, base: str) -> bool:
        """Whether a form of a noun that is not its dictionary form says several."""
        if word == base:
            return False
        match self.code:
            case "fr":
                return word.endswith(("s", "x")) and not base.endswith(("s", "x"))
            case "es" | "pt":
                return word.endswith("s") and not base.endswith("s")
            case "it":
                return word.endswith(("i", "e")) and base[-1:] != word[-1:]
            case "de":
                return word.endswith(("en", "er", "ern", "e", "eln")) or (word.endswith("s") and base[-1:] in "aiou")
            case "ru":
                return word.endswith(("ы", "и", "ами", "ями", "ах", "ях", "ов", "ев", "ья", "ьями", "ек", "ок"))
        return False


def german_stem(word: str) -> str:
    return STEMS["de"](word)


@dataclass(frozen=True)
class Lexicon:
    """The dictionaries of all languages, and the words in them that an English prompt may hold as well: no sign of
    either."""

    dictionaries: tuple[Dictionary, ...] = ()
    also_english: frozenset[str] = frozenset()
    emoji: Mapping[str, str] = field(default_factory=dict)
    """What each emoji is in English."""


def lexicon(words: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Lexicon:
    """That of the packaged file."""
    known = tuple(Dictionary(code, words[code]) for code in CODES if code in words)
    also_english = frozenset(words.get("en", {}).get("nothing", {}))
    return Lexicon(known, also_english, words.get("emoji", {}).get("noun", {}))
