"""What a request may name or bring besides its checkpoint: the services that find it, check it and have it ready."""

from dataclasses import dataclass

from illustrious_studio.services.controls import ControlService
from illustrious_studio.services.details import DetailService
from illustrious_studio.services.embeddings import EmbeddingService
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.loras import LoraService
from illustrious_studio.services.regions import RegionService
from illustrious_studio.services.sketch import SketchService
from illustrious_studio.services.upscale_runner import UpscaleRunner
from illustrious_studio.services.vaes import VaeService


@dataclass(frozen=True)
class Ingredients:
    """They are asked twice: before a job is queued, whether all of it is there, and when it is drawn, for itself."""

    inputs: InputService
    sketches: SketchService
    vaes: VaeService
    loras: LoraService
    embeddings: EmbeddingService
    upscales: UpscaleRunner
    controls: ControlService
    regions: RegionService
    details: DetailService
