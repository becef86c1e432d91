"""Sentences of languages that say first what English says last: Japanese, Korean and, with verbs in between, Chinese.

What is said of a noun stands before it and is kept until the noun is known: "on the table" of 机の上の, "wearing a hat"
of 帽子をかぶった. What is said after a sentence's subject goes to that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from illustrious_studio.domain.languages.dictionary import NOUNS, Dictionary, Entry, WordKind, folded, tokens
from illustrious_studio.domain.languages.phrases import MODIFIERS, Phrase, Plural
from illustrious_studio.domain.languages.spaced import DOING_TO, Translation

Role = Literal["of", "at", "object", "subject", "and", "counter", "break", "raw", ""]

PARTICLES: Final[dict[str, dict[str, Role]]] = {
    "ja": {
        "の": "of", "に": "at", "で": "at", "へ": "at", "には": "at", "では": "at", "にある": "at", "にいる": "at",
        "を": "object", "が": "subject", "は": "subject", "も": "subject", "と": "and", "や": "and",
        "たち": "", "達": "",
    },
    "zh": {"的": "of", "在": "at", "把": "", "们": ""},
    "ko": {
        "의": "of", "들의": "of", "에서는": "at", "에서": "at", "에게": "at", "에는": "at", "에": "at",
        "을": "object", "를": "object", "들을": "object", "이": "subject", "가": "subject", "은": "subject",
        "는": "subject", "도": "subject", "들이": "subject", "들은": "subject",
        "와": "and", "과": "and", "이랑": "and", "랑": "and", "하고": "and", "들과": "and",
        "으로": "", "로": "", "들": "",
    },
}  # fmt: skip
BY_LENGTH: Final = {code: sorted(particles, key=len, reverse=True) for code, particles in PARTICLES.items()}
COUNTERS: Final[dict[str, tuple[str, ...]]] = {
    "ja": ("匹", "羽", "人", "つ", "個", "本", "枚", "台", "頭", "輪", "冊", "杯", "軒", "隻", "着"),
    "zh": tuple("只个朵条匹辆本座棵把张位名头艘架颗片杯块间栋件顶双群根支盏面串碗盘瓶"),
    "ko": ("마리", "개", "명", "송이", "대", "그루", "권", "잔", "채", "장", "켤레", "사람", "분"),
}  # fmt: skip
VERB_FIRST: Final = frozenset({"zh"})
RESTING: Final = frozenset({"sitting", "lying", "standing", "sleeping", "riding"})


@dataclass(frozen=True)
class _Word:
    """A piece of the text: an entry of the dictionary, a particle or what neither knows."""

    role: Role
    said: str
    readings: tuple[Entry, ...] = ()

    @property
    def kind(self) -> WordKind | None:
        return self.readings[0].kind if self.readings else None

    @property
    def english(self) -> str:
        return self.readings[0].english if self.readings else self.said

    @property
    def begins_a_noun(self) -> bool:
        return self.role == "raw" or self.kind in NOUNS or self.kind in ("adjective", "number", "article")


def in_english(text: str, dictionary: Dictionary, plural_of: Plural) -> Translation:
    """The text in English, as far as the dictionary knows it. Words that it does not know stay as they are."""
    words = list(_korean_words(text, dictionary) if dictionary.code == "ko" else _words(text, dictionary))
    return _Translator(dictionary.code, plural_of, words).read()


def _words(text: str, dictionary: Dictionary) -> Iterator[_Word]:
    """By the longest match; what is not known goes on until something is."""
    plain, code = folded(text, dictionary.code), dictionary.code
    unknown, at, counted = "", 0, False
    while at < len(plain):
        readings = dictionary.at(plain[at:])
        particle = next((one for one in BY_LENGTH[code] if plain.startswith(one, at)), "")
        counter = next((one for one in COUNTERS[code] if counted and plain.startswith(one, at)), "")
        latin = tokens(plain[at:])[:1] if plain[at].isascii() and plain[at].isalnum() else []
        word = None
        if counter and (not readings or readings[0].length <= len(counter) or code == "ja"):
            word = _Word("counter", counter)
        elif readings and readings[0].length >= len(particle):
            word = _Word("", plain[at : at + readings[0].length], tuple(readings))
        elif particle:
            word = _Word(PARTICLES[code][particle], particle)
        elif latin:
            word = _Word("raw", latin[0])
        elif not plain[at].isalnum() and plain[at] not in "ー々":
            word = _Word("break" if tokens(plain[at]) else "", plain[at])
        if word is None:
            unknown += plain[at]
            at += 1
            continue
        if unknown:
            yield _Word("raw", unknown)
            unknown = ""
        if code == "ja" and word.kind == "verb" and plain[at] in "をに":  # をかぶった: what it is done to stood before
            yield _Word("object", plain[at])
        if word.role or word.readings:
            yield word
        counted = word.kind in ("number", "article") or (word.role == "raw" and word.said.isdigit())
        at += len(word.said)
    if unknown:
        yield _Word("raw", unknown)


def _korean_words(text: str, dictionary: Dictionary) -> Iterator[_Word]:
    """Word by word, each with its particle; phrases of several words first."""
    words = tokens(folded(text, "ko"))
    at, counted = 0, False
    while at < len(words):
        if words[at] == ",":
            yield _Word("break", ",")
            at, counted = at + 1, False
            continue
        length, word, particle = _korean_word(words[at:], dictionary, counted)
        yield word
        if particle and PARTICLES["ko"][particle]:
            yield _Word(PARTICLES["ko"][particle], particle)
        counted = word.kind in ("number", "article") or word.said.isdigit()
        at += length


def _korean_word(words: list[str], dictionary: Dictionary, counted: bool) -> tuple[int, _Word, str]:
    particles = BY_LENGTH["ko"]
    for length in range(min(dictionary.longest, len(words)), 0, -1):
        whole = " ".join(words[:length])
        for particle in ("", *(one for one in particles if whole.endswith(one) and whole != one)):
            stem = whole.removesuffix(particle)
            if counted and stem in COUNTERS["ko"]:
                return length, _Word("counter", stem), particle
            readings = dictionary.at(tokens(stem))
            if readings and readings[0].length == length:
                return length, _Word("", stem, tuple(readings)), particle
    particle = next((one for one in particles if len(one) < len(words[0]) - 1 and words[0].endswith(one)), "")
    return 1, _Word("raw", words[0].removesuffix(particle)), particle


@dataclass
class _Translator:
    code: str
    plural_of: Plural
    words: list[_Word]
    out: list[str] = field(default_factory=list)
    phrase: Phrase = field(default_factory=Phrase)
    before: list[str] = field(default_factory=list)
    """What was said of a noun that is still to come."""
    object: str = ""
    """What the next verb is done to."""
    object_is_body: bool = False
    verb: str = ""
    """Chinese: a verb whose object is still to come."""
    at: bool = False
    """Chinese: 在 was said, and its place is still to come."""
    tail: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def read(self) -> Translation:
        for number, word in enumerate(self.words):
            following = self.words[number + 1] if number + 1 < len(self.words) else _Word("break", ",")
            self._take(word, following)
        self._break()
        return Translation(" ".join((*self.out, *self.tail)), self.origins)

    def _take(self, word: _Word, following: _Word) -> None:
        if word.role == "raw" and word.said.isdigit():
            self._modifier(_Word("", word.said, (Entry("number", word.said),)), following)
        elif word.role == "raw":
            self._noun(word.said, "noun", word.said, following, as_it_is=True)
        elif word.role:
            self._particle(word, following)
        elif word.kind in MODIFIERS:
            self._modifier(word, following)
        elif word.kind in NOUNS:
            kind = word.kind
            assert kind is not None
            self._noun(word.english, kind, word.said, following)
        elif word.kind == "side":
            self._related(f"{word.english} the {self._taken()}".strip(), following)
        elif word.kind == "verb":
            self.origins.setdefault(word.english, word.said)
            self._verb(word.english, following)
        elif word.kind in ("time", "style", "position"):
            self._end_phrase()
            self.tail.append(f", {word.english}")
        elif word.kind in ("and", "relation"):
            self._end_phrase()
            self.out.append(word.english)
        elif self.object:  # "blue eyes having": no verb of ours
            self._related(f"with {self.object}", following)
            self.object = ""

    def _particle(self, word: _Word, following: _Word) -> None:
        match word.role:
            case "of" if self.phrase.noun:
                self._of()
            case "at" if self.code in VERB_FIRST:
                self._end_phrase()
                self.at = True
            case "at" if self.phrase.noun:
                resting = following.kind == "verb" and following.english in RESTING
                on = resting and self.phrase.kind not in ("place",)
                self._related(f"{'on' if on else 'at'} the {self._taken()}", following)
            case "object" if self.phrase.noun:
                self.object_is_body = self.phrase.kind == "body"
                self.object = self._taken()
            case "and" if self.phrase.noun:
                self._end_phrase()
                self.out.append("and")
            case "subject":
                self._end_phrase()
            case "break":
                self._break()

    def _of(self) -> None:
        """Something of the noun that comes: "blue hair 的" is had, a place is where, and the rest is what kind."""
        kind = self.phrase.kind
        if kind in ("body", "clothes", "place"):  # what was said before goes to the noun as well
            text, self.phrase = self.phrase.english(self.plural_of).removeprefix("the "), Phrase()
        else:
            text = self._taken()
        if kind == "body":
            self.before.append(f"with {text}")
        elif kind == "clothes":
            self.before.append(f"wearing {text}")
        elif kind == "place":
            self.before.append(f"at the {text}")
        else:
            self.phrase.adjectives.append(text)

    def _modifier(self, word: _Word, following: _Word) -> None:
        counted = following.role == "counter" or not following.begins_a_noun
        if self.phrase.noun and word.kind in ("number", "article") and counted and not self.phrase.number:
            if word.kind == "number":
                self.phrase.number = word.english
            return
        if self.phrase.noun:
            self._end_of_noun()
        self.phrase.take(list(word.readings))
        if word.kind == "adjective":
            self.origins.setdefault(word.english, word.said)
            self.phrase.said.append(word.said)

    def _noun(self, english: str, kind: WordKind, said: str, following: _Word, *, as_it_is: bool = False) -> None:
        if self.phrase.noun:
            self._end_of_noun()
        self.phrase.name(english, kind)
        self.phrase.said.append(said)
        self.phrase.as_it_is = as_it_is
        self.origins.setdefault(english, said)
        self.origins.setdefault(self.plural_of(english), said)
        self.phrase.articles = [one for one in self.phrase.articles if one != "a"]
        if following.kind == "side" or self.code not in VERB_FIRST:
            return
        if self.verb:
            self._related(f"{self.verb} {self._taken()}", following)
            self.verb = ""
        elif self.at:
            self._related(f"at the {self._taken()}", following)

    def _end_of_noun(self) -> None:
        """A noun right after a noun: what somebody has, or where, may go without a particle."""
        if self.phrase.kind in ("body", "place"):
            self._of()
        else:
            self._end_phrase()

    def _verb(self, english: str, following: _Word) -> None:
        if self.object or english not in DOING_TO or self.code not in VERB_FIRST:
            has = self.object_is_body and english in ("holding", "wearing")
            said = f"{'with' if has else english} {self.object}".strip()
            self._end_phrase()
            if self.at and self.out:  # 在 before a verb says that it goes on: the subject does that as well
                self.out.append(",")
            self.object = ""
            self._related(said, following)
        else:
            self._end_phrase()
            self.verb = english

    def _related(self, relation: str, following: _Word) -> None:
        """A relation belongs to the noun that comes, if one comes at once or none was there; else to the one before."""
        self.at = False
        if self.verb and not relation.startswith(self.verb):
            relation, self.verb = f"{self.verb} {relation}", ""
        if following.role == "of" or following.begins_a_noun or not self.out or self.out[-1] in (",", "and"):
            self.before.append(relation)
        else:
            self.out.append(relation)

    def _taken(self) -> str:
        """The phrase in English, which then is begun anew."""
        name = " ".join(filter(None, (*self.phrase.adjectives, self.phrase.noun)))
        self.origins.setdefault(name, (" " if self.code == "ko" else "").join(self.phrase.said))
        self.phrase.after = [*self.phrase.after, *self._said_before()]
        english, self.phrase = self.phrase.english(self.plural_of), Phrase()
        return english.removeprefix("the ")

    def _said_before(self) -> list[str]:
        said, self.before = self.before, []
        return said

    def _end_phrase(self) -> None:
        if self.phrase:
            self.out.append(self._taken())

    def _break(self) -> None:
        self._end_phrase()
        if self.object:
            self.before.append(self.object)
        if self.verb:
            self.before.append(self.verb)
        self.out += self._said_before()
        self.object = self.verb = ""
        if self.out and self.out[-1] != ",":
            self.out.append(",")
