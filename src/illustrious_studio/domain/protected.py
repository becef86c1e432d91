"""Prompt syntax that no language model may touch: masked before it sees the prompt, put back byte for byte after.

Protected are `(groups:1.2)` and `[groups]` whole, `<lora:...>`, `embedding:name`, `__wildcards__`, `{a|b}`, `BREAK`,
`AND`, and tags with escaped brackets such as `miku \\(vocaloid\\)`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

TOKENS = re.compile(
    r"""
    <[^<>\n]+>                                       # <lora:name:0.8>
  | <(?:lora|lyco|hypernet):[^<>\n]*                # the same, not closed yet: that is said, and nothing is made of it
  | embedding:[^\s,:()\[\]{}|<>]+
  | __(?=\S)[^\n,]{0,80}?\S__                        # __wildcard__
  | \b(?:BREAK|AND)\b
  | [^\s,()\[\]{}<>\\][^,()\[\]{}<>\\\n]{0,80}\\\([^()\\\n]{0,80}\\\)   # a tag that ends in \(series\)
  | \\.                                              # any other escape
    """,
    re.VERBOSE,
)
OPENING = {"(": ")", "[": "]", "{": "}"}
CHUNK_ENDS = ("BREAK", "AND")
AMONG_WORDS = re.compile(r"\b(?:BREAK\b|AND\b|embedding:)")
"""What begins in the middle of a sentence, too."""
LONGEST = 80


@dataclass(frozen=True)
class Masked:
    """A prompt with its protected spans replaced by marks: KEEP1X, KEEP2X ..."""

    text: str
    mark: str
    spans: tuple[str, ...]

    @property
    def marks(self) -> list[str]:
        return [f"{self.mark}{number}X" for number in range(1, len(self.spans) + 1)]

    @property
    def chunk_marks(self) -> list[str]:
        """The marks that stand for BREAK or AND, between which words must not wander."""
        return [mark for mark, span in zip(self.marks, self.spans, strict=True) if span in CHUNK_ENDS]

    def joined(self, tags: Sequence[str]) -> str:
        """The tags with what the marks stood for, and commas between: none beside BREAK and AND, which are no tags."""
        ends = "|".join(self.chunk_marks) or r"(?!)"
        return self.restore(re.sub(rf",? ?\b({ends})\b,?", r" \1", ", ".join(tags)).strip())

    def restore(self, text: str) -> str:
        """Every mark replaced by what it stood for."""
        return re.sub(rf"{self.mark}(\d+)X", lambda found: self.spans[int(found[1]) - 1], text)


def mask(prompt: str) -> Masked:
    """Replace what is protected by marks."""
    mark = "KEEP"
    while mark.lower() in prompt.lower():
        mark += "P"
    spans: list[str] = []
    text: list[str] = []
    groups = _groups(prompt)
    position = 0
    while position < len(prompt):
        end = _end_of_span(prompt, position, groups)
        if end > position:
            spans.append(prompt[position:end])
            text.append(f"{mark}{len(spans)}X")
            position = end
        else:
            text.append(prompt[position])
            position += 1
    return Masked("".join(text), mark, tuple(spans))


def _groups(prompt: str) -> dict[int, int]:
    """Where each bracket that is closed begins and ends."""
    ends: dict[int, int] = {}
    open_now: list[int] = []
    escaped = False
    for position, sign in enumerate(prompt):
        if escaped or sign == "\\":
            escaped = not escaped
        elif sign in OPENING:
            open_now.append(position)
        elif open_now and sign == OPENING[prompt[open_now[-1]]]:
            ends[open_now.pop()] = position + 1
    return ends


def _end_of_span(prompt: str, start: int, groups: dict[int, int]) -> int:
    """Where the span that begins here ends; `start` when none begins."""
    if start in groups:
        return groups[start]
    # Not in the middle of a word; what precedes an escaped bracket is part of its tag.
    if prompt[start].isalnum() and start > 0 and (prompt[start - 1].isalnum() or prompt[start - 1] == " "):
        before = prompt[max(0, start - LONGEST) : start].rstrip(" ")
        if before and before[-1] not in ",\n" and not AMONG_WORDS.match(prompt, start):
            return start
    found = TOKENS.match(prompt, start)
    return found.end() if found else start
