"""Sentences of languages whose order is nearly that of English: German, French, Spanish, Portuguese, Italian, Russian.

Phrases are replaced one by one. Adjectives that follow their noun go before it, and a German verb goes to where its
object is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from illustrious_studio.domain.languages.dictionary import NOUNS, Dictionary, Entry, folded, tokens
from illustrious_studio.domain.languages.phrases import MODIFIERS, Phrase, Plural

ADJECTIVES_FOLLOW = frozenset({"fr", "es", "pt", "it"})
HAVING = frozenset({"of", "of the", "at the", "with", "with its", "with the"})
"""What a word for "of" or "at" is where hair, eyes or clothes follow: a girl "of blue hair" has it."""
DOING_TO = frozenset(
    {"wearing", "holding", "riding", "eating", "drinking", "reading", "playing", "looking at", "chasing"}
)
IN_OR_ON = frozenset({"es", "pt"})
RESTING = frozenset({"sleeping", "sitting", "lying", "standing"})
SURFACES = frozenset({"beach", "moon", "bed", "couch", "chair", "table", "floor", "roof", "wall"})
SINGULAR = frozenset({"dem", "das", "diesem", "dieses"})
"""German articles after which "Pferde" and "Löwen" are one."""


@dataclass
class Translation:
    """English words, and what they were in the prompt: each alone, and nouns with their adjectives."""

    text: str = ""
    origins: dict[str, str] = field(default_factory=dict)


def in_english(text: str, dictionary: Dictionary, plural_of: Plural) -> Translation:
    """The text in English, as far as the dictionary knows it. Words that it does not know stay as they are."""
    return _Translator(dictionary, plural_of).read(text)


@dataclass
class _Translator:
    dictionary: Dictionary
    plural_of: Plural
    out: list[str] = field(default_factory=list)
    phrase: Phrase = field(default_factory=Phrase)
    origins: dict[str, str] = field(default_factory=dict)
    last_phrase: int | None = None
    """Where in `out` the last noun phrase is, while nothing came after it."""
    waiting: str = ""
    """A relation that is said once it is known what follows it."""
    after_relation: bool = False

    def read(self, text: str) -> Translation:
        said = tokens(text)
        words = [folded(word, self.dictionary.code) for word in said]
        at = 0
        while at < len(words):
            readings = self.dictionary.at(words[at:], said[at:])
            length = readings[0].length if readings else 1
            self._take(readings, " ".join(said[at : at + length]), words[at + length :])
            at += length
        self._end_phrase()
        self._say_relation()
        return Translation(" ".join(self.out), self.origins)

    def _take(self, readings: list[Entry], said: str, rest: Sequence[str]) -> None:
        if not readings:
            self._unknown(said)
            return
        first = readings[0]
        if first.kind == "and" and self._describes_on(rest):
            return
        if self.waiting in ("on", "on the"):  # on ice, not on ice cream
            first = next((one for one in readings if one.english == "ice"), first)
        if first.kind in MODIFIERS:
            self._modifier(readings, said, rest)
        elif first.kind in NOUNS:
            self._noun(first, said)
        elif first.kind == "relation":
            self._end_phrase()
            self._say_relation()
            self.waiting, self.after_relation = first.english, True
        elif first.kind == "nothing":
            self._end_phrase()
        elif first.kind == "verb" and first.english in DOING_TO and self._is_last(rest):
            self._move_before_object(first.english)
        else:
            self._end_phrase()
            self._say_relation()
            self.origins.setdefault(first.english, said)
            self.after_relation = first.kind == "verb" and first.english in DOING_TO
            self.out.append(first.english if first.kind not in ("time", "style") else f", {first.english} ,")
            self.last_phrase = None

    def _modifier(self, readings: list[Entry], said: str, rest: Sequence[str]) -> None:
        first = readings[0]
        if first.kind == "adjective":
            self.origins.setdefault(first.english, said)
        if self.phrase.noun and first.kind == "adjective" and self.dictionary.code in ADJECTIVES_FOLLOW:
            self.phrase.adjectives.append(first.english)
            self.phrase.said.append(said)
            return
        if self.phrase.noun:
            self._end_phrase()
        if first.kind == "adjective":
            self.phrase.said.append(said)
        if first.kind == "article" and self.out and self.out[-1] == "," and self._relative_clause(rest):
            self.out.pop()
            return
        self.phrase.take(readings)
        if self.dictionary.code == "de" and folded(said, "de") in SINGULAR:
            self.phrase.singular = True

    def _noun(self, entry: Entry, said: str) -> None:
        if self.phrase.noun:
            self._end_phrase()
        genitive = self.dictionary.code == "ru" and self.after_relation and said.lower().endswith(("ы", "и"))
        genitive = genitive and not said.lower().endswith(("ами", "ями"))
        self.phrase.name(entry.english, entry.kind, plural=entry.plural and not genitive)
        self.phrase.said.append(said)
        self.origins.setdefault(entry.english, said)
        self.origins.setdefault(self.plural_of(entry.english), said)

    def _unknown(self, said: str) -> None:
        if said == ",":
            self._end_phrase()
            self._say_relation()
            self.out.append(",")
            self.last_phrase = None
        else:
            if self.phrase.noun:
                self._end_phrase()
            self.phrase.name(said, "noun")
            self.phrase.said.append(said)
            self.origins.setdefault(said, said)
            self.phrase.as_it_is = True

    def _end_phrase(self) -> None:
        if not self.phrase:
            return
        english = self.phrase.english(self.plural_of)
        self.origins.setdefault(english.removeprefix("a ").removeprefix("the "), " ".join(self.phrase.said))
        if self.waiting in HAVING and self.phrase.kind == "body":
            self.waiting = "with"
        elif self.waiting in ("of", "of the", "at the", "with its") and self.phrase.kind == "clothes":
            self.waiting = "wearing"
        elif self.waiting in ("in", "in the", "in a") and self.dictionary.code in IN_OR_ON and self._is_upon():
            self.waiting = self.waiting.replace("in", "on", 1)
        if self.waiting and self.dictionary.code == "ru" and self.phrase.kind != "body" and not self.phrase.articles:
            english = f"the {english}"  # "on red" alone would be a background
        self._say_relation()
        self.last_phrase = len(self.out)
        self.out.append(english)
        self.phrase = Phrase()
        self.after_relation = False

    def _describes_on(self, rest: Sequence[str]) -> bool:
        """Whether an "and" after a noun joins adjectives: "pelo corto y rosa". A word that is a noun as well says
        more of hair and clothes, and stands beside everything else."""
        readings = self.dictionary.at(rest) if self.dictionary.code in ADJECTIVES_FOLLOW else []
        if not (self.phrase.noun and readings and readings[0].kind == "adjective"):
            return False
        more = bool(self.phrase.adjectives) and all(one.kind not in NOUNS for one in readings)
        return more or self.phrase.kind in ("body", "clothes")

    def _is_upon(self) -> bool:
        """Whether Spanish "en" is "on" here: en la mesa, durmiendo en una alfombra."""
        rests = bool(self.out) and self.out[-1] in RESTING and self.phrase.kind != "place"
        return rests or self.phrase.noun in SURFACES

    def _say_relation(self) -> None:
        if self.waiting:
            self.out.append(self.waiting)
            self.waiting = ""

    def _is_last(self, rest: Sequence[str]) -> bool:
        """Whether a verb ends its sentence, as in German clauses."""
        return self.dictionary.code == "de" and (not rest or rest[0] == ",")

    def _move_before_object(self, verb: str) -> None:
        self._end_phrase()
        if self.last_phrase is None:
            self.out.append(verb)
        else:
            self.out.insert(self.last_phrase, verb)

    def _relative_clause(self, rest: Sequence[str]) -> bool:
        """Whether an article after a comma begins "..., die einen Hut trägt": a verb stands at the clause's end."""
        if self.dictionary.code != "de":
            return False
        clause = list(takewhile(lambda word: word != ",", rest))
        return bool(clause) and any(one.kind == "verb" for one in self.dictionary.at(clause[-1:]))
