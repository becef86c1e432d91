"""Where the parts of the loaded model lie: on the device, or at home in the machine's memory.

A placement (`domain/accelerator/placement.py`) says which parts stay on the device and which only visit it. A part that
visits keeps its home: coming is a copy from there (from pinned memory on a card, which is as fast as the bus is),
leaving is none, for its weights do not change while they are away from it. Who changes weights (`loras`) writes them
in both places. The layers of a streamed UNet are moved by diffusers' group offloading, which knows such homes, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from illustrious_studio.adapters.sdxl.worker.memory import is_out_of_memory
from illustrious_studio.domain.accelerator.placement import Placement, Residency

if TYPE_CHECKING:
    from torch import Tensor, device

Part = Literal["text", "unet", "vae"]
MODULES: dict[Part, tuple[str, ...]] = {
    "text": ("text_encoder", "text_encoder_2"),
    "unet": ("unet",),
    "vae": ("vae",),
}
VISITING: dict[Residency, tuple[Part, ...]] = {
    "full": (),
    "text encoders offloaded": ("text",),
    "model offload": ("text", "unet", "vae"),
    "group offload": ("text", "vae"),
}


class Residence:
    """Of one pipeline. Nothing is on the device until a placement is used."""

    def __init__(self, pipeline: Any, device: "device") -> None:
        self._pipeline = pipeline
        self._device = device
        self._homes: dict[Tensor, Tensor] = {}
        """By parameter and buffer: what it is at home. The parts that stay on the device have none."""
        self._here: set[Part] = set()
        """Those that visit now."""
        self._streaming = False
        self.placement: Placement | None = None

    @property
    def offloads(self) -> bool:
        """Whether no more than one part of the model is on the device."""
        return self.placement is not None and self.placement.residency in ("model offload", "group offload")

    def use(self, placement: Placement) -> None:
        """Have the parts lie as it says. Raises torch's error where memory runs out; whatever lies where then, the next
        placement brings it into order."""
        if self.placement is not None and self.placement.residency == placement.residency:
            self.placement = placement
            return
        self.placement = None
        visiting = VISITING[placement.residency]
        self._stream(on=False)
        for part in visiting:  # first, for they make room
            self._rest(part)
        streams = placement.residency == "group offload"
        for part in MODULES:
            if part not in visiting and not (part == "unet" and streams):
                self._settle(part)
        if streams:
            self._go_home("unet")
            self._stream(on=True)
        self.placement = placement

    def need(self, part: Part) -> None:
        """Have a part on the device."""
        if self._visits(part) and part not in self._here:
            self._here.add(part)
            self._bring(part)

    def done(self, part: Part) -> None:
        """A part that only visits may leave."""
        if self._visits(part):
            self._rest(part)

    def _visits(self, part: Part) -> bool:
        return self.placement is not None and part in VISITING[self.placement.residency]

    @contextmanager
    def working(self, part: Part) -> Iterator[None]:
        try:
            self.need(part)
            yield
        finally:
            self.done(part)

    def attach(self, vae: Any) -> None:
        """Another VAE, which is on the device."""
        for tensor in self._tensors("vae"):
            self._homes.pop(tensor, None)
        self._pipeline.vae = vae
        self.done("vae")

    def write(self, parameter: "Tensor", weight: "Tensor") -> None:
        """Change a weight, wherever it lies."""
        parameter.data.copy_(weight)
        home = self._homes.get(parameter)
        if home is not None and home.data_ptr() != parameter.data.data_ptr():
            home.copy_(weight)

    @contextmanager
    def replaced(self, weights: "list[tuple[Tensor, Tensor]]") -> Iterator[None]:
        """With other weights in the place of some, of parts that are on the device; streamed ones are copied."""
        before: list[tuple[Tensor, Tensor]] = []
        streams = self._streaming
        try:
            for parameter, weight in weights:
                if streams and parameter.device.type == "cpu":
                    before.append((parameter, parameter.data.clone()))
                    parameter.data.copy_(weight)
                else:
                    before.append((parameter, parameter.data))
                    parameter.data = weight.to(parameter)
            yield
        finally:
            for parameter, weight in before:
                if streams and parameter.device.type == "cpu":
                    parameter.data.copy_(weight)
                else:
                    parameter.data = weight

    @contextmanager
    def other_layers(self) -> Iterator[None]:
        """While the UNet gets layers, or loses some: those that are streamed are known one by one."""
        streams = self._streaming
        self._stream(on=False)
        try:
            yield
        finally:
            if streams:
                self._go_home("unet")
                self._stream(on=True)

    @contextmanager
    def apart(self, part: Part) -> Iterator[None]:
        """With a part in main memory and without a home, so that it may become another (another number format)."""
        placement = self.placement
        if part == "unet":
            self._stream(on=False)
        self._go_home(part)
        yield
        self.placement = None
        if placement is not None:
            self.use(placement)

    def _tensors(self, part: Part) -> "Iterator[Tensor]":
        for name in MODULES[part]:
            module = getattr(self._pipeline, name)
            yield from module.parameters()
            yield from module.buffers()

    def _in_order(self, part: Part) -> None:
        """Into the order of memory in which convolutions are fastest: on the device, where the part stays there, for
        that takes a CPU seconds. Homes keep it."""
        import torch

        unet = self._pipeline.unet
        if part == "unet" and not unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last):
            unet.to(memory_format=torch.channels_last)

    def _bring(self, part: Part) -> None:
        for tensor in self._tensors(part):
            home = self._homes.get(tensor)
            source = tensor.data if home is None else home
            tensor.data = source.to(self._device, non_blocking=True, copy=home is not None)

    def _rest(self, part: Part) -> None:
        self._here.discard(part)
        self._in_order(part)
        for tensor in self._tensors(part):
            if tensor not in self._homes:
                self._homes[tensor] = self._at_home(tensor.data)
            tensor.data = self._homes[tensor]

    def _settle(self, part: Part) -> None:
        """Bring it to stay: it needs no home."""
        self._bring(part)
        self._in_order(part)
        self._here.discard(part)
        for tensor in self._tensors(part):
            self._homes.pop(tensor, None)

    def _go_home(self, part: Part) -> None:
        self._here.discard(part)
        for tensor in self._tensors(part):
            home = self._homes.pop(tensor, None)
            tensor.data = tensor.data.to("cpu") if home is None else home

    def _at_home(self, data: "Tensor") -> "Tensor":
        import torch

        try:
            home = torch.empty_like(data, device="cpu", pin_memory=self._device.type == "cuda")
        except RuntimeError as error:  # the system pins only so much
            if not is_out_of_memory(error):
                raise
            home = torch.empty_like(data, device="cpu")
        return home.copy_(data)

    def _stream(self, *, on: bool) -> None:
        from diffusers.hooks import HookRegistry, apply_group_offloading

        unet = self._pipeline.unet
        if not on and self._streaming:
            self._streaming = False
            registry = HookRegistry.check_if_exists_or_initialize(unet)
            for name in GROUP_OFFLOADING:
                registry.remove_hook(name, recurse=True)
            unet.to("cpu")
        if not on:
            return
        self._in_order("unet")
        self._streaming = True
        where: dict[str, Any] = {"onload_device": self._device, "offload_type": "leaf_level"}
        try:
            apply_group_offloading(unet, use_stream=self._device.type == "cuda", **where)
        except RuntimeError as error:  # the system pins only so much
            if not is_out_of_memory(error):
                raise
            self._stream(on=False)
            apply_group_offloading(unet, **where)
            self._streaming = True


GROUP_OFFLOADING = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")
"""The hooks of diffusers' group offloading, by its names."""
