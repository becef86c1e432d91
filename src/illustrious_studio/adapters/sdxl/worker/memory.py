"""The memory of the device: how much there is, giving it back, and telling that it ran out.

Runs in the worker process only; on a CPU the numbers are the machine's memory and this process' share of it.
"""

import gc
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from illustrious_studio.domain.models import MemoryPolicy

logger = logging.getLogger(__name__)

T = TypeVar("T")

SHORT = 0.25
"""Less of a device's memory free than this share is short: a language model of a usual size no longer fits beside."""

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed", "cannot allocate memory")


def clear_cuda_memory() -> None:
    """Give cached device memory back to the system. Harmless without CUDA."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Torch has a class for it on CUDA; CPU, Metal and the libraries below only say it in words."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def unless_out_of_memory(work: Callable[[], T]) -> T | None:
    """Do the work; None when memory ran out.

    It returns after its `except` block has ended: until then the traceback holds every tensor of the frames it passed
    through, and clearing would free nothing.
    """
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def gives_back(policy: MemoryPolicy, now: dict[str, Any] | None) -> bool:
    """Whether what torch keeps for the next picture goes back to the system after this one: only where others want it,
    since it costs time to get it again. `now` is what `measure` says: a lost device has nothing to give."""
    if policy != "auto" or now is None:
        return policy == "always" and now is not None
    return bool(now["total"] - now["used"] < SHORT * now["total"])


def measure(device: Any) -> dict[str, Any] | None:
    """The fields of a DeviceMemory; None when the device is lost, which whoever draws on it will say."""
    import psutil

    if device.type == "cuda":
        import torch

        try:
            free, total = torch.cuda.mem_get_info(device)
            return {
                "device": torch.cuda.get_device_name(device),
                "total": total,
                "used": total - free,
                "reserved": torch.cuda.memory_reserved(device),
            }
        except RuntimeError as error:
            logger.debug("the device does not tell its memory: %s", error)
            return None
    machine = psutil.virtual_memory()
    return {
        "device": device.type,
        "total": machine.total,
        "used": machine.total - machine.available,
        "reserved": psutil.Process().memory_info().rss,
    }
