"""Writes a sentence as danbooru's tags, by rules and the studio's vocabulary: no model, and the same each time.

Every word that says something stays, in the order of the sentence; only how many people there are comes first. What are
tags already stay as they are. It adds nothing: a tag that nobody asked for is another picture.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, cast

from illustrious_studio.domain.layout import word_lists as lists
from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.parser import marks_of
from illustrious_studio.domain.layout.people import Person
from illustrious_studio.domain.layout.person_words import GARMENTS
from illustrious_studio.domain.layout.traits import Trait
from illustrious_studio.domain.layout.vocabulary import Mark, Vocabulary, split_words
from illustrious_studio.domain.prompt_schedule import composed
from illustrious_studio.domain.protected import mask

TAG_WORDS: Final = 4
"""A part between commas with more words is a sentence."""
LONGEST_TAG: Final = 9
IN_A_SENTENCE: Final = lists.words(
    "a an the is are was were with who that which her his their its she he they and of wearing holding in"
)
SAME: Final = {
    "sofa": "couch", "settee": "couch", "bike": "bicycle", "automobile": "car", "kitty": "cat", "bunny": "rabbit",
    "spectacles": "glasses", "motorbike": "motorcycle", "plane": "airplane", "telephone": "phone", "photo": "photo",
    "smiling": "smile", "smiles": "smile", "grinning": "grin", "eyes closed": "closed eyes", "mouth open": "open mouth",
    "winking": "one eye closed", "winks": "one eye closed", "wink": "one eye closed", "blushing": "blush",
    "arms crossed": "crossed arms", "folded arms": "crossed arms", "sits": "sitting", "seated": "sitting",
    "stands": "standing", "waves": "waving", "cries": "crying", "laughs": "laughing", "asleep": "sleeping",
    "blonde": "blonde hair", "blond": "blonde hair", "tanned": "tan", "shocked": "surprised", "freckled": "freckles",
    "sailor uniform": "serafuku", "sailor suit": "serafuku", "eyeglasses": "glasses", "armour": "armor",
    "afro": "afro", "afro hair": "afro",
}  # fmt: skip
"""Danbooru's word for the same."""
PLAIN: Final = lists.words(
    "girl woman lady female boy man guy male person human someone somebody young little anime gal girls women "
    "ladies females boys men guys males people persons humans"
)
"""Words for people that the tag of how many there are says already."""
KEPT: Final = frozenset(
    {"left_of", "right_of", "above", "below", "under", "behind", "in_front_of", "between", "on", "inside"}
)
"""Relations that a picture shows, and that no other tag says."""
LEADING: Final = re.compile(r"^(?:(?:in|on|at|under|by|with|during|into|inside|among|of|the|an?|front)\s+)+")
_PAUSES: Final = re.compile(r"(?:[,;!?\n]|\.(?!\d))+")
_CREDITS: Final = re.compile(r"\b(?:in the style of|by(?! (?:the|an?)\b))\s+.+$", re.IGNORECASE)


def write_tags(prompt: str, vocabulary: Vocabulary) -> str | None:
    """The prompt as tags; None where it is tags already, or in letters that the rules do not read."""
    if len(composed(prompt)) > 1:
        return None  # each prompt has a weight behind it, and `AND` is no word
    masked = mask(prompt)
    if not _reads(masked.text) or any(letter.isalpha() and not letter.isascii() for letter in masked.text):
        return None
    pieces = re.split(rf"({masked.mark}\d+X)", masked.text)
    written = [piece if at % 2 else _piece(piece, vocabulary) for at, piece in enumerate(pieces)]
    said: list[str] = []
    for at, piece in enumerate(written):
        if not piece or set(piece.lower().split()) <= lists.STOP:
            continue
        if at and not at % 2 and said and said[-1] == pieces[at - 1] and _goes_on(masked.restore(said[-1]), pieces[at]):
            said[-1] += f" {piece}"
        else:
            said.append(piece)
    if any(len(tag.split()) > LONGEST_TAG for piece in said for tag in piece.split(",")):
        return None  # not English, or too much for the rules
    tags = masked.joined(said)
    return tags if _plain(tags) != _plain(prompt) else None


def _goes_on(before: str, text: str) -> bool:
    """Whether a text belongs to what stands before it, such as `{red|blue}` or `(red:1.2)` before "cat"."""
    text = text.lstrip()
    return before[0] in "{_([" and _PAUSES.match(text) is None and LEADING.match(text) is None


def _reads(text: str) -> bool:
    """Whether its sentences are in English: they have small words that the rules know."""
    sentences = [set(part.lower().split()) for part in _PAUSES.split(text) if len(part.split()) > TAG_WORDS]
    return all(sentence & (lists.STOP | lists.NUMBERS.keys()) for sentence in sentences)


def _plain(tags: str) -> str:
    return " ".join(tags.replace(",", " ").split())


def _piece(text: str, vocabulary: Vocabulary) -> str:
    """The text between two protected spans."""
    parts = [part.strip() for part in _PAUSES.split(text.replace("_", " ")) if part.strip()]
    if not any(_is_sentence(part, len(parts)) for part in parts):
        return ", ".join(parts)
    writer = _Writer()
    for part in parts:
        if _is_sentence(part, len(parts)):
            credit = _CREDITS.search(part)
            writer.read(marks_of(split_words(part[: credit.start()] if credit else part), vocabulary))
            if credit:
                writer.tags.append(credit[0])
        else:
            writer.read_tag(part)
    return ", ".join(writer.finished())


def _is_sentence(part: str, parts: int) -> bool:
    words = part.lower().split()
    if len(words) > TAG_WORDS:
        return True
    return len(words) > 1 and bool(IN_A_SENTENCE & set(words)) and (parts < 3 or bool({"a", "an", "the"} & set(words)))


@dataclass
class _Writer:
    """The tags as they come."""

    tags: list[str] = field(default_factory=list)
    people: Counter[str] = field(default_factory=Counter)
    several: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    """What waits for its noun."""
    number: int = 0
    doing: str = ""
    """ "Holding ...": what comes next is its object."""
    relation: str = ""
    after_a_noun: bool = False
    somebody: bool = False
    """The last noun was a person, whose tag stands elsewhere."""
    place: str = ""
    motif: str = ""
    """What is on the garment that comes next: "cat hoodie"."""

    def read(self, marks: list[Mark]) -> None:
        for mark, following in pairwise([*marks, Mark("break", ",")]):
            self._take(mark, following)
        self._end()

    def read_tag(self, part: str) -> None:
        """A tag among sentences stays; those of how many people there are come first, too."""
        found = re.fullmatch(r"(\d)\+?(girl|boy)s?", part.lower())
        if found:
            self.people[found[2]] += int(found[1])
        else:
            self.tags.append(part)

    def finished(self) -> list[str]:
        counted = [
            f"multiple {who}s" if who in self.several else f"{count}{who}{'s' if count > 1 else ''}"
            for who in ("girl", "boy")
            if (count := self.people[who])
        ]
        return list(dict.fromkeys([*counted, *(tag for tag in self.tags if tag)]))

    def _take(self, mark: Mark, following: Mark) -> None:
        match mark.kind:
            case "thing" if following.kind in ("thing", "people") and not mark.plural:
                self.words.append(mark.text)
            case "thing" if _is_worn(following) and not mark.plural:
                self.motif = mark.text
            case "thing" | "body" | "clothing":
                self._noun(SAME.get(mark.text, mark.text))
            case "people":
                self._people(mark)
            case "trait":
                self._trait(mark)
            case "colour" | "size" | "unknown":
                self.words.append(mark.text)
            case "nothing" if mark.value:
                self.words.append(SAME.get(mark.text, mark.text))
            case "number":
                self.number = cast(int, mark.value)
            case "relation":
                self._relate(mark)
            case "background" | "time" | "weather" | "style":
                place = LEADING.sub("", mark.text)
                if self.words and place == mark.text and not self.words[-1].endswith("ing"):
                    self.words.append(place)
                    place = ""
                self._end()
                self._say(place)
            case "position":
                self._position(mark.text)
            case "negation":
                self._flush()
                self.words.append("no")
            case "article" if self.words == ["no"]:
                pass
            case "article" | "nothing":
                self._flush()
            case _:
                self._end()

    def _end(self) -> None:
        self._flush()
        self._only_doing()
        self.relation = ""
        self.after_a_noun = self.somebody = False

    def _only_doing(self) -> None:
        """What somebody does, to nothing that is named."""
        doing, self.doing = self.doing, ""
        if doing and doing != "holding":
            self.tags.append(doing.split()[0])

    def _flush(self) -> None:
        """What waits has no noun of its own: doings are tags each, the rest is one."""
        words, self.words, number, self.number = self.words, [], self.number, 0
        rest: list[str] = []
        for word in words:
            if word.split()[0].endswith("ing") and word not in lists.NOT_VERBS:
                self._say(" ".join(rest))
                self._say(word)
                self.after_a_noun = False
                rest = []
            else:
                rest.append(word)
        if rest and rest != ["no"]:
            self._say(" ".join([*([str(number)] if number > 1 else []), *rest]), noun=True)

    def _noun(self, noun: str) -> None:
        doing = [word for word in self.words[:1] if word.endswith("ing") and self.after_a_noun]
        for word in doing:
            self._say(word)
        words = [*self.words[len(doing) :], noun]
        if self.number > 1:
            words.insert(0, str(self.number))
        self.words, self.number = [], 0
        self._say(" ".join(words), noun=True)

    def _say(self, tag: str, *, noun: bool = False) -> None:
        if not tag:
            return
        if noun and self.place:
            tag, self.place = f"{tag} {self.place}", ""
        if noun and self.doing:
            self.tags.append(f"{self.doing.removesuffix(' the')} {tag}")
            self.doing = self.relation = ""
            self.after_a_noun = False
            return
        if noun and self.relation:
            tag, self.relation = f"{self.relation} {tag}", ""
            if self.after_a_noun and not self.somebody and self.tags:
                tag = f"{self.tags.pop()} {tag}"
        self.tags.append(tag)
        if noun:
            self.after_a_noun, self.somebody = True, False

    def _people(self, mark: Mark) -> None:
        person = cast(Person, mark.value)
        who = person.who or person.usual
        adjectives, self.words = self.words, []
        for word in adjectives:
            self._say(word)
        if mark.plural and not self.number:
            self.several.add(who)
        self.people[who] += person.count or self.number or (3 if mark.plural else 1)
        self.number = 0
        self._only_doing()
        if mark.text and not set(mark.text.split()) <= PLAIN and person.count is None:
            self._say(mark.text)
        self.after_a_noun = self.somebody = True

    def _trait(self, mark: Mark) -> None:
        trait, _ = cast(tuple[Trait, object], mark.value)
        if self.words == ["no"]:
            self.words = []
            self._say(f"no {mark.text}")
            return
        if not trait.before_a_noun:
            self._flush()
        motif, self.motif = self.motif, ""
        for tag in [f"{motif} {mark.text}"] if motif else _tags_of(mark.text, trait.look):
            self._say(tag)
        self.relation = ""
        self.after_a_noun = False

    def _relate(self, mark: Mark) -> None:
        if self.words == ["no"]:  # "not wearing a hat"
            return
        self._flush()
        self._only_doing()
        first = mark.text.split()[0]
        if first in ("holds", "carries", "wears", "wearing"):
            self.doing = "holding" if first in ("holds", "carries") else ""
        elif first.endswith("ing"):
            self.doing = mark.text
        elif mark.value in KEPT and (self.after_a_noun or mark.value not in ("on", "inside")):
            self.relation = mark.text
        else:
            self.relation = ""

    def _position(self, text: str) -> None:
        self._flush()
        if self.after_a_noun and self.tags and not self.somebody:
            self.tags[-1] += f" {text}"
        else:
            self.place = text


def _is_worn(mark: Mark) -> bool:
    look = cast(tuple[Trait, object], mark.value)[0].look if mark.kind == "trait" else Figure()
    return bool(look.clothes or look.extras)


def _tags_of(text: str, look: Figure) -> list[str]:
    """Danbooru's tags of a look: of hair and eyes one for each thing that is said, of all else the words."""
    of_hair = look.model_fields_set & {"hair", "hair_length", "hair_style", "hair_second", "eyes", "eyes_second"}
    if text in SAME:
        return [SAME[text]]
    if not of_hair or look.clothes:
        one = text.removesuffix("s")
        return [one if look.clothes and any(one.endswith(f" {kind}") or one == kind for kind in GARMENTS) else text]
    tags = [
        f"{value.replace('_', ' ')} {noun}"
        for name, noun in (("hair_length", "hair"), ("hair", "hair"), ("hair_second", "hair"))
        if name in of_hair and (value := getattr(look, name))
    ]
    if look.hair_style:
        plain = look.hair_style in ("straight", "wavy", "curly", "messy") and "hair" in text.split()
        tags.append(f"{look.hair_style} hair" if plain else look.hair_style.replace("_", " "))
    tags += [f"{getattr(look, name)} eyes" for name in ("eyes", "eyes_second") if name in of_hair]
    if look.eyes_second:
        tags.append("heterochromia")
    if look.hair_second:
        tags.append("multicolored hair")
    return tags
