"""LoRAs in the loaded model: added to its weights, and taken out again exactly.

As in A1111 the weights themselves are changed, so drawing takes no longer. What they were stays in the machine's memory
as long as any LoRA is in them (all of SDXL's UNet: 5 GB): a difference taken away again would not give the same
numbers. Every change is computed from the weights as they were, all LoRAs together, in float32, and rounded once.

Those of a region are in the weights while its words are asked for alone. What they change is computed once, in the same
way, and lies beside the model on its device (again at most 5 GB), where it changes places with the weights.
"""

import json
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.headers import BadFile, read_header
from illustrious_studio.adapters.sdxl.lora_catalogue import MAX_HEADER
from illustrious_studio.adapters.sdxl.worker.lora_keys import Place, by_layer, places
from illustrious_studio.adapters.sdxl.worker.lora_weights import NoChange, change_of
from illustrious_studio.adapters.sdxl.worker.residence import Part, Residence
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import LoraFile, LoraUse

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

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

    def __init__(self, pipeline: Any, residence: Residence) -> None:
        self._pipeline = pipeline
        self._residence = residence
        self._places: dict[tuple[str, str], Place] | None = None
        self.used: tuple[LoraUse, ...] = ()
        """What is in the weights, but for regions."""
        self._originals: dict[tuple[Place, str], Tensor] = {}
        """Weights and biases as they were, in the machine's memory."""
        self._regional: dict[tuple[LoraUse, ...], dict[Part, list[tuple[Parameter, Tensor]]]] = {}
        """By what a region has beside those for all: the weights that this changes, as they are with both."""

    def use(self, wanted: Sequence[LoraUse], regional: Sequence[Sequence[LoraUse]] = ()) -> None:
        """Put these into the weights, in place of those that are in them, and have those of regions ready.

        Raises InvalidRequest for a file that cannot be used; then none is in them.
        """
        wanted, sets = _counting(wanted), dict.fromkeys(own for one in regional if (own := _counting(one)))
        if wanted == self.used and sets.keys() == self._regional.keys():
            return
        with ExitStack() as undoing:
            undoing.callback(self._take_out)
            self._regional = {}
            files = {one.file: None for uses in (wanted, *sets) for one in uses}
            opened = {file: self._opened(file) for file in files}  # what is wrong with a file is said before
            whole = [(opened[one.file], one) for one in wanted]
            self._change(whole)
            for own in sets:
                self._regional[own] = self._beside(whole, [(opened[one.file], one) for one in own])
            undoing.pop_all()
        self.used = wanted

    @contextmanager
    def within(self, own: Sequence[LoraUse], part: Part) -> Iterator[None]:
        """With those of a region in the weights of a part that is on the device, beside those for the whole picture."""
        weights = self._regional[counting][part] if (counting := _counting(own)) else []
        with self._residence.replaced(weights):
            yield

    def release(self) -> None:
        """What lies beside the model for regions: it is computed again when it is wanted."""
        self._regional = {}

    def _change(self, opened: list[tuple[_Opened, LoraUse]]) -> None:
        import torch

        changed: set[tuple[Place, str]] = set()
        with torch.no_grad():
            for key, parameter, weight in self._weights(opened, _layers(opened)):
                if key not in self._originals:
                    self._originals[key] = parameter.detach().to("cpu", copy=True)
                self._residence.write(parameter, weight)
                changed.add(key)
            for key in self._originals.keys() - changed:
                self._restore(key)

    def _beside(
        self, whole: list[tuple[_Opened, LoraUse]], own: list[tuple[_Opened, LoraUse]]
    ) -> "dict[Part, list[tuple[Parameter, Tensor]]]":
        import torch

        found: dict[Part, list[tuple[Parameter, Tensor]]] = {"unet": [], "text": []}
        with torch.no_grad():
            for (place, _), parameter, weight in self._weights([*whole, *own], _layers(own)):
                kept = parameter, torch.empty_like(parameter).copy_(weight)
                found["unet" if place.part == "unet" else "text"].append(kept)
        return found

    def _weights(
        self, opened: list[tuple[_Opened, LoraUse]], where: "dict[Place, None]"
    ) -> "Iterator[tuple[tuple[Place, str], Parameter, Tensor]]":
        """What weights and biases of these layers are with all of these, float32 on their device."""

        for place in where:
            layer = self._layer(place)
            original = self._original(place, "weight", layer)
            sums: dict[str, Tensor] = {}
            for lora, use in opened:
                share = use.unet if place.part == "unet" else use.text_encoders
                if place not in lora.layers or not share:
                    continue
                change = self._changed(lora, place, original)
                for name, more in (("weight", change.weight), ("bias", change.bias)):
                    if more is not None:
                        sums[name] = sums[name] + share * more if name in sums else share * more
            for name, more in sums.items():
                parameter = getattr(layer, name)
                if parameter is None or parameter.shape != more.shape:
                    raise _unusable(opened, f"its {place.part} has no {name} of that shape at {place.name}")
                yield (place, name), parameter, self._original(place, name, layer) + more

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
        """Float32, on its device."""
        import torch

        now = getattr(layer, name).detach()
        return self._originals.get((place, name), now).to(now.device, torch.float32)

    def _restore(self, key: tuple[Place, str]) -> None:
        place, name = key
        self._residence.write(getattr(self._layer(place), name), self._originals.pop(key))

    def _take_out(self) -> None:
        import torch

        with torch.no_grad():
            for key in list(self._originals):
                self._restore(key)
        self._regional = {}
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


def _counting(uses: Sequence[LoraUse]) -> tuple[LoraUse, ...]:
    return tuple(one for one in uses if one.unet or one.text_encoders)


def _layers(opened: list[tuple[_Opened, LoraUse]]) -> dict[Place, None]:
    return {place: None for lora, _ in opened for place in lora.layers}


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
