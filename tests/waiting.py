"""Waiting, for those who cannot be told: the one place where a test looks again and again.

Where something can tell (an event, a task, a process that ends), a test waits for that and not with this.
`test_architecture.py` keeps the clock out of every other file.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_EVERY = 0.01
"""Seconds."""


async def until(look: Callable[[], T | Awaitable[T]], right: Callable[[T], object] = bool, seconds: float = 120) -> T:
    """What `look` gives, or its awaiting gives, once it is `right`. Raises AssertionError when it never is."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        found: T = await seen if inspect.isawaitable(seen) else seen
        if right(found):
            return found
        if time.monotonic() > end:
            raise AssertionError(f"it did not come to that within {seconds} s, but to: {found!r}")
        await asyncio.sleep(LOOK_EVERY)


def until_there(look: Callable[[], T], seconds: float = 120) -> T:
    """The same without an event loop, for what is true by itself."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"it did not come to that within {seconds} s, but to: {found!r}")
        time.sleep(LOOK_EVERY)
    return found


async def turns(count: int = 1) -> None:
    """So often, all that is ready takes its turn of the event loop. No time has to pass for it."""
    for _ in range(count):
        await asyncio.sleep(0)
