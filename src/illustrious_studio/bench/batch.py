"""batch: four pictures in one go, against the same four one after another, in a drawing process.

With the checkpoint of the settings where one is named (`--sd-model`), at its own size, else with the built-in one.
"""

from illustrious_studio.bench.drawing_process import drawn_apart
from illustrious_studio.bench.measure import Figure, ratios, seconds
from illustrious_studio.settings import Settings

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
    checkpoint, (size, together, singly) = await drawn_apart(settings, PROGRAM, rounds, PICTURES, STEPS)
    what = f"{PICTURES} pictures of {size} with {checkpoint.name}, to one after another"
    return [Figure(what, ratios(together, singly), "1", "", seconds(together), seconds(singly))]
