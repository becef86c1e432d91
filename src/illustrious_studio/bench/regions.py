"""regions: the steps of a picture with one, two and four regions, against the same without, in a drawing process.

Each region has words of its own, so that each is one more evaluation of the UNet beside the prompt and the negative
prompt: (2 + regions) / 2 is expected. With the checkpoint of the settings where one is named (`--sd-model`), at its own
size, else with the built-in one.
"""

from illustrious_studio.bench.drawing_process import drawn_apart
from illustrious_studio.bench.measure import Figure, ratios, seconds
from illustrious_studio.settings import Settings

COUNTS = (1, 2, 4)
STEPS = 4
PROGRAM = """
import json, sys, time
import psutil, torch
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.regions import side_by_side
from illustrious_studio.services.render_plan import render_plan

checkpoint, device = Checkpoint.model_validate_json(sys.argv[1]), sys.argv[2]
rounds, steps, *counts = map(int, sys.argv[3:])
torch.set_num_threads(max(1, (psutil.cpu_count(logical=False) or 2) - 1))

class Steps:
    check = lambda self: None
    wants_preview = lambda self: False
    def step(self, step):
        self.times.append(time.perf_counter())

pipeline = SdxlPipeline(device)
pipeline.load(checkpoint)

def a_step(count):
    regions = side_by_side([f"a red house {number}" for number in range(count)], "columns")
    request = ImageRequest(prompt="a black cat", seed=1, steps=steps, guidance=3.0, regions=regions)
    watch = Steps()
    watch.times = []
    pipeline.render(render_plan(request, checkpoint), watch)
    return (watch.times[-1] - watch.times[0]) / (len(watch.times) - 1)  # what comes before the first is no step's

found = {count: [] for count in (0, *counts)}
for number in range(rounds + 1):
    for count in found:
        found[count].append(a_step(count))
size = f"{checkpoint.native_width} x {checkpoint.native_height}"
print(json.dumps([size, [times[1:] for times in found.values()]]))
"""


async def regions(settings: Settings, rounds: int) -> list[Figure]:
    """Ratios of the times of a step."""
    checkpoint, (size, (without, *found)) = await drawn_apart(settings, PROGRAM, rounds, STEPS, *COUNTS)
    return [
        Figure(
            f"a step of {size} with {count} region{'s' if count > 1 else ''}, to without ({checkpoint.name})",
            ratios(times, without), f"{(2 + count) / 2:g}", "", seconds(times), seconds(without),
        )
        for count, times in zip(COUNTS, found, strict=True)
    ]  # fmt: skip
