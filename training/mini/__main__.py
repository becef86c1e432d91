"""`python -m training.mini data | vae | text | denoiser | export | evaluate | people | strengths | sheets`."""

import argparse
import importlib
import math
import os
from pathlib import Path

from training.mini.run import Plan, in_processes

MINUTES = {"vae": 22.0, "text": 5.0, "denoiser": 90.0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.mini", description=__doc__)
    parser.add_argument(
        "step", choices=["data", "vae", "text", "denoiser", "export", "evaluate", "people", "strengths", "sheets"]
    )
    parser.add_argument("--work", type=Path, default=Path("training/work"), help="where everything is kept")
    parser.add_argument("--minutes", type=float, help="how long to train, over all sittings")
    parser.add_argument("--sitting", type=float, default=math.inf, help="stop after so many minutes for now")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--processes", type=int, default=1, help="on a CPU: one for each core")
    parser.add_argument("--scenes", type=int, default=40_000, help="how many scenes to paint (data)")
    parser.add_argument("--close", type=int, default=4_000, help="how many to paint at twice the size (data)")
    parser.add_argument("--seeds", type=int, default=3, help="pictures of each thing (evaluate)")
    parser.add_argument("--model", type=Path, help="a model's folder to measure in place of the exported one")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    if asked.step == "data":
        from training.mini.scenes import make_close_shards, make_shards

        make_shards(asked.work / "scenes", asked.scenes, asked.processes)
        make_close_shards(asked.work / "close", asked.close, asked.processes)
        return
    step = importlib.import_module(f"training.mini.{asked.step}")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    minutes = asked.minutes if asked.minutes is not None else MINUTES.get(asked.step, 0)
    plan = Plan(asked.work, minutes, asked.sitting, asked.device, asked.processes, asked.seeds, asked.model)
    if asked.step in MINUTES:
        in_processes(plan, step.train)
    else:
        step.main(plan)


if __name__ == "__main__":
    main()
