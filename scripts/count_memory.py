"""Count what a drawing with SDXL needs of a device's memory beside the weights: no device, no weights, no numbers.

    PYTHONPATH=src .venv/bin/python scripts/count_memory.py

The networks of the real size stand on torch's meta device, where tensors have shapes and nothing else. Every tensor
that an evaluation makes is followed to its end, as eager torch makes and drops them, and attention is counted as the
kernels do it that never write its matrix down (flash and memory-efficient attention). What kernels take for
themselves for a moment (cuDNN's workspaces) and what the allocator loses to rounding is not in it.

The constants of `domain/accelerator/estimates.py` are these; a test counts them again.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG

MIB = 1 << 20


class Peak(TorchDispatchMode):  # type: ignore[misc]
    """Bytes of the tensors that live, and the most that lived at once; weights that were there before do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for one in tree_leaves((args, kwargs)):
            if isinstance(one, torch.Tensor):
                self._seen.add(one.untyped_storage()._cdata)  # made before: not ours to count
        found = function(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, torch.Tensor):
                self._follow(one.untyped_storage())
        return found

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def flash(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    """What the attention kernels of a card leave behind: the result alone."""
    return query.new_empty(*query.shape[:-1], value.shape[-1])


@contextmanager
def counted() -> Iterator[Peak]:
    with torch.no_grad(), mock.patch("torch.nn.functional.scaled_dot_product_attention", flash), Peak() as peak:
        yield peak


def unet(dtype: torch.dtype = torch.float16) -> UNet2DConditionModel:
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(SDXL_CONFIG / "unet")).to(dtype).eval()


def vae(dtype: torch.dtype = torch.float32) -> AutoencoderKL:
    with torch.device("meta"):
        return AutoencoderKL.from_config(AutoencoderKL.load_config(SDXL_CONFIG / "vae")).to(dtype).eval()


def evaluation(model: UNet2DConditionModel, width: int, height: int, rows: int) -> int:
    """Bytes at most of one evaluation, its inputs among them."""
    options: dict[str, Any] = {"device": "meta", "dtype": model.dtype}
    with counted() as peak:
        sample = torch.zeros(rows, 4, height // 8, width // 8, **options)
        added = {"text_embeds": torch.zeros(rows, 1280, **options), "time_ids": torch.zeros(rows, 6, **options)}
        states = torch.zeros(rows, 77, 2048, **options)
        model(sample, torch.tensor(500, device="meta"), encoder_hidden_states=states, added_cond_kwargs=added)
    return peak.most


def decoding(model: AutoencoderKL, width: int, height: int) -> int:
    with counted() as peak:
        model.decode(torch.zeros(1, 4, height // 8, width // 8, device="meta", dtype=model.dtype))
    return peak.most


def encoding(model: AutoencoderKL, width: int, height: int) -> int:
    with counted() as peak:
        model.encode(torch.zeros(1, 3, height, width, device="meta", dtype=model.dtype))
    return peak.most


def weights(model: torch.nn.Module) -> int:
    return sum(one.numel() * one.element_size() for one in model.parameters())


def main() -> None:
    network = unet()
    print(f"UNet: {weights(network) / MIB:,.0f} MiB")
    for width, height, rows in (
        (512, 512, 2),
        (832, 1216, 2),
        (1024, 1024, 1),
        (1024, 1024, 2),
        (1024, 1024, 8),
        (2048, 2048, 2),
    ):
        found = evaluation(network, width, height, rows)
        print(
            f"  {width}x{height}, {rows} rows: {found / MIB:,.0f} MiB, "
            f"{found / (width * height * rows):,.1f} bytes a pixel and row"
        )
    for dtype in (torch.float32, torch.float16):
        decoder = vae(dtype)
        print(f"VAE in {dtype}: {weights(decoder) / MIB:,.0f} MiB")
        for width, height in ((512, 512), (832, 1216), (1024, 1024), (2048, 2048)):
            down, up = encoding(decoder, width, height), decoding(decoder, width, height)
            print(
                f"  {width}x{height}: decoding {up / MIB:,.0f} MiB, {up / (width * height):,.0f} bytes a pixel; "
                f"encoding {down / MIB:,.0f} MiB, {down / (width * height):,.0f} bytes a pixel"
            )


if __name__ == "__main__":
    main()
