"""Taking turns, medians and spreads: what all benchmarks share."""

import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from illustrious_studio.settings import Settings

Timed = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Figure:
    """One result. `values` has one entry a round; the median is what to quote."""

    what: str
    values: Sequence[float]
    aim: str
    unit: str = ""
    ours: str = ""
    peer: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


Benchmark = Callable[[Settings, int], Coroutine[Any, Any, list[Figure]]]


async def in_turn(ours: Timed, peer: Timed, rounds: int) -> tuple[list[float], list[float]]:
    """A B A B: seconds of each, after one round of each that does not count."""
    await ours()
    await peer()
    pairs = [(await ours(), await peer()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(ours, peer, strict=True)]


def seconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f} s"


async def timed(work: Awaitable[object]) -> float:
    """How long it took, in seconds."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began
