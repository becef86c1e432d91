"""Words that are chosen before a picture is drawn, as the Dynamic Prompts extension of A1111 writes them.

`{red|green}` is one of them, `{2::red|green}` red twice as often, `{2$$red|green|blue}` two that differ, with a comma
between, `{1-2$$ and $$red|green|blue}` one or two with "and" between. `__color__` is a line of the file `color.txt`,
`__season*__` one of all files of such names; `{2$$__color__}` two of its lines. All of it may stand within each other,
in the files' lines, too. A backslash before a sign makes it a plain one; `{curly}` and `{|o|}` are plain words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final, Protocol, TypeVar

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.values import LONGEST_PROMPT

DEEPEST: Final = 50
MOST_CHOICES: Final = 2_000
"""In one prompt, so that files that name each other make no prompt without end."""
_WORD: Final = re.compile(r"[^\W_]{2,}")
_PIECE: Final = re.compile(r"\\.|[{}|]", re.DOTALL)
_HOW_MANY: Final = re.compile(r"\s*(?:(\d{1,3})?(-)?(\d{1,3})?)\$\$(?:([^|{}$]*)\$\$)?")
_WEIGHT: Final = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)::")
_SIGN: Final = r"(?:[\w*/.-]|(?<=\S) (?=\S))"
WILDCARD: Final = re.compile(rf"(?<!\w)__(?=[^\W_])({_SIGN}*?[^\W_]\*?|{_SIGN}*\*)__(?!\w)")

Lines = Callable[[str], Sequence[str]]
"""The lines of the files that a name means. Raises NotFound, and InvalidRequest for a file that is too large."""
T = TypeVar("T")


class WildcardFiles(Protocol):
    """The files that wildcards are lines of."""

    async def names(self) -> list[str]:
        """The name of every wildcard that a prompt can name, in order."""
        ...

    async def with_lines(self, work: Callable[[Lines], T]) -> T:
        """What `work` makes of their lines, which are read while it works. Raises what that raises."""
        ...


@dataclass(frozen=True)
class _Option:
    text: str
    weight: float = 1.0


def can_be_named(name: str) -> bool:
    """Whether a wildcard of this name can be written between its underscores."""
    return WILDCARD.fullmatch(f"__{name}__") is not None


def has_choices(prompt: str) -> bool:
    """Whether anything in it is to be chosen."""
    return WILDCARD.search(_without_escapes(prompt)) is not None or bool(_braces(prompt))


def chosen(prompt: str, random: Random, lines: Lines) -> str:
    """The prompt with everything chosen. What was random is only `random`.

    Raises InvalidRequest for files that name themselves, for what is nested too deep and for what becomes too long, and
    what `lines` raises.
    """
    text = _Chooser(random, lines).text(prompt, ())
    if len(text) > LONGEST_PROMPT:
        raise InvalidRequest(
            f"With its choices the prompt has {len(text):,} characters. Use at most {LONGEST_PROMPT:,}."
        )
    return text


class _Chooser:
    def __init__(self, random: Random, lines: Lines) -> None:
        self._random = random
        self._lines = lines
        self._made = 0

    def text(self, prompt: str, within: tuple[str, ...]) -> str:
        """`within`: the wildcards that led here; an empty name stands for a brace."""
        if len(within) > DEEPEST:
            raise InvalidRequest(f"The choices of the prompt are nested more than {DEEPEST} deep. Make it flatter.")
        said: list[str] = []
        at = 0
        for start, end, bars in _braces(prompt):
            if start >= at:
                said += [self._wildcards(prompt[at:start], within), self._brace(prompt[start + 1 : end], bars, within)]
                at = end + 1
        return "".join([*said, self._wildcards(prompt[at:], within)])

    def _wildcards(self, text: str, within: tuple[str, ...]) -> str:
        def line(found: re.Match[str]) -> str:
            options = self._options_of(found[1], within)
            return self.text(self._picked(options, 1)[0], (*within, found[1].lower()))

        parts = re.split(r"(\\.)", text, flags=re.DOTALL)
        return "".join(part if number % 2 else WILDCARD.sub(line, part) for number, part in enumerate(parts))

    def _brace(self, inside: str, bars: Sequence[int], within: tuple[str, ...]) -> str:
        how_many = _HOW_MANY.match(inside)
        start = how_many.end() if how_many else 0
        edges = [start - 1, *(bar for bar in bars if bar >= start), len(inside)]
        parts = [inside[left + 1 : right] for left, right in pairwise(edges)]
        options = [_option(part) for part in parts]
        below = (*within, "")
        if not how_many:
            return self.text(self._picked(options, 1)[0], below)
        alone = WILDCARD.fullmatch(parts[0].strip()) if len(parts) == 1 else None
        if alone:
            options, below = self._options_of(alone[1], within), (*within, alone[1].lower())
        least, most = _range(how_many, len(options))
        picked = self._picked(options, self._random.randint(least, most))
        separator = ", " if how_many[4] is None else how_many[4]
        return separator.join(self.text(one.strip(), below) for one in picked)

    def _options_of(self, name: str, within: tuple[str, ...]) -> list[_Option]:
        if name.lower() in within:
            trail = " > ".join(f"__{one}__" for one in (*filter(None, within), name.lower()))
            raise InvalidRequest(f"The wildcard __{name}__ names itself ({trail}). Take it out of its own lines.")
        return [_option(line) for line in self._lines(name)]

    def _picked(self, options: Sequence[_Option], count: int) -> list[str]:
        """That many, each at most once."""
        self._made += 1
        if self._made > MOST_CHOICES:
            raise InvalidRequest(f"The prompt asks for more than {MOST_CHOICES:,} choices. Use fewer wildcards.")
        left, picked = list(options), []
        for _ in range(min(count, len(left))):
            weights = [one.weight for one in left]
            at = self._random.choices(range(len(left)), weights if any(weights) else None)[0]
            picked.append(left.pop(at).text)
        return picked


def _option(text: str) -> _Option:
    found = _WEIGHT.match(text)
    return _Option(text[found.end() :], float(found[1])) if found else _Option(text)


def _range(found: re.Match[str], most: int) -> tuple[int, int]:
    """`2`, `1-2`, `1-`, `-2`, or nothing, which is one."""
    first, dash, last = found[1], found[2], found[3]
    if not dash:
        count = int(first or last or 1)
        return min(count, most), min(count, most)
    least, largest = int(first or 0), int(last) if last else most
    return min(least, largest, most), min(max(least, largest), most)


def _without_escapes(prompt: str) -> str:
    return re.sub(r"\\.", "  ", prompt, flags=re.DOTALL)


def _braces(prompt: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """The outermost braces that hold a choice: where each begins and ends, and where, from its first letter on, its own
    bars are."""
    opened: list[tuple[int, list[int]]] = []
    found: list[tuple[int, int, tuple[int, ...]]] = []
    for piece in _PIECE.finditer(prompt):
        sign, at = piece[0], piece.start()
        if sign == "{":
            opened.append((at, []))
        elif sign == "|" and opened:
            opened[-1][1].append(at)
        elif sign == "}" and opened:
            start, bars = opened.pop()
            if _is_choice(prompt[start + 1 : at], [bar - start - 1 for bar in bars]):
                while found and found[-1][0] > start:
                    found.pop()  # it stands within this one
                found.append((start, at, tuple(bar - start - 1 for bar in bars)))
    return found


def _is_choice(inside: str, bars: Sequence[int]) -> bool:
    """Whether words, and not only the signs of an emoticon, stand between bars; or a number of them is asked for."""
    if _HOW_MANY.match(inside):
        return True
    parts = [inside[left + 1 : right] for left, right in pairwise([-1, *bars, len(inside)])]
    worded = [part for part in parts if any(sign.isalnum() for sign in part)]
    return len(parts) > 1 and (len(worded) > 1 or any(_WORD.search(part) for part in parts))
