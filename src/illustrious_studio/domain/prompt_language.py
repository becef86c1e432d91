"""What of other programs' prompt language is not done here. Drawn as plain words it would be another picture, and
nobody would be told; so it is refused by name.

Only what such a program would take for its language counts. An emoticon, a tag with underscores, `{curly}` and
`[square]` brackets around words, `a|b` outside of brackets and a small `and` are words, and so is what a backslash
stands before.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

_TAGS = (
    (re.compile(r"<(?:lora|lyco):[^<>\n]*>?", re.IGNORECASE), "a LoRA"),
    (re.compile(r"<hypernet:[^<>\n]*>?", re.IGNORECASE), "a hypernetwork"),
    (re.compile(r"\bembedding:\w[^\s,:()]*", re.IGNORECASE), "an embedding"),
    (re.compile(r"(?<!\w)__(?=[^\W_])[\w*/.-]*?[^\W_]\*?__(?!\w)"), "a wildcard"),
)
_NETWORKS = 2
"""So many of them name networks, which A1111's API can be told to leave as words."""

_AND = re.compile(r"\bAND\b")
_WORD = re.compile(r"[^\W_]{2,}")
_PIECE = re.compile(r"\\.|[()\[\]{}|:]", re.DOTALL)
_STEP = re.compile(r"\s*\d*\.?\d+\s*")
_EMOTICON = re.compile(r"(?:^|[\s,]):\d$")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_SHOWN = 60


def not_done_here(prompt: str, *, networks_are_words: bool = False) -> str:
    """What is in the prompt that the studio does not do, in words; empty for nothing."""
    for pattern, what in _TAGS[_NETWORKS:] if networks_are_words else _TAGS:
        if found := pattern.search(prompt):
            return _sentence(found[0], what)
    for found_text, what in _bracketed(prompt):
        return _sentence(found_text, what)
    for found in _AND.finditer(prompt):
        if not _shouted(prompt[: found.start()], prompt[found.end() :]):
            return _sentence("AND", "prompts drawn side by side")
    return ""


def _sentence(found: str, what: str) -> str:
    shown = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}..."
    return f"has {shown} ({what}), and this studio draws without it; take it out"


def _bracketed(prompt: str) -> Iterator[tuple[str, str]]:
    """Brackets that say which words count when: A1111's prompt editing and alternation, and dynamic prompts."""
    opened: list[tuple[int, list[int]]] = []  # where each open bracket stands, and where its own | and : do
    for piece in _PIECE.finditer(prompt):
        sign, at = piece[0], piece.start()
        if sign in _CLOSES.values():
            opened.append((at, []))
        elif sign in ("|", ":") and opened:
            opened[-1][1].append(at)
        elif opened and _CLOSES.get(sign) == prompt[opened[-1][0]]:
            start, marks = opened.pop()
            bars = [mark for mark in marks if prompt[mark] == "|"]
            if sign != ")" and _are_choices(prompt, [start, *bars, at]):
                yield prompt[start : at + 1], "alternating words" if sign == "]" else "a choice of words"
            elif sign == "]" and marks and _is_edited(prompt[start + 1 : at], prompt[marks[-1] + 1 : at]):
                yield prompt[start : at + 1], "words that change while drawing"


def _are_choices(prompt: str, edges: list[int]) -> bool:
    """Whether words, not only the signs of an emoticon, stand between bars."""
    parts = [prompt[left + 1 : right] for left, right in pairwise(edges)]
    worded = [part for part in parts if any(sign.isalnum() for sign in part)]
    return len(parts) > 1 and (len(worded) > 1 or any(_WORD.search(part) for part in parts))


def _is_edited(inside: str, last: str) -> bool:
    """Whether it ends in the step at which the words change: `[red:green:0.5]`, and not `[smile, :3]`."""
    return _STEP.fullmatch(last) is not None and _EMOTICON.search(inside.rstrip()) is None


def _shouted(before: str, after: str) -> bool:
    """Whether the words on both sides are in capitals, too: then it is the word, as in `ROCK AND ROLL`."""
    left, right = re.search(r"(\w{2,})\W*$", before), re.match(r"\W*(\w{2,})", after)
    return left is not None and right is not None and left[1].isupper() and right[1].isupper()
