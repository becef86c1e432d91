"""The weights that come with the studio: where training goes on from, part by part, when it has none of its own."""

from pathlib import Path
from typing import Any

import torch

PACKAGE = Path(__file__).parents[2] / "src" / "illustrious_studio" / "data" / "mini"


def goes_on(work: Path) -> bool:
    """Whether the denoiser goes on from the shipped one: when both what it paints in (the latents) and what it reads
    (the text encoders) are the shipped ones, and not trained anew."""
    return not (work / "vae.pt").exists() and not (work / "text.pt").exists()


def part(kind: type[Any], name: str) -> Any:
    """A part of the shipped pipeline in full precision. `kind` is diffusers' or transformers' class for it."""
    return kind.from_pretrained(PACKAGE / name, torch_dtype=torch.float32, local_files_only=True).eval()
