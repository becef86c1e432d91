"""upscale: a picture made twice as large by the built-in network, from its file to the one that is kept.

The peer is the bare network on the whole picture: spandrel's where it is installed, else one of plain torch modules.
"""

import asyncio
import io
import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds, timed
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import open_studio, upscaler_catalogue

SIDE = 512
PEER = """
import io, json, sys, numpy, torch
from PIL import Image
from safetensors.torch import load_file
weights = {name: weight.float() for name, weight in load_file(sys.argv[1]).items()}
try:
    from spandrel import ModelLoader
    network, name = ModelLoader().load_from_state_dict(weights).model, "spandrel"
except (ImportError, RuntimeError):  # RuntimeError: its torchvision was built for another PyTorch
    def layer(number):
        weight = weights[f"body.{number}.weight"]
        made = torch.nn.PReLU(len(weight)) if weight.ndim == 1 else torch.nn.Conv2d(*weight.shape[1::-1], 3, padding=1)
        mine = {key: one for key, one in weights.items() if key.startswith(f"body.{number}.")}
        made.load_state_dict({key.split(".")[2]: one for key, one in mine.items()})
        return made
    body = torch.nn.Sequential(*map(layer, range(1 + max(int(key.split(".")[1]) for key in weights))))
    larger = torch.nn.Upsample(scale_factor=4)
    network, name = lambda x: torch.nn.functional.pixel_shuffle(body(x), 4) + larger(x), "torch's modules"
torch.set_num_threads(int(sys.argv[2]))
print(json.dumps(name), flush=True)
for line in sys.stdin:
    image = Image.open(json.loads(line)).convert("RGB")
    pixels = torch.from_numpy(numpy.array(image)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        larger_one = (network(pixels)[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    twice = Image.fromarray(larger_one).resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
    twice.save(io.BytesIO(), "PNG", compress_level=1)
    print("null", flush=True)
"""


async def upscale(settings: Settings, rounds: int) -> list[Figure]:
    """Ratio of the times, and the studio's seconds for a megapixel of the picture before."""
    with tempfile.TemporaryDirectory() as folder:
        # Both on one thread of the CPU: the peer knows no card, and more threads than free cores only measure waiting.
        own = Settings(data_dir=Path(folder), sd_model="", ollama_base_url="none", device="cpu", threads=1)
        network, *_ = await upscaler_catalogue(own).list()
        file = Path(folder) / "picture.png"
        file.write_bytes(_picture())
        pipe = asyncio.subprocess.PIPE
        peer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PEER, str(network.path), "1", stdin=pipe, stdout=pipe
        )
        assert peer.stdin is not None and peer.stdout is not None
        try:
            name = json.loads(await peer.stdout.readline())

            async def theirs() -> None:
                assert peer.stdin is not None and peer.stdout is not None
                peer.stdin.write(json.dumps(str(file)).encode() + b"\n")
                await peer.stdout.readline()

            async with open_studio(own) as studio:
                data = file.read_bytes()
                ours, others = await in_turn(
                    lambda: timed(studio.upscaling.upscale(data)), lambda: timed(theirs()), rounds
                )
        finally:
            peer.kill()
            await peer.wait()
    megapixels = SIDE * SIDE / 1e6
    return [
        Figure(f"time, to {name}", ratios(ours, others), "1.1", "", seconds(ours), seconds(others)),
        Figure("of a megapixel, one thread of the CPU", [one / megapixels for one in ours], "", " s"),
    ]


def _picture() -> bytes:
    file = io.BytesIO()
    shades = [Image.linear_gradient("L").rotate(turn).resize((SIDE, SIDE)) for turn in (0, 90, 180)]
    Image.merge("RGB", shades).save(file, "PNG")
    return file.getvalue()
