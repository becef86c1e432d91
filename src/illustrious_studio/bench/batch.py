"""batch: four pictures in one go, against the same four one after another, in a drawing process.

With the checkpoint of the settings where one is named (`--sd-model`), at its own size, else with the built-in one.
"""

import asyncio
import json
import sys

from illustrious_studio.bench.measure import Figure, ratios, seconds
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import checkpoint_catalogue

PICTURES = 4
STEPS = 4
PROGRAM = """
import json, sys, time
import psutil, torch
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.services.render_plan import render_plan

checkpoint, device = Checkpoint.model_validate_json(sys.argv[1]), sys.argv[2]
rounds, pictures, steps = map(int, sys.argv[3:])
torch.set_num_threads(max(1, (psutil.cpu_count(logical=False) or 2) - 1))

class Quiet:
    check = lambda self: None
    step = lambda self, step: None
    wants_preview = lambda self: False

pipeline = SdxlPipeline(device)
pipeline.load(checkpoint)
requests = [ImageRequest(prompt="a black cat", seed=seed, steps=steps, guidance=3.0) for seed in range(pictures)]
plans = [render_plan(request, checkpoint) for request in requests]

def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

together, singly = [], []
for number in range(rounds + 1):
    together.append(timed(lambda: pipeline.render_batch(plans, Quiet())))
    singly.append(timed(lambda: [pipeline.render(plan, Quiet()) for plan in plans]))
print(json.dumps([f"{checkpoint.native_width} x {checkpoint.native_height}", together[1:], singly[1:]]))
"""


async def batch(settings: Settings, rounds: int) -> list[Figure]:
    """Ratio of the times."""
    found = await checkpoint_catalogue(settings).list()
    checkpoint = next((one for one in found if str(one.path) == settings.sd_model), found[-1])
    arguments = (checkpoint.model_dump_json(), settings.device, str(rounds), str(PICTURES), str(STEPS))
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, *arguments), stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await program.communicate()
    size, together, singly = json.loads(answer.splitlines()[-1])
    what = f"{PICTURES} pictures of {size} with {checkpoint.name}, to one after another"
    return [Figure(what, ratios(together, singly), "1", "", seconds(together), seconds(singly))]
