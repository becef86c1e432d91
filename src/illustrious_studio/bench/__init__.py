"""`illustrious bench`: how much the studio adds to what it is built on, on this machine.

Every figure is a ratio (or a difference) between the studio and a peer that does the same work, the two taken in turn
within one run, so that it holds when the machine's speed drifts. Each benchmark names its peer and its aim.
"""

import asyncio
import os
import platform

from rich.console import Console
from rich.table import Table

from illustrious_studio.bench.measure import Benchmark, Figure
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.settings import Settings


def benchmarks() -> dict[str, Benchmark]:
    """All there are, by name."""
    from illustrious_studio.bench.api_overhead import api_overhead
    from illustrious_studio.bench.batch import batch
    from illustrious_studio.bench.chat_added import chat_added
    from illustrious_studio.bench.draw_preview import draw_preview
    from illustrious_studio.bench.interfaces import interfaces_overhead
    from illustrious_studio.bench.lora_switch import lora_switch
    from illustrious_studio.bench.regions import regions
    from illustrious_studio.bench.start_ready import start_ready
    from illustrious_studio.bench.upscale import upscale

    return {
        "api.overhead": api_overhead,
        "interfaces.overhead": interfaces_overhead,
        "start.ready": start_ready,
        "chat.added": chat_added,
        "draw.preview": draw_preview,
        "upscale": upscale,
        "lora.switch": lora_switch,
        "batch": batch,
        "regions": regions,
    }


def run_benchmarks(settings: Settings, names: list[str], *, rounds: int) -> int:
    """Run and print them; 0, whatever the figures say: this measures, it does not judge."""
    known = benchmarks()
    for name in names:
        if name not in known:
            raise NotFound(f"There is no benchmark {name!r}. There are: {', '.join(known)}.")
    console = Console()
    console.print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, load {_load()}, {rounds} rounds"
    )
    table = Table(box=None, pad_edge=False)
    for title in ("benchmark", "figure", "median", "min to max", "aim", "studio", "peer"):
        table.add_column(title)
    for name in names or known:
        with console.status(name):
            figures = asyncio.run(known[name](settings, rounds))
        for figure in figures:
            table.add_row(name, figure.what, *_columns(figure))
    console.print(table)
    console.print(f"load at the end {_load()}")
    return 0


def _columns(figure: Figure) -> tuple[str, str, str, str, str]:
    low, high = figure.spread
    return (
        f"{figure.median:.3g}{figure.unit}",
        f"{low:.3g} to {high:.3g}",
        figure.aim,
        figure.ours,
        figure.peer,
    )


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
