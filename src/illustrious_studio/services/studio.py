"""The studio: all of its services, as the interfaces get them."""

from dataclasses import dataclass

from illustrious_studio.services.answers import AnswerService
from illustrious_studio.services.chat import ChatService
from illustrious_studio.services.checkpoint_reports import CheckpointReports
from illustrious_studio.services.controls import ControlService
from illustrious_studio.services.cutouts import CutoutService
from illustrious_studio.services.details import DetailService
from illustrious_studio.services.detectors import DetectorService
from illustrious_studio.services.embeddings import EmbeddingService
from illustrious_studio.services.first_steps import FirstStepsService
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.grids import GridService
from illustrious_studio.services.images import ImageService
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.layouts import LayoutService
from illustrious_studio.services.loras import LoraService
from illustrious_studio.services.model_hashes import ModelHashes
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.preprocessing import PreprocessingService
from illustrious_studio.services.prompts import PromptService
from illustrious_studio.services.redrawing import RedrawService
from illustrious_studio.services.refused_requests import RefusedRequests
from illustrious_studio.services.regions import RegionService
from illustrious_studio.services.sheets import SheetService
from illustrious_studio.services.sketch import SketchService
from illustrious_studio.services.tokens import TokenService
from illustrious_studio.services.upscalers import UpscalerService
from illustrious_studio.services.upscaling import UpscaleService
from illustrious_studio.services.vaes import VaeService
from illustrious_studio.services.vision import VisionService


@dataclass(frozen=True)
class Studio:
    """Built by `wiring.open_studio`; the same object serves the API, the web UI and the command line."""

    version: str
    images: ImageService
    inputs: InputService
    jobs: JobQueue
    grids: GridService
    sheets: SheetService
    chat: ChatService
    answers: AnswerService
    prompts: PromptService
    vision: VisionService
    cutouts: CutoutService
    preprocessing: PreprocessingService
    upscalers: UpscalerService
    detectors: DetectorService
    details: DetailService
    upscaling: UpscaleService
    redrawing: RedrawService
    gallery: GalleryService
    models: ModelService
    reports: CheckpointReports
    hashes: ModelHashes
    vaes: VaeService
    loras: LoraService
    embeddings: EmbeddingService
    controls: ControlService
    tokens: TokenService
    sketches: SketchService
    layouts: LayoutService
    regions: RegionService
    refused: RefusedRequests
    first_steps: FirstStepsService
