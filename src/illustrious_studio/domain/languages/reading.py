"""Which language a prompt is in, and the prompt in English.

English always stays as it is: a prompt in Latin letters is taken for another language only when more of its words are
of that language alone than of English alone. Other scripts speak for themselves, piece by piece, and so does a part of
a list of tags.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from illustrious_studio.domain.languages import spaced, unspaced
from illustrious_studio.domain.languages.dictionary import Lexicon, folded, tokens
from illustrious_studio.domain.languages.emoji import in_words
from illustrious_studio.domain.languages.phrases import Plural

_PAUSES = re.compile(r"([,.;!?\n、。，；！？]+)")
_KANA, _HAN = re.compile(r"[\u3040-\u30ff]"), re.compile(r"[\u4e00-\u9fff]")
_HANGUL, _CYRILLIC = re.compile(r"[\uac00-\ud7a3]"), re.compile(r"[\u0400-\u04ff]")
ENGLISH: Final = "en"
LATIN: Final = ("de", "es", "fr", "pt", "it")
SURE_OF_A_PART: Final = 2
"""In a prompt that is English as a whole, a part needs that many foreign words: one alone may be somebody's name."""

ENOUGH_WORDS: Final = 3
SHORTEST_SIGN: Final = 3
"""Shorter words are in every language."""


@dataclass(frozen=True)
class Reading:
    """A prompt in English. `origins` has for English words what stood there."""

    text: str
    languages: tuple[str, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """Emoji that have no word."""

    def said(self, words: str) -> str:
        """The words as the person wrote them: as a phrase where they were one, else word by word."""
        if not self.origins:
            return words
        known = {folded(english, ENGLISH): said for english, said in self.origins.items()}
        parts, found, at = words.split(" "), [], 0
        while at < len(parts):
            lengths = range(len(parts) - at, 0, -1)
            length = next((one for one in lengths if folded(" ".join(parts[at : at + one]), ENGLISH) in known), 0)
            found.append(known[folded(" ".join(parts[at : at + length]), ENGLISH)] if length else parts[at])
            at += length or 1
        return " ".join(found)


class Languages:
    """Reads prompts by dictionaries. `knows` says of words whether they are English."""

    def __init__(self, lexicon: Lexicon, knows: Callable[[Sequence[str]], list[bool]], plural_of: Plural) -> None:
        self._dictionaries = {dictionary.code: dictionary for dictionary in lexicon.dictionaries}
        self._also_english = lexicon.also_english
        self._emoji = lexicon.emoji
        self._knows = knows
        self._plural_of = plural_of

    def read(self, text: str, prompt: str) -> Reading:
        """The prompt in English; `text` is the same without its syntax. One that is English comes back untouched, but
        for its emoji."""
        if not self._dictionaries:
            return Reading(prompt)
        text, unread = in_words(text, self._emoji, self._plural_of)
        prompt, _ = in_words(prompt, self._emoji, self._plural_of)
        return replace(self._read(text, prompt), unread=tuple(unread))

    def _read(self, text: str, prompt: str) -> Reading:
        parts = _PAUSES.split(text)
        codes = self._codes(parts[::2], text)
        if set(codes) <= {ENGLISH}:
            return Reading(prompt)
        pauses = [*parts[1::2], ""]
        said: list[str] = []
        origins: dict[str, str] = {}
        numbered = enumerate(codes)
        for code, group in groupby(numbered, key=lambda one: one[1]):
            numbers = [number for number, _ in group]
            piece = "".join(parts[2 * number] + pauses[number] for number in numbers)
            if code == ENGLISH:
                said.append(piece.strip(" ,"))
            else:
                translation = (spaced if code in spaced_codes() else unspaced).in_english(
                    piece, self._dictionaries[code], self._plural_of
                )
                said.append(translation.text.strip(" ,"))
                origins.update(translation.origins)
        return Reading(", ".join(filter(None, said)), tuple(sorted({*codes} - {ENGLISH, ""})), origins)

    def _codes(self, parts: Sequence[str], text: str) -> list[str]:
        latin = self._latin_language(" , ".join(parts), least=1)
        return [self._code(part, text, latin) for part in parts]

    def _code(self, part: str, text: str, latin: str) -> str:
        """The language of a part, of those whose dictionary is there."""
        found = ENGLISH
        if _KANA.search(part):
            found = "ja"
        elif _HANGUL.search(part):
            found = "ko"
        elif _HAN.search(part):
            found = "ja" if _KANA.search(text) or self._covered("ja", part) > self._covered("zh", part) else "zh"
        elif _CYRILLIC.search(part):
            found = "ru"
        elif latin != ENGLISH:
            in_tags = self._latin_language(part, least=1, only=latin)
            found = latin if in_tags == latin or not self._is_english(part) else ENGLISH
        elif part.strip():
            found = self._latin_language(part, least=SURE_OF_A_PART)
        return found if found in self._dictionaries else ENGLISH

    def _is_english(self, part: str) -> bool:
        """Whether a part of a foreign prompt is made of English words alone."""
        words = tokens(folded(part, ENGLISH))
        return bool(words) and all(self._knows(words))

    def _latin_language(self, text: str, *, least: int, only: str = "") -> str:
        """The language that most words are of and English is not; else English."""
        if text.isascii() and not any(letter.isalpha() for letter in text):
            return ENGLISH
        words = [word.rstrip("'") for word in tokens(folded(text, ENGLISH))]
        english = self._knows(words)
        best, most = ENGLISH, (0, 0)
        for code in (only,) if only else LATIN:
            if code not in self._dictionaries:
                continue
            foreign = self._known(code, text)
            here: set[str] = set()
            there: set[str] = set()
            for word, known, knows in zip(words, english, foreign, strict=True):
                if known != knows and len(word) >= SHORTEST_SIGN and word not in self._also_english:
                    (there if knows else here).add(word)
            if len(words) >= ENOUGH_WORDS and all(foreign) and not (all(english) or here):
                there.add("")  # all of it may be this language, and not all of it English: "die rote Rose"
            score = (len(there), sum(foreign))
            if len(there) >= max(least, len(here) + 1) and score > most:
                best, most = code, score
        return best

    def _known(self, code: str, text: str) -> list[bool]:
        """For each word whether the language has it."""
        dictionary = self._dictionaries[code]
        words = tokens(folded(text, code))
        known = [False] * len(words)
        at = 0
        while at < len(words):
            readings = dictionary.at(words[at:])
            length = readings[0].length if readings else 1
            known[at : at + length] = [bool(readings)] * length
            at += length
        return known

    def _covered(self, code: str, part: str) -> int:
        """How many characters a language without spaces knows."""
        if code not in self._dictionaries:
            return 0
        plain, at, covered = folded(part, code), 0, 0
        while at < len(plain):
            readings = self._dictionaries[code].at(plain[at:])
            covered += readings[0].length if readings else 0
            at += readings[0].length if readings else 1
        return covered


def spaced_codes() -> frozenset[str]:
    return frozenset({*LATIN, "ru"})
