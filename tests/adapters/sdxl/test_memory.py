"""When the drawing process gives device memory back that it could draw the next picture with."""

from typing import Any

import pytest

from illustrious_studio.adapters.sdxl.worker.memory import gives_back, measure
from illustrious_studio.domain.models import MemoryPolicy

PLENTY = {"total": 24_000, "used": 12_000}
SHORT = {"total": 8_000, "used": 7_000}


@pytest.mark.parametrize(
    ("policy", "now", "expected"),
    [
        ("always", PLENTY, True),
        ("always", None, False),
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


def test_a_lost_device_tells_nothing_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def lost(device: Any) -> Any:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lost)
    assert measure(torch.device("cuda")) is None
