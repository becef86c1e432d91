"""The requests of other programs that were refused last, and why: many programs show no more than "Bad Request".

In memory alone, and without what was sent.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import Field

from illustrious_studio.domain.values import Value

MOST_KEPT = 20


class RefusedRequest(Value):
    """A request that was refused, or failed, as often as the same program sent it."""

    program: str = Field(description="Who asked, by its own account: a guess.")
    method: str
    path: str
    status: int
    detail: str = Field(description="The sentence that it was answered with.")
    times: int = 1
    last_at: datetime


class RefusedRequests:
    """The latest of them."""

    def __init__(self) -> None:
        self._kept: list[RefusedRequest] = []

    def add(self, program: str, method: str, path: str, status: int, detail: str) -> None:
        """One that asks again and again takes the place of one, not of all."""
        new = RefusedRequest(
            program=program, method=method, path=path, status=status, detail=detail, last_at=datetime.now(UTC)
        )
        for old in self._kept:
            if old.model_copy(update={"times": 1, "last_at": new.last_at}) == new:
                self._kept.remove(old)
                new = new.model_copy(update={"times": old.times + 1})
                break
        self._kept = [*self._kept, new][-MOST_KEPT:]

    def latest(self) -> Sequence[RefusedRequest]:
        """The last one first."""
        return self._kept[::-1]
