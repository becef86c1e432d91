"""What the words of a prompt mean to a sketch: a dictionary of phrases, and the names nearest to an unknown word.

Built from the objects and backgrounds that can be painted and from `word_lists`. It knows words one by one; how they
stand together is read by `parser`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from illustrious_studio.domain.layout import word_lists as lists
from illustrious_studio.domain.layout.people import FIGURE_OBJECTS, people_counts, people_words
from illustrious_studio.domain.layout.traits import trait_at
from illustrious_studio.domain.layout.values import KnownObject

Kind = Literal[
    "thing", "people", "background", "time", "weather",
    "position", "relation", "number", "colour", "size", "style", "nothing",
    "article", "and", "pronoun", "negation", "break", "body", "clothing", "contents", "unknown", "trait", "they",
]  # fmt: skip

NEAR_ENOUGH = 0.8
"""Of spellings that begin alike. So 82 of 100 slips of one or two keys are found, and 13 of 100 other words are like a
name (at 0.62, with any beginning, 96 and 97)."""
LONGEST_PHRASE = 7
SHORTEST_MISSPELLED = 5


@dataclass(frozen=True)
class Mark:
    """A phrase of the prompt and what it is. `value` is what the phrase stands for, in the kind's own terms."""

    kind: Kind
    text: str
    value: object = None
    plural: bool = False


class Vocabulary:
    """Knows phrases; of several that begin at a word, the longest counts."""

    def __init__(self, objects: Sequence[KnownObject], backgrounds: Mapping[str, Sequence[str]]) -> None:
        people = people_words()
        objects = [*(_without(known, people) for known in objects), *FIGURE_OBJECTS]
        self.objects = {known.name: known for known in objects}
        self._phrases: dict[tuple[str, ...], Mark] = {}
        self._hints: dict[str, list[str]] = {}
        self._spellings: dict[str, str] = {}
        self.stand_ins: dict[str, str] = {}
        """Words that name other things than what is drawn for them, and that."""
        self._learn_objects(objects)
        for name, words in backgrounds.items():
            self._learn_all("background", dict.fromkeys(words, name), over=True)
        self._learn_all("time", lists.TIMES, over=True)
        self._learn_all("weather", lists.WEATHERS, over=True)
        self._learn_all("nothing", dict.fromkeys(lists.NOTHING, True), over=True)
        self._learn_all("nothing", dict.fromkeys(lists.SILENT_PHRASES), over=True)
        self._learn_all("position", lists.POSITIONS)
        self._learn_all("relation", lists.RELATIONS)
        self._learn_all("number", lists.NUMBERS)
        self._learn_all("colour", lists.COLOURS)
        self._learn_all("size", lists.SIZES)
        self._learn_all("style", lists.STYLES)
        self._learn_all("contents", dict.fromkeys(lists.CONTENTS))
        self._learn_all("clothing", dict.fromkeys(lists.CLOTHING_PHRASES))
        self._learn_all("negation", dict.fromkeys(lists.NEGATIONS))
        self._learn_all("pronoun", dict.fromkeys(("it", "them", "him")))
        self._learn_all("and", dict.fromkeys(("and",)))
        self._learn_all("article", dict.fromkeys(lists.ONE))
        self._learn_people()
        somebody = [form for word in people_words() for form in (word, *plurals(word))]
        self._slips = {word: word for word in (*somebody, *lists.COLOURS) if " " not in word} | self._spellings
        """What may be mistyped, and what it means: the names of objects, people and colours."""

    def marks(self, words: Sequence[str], *, traits: bool = True) -> Iterator[Mark]:
        """The phrases of these words, in order. A trait of somebody holds what its words mean where there is nobody."""
        at = 0
        while at < len(words):
            for length in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
                mark = self._phrases.get(tuple(words[at : at + length]))
                if mark is not None:
                    break
            else:
                length, mark = 1, _single(words[at])
            trait = trait_at(words, at) if traits else None
            if trait is not None and trait[0] >= length + (mark.kind == "people"):
                length = trait[0]
                its_words = words[at : at + length]
                plain = tuple(self.marks(its_words, traits=False))
                mark = Mark("trait", " ".join(its_words), (trait[1], plain))
            at += length
            yield mark

    def names_living(self, marks: Sequence[Mark]) -> bool:
        """Whether somebody living is among the things."""
        names = [mark.value for mark in marks if mark.kind == "thing"]
        return any(self.objects[name].kind in ("person", "animal") for name in names if isinstance(name, str))

    def knows(self, words: Sequence[str]) -> list[bool]:
        """Of each word whether it is English for sure: neither unknown, nor only too short to mean anything."""
        known: list[bool] = []
        for mark in self.marks(words):
            sure = mark.kind not in ("unknown", "break") and not (mark.kind == "nothing" and _is_short(mark.text))
            known += [sure] * (mark.text.count(" ") + 1)
        return known

    def taking(self, guesses: Mapping[str, str]) -> "Vocabulary":
        """The same, with these words taken for phrases that it knows."""
        other = copy(self)
        other._phrases = dict(self._phrases)
        for word, phrase in guesses.items():
            mark = self._phrases.get(tuple(split_words(phrase)))
            if mark is not None:
                other._phrases.setdefault(tuple(split_words(word)), replace(mark, text=word))
        return other

    @property
    def places(self) -> frozenset[str]:
        """Single words that are a background each."""
        return frozenset(
            mark.text for mark in self._phrases.values() if mark.kind == "background" and mark.text == mark.value
        )

    def misspelled(self, word: str) -> str:
        """The name that a word is a slip of the keys away from; empty when there is none, or several."""
        if len(word) < SHORTEST_MISSPELLED - 1 or not word.isalpha():
            return ""
        spellings = [one for one in self._slips if _is_slip(word, one)]
        if len(word) < SHORTEST_MISSPELLED:  # with a letter less, or another one, it would be too many words
            spellings = [one for one in spellings if len(one) > len(word) or sorted(one) == sorted(word)]
        return spellings[0] if len({self._slips[one] for one in spellings}) == 1 else ""

    def nearest(self, word: str, count: int, *, real: bool = False) -> list[str]:
        """Objects that the word may have meant: those that are of its kind, then those spelled like it, unless it is a
        `real` word, which nobody mistyped."""
        asked = " ".join(split_words(word))
        if not asked:
            return []
        forms = (asked, asked.removesuffix("s"), asked.removesuffix("es"))
        found = [self._spellings[form] for form in forms if form in self._spellings]
        found += [name for form in forms for name in self._hints.get(form, ())]
        found += [] if real else self.spelled_like(asked)
        return list(dict.fromkeys(found))[:count]

    def spelled_like(self, asked: str) -> list[str]:
        """Objects with a name that is written nearly so, the likest first."""
        if len(asked) <= 3:
            return []
        scored, likeness = [], SequenceMatcher(b=asked)
        for spelling, name in self._spellings.items():
            if spelling[0] == asked[0]:
                likeness.set_seq1(spelling)
                if likeness.real_quick_ratio() >= NEAR_ENOUGH and likeness.quick_ratio() >= NEAR_ENOUGH:
                    scored.append((-likeness.ratio(), len(name), name))
        return [name for score, _, name in sorted(scored) if -score >= NEAR_ENOUGH]

    def _learn_objects(self, objects: Sequence[KnownObject]) -> None:
        for known in objects:
            self._learn("thing", known.name, known.name)
        for known in objects:
            for synonym in known.synonyms:
                self._learn("thing", synonym, known.name)
        for known in objects:
            for name in (known.name, *known.synonyms):
                self._spellings.setdefault(" ".join(split_words(name)), known.name)
                for form in plurals(name):
                    self._learn("thing", form, known.name, plural=True)
            for name in known.stands_for:
                self.stand_ins |= dict.fromkeys(
                    (" ".join(split_words(form)) for form in (name, *plurals(name))), known.name
                )
            for tag in known.tags:
                self._hints.setdefault(" ".join(split_words(tag)), []).append(known.name)

    def _learn_people(self) -> None:
        for word, person in people_words().items():
            self._learn("people", word, person, over=True)
            for form in plurals(word):
                self._learn("people", form, person, plural=True, over=True)
        self._learn_all("people", people_counts(), over=True)
        for word, who in (("she", "girl"), ("he", "boy"), ("they", None)):
            self._learn("they", word, who, over=True)

    def _learn_all(self, kind: Kind, values: Mapping[str, object], over: bool = False) -> None:
        for phrase, value in values.items():
            self._learn(kind, phrase, value, over=over)

    def _learn(self, kind: Kind, phrase: str, value: object, *, plural: bool = False, over: bool = False) -> None:
        key = tuple(split_words(phrase))
        if key and (over or key not in self._phrases):
            self._phrases[key] = Mark(kind, " ".join(key), value, plural)


def _without(known: KnownObject, people: Mapping[str, object]) -> KnownObject:
    """The object without the synonyms that name people."""
    return known.model_copy(update={"synonyms": tuple(name for name in known.synonyms if name not in people)})


def _is_short(text: str) -> bool:
    return (len(text) < 3 and text not in lists.STOP) or any(letter.isdigit() for letter in text)


def _is_slip(word: str, name: str) -> bool:
    """One letter too many, too few, another one, or two in the wrong order."""
    if word == name or abs(len(word) - len(name)) > 1 or word[0] != name[0]:
        return False
    same = next((at for at, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), None)
    if same is None:
        return True
    here, there = word[same:], name[same:]
    swapped = here[1:2] + here[:1] + here[2:]
    return here[1:] == there[1:] or here[1:] == there or here == there[1:] or (len(here) > 1 and swapped == there)


def _single(word: str) -> Mark:
    """What a word is that stands in no dictionary of phrases."""
    if not word[0].isalnum():
        return Mark("break", word)
    if word.isdigit():
        return Mark("number", word, min(int(word[:3]), lists.MOST)) if word != "0" else Mark("negation", word)
    if word in lists.BODY:
        return Mark("body", word)
    if word in lists.CLOTHING:
        return Mark("clothing", word)
    if word in lists.STOP or word in lists.SILENT:
        return Mark("nothing", word)
    if word in lists.QUALITY or word in lists.STYLE_WORDS or word in lists.ADJECTIVES or word in lists.META:
        return Mark("nothing", word, True)
    if len(word) < 3 or any(letter.isdigit() for letter in word):
        return Mark("nothing", word, True)
    if word.endswith(("ing", "ly")) and len(word) > 4 and word not in lists.NOT_VERBS | lists.NOT_ADVERBS:
        return Mark("nothing", word, True)
    return Mark("unknown", word)


_WORD = re.compile(r"\d+\+?[a-z]*|[^\W\d_]+|[,.;!?\n]")


def split_words(text: str) -> list[str]:
    """Lower-case words without accents, possessive 's and hyphens; a comma stands for any pause."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"'s?\b", "", plain)
    return ["," if word in ".;!?\n" else word for word in _WORD.findall(plain)]


_IRREGULAR = {
    "mouse": "mice", "wolf": "wolves", "knife": "knives", "goose": "geese", "man": "men", "woman": "women",
    "lady": "ladies", "child": "children", "tooth": "teeth", "foot": "feet", "elf": "elves", "leaf": "leaves",
    "loaf": "loaves", "scarf": "scarves", "calf": "calves", "ox": "oxen", "cactus": "cacti", "octopus": "octopi",
    "person": "people", "potato": "potatoes", "tomato": "tomatoes", "hero": "heroes", "die": "dice", "dwarf": "dwarves",
}  # fmt: skip
_SAME = ("fish", "sheep", "deer", "shrimp", "bison", "moose", "squid")


def plural_of(name: str) -> str:
    """How several of it are called."""
    if name in _IRREGULAR.values():
        return name
    return min(plurals(name), key=lambda form: (form == f"{name}s", form), default=name)


def plurals(name: str) -> Iterable[str]:
    """The ways to say several of it; none where the name says several already."""
    head, *rest = re.split(r" (?=of |with |in |and |on )", name, maxsplit=1)
    tail = f" {rest[0]}" if rest else ""
    *before, last = head.split(" ")
    if last in _SAME or (last.endswith("s") and not last.endswith(("ss", "us", "is", "as"))):
        return
    forms = {last + ("es" if last.endswith(("s", "x", "ch", "sh")) else "s")}
    if last.endswith("y") and last[-2:-1] not in tuple("aeiou"):
        forms = {last[:-1] + "ies"}
    for singular, plural in _IRREGULAR.items():
        if last == singular or (len(singular) > 3 and last.endswith(singular)):
            forms.add(last.removesuffix(singular) + plural)
    if last.endswith("fish"):
        forms = {last + "es"}
    for form in forms:
        yield " ".join((*before, form)) + tail
