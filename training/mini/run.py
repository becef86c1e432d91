"""One training run: steps until its minutes are used up, on one device or on several processes of a CPU.

It can be killed at any moment and goes on from its last checkpoint, at most `SAVE_EVERY` seconds back. What a step
draws at random follows from the step's number, so no random state needs keeping. Progress counts minutes trained, over
all sittings; the learning rate falls with a cosine along it.
"""

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
import torch.distributed as dist
from torch import Tensor, nn

SAVE_EVERY = 120
TELL_EVERY = 30
WARM_UP = 60


@dataclass(frozen=True)
class Plan:
    """How long and on what. `sitting`: minutes after which to stop for now; the run goes on when called again."""

    work: Path
    minutes: float
    sitting: float = math.inf
    device: str = "auto"
    processes: int = 1
    seeds: int = 3
    """How many pictures are drawn of each thing that is measured."""
    model: Path | None = None
    """The folder of the model that is measured, when it is not the exported one."""


def in_processes(plan: Plan, train: Callable[[Plan], None]) -> None:
    """Call it here, or in several processes that average their gradients (for CPUs: one thread each)."""
    if plan.processes == 1:
        train(plan)
    else:
        torch.multiprocessing.spawn(_one_process, (plan, train), nprocs=plan.processes)


def _one_process(rank: int, plan: Plan, train: Callable[[Plan], None]) -> None:
    torch.set_num_threads(1)
    meeting = f"file://{(plan.work / f'meeting-{os.getppid()}').absolute()}"
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=plan.processes)
    train(plan)
    dist.destroy_process_group()


def device_of(plan: Plan) -> torch.device:
    if plan.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(plan.device)


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where the device multiplies it fast (CUDA, CPUs with AMX or AVX-512's own); full precision elsewhere."""
    fast = device.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


class Run:
    """Trains `model`, from the weights it comes with or from its own checkpoint; keeps a moving average of its weights
    (`averaged`), which is what is shipped."""

    def __init__(self, plan: Plan, name: str, model: nn.Module, rate: float, decay: float = 0.999) -> None:
        self.plan, self.name, self.rate, self.decay = plan, name, rate, decay
        self.device = device_of(plan)
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.ranks = dist.get_world_size() if dist.is_initialized() else 1
        # On CPUs, channels-last loses more in normalisation's backward pass than convolutions gain by it.
        fast = torch.channels_last if self.device.type == "cuda" else torch.contiguous_format
        self.model = model.to(self.device, memory_format=fast)
        self.averaged = {key: value.detach().clone() for key, value in self.model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01},
             {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0}],
            lr=rate, betas=(0.9, 0.98), fused=True,
        )  # fmt: skip
        self.step = 0
        self.seconds = 0.0
        self.progress = 0.0
        self.random = torch.Generator()
        self._stop = False
        self._load()

    @property
    def file(self) -> Path:
        return self.plan.work / f"{self.name}.pt"

    def train(self, loss_of: Callable[[], Tensor], tell: Callable[[], str], samples: int) -> None:
        """Step until the minutes are over. `samples` is how many a process takes a step, to tell the speed."""
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        began, before = time.monotonic(), self.seconds
        saved = told = began
        losses: list[float] = []
        while self.progress < 1 and not self._stop:
            self.random.manual_seed(self.step * self.ranks + self.rank)
            torch.manual_seed(self.step * self.ranks + self.rank)
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * min(1, (self.step + 1) / WARM_UP) * (0.03 + 0.97 * _cosine(self.progress))
            loss = loss_of()
            loss.backward()
            now = time.monotonic()
            self.seconds = before + now - began
            over = now - began > self.plan.sitting * 60 or self._stop
            self._agree(self.seconds / (self.plan.minutes * 60), over)
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            self._average()
            if now - told > TELL_EVERY:
                losses.append(loss.item())
                speed = self.step * samples * self.ranks / self.seconds
                self._say(f"{self.seconds:.0f} s  step {self.step}  loss {losses[-1]:.4f}  {speed:.0f}/s  {tell()}")
                told = now
            if now - saved > SAVE_EVERY:
                self.save()
                saved = now
        self.save()

    def save(self) -> None:
        """Aside, then renamed: a kill in the middle leaves the one before."""
        if self.rank == 0:
            state = {
                "model": self.model.state_dict(),
                "averaged": self.averaged,
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
            }
            torch.save(state, self.file.with_suffix(".part"))
            self.file.with_suffix(".part").rename(self.file)

    def _load(self) -> None:
        if self.file.exists():
            state = torch.load(self.file, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.averaged = state["averaged"]
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = state["step"], state["seconds"]
            self.progress = self.seconds / (self.plan.minutes * 60)  # the plan may have become longer
            self._say(f"{self.name}: going on from step {self.step}, {self.seconds:.0f} s trained")

    def _agree(self, progress: float, over: bool) -> None:
        """The mean gradient, and one opinion on how far along it is and whether to stop."""
        if self.ranks == 1:
            self.progress, self._stop = progress, over
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        flat = torch.cat([*(grad.flatten() for grad in gradients), torch.tensor([progress, float(over)])])
        dist.all_reduce(flat)
        flat /= self.ranks
        at = 0
        for grad in gradients:
            grad.copy_(flat[at : at + grad.numel()].view_as(grad))
            at += grad.numel()
        self.progress, self._stop = flat[-2].item(), flat[-1].item() > 0

    @torch.no_grad()
    def _average(self) -> None:
        weight = 1 - min(self.decay, (self.step + 1) / (self.step + 20))
        for key, value in self.model.state_dict().items():
            self.averaged[key].lerp_(value, weight)

    def _asked_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _say(self, text: str) -> None:
        if self.rank == 0:
            print(text, flush=True)


def _cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def averaged_weights(work: Path, name: str) -> dict[str, Tensor]:
    """What a run has come to so far. Raises FileNotFoundError when it was never run."""
    weights: dict[str, Tensor] = torch.load(work / f"{name}.pt", map_location="cpu", weights_only=True)["averaged"]
    return weights
