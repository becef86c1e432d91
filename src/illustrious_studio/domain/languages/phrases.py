"""Noun phrases in English order, however their words came."""

from collections.abc import Callable
from dataclasses import dataclass, field

from illustrious_studio.domain.languages.dictionary import NOUNS, Entry, WordKind

Plural = Callable[[str], str]
"""From an English noun to how several of it are called."""
MODIFIERS: frozenset[WordKind] = frozenset({"article", "number", "adjective", "negation"})


@dataclass
class Phrase:
    """What stands around a noun, and the noun."""

    articles: list[str] = field(default_factory=list)
    number: str = ""
    adjectives: list[str] = field(default_factory=list)
    noun: str = ""
    kind: WordKind = "nothing"
    plural: bool = False
    singular: bool = False
    """An article said that it is one, whatever its noun looks like."""
    as_it_is: bool = False
    """A noun that no dictionary knows has no plural."""
    spare: tuple[int, Entry] | None = None
    """Which adjective is a noun, where there is no other: French "rose" is the flower."""
    said: list[str] = field(default_factory=list)
    """Adjectives and noun as they were written, in their order there."""
    after: list[str] = field(default_factory=list)
    """What is said of it behind it: "on the table"."""

    def __bool__(self) -> bool:
        return bool(self.noun or self.number or self.adjectives or self.articles)

    def take(self, readings: list[Entry]) -> None:
        """An article, number or adjective of it."""
        entry = readings[0]
        match entry.kind:
            case "number":
                self.number = entry.english
            case "adjective":
                self.adjectives.append(entry.english)
                noun = next((other for other in readings[1:] if other.kind in NOUNS), None)
                if noun is not None and self.spare is None:
                    self.spare = len(self.adjectives) - 1, noun
            case _:
                self.articles.append(entry.english)

    def name(self, english: str, kind: WordKind, *, plural: bool = False) -> None:
        self.noun, self.kind, self.plural = english, kind, plural

    def english(self, plural_of: Plural) -> str:
        """As English says it; "with blue hair" and not "with a blue hair"."""
        if not self.noun and self.spare is not None:
            at, noun_of_it = self.spare
            del self.adjectives[at]
            self.name(noun_of_it.english, noun_of_it.kind, plural=noun_of_it.plural)
        one_only = self.singular or any(article in ("a", "this") for article in self.articles)
        several = bool(self.number) or (self.plural and not one_only)
        noun = (
            plural_of(self.noun)
            if self.noun and several and not self.as_it_is and self.kind not in ("body", "clothes")
            else self.noun
        )
        articles = [] if self.kind == "body" or (several and "a" in self.articles) else self.articles
        return " ".join((*articles, *filter(None, [self.number]), *self.adjectives, *filter(None, [noun]), *self.after))
