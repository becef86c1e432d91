"""Words that change while drawing, and prompts drawn together, as A1111 reads them (`modules/prompt_parser.py`).

`[a:b:0.5]` is a, then b; `[b:0.5]` begins with nothing and `[a::0.5]` ends so; `[a|b]` takes turns. With a point the
number is a share of the steps, without one it is a step. What lies within may change again. `AND` stands between
prompts that steer the drawing together, each with a weight behind it (`a cat :1.2 AND a dog`). A backslash before a
sign makes it a plain one. What fits none of this stays as it is: `[a]` and `(a:1.2)` are weights, which the encoder
reads.

Unlike in A1111, a `|` outside of brackets is a plain sign (there it keeps all else from changing), a number at the end
of a prompt without `AND` is text and no weight, and `AND` is a word between words in capitals: `ROCK AND ROLL`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_PIECE: Final = re.compile(r"\\.|[()\[\]:|]|[^\\()\[\]:|]+|\\", re.DOTALL)
_WHEN: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_AND: Final = re.compile(r"\bAND\b")
_WEIGHT: Final = re.compile(r"\s*:\s*([+-]?(?:\d+\.?|\d*\.\d+))\s*\Z")
_LAST_WORD: Final = re.compile(r"(\w{2,})\W*\Z")
_NEXT_WORD: Final = re.compile(r"\W*(\w{2,})")
NEAR: Final = 60
"""Letters in which the words beside an `AND` are looked for."""
_CLOSES: Final = {")": "(", "]": "["}


@dataclass(frozen=True)
class Timed:
    """The words up to an evaluation of the UNet, counted from 1 (A1111's "step"); the last is the last of the pass."""

    until: int
    text: str


@dataclass(frozen=True)
class Composed:
    """One of the prompts that steer a drawing together."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class _Edited:
    """`[before:after:when]`."""

    before: "tuple[_Part, ...]"
    after: "tuple[_Part, ...]"
    when: str


@dataclass(frozen=True)
class _Alternating:
    """`[a|b]`."""

    choices: "tuple[tuple[_Part, ...], ...]"


_Part = str | _Edited | _Alternating | tuple["_Part", ...]
"""A tuple is plain text in several pieces: put together only when it is needed, since brackets may be nested deep."""


@dataclass
class _Bracket:
    """One that is open, or the whole prompt. `fields` are what stands between its separators."""

    sign: str = ""
    fields: list[list[_Part]] = field(default_factory=lambda: [[]])
    separators: list[str] = field(default_factory=list)
    sound: bool = True
    """Nothing in it is left over: no bracket without its other half, no separator that separates nothing."""

    def add(self, part: _Part, *, sound: bool = True) -> None:
        self.fields[-1].append(part)
        self.sound = self.sound and (sound or not self.sign)

    def plain(self) -> list[_Part]:
        """As text, from its sign on."""
        flat: list[_Part] = [self.sign, *self.fields[0]]
        for sign, part in zip(self.separators, self.fields[1:], strict=True):
            flat += [sign, *part]
        return flat


def composed(prompt: str) -> tuple[Composed, ...]:
    """The prompts between `AND`, one at least. Without one, a number at the end is text."""
    ends = [found.span() for found in _AND.finditer(prompt) if not _shouted(prompt, *found.span())]
    if not ends:
        return (Composed(prompt),)
    starts = [0, *(end for _, end in ends)]
    texts = [prompt[start:end] for start, end in zip(starts, [*(start for start, _ in ends), len(prompt)], strict=True)]
    found = [(text, _WEIGHT.search(text)) for text in texts]
    return tuple(
        Composed(text) if weight is None else Composed(text[: weight.start()], float(weight[1]))
        for text, weight in found
    )


def _shouted(prompt: str, start: int, end: int) -> bool:
    """Whether the words on both sides are in capitals, too."""
    left, right = _LAST_WORD.search(prompt[max(0, start - NEAR) : start]), _NEXT_WORD.match(prompt[end : end + NEAR])
    return left is not None and right is not None and left[1].isupper() and right[1].isupper()


def scheduled(prompt: str, steps: int, *, after: int | None = None) -> tuple[Timed, ...]:
    """The words of a pass of so many evaluations, in the order in which they come.

    For a second pass (hires fix) `after` is how many the first one had: there a step counts on from those, and a share
    above 1 is one of the second pass. What happened in the first has happened.
    """
    parts = _parts(prompt)
    ends = {steps}
    _collect(parts, steps, after, ends)
    texts = [(end, _at(parts, end, steps, after)) for end in sorted(ends)]
    return tuple(Timed(*one) for at, one in enumerate(texts) if at + 1 == len(texts) or texts[at + 1][1] != one[1])


def at_evaluation(timed: Sequence[Timed], number: int) -> int:
    """Which of them holds for an evaluation, counted from 0: as in A1111, whose first one so counts for two."""
    return next((at for at, one in enumerate(timed) if number <= one.until), len(timed) - 1)


def _parts(prompt: str) -> tuple[_Part, ...]:
    """The prompt, read once from its beginning to its end, in time that grows with its length and no faster."""
    stack, opened = [_Bracket()], Counter[str]()
    for found in _PIECE.finditer(prompt):
        piece = found[0]
        top = stack[-1]
        if piece in _CLOSES.values():
            stack.append(_Bracket(piece))
            opened[piece] += 1
        elif piece in _CLOSES and opened[_CLOSES[piece]]:
            _close(stack, opened, piece)
        elif piece in (":", "|") and top.sign:
            top.separators.append(piece)
            top.fields.append([])
        else:
            top.add(piece, sound=piece not in _CLOSES)
    return tuple(part for bracket in stack for part in bracket.plain())


def _close(stack: list[_Bracket], opened: Counter[str], piece: str) -> None:
    opening = next(at for at in range(len(stack) - 1, 0, -1) if stack[at].sign == _CLOSES[piece])
    bracket, *never_closed = stack[opening:]
    del stack[opening:]
    opened.subtract(one.sign for one in (bracket, *never_closed))
    for one in never_closed:
        bracket.add(tuple(one.plain()), sound=False)
    made = _made(bracket, piece)
    stack[-1].add(made or (*bracket.plain(), piece), sound=bool(made))


def _made(bracket: _Bracket, end: str) -> _Part:
    """What a closed bracket is; empty where it is none of the language's."""
    if not bracket.sound:
        return ""
    kinds, fields = set(bracket.separators), [tuple(part) for part in bracket.fields]
    if bracket.sign == "[" and kinds == {"|"}:
        return _Alternating(tuple(fields))
    if bracket.sign == "[" and kinds == {":"} and len(fields) <= 3:
        when = _WHEN.fullmatch("".join(part if isinstance(part, str) else "[" for part in fields[-1]))
        return _Edited(fields[0] if len(fields) == 3 else (), fields[-2], when[1]) if when else ""
    if not kinds or (bracket.sign == "(" and bracket.separators == [":"]):
        return (*bracket.plain(), end)
    return ""


def _evaluation(when: str, steps: int, after: int | None) -> int:
    value = float(when)
    if "." in when:
        value = (value - (0 if after is None else 1)) * steps
    else:
        value -= after or 0
    return min(steps, int(min(max(value, -steps), steps)))


def _collect(parts: Sequence[_Part], steps: int, after: int | None, ends: set[int]) -> None:
    """Where anything changes."""
    waiting: list[_Part] = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, _Edited):
            end = _evaluation(part.when, steps, after)
            ends |= {end} if end >= 1 else set()
            waiting += [*part.before, *part.after]
        elif isinstance(part, _Alternating):
            ends.update(range(1, steps + 1))
            waiting += [one for choice in part.choices for one in choice]
        elif isinstance(part, tuple):
            waiting += part


def _at(parts: Sequence[_Part], step: int, steps: int, after: int | None) -> str:
    """The words at that step. Nothing here calls itself: brackets may be nested as deep as a prompt is long."""
    said: list[str] = []
    waiting: list[_Part] = list(reversed(parts))
    while waiting:
        part = waiting.pop()
        if isinstance(part, _Edited):
            chosen = part.before if step <= _evaluation(part.when, steps, after) else part.after
            waiting += reversed(chosen)
        elif isinstance(part, _Alternating):
            waiting += reversed(part.choices[(step - 1) % len(part.choices)])
        elif isinstance(part, tuple):
            waiting += reversed(part)
        else:
            said.append(part)
    return "".join(said)
