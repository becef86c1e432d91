"""Models: checkpoints and VAEs, language models, how each of them is, and the ports that list the files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, Field

from illustrious_studio.domain.presets import Preset
from illustrious_studio.domain.values import Text, Value

MemoryPolicy = Literal["auto", "always", "never"]
"""Whether drawing shares a card's memory with others: as far as there is too little, in any case, or not."""

ModelState = Literal["absent", "loading", "ready", "failed"]
PredictionType = Literal["epsilon", "v_prediction"]
"""What the UNet predicts: the noise, or the velocity (Salimans and Ho, arXiv:2202.00512)."""

_V_PREDICTION_NAME = re.compile(r"v[-_ ]?pred", re.IGNORECASE)


class CheckpointOverride(Value):
    """What a person set for a checkpoint whose file does not say it; None: as the file says."""

    prediction_type: PredictionType | None = None
    zero_terminal_snr: bool | None = None
    preset: Preset | None = Field(None, description="The settings and words to begin with.")


class Checkpoint(Value):
    """A model that draws, and the facts the engine must know about it: read from its files, never assumed."""

    name: str
    path: Path
    layout: Literal["single-file", "folder"]
    family: str = "SDXL"
    builtin: bool = False
    native_width: int = 1024
    native_height: int = 1024
    prediction_type: PredictionType = "epsilon"
    zero_terminal_snr: bool = False
    inpainting: bool = Field(False, description="Made for inpainting: it is shown the mask and what the mask leaves.")
    override: CheckpointOverride = Field(CheckpointOverride(), description="What a person set for it.")
    size_bytes: int = 0
    stamp: str = Field("", description="Another one when its files were changed or replaced.")
    sketch_strength: float | None = Field(
        None, description="Set when it always starts from a sketch: how much it changes it."
    )
    steps: int = Field(30, description="Steps to offer first.")
    guidance: float = Field(7.5, description="Guidance to offer first.")
    about: str = Field("", description="One line for the UI: what this model is.")
    vocabulary: str = Field("", description="What it knows, when a line can say it.")
    licence: str = ""
    examples: tuple[str, ...] = Field((), description="Prompts it draws well, for the empty screen.")
    latent_rgb: tuple[tuple[float, float, float, float], ...] | None = Field(
        None,
        description="For previews: red, green, blue as weighted sums of the four latent channels (each 4 weights).",
    )
    latent_rgb_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def with_override(self, override: CheckpointOverride) -> "Checkpoint":
        """The same, with what a person set in place of what the file says."""
        given = {name: value for name, value in dict(override).items() if value is not None and name != "preset"}
        preset = override.preset or Preset()
        offered = {name: value for name in ("steps", "guidance") if (value := getattr(preset, name)) is not None}
        return self.model_copy(update={**given, **offered, "override": override})

    @property
    def settings(self) -> dict[str, Any]:
        """What to offer first for a picture with it, by the names of a request's fields."""
        own = {"steps": self.steps, "guidance": self.guidance}
        return own | (self.override.preset.settings if self.override.preset is not None else {})

    def same_weights(self, other: "Checkpoint") -> bool:
        """Whether both are loaded from the same files: what the UNet's output means is said for each drawing."""
        return other.model_copy(update={name: getattr(self, name) for name in _OF_A_DRAWING}) == self

    @property
    def hint(self) -> str:
        """What may be wrong with what is known of it."""
        known = self.prediction_type == "v_prediction" or self.override.prediction_type is not None
        if known or not names_v_prediction(self.name):
            return ""
        return (
            "Its name says v-prediction, and nothing in its file does. If pictures come out as noise, set its "
            "prediction type to v_prediction."
        )


_OF_A_DRAWING = ("prediction_type", "zero_terminal_snr", "override", "steps", "guidance")


def names_v_prediction(name: str) -> bool:
    """Whether a file's name says that it is a v-prediction checkpoint: a hint, and no more."""
    return _V_PREDICTION_NAME.search(name) is not None


AUTOMATIC_VAE = "automatic"
"""What a request calls the checkpoint's own VAE; no file has that name."""
SAFETENSORS = ".safetensors"


def without_ending(name: str) -> str:
    """A file's name without `.safetensors`, in whichever letters."""
    return name[: -len(SAFETENSORS)] if name.lower().endswith(SAFETENSORS) else name


def vae_named(name: str) -> str:
    """A VAE as the studio calls it. A1111 calls one by its file's name, the checkpoint's own "Automatic" or "None"."""
    own = name.strip().lower() in ("", "none", AUTOMATIC_VAE)
    return AUTOMATIC_VAE if own else without_ending(name)


def vae_file(name: str) -> str:
    """What A1111 calls a VAE: its file."""
    return name + SAFETENSORS


VaeName = Annotated[Text, AfterValidator(vae_named)]
"""A VAE, by any of its names; afterwards by the studio's."""


class VaeFile(Value):
    """A VAE in a file of its own, to be used instead of a checkpoint's."""

    name: str
    path: Path
    size_bytes: int = 0
    stamp: str = Field("", description="Another one when the file was changed or replaced.")


@dataclass(frozen=True)
class RefusedFile:
    """A file that is not offered, and why, in a sentence."""

    path: Path
    reason: str


class LanguageModel(Value):
    """A language model one can switch to."""

    name: str
    backend: Literal["ollama", "openai", "embedded"]
    size_bytes: int = 0
    capabilities: tuple[str, ...] = ()
    context_length: int | None = None
    remote: bool = Field(False, description="Whether it runs elsewhere: what is written to it leaves this machine.")


class DeviceMemory(Value):
    """Memory of a device in bytes. `used` counts every program on it, `reserved` only the studio's drawing process."""

    device: str
    total: int
    used: int
    reserved: int = 0


class ModelStatus(Value):
    """How one of the three (image model, chat model, vision model) is, now."""

    backend: str = Field(description="What runs it: sdxl, ollama, openai, embedded, builtin.")
    model: str = ""
    state: ModelState = "absent"
    reason: str = Field("", description="Why it is not ready, and what to do about it.")
    hint: str = Field("", description="What would do this better, and how to get it.")
    device: str = Field("", description="The device's own name.")
    device_type: str = Field("", description="cpu, cuda or mps.")
    memory: DeviceMemory | None = None
    capabilities: tuple[str, ...] = ()
    context_length: int | None = None
    remote: bool = Field(False, description="Whether it runs elsewhere: what is written to it leaves this machine.")

    @property
    def ready(self) -> bool:
        return self.state == "ready"


class CheckpointCatalogue(Protocol):
    """The checkpoints on disk. Only what it lists can be loaded; names from outside are looked up in it."""

    async def list(self) -> list[Checkpoint]:
        """Every checkpoint, the built-in one last. Damaged files are left out and logged."""
        ...

    async def hash_of(self, checkpoint: Checkpoint) -> str | None:
        """First 10 hex digits of the file's SHA-256 (A1111's "Model hash"); None for a folder or an unreadable file."""
        ...

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies in the user's folders and is not offered."""
        ...


class VaeCatalogue(Protocol):
    """The VAE files on disk. Names from outside are looked up in it."""

    async def list(self) -> list[VaeFile]:
        """Every one that SDXL may use, by its header."""
        ...

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and is not offered."""
        ...

    async def hash_of(self, file: VaeFile) -> str | None:
        """First 10 hex digits of its SHA-256 (A1111's "VAE hash"); None for a file that cannot be read."""
        ...


class OverridableCatalogue(CheckpointCatalogue, Protocol):
    """A catalogue that keeps overrides of what the files say."""

    async def set_override(self, checkpoint: Checkpoint, override: CheckpointOverride) -> None:
        """Keep it, over restarts, too; `list` has it from then on. Raises Unavailable."""
        ...


class Chosen(Value):
    """The models that a person switched to last, by name; empty where none was."""

    checkpoint: str = ""
    language_model: str = ""


class ChosenModels(Protocol):
    """Keeps them over restarts."""

    async def read(self) -> Chosen: ...

    async def keep(self, chosen: Chosen) -> None:
        """Raises Unavailable."""
        ...
