"""What of other programs' prompt language is not done here. Drawn as plain words it would be another picture, and
nobody would be told; so it is refused by name.

Only what such a program would take for its language counts. An emoticon, a tag with underscores, `{curly}` brackets
around words and `a|b` outside of brackets are words, and so is what a backslash stands before. `[a:b:0.5]`, `[a|b]`
and `AND` are done (`prompt_schedule`).
"""

import re
from itertools import pairwise

_TAGS = (
    (re.compile(r"<(?:lora|lyco):[^<>\n]*>?", re.IGNORECASE), "a LoRA"),
    (re.compile(r"<hypernet:[^<>\n]*>?", re.IGNORECASE), "a hypernetwork"),
    (re.compile(r"\bembedding:\w[^\s,:()]*", re.IGNORECASE), "an embedding"),
    (re.compile(r"(?<!\w)__(?=[^\W_])[\w*/.-]*?[^\W_]\*?__(?!\w)"), "a wildcard"),
)
_NETWORKS = 2
"""So many of them name networks, which A1111's API can be told to leave as words."""

_WORD = re.compile(r"[^\W_]{2,}")
_PIECE = re.compile(r"\\.|[{}|]", re.DOTALL)
_SHOWN = 60


def not_done_here(prompt: str, *, networks_are_words: bool = False) -> str:
    """What is in the prompt that the studio does not do, in words; empty for nothing."""
    for pattern, what in _TAGS[_NETWORKS:] if networks_are_words else _TAGS:
        if found := pattern.search(prompt):
            return _sentence(found[0], what)
    return _sentence(choice, "a choice of words") if (choice := _choice(prompt)) else ""


def _sentence(found: str, what: str) -> str:
    shown = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}..."
    return f"has {shown} ({what}), and this studio draws without it; take it out"


def _choice(prompt: str) -> str:
    """The first `{a|b}` of dynamic prompts that is closed."""
    opened: list[tuple[int, list[int]]] = []  # where each open bracket stands, and where its own bars do
    for piece in _PIECE.finditer(prompt):
        sign, at = piece[0], piece.start()
        if sign == "{":
            opened.append((at, []))
        elif sign == "|" and opened:
            opened[-1][1].append(at)
        elif sign == "}" and opened:
            start, bars = opened.pop()
            if _are_choices(prompt, [start, *bars, at]):
                return prompt[start : at + 1]
    return ""


def _are_choices(prompt: str, edges: list[int]) -> bool:
    """Whether words, not only the signs of an emoticon, stand between bars."""
    parts = [prompt[left + 1 : right] for left, right in pairwise(edges)]
    worded = [part for part in parts if any(sign.isalnum() for sign in part)]
    return len(parts) > 1 and (len(worded) > 1 or any(_WORD.search(part) for part in parts))
