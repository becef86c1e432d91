"""Model files of a few bytes: headers as real ones have them, and next to nothing behind."""

import json
import struct
from pathlib import Path
from typing import Any

from illustrious_studio.adapters.sdxl.catalogue import SDXL_KEYS, UNET_INPUT


def safetensors(tensors: dict[str, list[int]], metadata: dict[str, str] | None = None) -> bytes:
    """A file of one-byte numbers with these shapes."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, shape in tensors.items():
        size = 1
        for side in shape:
            size *= side
        header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return framed(json.dumps(header).encode(), bytes(at))


def framed(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


SDXL = {name: [2] for name in SDXL_KEYS} | {UNET_INPUT: [8, 4, 3, 3]}
VAE = {"decoder.conv_in.weight": [8, 4, 3, 3], "encoder.conv_in.weight": [8, 3, 3, 3]}


def put(path: Path, tensors: dict[str, list[int]] = SDXL) -> Path:
    """A file of these tensors, in folders made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors(tensors))
    return path
