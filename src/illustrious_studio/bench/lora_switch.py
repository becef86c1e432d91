"""lora.switch: the next picture with another LoRA, against loading the checkpoint again, in a drawing process.

Both change every layer that kohya's scripts train in the UNet; numbers are random. With the checkpoint of the settings
where one is named (`--sd-model`), else with the built-in one, which is so small that loading it costs nearly nothing.
"""

import tempfile

from illustrious_studio.bench.drawing_process import drawn_apart
from illustrious_studio.bench.measure import Figure, ratios, seconds
from illustrious_studio.settings import Settings

PROGRAM = """
import json, sys, time, torch
from pathlib import Path
from safetensors.torch import save_file
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.loras import LoraFile, LoraUse
from illustrious_studio.domain.models import Checkpoint

checkpoint, folder, rounds = Checkpoint.model_validate_json(sys.argv[1]), Path(sys.argv[3]), int(sys.argv[4])
pipeline = SdxlPipeline(sys.argv[2])
pipeline.load(checkpoint)
uses = []
for seed in (1, 2):
    torch.manual_seed(seed)
    tensors = {}
    for name, layer in pipeline._pipeline.unet.named_modules():
        if "attentions" in name and isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
            stem, shape = "lora_unet_" + name.replace(".", "_"), layer.weight.shape
            tensors[stem + ".lora_down.weight"] = torch.randn(16, *shape[1:]) * 0.01
            tensors[stem + ".lora_up.weight"] = torch.randn(shape[0], 16, *[1] * (len(shape) - 2)) * 0.01
    save_file(tensors, folder / f"{seed}.safetensors")
    file = LoraFile(name=str(seed), path=folder / f"{seed}.safetensors")
    uses.append((LoraUse(file=file, unet=1.0, text_encoders=1.0),))

def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

switched, loaded = [], []
for number in range(rounds + 1):
    pipeline._loras.use(uses[0])
    switched.append(timed(lambda: pipeline._loras.use(uses[1])))
    loaded.append(timed(lambda: pipeline.load(checkpoint)))
print(json.dumps([len(tensors) // 2, switched[1:], loaded[1:]]))
"""


async def lora_switch(settings: Settings, rounds: int) -> list[Figure]:
    """Ratio of the times."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, (layers, switched, loaded) = await drawn_apart(settings, PROGRAM, folder, rounds)
    what = f"time of a switch of {layers} layers, to loading {checkpoint.name}"
    return [Figure(what, ratios(switched, loaded), "1", "", seconds(switched), seconds(loaded))]
