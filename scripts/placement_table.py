"""The table of docs/performance.md that says where Illustrious draws on which card: predicted, from what is counted.

    PYTHONPATH=src .venv/bin/python scripts/placement_table.py

Prints Markdown; a test holds the docs to it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from illustrious_studio.domain.accelerator.estimates import AT_ONCE, GIB, Weights, Work, sdxl_weights, work_of
from illustrious_studio.domain.accelerator.placement import Placement, chosen, moved, stages
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import RenderPlan
from illustrious_studio.services.render_plan import Enlarging, render_plan

CARDS = (6, 8, 10, 12, 16, 24)
"""Gigabytes that a card is sold with."""
TAKEN = 0.9 * GIB
"""By the driver and a desktop."""
CONTROLNET = 2 * 1_251_000_000
SPEED, BUS = 25e12, 12e9
"""What a card of the middle computes a second, and what comes over its bus from pinned memory: assumptions."""
LINEAR, QUADRATIC = 6.22e12, 0.54e12
"""Operations of an evaluation for a row of 1024 x 1024: those that grow with the pixels, and with their square (counted
with torch's FlopCounterMode at three sizes)."""
DECODING = 10.5e12
SDXL = Checkpoint(name="Illustrious", path=Path("illustrious.safetensors"), layout="single-file")


def plan(width: int = 1024, height: int = 1024, **settings: Any) -> RenderPlan:
    request = ImageRequest(prompt="a", width=width, height=height, steps=28, guidance=5.0, **settings)
    return render_plan(request, SDXL, enlarged_by=Enlarging(None, 512, 32))


CASES: tuple[tuple[str, RenderPlan, int, int], ...] = (
    ("832 x 1216", plan(832, 1216), 1, 0),
    ("1024 x 1024", plan(), 1, 0),
    ("the same, hires fix 2x", plan(hires=HiresFix(scale=2.0)), 1, 0),
    ("four at once", plan(), 4, 0),
    ("one ControlNet", plan(), 1, CONTROLNET),
)
"""What is drawn: a plan, how many pictures in one go, and the bytes of what steers. LoRAs are in the weights."""


def operations(width: int, height: int) -> float:
    share = width * height / 1024**2
    return LINEAR * share + QUADRATIC * share * share


def factor(placement: Placement, weights: Weights, drawn: RenderPlan, pictures: int) -> float:
    """How much longer it takes than with all on the device, where copies and work overlap only with group offload."""
    computed, longest = 0.0, 0.0
    evaluations = 0
    for one in drawn.passes:
        each = operations(one.width, one.height) * AT_ONCE * pictures / SPEED
        streamed = max(each, weights.unet / BUS)
        computed += each * one.expected_steps
        longest += streamed * one.expected_steps
        evaluations += one.expected_steps
    decoding = sum(DECODING * one.width * one.height / 1024**2 for one in drawn.passes) * pictures / SPEED
    steps = longest if placement.residency == "group offload" else computed
    visits = moved(placement, weights, 0) / BUS
    return (steps + decoding + visits) / (computed + decoding)


def cell(gigabytes: int, drawn: RenderPlan, pictures: int, steering: int) -> str:
    weights: Weights = sdxl_weights(vae_number=2, steering=steering)
    work: Work = work_of(drawn, pictures=pictures, vae_number=2)
    found = chosen(int(gigabytes * GIB - TAKEN), weights, work)
    if found is None:
        return "does not fit"
    peak = stages(found, weights, work).peak / GIB
    return f"{found.said}: {peak:.1f} GiB, {factor(found, weights, drawn, pictures):.2f}"


def table() -> Sequence[str]:
    drawn = [(what, pictures, steering) for _, what, pictures, steering in CASES]
    head = ["| card | " + " | ".join(name for name, *_ in CASES) + " |", "|---|" + "---|" * len(CASES)]
    rows = [f"| {gigabytes} GB | {' | '.join(cell(gigabytes, *case) for case in drawn)} |" for gigabytes in CARDS]
    return [*head, *rows]


if __name__ == "__main__":
    print("\n".join(table()))
