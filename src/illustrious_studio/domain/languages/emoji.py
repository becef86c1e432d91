"""Emoji in a prompt become the words for them: "🐱 on a 🛋️" is "cat on a couch", "🐱🐱" two cats, "🐱🐶" "cat, dog"."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Final

from illustrious_studio.domain.languages.phrases import Plural

_LOOKS: Final = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
"""How an emoji is shown: as text, in colour, with which skin."""
_ONE: Final = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[\u2600-\u27bf\u231a\u231b\u23e9-\u23fa\u2b05-\u2b55\U0001f000-\U0001faff]"
    "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d[\u2640-\U0001faff][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*)*)"
)
_EMOJI: Final = re.compile(_ONE)
_SEVERAL: Final = re.compile(rf"{_ONE}(?:\s*{_ONE})*")


def in_words(text: str, names: Mapping[str, str], plural_of: Plural) -> tuple[str, list[str]]:
    """The text with words for its emoji, and those that have none."""
    unread: list[str] = []

    def words(found: re.Match[str]) -> str:
        listed = []
        for emoji, same in groupby(_EMOJI.findall(found[0]), key=lambda one: _LOOKS.sub("", one)):
            count = len(list(same))
            if name := names.get(emoji, ""):
                listed.append(name if count == 1 else f"{count} {plural_of(name)}")
            else:
                unread.append(emoji)
        return f" {', '.join(listed)} " if listed else " "

    if not _EMOJI.search(text):
        return text, unread
    return re.sub(" +", " ", _SEVERAL.sub(words, text)).replace(" ,", ",").strip(), unread
