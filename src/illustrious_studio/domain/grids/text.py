"""The values of a grid's axis as people write them in one line: A1111's syntax of its "X/Y/Z plot" script.

Values stand between commas, and one with commas of its own in double quotes (a line of CSV). Where numbers are wanted
`1-5` is a range, `1-5 (+2)` one with another step, `1-10 [5]` so many numbers from the first to the last. A range is
not built before it is counted: `1-1000000000` costs nothing. Other than in A1111's, a range never goes beyond its end,
and one that is written backwards (`5-1`) goes down.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

LONGEST_TEXT = 20_000
"""Characters of an axis's line."""
_DIGITS = 8
"""Of a fraction, as A1111 shows it: 0.1 + 0.2 is 0.3."""

_WHOLE = r"[+-]?\s*\d{1,18}"
_REAL = r"[+-]?\s*\d{1,18}(?:\.\d{0,18})?"


def _range(number: str, count: str) -> re.Pattern[str]:
    return re.compile(rf"({number})\s*-\s*({number})(?:\s*\(\s*({number})\s*\)|\s*\[\s*({count})\s*\])?")


_RANGE = {True: _range(_WHOLE, r"\d{1,18}"), False: _range(_REAL, r"\d{1,18}")}


@dataclass(frozen=True)
class Span:
    """A range of numbers: so many, evenly, from the first on. `whole`: without their fractions."""

    first: float
    step: float
    count: int
    whole: bool

    def __iter__(self) -> Iterator[float]:
        for number in range(self.count):
            value = round(self.first + number * self.step, _DIGITS)
            yield int(value) if self.whole else value


def written_values(text: str) -> list[str]:
    """What stands between the commas, without the space around it. Raises ValueError."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"must have at most {LONGEST_TEXT:,} characters")
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True, strict=False))
    except csv.Error as error:
        raise ValueError(f"is no list of values ({error}); write them between commas") from error
    return [value.strip() for row in rows for value in row]


def numbers_in(texts: Sequence[str], *, whole: bool) -> list[str | Span]:
    """The ranges among what is written, each as one; what is none stays as it is, and what is empty is left out.

    Raises ValueError.
    """
    return [_span(text, whole) or text for text in texts if text]


def _span(text: str, whole: bool) -> Span | None:
    found = _RANGE[whole].fullmatch(text)
    if found is None:
        return None
    first, last = (_number(found[group], whole) for group in (1, 2))
    if found[4] is not None:
        return _even(first, last, int(found[4]), whole, text)
    step = 1 if found[3] is None else abs(_number(found[3], whole))
    if step == 0:
        raise ValueError(f"{text!r} has a step of 0; write another one")
    # A hair more than it is, so that 0.1-0.5 (+0.1) has its last value in spite of how fractions are kept.
    many = (abs(last - first) // step if whole else floor(abs(last - first) / step + 1e-9)) + 1
    return Span(first, step if last >= first else -step, int(many), whole)


def _number(text: str, whole: bool) -> float:
    plain = "".join(text.split())
    return int(plain) if whole else float(plain)


def _even(first: float, last: float, many: int, whole: bool, text: str) -> Span:
    if many == 0:
        raise ValueError(f"{text!r} asks for no value at all; write how many in the brackets")
    return Span(first, 0 if many == 1 else (last - first) / (many - 1), many, whole)
