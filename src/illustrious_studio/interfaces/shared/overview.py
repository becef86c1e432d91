"""How the studio is and which models it has, in the words that the interfaces share."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from illustrious_studio.domain.models import CheckpointOverride, LanguageModel, ModelStatus, PredictionType, RefusedFile
from illustrious_studio.domain.values import printable
from illustrious_studio.services.model_hashes import Kind
from illustrious_studio.services.studio import Studio


class Ready(BaseModel):
    """What the studio can do now."""

    sdxl: bool = Field(description="Pictures can be drawn.")
    ollama: bool = Field(description="A chat model answers.")
    multimodal: bool = Field(description="Pictures can be analyzed.")


class Details(BaseModel):
    """For each of the three: which backend and model, on what device, and how it is."""

    sdxl: ModelStatus
    ollama: ModelStatus
    multimodal: ModelStatus


class Status(BaseModel):
    """How the studio is."""

    status: str = "running"
    models: Ready
    cuda_available: bool
    gpu_available: bool = Field(description="Pictures are drawn by a graphics card.")
    gpu_backend: str = Field(description="What draws them: cuda, mps or cpu.")
    version: str
    queue_length: int = Field(description="Pictures that wait or are being drawn.")
    details: Details


class CheckpointEntry(BaseModel):
    """A model that draws. Where its file lies stays in the studio."""

    name: str
    family: str
    builtin: bool
    native_width: int
    native_height: int
    prediction_type: PredictionType
    zero_terminal_snr: bool
    inpainting: bool = Field(description="Made for inpainting: it is shown the mask and what the mask leaves.")
    override: CheckpointOverride = Field(description="What a person set for it: PATCH /models/checkpoints/{name}.")
    hint: str = Field(description="What may be wrong with what is known of it, and what to do.")
    size_bytes: int
    steps: int = Field(description="Steps to offer first.")
    guidance: float = Field(description="Guidance to offer first.")
    about: str
    vocabulary: str = Field(description="What it knows, when a line can say it.")
    sketch_strength: float | None = Field(
        description="Set when it always starts from a sketch: how much it changes it."
    )
    licence: str
    examples: tuple[str, ...]


class VaeEntry(BaseModel):
    """A VAE in a file of its own."""

    name: str
    size_bytes: int


class RefusedEntry(BaseModel):
    """A file among the models that cannot be used, and why."""

    kind: Kind = Field(description="What it lies among.")
    file: str
    reason: str


class ModelList(BaseModel):
    """What one can switch to, and what is in use."""

    checkpoint: str = Field(description="The checkpoint in use.")
    language_model: str = Field(description="The language model in use.")
    checkpoints: list[CheckpointEntry]
    language_models: list[LanguageModel]
    vaes: list[VaeEntry] = Field(description="VAE files that can take the place of a checkpoint's own.")
    refused: list[RefusedEntry] = Field(
        description="Files among the checkpoints, VAEs, LoRAs, embeddings, upscalers, control models and detectors "
        "that cannot be used."
    )


def status_now(studio: Studio) -> Status:
    models = studio.models.model_status()
    return Status(
        models=Ready(sdxl=models.sdxl.ready, ollama=models.ollama.ready, multimodal=models.multimodal.ready),
        cuda_available=models.cuda_available,
        gpu_available=models.gpu_backend != "cpu",
        gpu_backend=models.gpu_backend,
        version=models.version,
        queue_length=len(studio.jobs.active()),
        details=Details(sdxl=models.sdxl, ollama=models.ollama, multimodal=models.multimodal),
    )


async def models_now(studio: Studio) -> ModelList:
    status = studio.models.model_status()
    return ModelList(
        checkpoint=status.sdxl.model,
        language_model=status.ollama.model,
        checkpoints=[
            CheckpointEntry.model_validate(checkpoint, from_attributes=True)
            for checkpoint in await studio.models.checkpoints()
        ],
        language_models=await studio.models.language_models(),
        vaes=[VaeEntry(name=vae.name, size_bytes=vae.size_bytes) for vae in await studio.vaes.vaes()],
        refused=[
            RefusedEntry(kind=kind, file=printable(one.path.name), reason=one.reason)
            for kind, files in (await refused_by_kind(studio)).items()
            for one in files
        ],
    )


async def refused_files(studio: Studio) -> list[RefusedFile]:
    """What lies among the model files of each kind and is not offered."""
    return [file for files in (await refused_by_kind(studio)).values() for file in files]


async def refused_by_kind(studio: Studio) -> dict[Kind, Sequence[RefusedFile]]:
    """The same, by what it lies among."""
    return {
        "checkpoint": await studio.models.refused(),
        "vae": await studio.vaes.refused(),
        "lora": await studio.loras.refused(),
        "embedding": await studio.embeddings.refused(),
        "upscaler": await studio.upscalers.refused(),
        "control": await studio.controls.refused(),
        "detector": await studio.detectors.refused(),
    }
