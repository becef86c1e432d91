"""LoRAs in the loaded model: added to its weights, and taken out again exactly.

As in A1111 the weights themselves are changed, so drawing takes no longer. What they were stays in the machine's memory
as long as any LoRA is in them (all of SDXL's UNet: 5 GB): a difference taken away again would not give the same
numbers. Every change is computed from the weights as they were, all LoRAs together, in float32, and rounded once.
"""

import json
import logging
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.headers import BadFile, read_header
from illustrious_studio.adapters.sdxl.lora_catalogue import MAX_HEADER
from illustrious_studio.adapters.sdxl.worker.lora_keys import Place, by_layer, places
from illustrious_studio.adapters.sdxl.worker.lora_weights import NoChange, change_of
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import LoraFile, LoraUse

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER_NOTES = "lora_adapter_metadata"
"""Where diffusers writes peft's settings."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Opened:
    """A LoRA's tensors by the layers they change, and what its notes say of their scale."""

    file: LoraFile
    layers: "dict[Place, dict[str, Tensor]]"
    alphas: dict[str, float]
    """By the model (`unet`, `text_encoder`, ...)."""


class LoraMerger:
    """The LoRAs in one pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._places: dict[tuple[str, str], Place] | None = None
        self.used: tuple[LoraUse, ...] = ()
        """What is in the weights."""
        self._originals: dict[tuple[Place, str], Tensor] = {}
        """Weights and biases as they were, in the machine's memory."""

    def use(self, wanted: Sequence[LoraUse]) -> None:
        """Put these into the weights, in place of those that are in them.

        Raises InvalidRequest for a file that cannot be used; then none is in them.
        """
        wanted = tuple(one for one in wanted if one.unet or one.text_encoders)
        if wanted == self.used:
            return
        with ExitStack() as undoing:
            undoing.callback(self._take_out)
            opened = [(self._opened(one.file), one) for one in wanted]  # what is wrong with a file is said before
            self._change(opened)
            undoing.pop_all()
        self.used = wanted

    def _change(self, opened: list[tuple[_Opened, LoraUse]]) -> None:
        import torch

        changed: set[tuple[Place, str]] = set()
        with torch.no_grad():
            for place in {place: None for lora, _ in opened for place in lora.layers}:
                layer = self._layer(place)
                original = self._original(place, "weight", layer).to(layer.weight.device, torch.float32)
                sums: dict[str, Tensor] = {}
                for lora, use in opened:
                    weight = use.unet if place.part == "unet" else use.text_encoders
                    if place not in lora.layers or not weight:
                        continue
                    change = self._changed(lora, place, original)
                    for name, more in (("weight", change.weight), ("bias", change.bias)):
                        if more is not None:
                            sums[name] = sums[name] + weight * more if name in sums else weight * more
                for name, more in sums.items():
                    parameter = getattr(layer, name)
                    if parameter is None or parameter.shape != more.shape:
                        raise _unusable(opened, f"its {place.part} has no {name} of that shape at {place.name}")
                    before = self._original(place, name, layer).to(parameter.device, torch.float32)
                    parameter.data.copy_(before + more)
                    changed.add((place, name))
            for key in self._originals.keys() - changed:
                self._restore(key)

    def _changed(self, lora: _Opened, place: Place, original: "Tensor") -> Any:
        import torch

        parts = {name: tensor.to(original.device, torch.float32) for name, tensor in lora.layers[place].items()}
        try:
            return change_of(parts, original, lora.alphas.get(place.part))
        except NoChange as error:
            raise InvalidRequest(
                f"The LoRA {lora.file.name} does not go with the checkpoint: at {place.name} it {error}. "
                "It was made for another kind of model, or is damaged."
            ) from error

    def _layer(self, place: Place) -> Any:
        return getattr(self._pipeline, place.part).get_submodule(place.name)

    def _original(self, place: Place, name: str, layer: Any) -> "Tensor":
        if (place, name) not in self._originals:
            self._originals[place, name] = getattr(layer, name).detach().to("cpu", copy=True)
        return self._originals[place, name]

    def _restore(self, key: tuple[Place, str]) -> None:
        place, name = key
        parameter = getattr(self._layer(place), name)
        parameter.data.copy_(self._originals.pop(key))

    def _take_out(self) -> None:
        import torch

        with torch.no_grad():
            for key in list(self._originals):
                self._restore(key)
        self.used = ()

    def _opened(self, file: LoraFile) -> _Opened:
        """Raises InvalidRequest."""
        from safetensors import SafetensorError, safe_open

        if self._places is None:
            self._places = places(self._pipeline)
        layers: dict[Place, dict[str, Tensor]] = {}
        unknown: list[str] = []
        try:
            metadata = read_header(file.path, MAX_HEADER).metadata
            with safe_open(file.path, "pt") as tensors:
                for key, names in by_layer(dict.fromkeys(tensors.keys())).items():
                    if (place := self._places.get(key)) is None or "" in names:
                        unknown += names.values()
                        continue
                    parts = {kind: tensors.get_tensor(name) for kind, name in names.items()}
                    if broken := next((names[kind] for kind, one in parts.items() if not _finite(one)), ""):
                        raise InvalidRequest(
                            f"The LoRA {file.name} is damaged: numbers of {broken} are not finite. Download it again."
                        )
                    if parts.keys() != {"alpha"}:
                        layers.setdefault(place, {}).update(parts)
        except (BadFile, SafetensorError, OSError, ValueError, RuntimeError) as error:
            raise InvalidRequest(
                f"The LoRA {file.name} cannot be read: {' '.join(str(error).split())[:300]}"
            ) from error
        if not layers:
            raise InvalidRequest(
                f"The LoRA {file.name} does not go with the checkpoint: the model has none of the layers it changes."
            )
        if unknown:
            logger.warning("%s has %d tensors that are not used, %s first", file.name, len(unknown), unknown[0])
        return _Opened(file, layers, _alphas(metadata))


def _finite(tensor: "Tensor") -> bool:
    import torch

    return bool(torch.isfinite(tensor.float()).all())


def _unusable(opened: list[tuple[_Opened, LoraUse]], why: str) -> InvalidRequest:
    names = ", ".join(lora.file.name for lora, _ in opened)
    return InvalidRequest(f"The LoRA {names} does not go with the checkpoint: {why}.")


def _alphas(metadata: dict[str, str]) -> dict[str, float]:
    """What peft was told, as diffusers writes it: with rsLoRA a rank counts by its root (arXiv:2312.03732)."""
    try:
        notes = json.loads(metadata.get(ADAPTER_NOTES, "{}"))
        found: dict[str, float] = {}
        for part in ("unet", "text_encoder", "text_encoder_2"):
            alpha, rank = notes.get(f"{part}.lora_alpha"), notes.get(f"{part}.r")
            if isinstance(alpha, (int, float)):
                rooted = notes.get(f"{part}.use_rslora") and isinstance(rank, int)
                found[part] = alpha * (math.sqrt(rank) if rooted else 1)
        return found
    except (ValueError, AttributeError):
        return {}
