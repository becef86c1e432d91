"""When the drawing process gives device memory back that it could draw the next picture with."""

from typing import Any

import pytest

from illustrious_studio.adapters.sdxl.worker.memory import gives_back
from illustrious_studio.domain.models import MemoryPolicy

PLENTY = {"total": 24_000, "used": 12_000}
SHORT = {"total": 8_000, "used": 7_000}


@pytest.mark.parametrize(
    ("policy", "now", "expected"),
    [
        ("always", PLENTY, True),
        ("always", None, True),
        ("never", SHORT, False),
        ("auto", PLENTY, False),
        ("auto", SHORT, True),
        ("auto", None, False),
    ],
)
def test_memory_goes_back_where_others_want_it(
    policy: MemoryPolicy, now: dict[str, Any] | None, expected: bool
) -> None:
    assert gives_back(policy, now) is expected
