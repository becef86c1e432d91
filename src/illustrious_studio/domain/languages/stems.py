"""What stays of a word in all its forms: light rules, a few a language, for words that are known in one form only.

They need not be right about the language, only give the same for the forms of one word. Words are folded: lower case,
and Latin ones without accents.
"""

import re
from collections.abc import Callable

SHORTEST = 3
Stem = Callable[[str], str]


def _without(word: str, endings: str, shortest: int = SHORTEST) -> str:
    """Without the longest of these endings that leaves enough of a word."""
    for ending in sorted(endings.split(), key=len, reverse=True):
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            return word[: -len(ending)]
    return word


def german(word: str) -> str:
    if word.endswith("eln"):
        return word[:-1]
    if word.endswith("s") and word[-2:-1] in "bdfghklmnrt" and len(word) > SHORTEST and not word.endswith("es"):
        return word[:-1]
    return _until_it_stays(word, "ern er em en es e")


def french(word: str) -> str:
    word = re.sub(r"ees?$", "e", re.sub(r"eaux$", "eau", word))
    word = re.sub(r"aux$", "al", word)
    return _without(_without(word, "s x"), "e")


def spanish(word: str) -> str:
    word = re.sub(r"ces$", "z", word)
    word = re.sub(r"(?<=[^aeiou])es$", "", word) if len(word) > 4 else word
    return _until_it_stays(word, "s a o e")


def portuguese(word: str) -> str:
    word = re.sub(r"(oes|aes|aos)$", "ao", word)
    word = re.sub(r"ns$", "m", word)
    word = re.sub(r"(?<=[aou])is$", "l", word)
    word = re.sub(r"(?<=[rzs])es$", "", word) if len(word) > 4 else word
    if word.endswith("ao"):
        return word
    return _until_it_stays(word, "s a o e")


def italian(word: str) -> str:
    word = re.sub(r"([cg])h[ie]$", r"\1", word)
    return _until_it_stays(word, "i e o a")


_RUSSIAN = (
    "иями ями ами ого его ому ему ыми ими ой ей ий ый ая яя ое ее ые ие ую юю ов ев ом ем ах ях ам ям ых их ым им "
    "ьями ьях ьев ья ью ьем а я о е ы и у ю ь й"
)


def russian(word: str) -> str:
    stem = _without(word, _RUSSIAN, 2)
    return re.sub(r"(?<=..)[её](?=[кнлц]$)|(?<=..)о(?=к$)", "", stem)  # замок, замка; кошек, кошки


def _until_it_stays(word: str, endings: str) -> str:
    while (shorter := _without(word, endings)) != word:
        word = shorter
    return word


STEMS: dict[str, Stem] = {
    "de": german, "fr": french, "es": spanish, "pt": portuguese, "it": italian, "ru": russian,
}  # fmt: skip
