"""The one place that chooses an adapter for each port. Who opens here, closes here."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock
import psutil
import structlog

from illustrious_studio import __version__
from illustrious_studio.adapters.chat.llama_cpp import EmbeddedChat, packaged_gguf
from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.adapters.chat.openai import OpenAIChat
from illustrious_studio.adapters.cutout.u2net import U2NetRemover
from illustrious_studio.adapters.files.checkpoint_overrides import OverriddenCheckpoints
from illustrious_studio.adapters.files.chosen_models import ChosenModelsFile
from illustrious_studio.adapters.files.gallery import FolderGallery
from illustrious_studio.adapters.files.inputs import FolderInputs
from illustrious_studio.adapters.files.sheets import FolderSheets
from illustrious_studio.adapters.files.wildcards import WildcardFolder
from illustrious_studio.adapters.machine import ThisMachine
from illustrious_studio.adapters.preprocessors.annotator import OpenCvAnnotator
from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.checkpoint_facts import DiskHeaders
from illustrious_studio.adapters.sdxl.control_catalogue import DiskControls
from illustrious_studio.adapters.sdxl.detector_catalogue import DiskDetectors
from illustrious_studio.adapters.sdxl.embedding_catalogue import DiskEmbeddings
from illustrious_studio.adapters.sdxl.engine import SdxlEngine
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.lora_catalogue import DiskLoras
from illustrious_studio.adapters.sdxl.upscaler_catalogue import DiskUpscalers
from illustrious_studio.adapters.sdxl.vae_catalogue import DiskVaes
from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.gallery_index import SqlGalleryIndex
from illustrious_studio.adapters.sql.grids import SqlGrids
from illustrious_studio.adapters.sql.jobs import SqlJobs
from illustrious_studio.adapters.sql.sessions import SqlSessions
from illustrious_studio.adapters.vision.builtin import BuiltinVision
from illustrious_studio.adapters.vision.ollama import OllamaVision
from illustrious_studio.adapters.words.clip_tokens import ClipTokens
from illustrious_studio.adapters.words.meanings import MiniLm, PackagedMeanings, minilm_file
from illustrious_studio.adapters.words.packaged import packaged_lexicon, packaged_near_words
from illustrious_studio.domain.chat import ChatModel
from illustrious_studio.domain.errors import Conflict, StorageFull
from illustrious_studio.domain.machine import Machine
from illustrious_studio.domain.rendering import ImageEngine
from illustrious_studio.domain.vision import VisionModel
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
from illustrious_studio.services.guesses import GuessService
from illustrious_studio.services.images import ImageService
from illustrious_studio.services.ingredients import Ingredients
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.job_runner import JobRunner
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.layouts import LayoutService
from illustrious_studio.services.loras import LoraService
from illustrious_studio.services.memory import MemoryService
from illustrious_studio.services.model_hashes import ModelHashes
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.preprocessing import PreprocessingService
from illustrious_studio.services.prompts import PromptService
from illustrious_studio.services.redrawing import RedrawService
from illustrious_studio.services.refused_requests import RefusedRequests
from illustrious_studio.services.regions import RegionService
from illustrious_studio.services.sheets import SheetService
from illustrious_studio.services.sketch import SketchService
from illustrious_studio.services.studio import Studio
from illustrious_studio.services.tokens import TokenService
from illustrious_studio.services.upscale_runner import Tiles, UpscaleRunner
from illustrious_studio.services.upscalers import UpscalerService
from illustrious_studio.services.upscaling import UpscaleService
from illustrious_studio.services.vaes import VaeService
from illustrious_studio.services.vision import VisionService
from illustrious_studio.settings import Settings

log = structlog.get_logger(__name__)

DATA = Path(__file__).parent / "data"
CHECKPOINTS = "models/checkpoints"
VAES = "models/vae"
LORAS = "models/loras"
EMBEDDINGS = "models/embeddings"
UPSCALERS = "models/upscalers"
CONTROLS = "models/controlnet"
PREPROCESSORS = "models/preprocessors"
DETECTORS = "models/detectors"
OWN_FOLDERS = (CHECKPOINTS, VAES, LORAS, EMBEDDINGS, UPSCALERS, CONTROLS, PREPROCESSORS, DETECTORS)
"""There, people put their own."""
OVERRIDES = "checkpoint_overrides.json"
CHOSEN = "chosen_models.json"
WILDCARDS = "wildcards"
SHEETS = "grids"
LOCK_FILE = "studio.lock"
RUNNING_FILE = "studio.json"


@dataclass(frozen=True)
class RunningStudio:
    """A studio that has this data folder open, and where it answers."""

    pid: int
    web: str
    api: str


@contextlib.asynccontextmanager
async def open_studio(
    settings: Settings,
    *,
    web_url: str = "",
    api_url: str = "",
    look_after: asyncio.Event | None = None,
    engine: ImageEngine | None = None,
    chat_models: Sequence[ChatModel] | None = None,
    vision_models: Sequence[VisionModel] | None = None,
    machine: Machine | None = None,
) -> AsyncIterator[Studio]:
    """All services over the adapters that the settings name; engine, models and machine may be handed in instead.
    Chat and vision models are looked for once `look_after` is set.

    Raises Conflict when another studio has the data folder open.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_only_one(settings.data_dir, RunningStudio(os.getpid(), web_url, api_url)))
        database = await stack.enter_async_context(Database(settings.database_url or settings.data_dir / "studio.db"))
        gallery = GalleryService(await FolderGallery.open(settings.gallery_folder), SqlGalleryIndex(database))
        await stack.enter_async_context(_in_background(gallery.reconcile()))
        hashes = FileHashes(settings.data_dir / "models" / "hashes.json")
        catalogue = OverriddenCheckpoints(checkpoint_catalogue(settings, hashes), settings.data_dir / OVERRIDES)
        vae_files, lora_files = vae_catalogue(settings, hashes), lora_catalogue(settings, hashes)
        places = _checkpoint_places(settings)
        embedding_files = DiskEmbeddings(settings.data_dir / EMBEDDINGS, places, hashes)
        control_files = DiskControls(places, hashes)
        upscaler_files = upscaler_catalogue(settings)
        model_hashes = await stack.enter_async_context(
            ModelHashes(
                hashes,
                {
                    "checkpoint": catalogue.list,
                    "vae": vae_files.list,
                    "lora": lora_files.list,
                    "embedding": embedding_files.list,
                    "upscaler": upscaler_files.list,
                    "control": control_files.list,
                },
            )
        )
        if engine is None:
            engine = await stack.enter_async_context(
                SdxlEngine(
                    device=settings.device,
                    threads=settings.threads or free_cores(),
                    previews=settings.previews,
                    deterministic=settings.deterministic,
                    share_memory=settings.share_memory,
                    hung_after=settings.stall_seconds,
                    step_limit=settings.step_seconds,
                )
            )
        ollama = None
        if settings.uses_ollama:
            ollama = OllamaChat(
                settings.ollama_base_url,
                settings.ollama_model or None,
                context=settings.ollama_context,
                keep_alive=settings.ollama_keep_alive,
            )
            stack.push_async_callback(ollama.aclose)
        if chat_models is None:
            chat_models = _chat_models(settings, ollama, stack)
        if vision_models is None:
            vision_models = [*([OllamaVision(ollama)] if ollama is not None else []), BuiltinVision()]
        models = await stack.enter_async_context(
            ModelService(
                __version__,
                engine,
                catalogue,
                chat_models,
                vision_models,
                chosen=ChosenModelsFile(settings.data_dir / CHOSEN),
                hashes=model_hashes,
                wanted_checkpoint=_wanted_checkpoint(settings),
                wanted_language_model=settings.ollama_model,
                look_after=look_after,
            )
        )
        near = packaged_near_words()
        sketches = SketchService(SpritePainter(), packaged_lexicon(), near)
        minilm = MiniLm(minilm_file())
        stack.push_async_callback(minilm.aclose)
        meanings = PackagedMeanings(minilm) if minilm_file() else None
        guesses = GuessService(sketches.vocabulary, near, meanings)
        inputs = InputService(FolderInputs(settings.data_dir / "inputs"), gallery)
        remover = U2NetRemover()
        stack.push_async_callback(remover.aclose)
        preprocessors = annotator(settings)
        stack.push_async_callback(preprocessors.aclose)
        memory = MemoryService(engine, chat_models, settings.share_memory, settings.batch_size)
        vaes = VaeService(vae_files, model_hashes)
        loras = LoraService(lora_files, model_hashes)
        embeddings = EmbeddingService(embedding_files)
        upscalers = UpscalerService(upscaler_files)
        tiles = Tiles(settings.upscale_tile, settings.upscale_tile_overlap)
        upscales = UpscaleRunner(engine, upscalers, inputs, gallery, tiles)
        preprocessing = PreprocessingService(preprocessors)
        controls = ControlService(control_files, preprocessing, inputs, memory)
        regions = RegionService(inputs, sketches)
        detectors = DetectorService(DiskDetectors(places))
        details = DetailService(detectors, inputs, sketches, models)
        ingredients = Ingredients(inputs, sketches, vaes, loras, embeddings, upscales, controls, regions, details)
        job_runner = JobRunner(engine, catalogue, models, gallery, memory, ingredients)
        jobs = await stack.enter_async_context(
            JobQueue(SqlJobs(database), job_runner, gallery, limit=settings.queue_limit)
        )
        layouts = LayoutService(sketches, models.chat_model, guesses, embeddings)
        wildcards = WildcardFolder(settings.data_dir / WILDCARDS)
        images = ImageService(jobs, models, layouts, wildcards, ingredients)
        sheets = SheetService(gallery, FolderSheets(settings.data_dir / SHEETS))
        grids = await stack.enter_async_context(
            GridService(images, jobs, models, vaes, loras, SqlGrids(database), sheets)
        )
        prompts = PromptService(models.chat_model, sketches.tags)
        answers = AnswerService(models)
        vision = VisionService(models.vision_model)
        chat = ChatService(
            models.chat_model,
            answers,
            SqlSessions(database),
            images,
            jobs,
            prompts,
            vision,
            enhance=settings.enhance_in_chat,
        )
        stack.push_async_callback(chat.settle)
        yield Studio(
            version=__version__,
            images=images,
            inputs=inputs,
            jobs=jobs,
            grids=grids,
            sheets=sheets,
            chat=chat,
            answers=answers,
            prompts=prompts,
            vision=vision,
            cutouts=CutoutService(remover, gallery, inputs),
            upscalers=upscalers,
            detectors=detectors,
            details=details,
            upscaling=UpscaleService(jobs, upscalers, inputs),
            redrawing=RedrawService(inputs, upscalers, models),
            gallery=gallery,
            models=models,
            reports=CheckpointReports(models, DiskHeaders(), model_hashes),
            hashes=model_hashes,
            vaes=vaes,
            loras=loras,
            embeddings=embeddings,
            preprocessing=preprocessing,
            controls=controls,
            tokens=TokenService(ClipTokens(), loras, embeddings, wildcards),
            sketches=sketches,
            layouts=layouts,
            regions=regions,
            refused=RefusedRequests(),
            first_steps=FirstStepsService(machine or ThisMachine(), models, gallery, settings.data_dir / CHECKPOINTS),
        )


def checkpoint_catalogue(settings: Settings, hashes: FileHashes | None = None) -> DiskCheckpoints:
    """The checkpoints of the user's folders, the one named by `sd_model`, and the built-in one."""
    return DiskCheckpoints(_checkpoint_places(settings), hashes=hashes)


def vae_catalogue(settings: Settings, hashes: FileHashes | None = None) -> DiskVaes:
    """The VAE files beside those checkpoints."""
    return DiskVaes(_checkpoint_places(settings), hashes)


def lora_catalogue(settings: Settings, hashes: FileHashes) -> DiskLoras:
    """The LoRA files of the data folder, and those beside the checkpoints."""
    folder, facts = settings.data_dir / LORAS, settings.data_dir / "models" / "loras.json"
    return DiskLoras(folder, _checkpoint_places(settings), hashes, facts_file=facts)


def upscaler_catalogue(settings: Settings) -> DiskUpscalers:
    """The built-in upscaler, and the files beside those checkpoints."""
    return DiskUpscalers(_checkpoint_places(settings))


def annotator(settings: Settings) -> OpenCvAnnotator:
    """What computes the maps that controls see, with the networks of the data folder and beside the checkpoints."""
    return OpenCvAnnotator(settings.data_dir / PREPROCESSORS, _checkpoint_places(settings), free_cores())


def _checkpoint_places(settings: Settings) -> list[Path]:
    named = Path(settings.sd_model).expanduser()
    roots = [named] if settings.sd_model and named.exists() else []
    return [*roots, settings.data_dir / CHECKPOINTS, *settings.checkpoint_dirs]


def _wanted_checkpoint(settings: Settings) -> str:
    """A place as the catalogue writes it, however it was given (`./x`, `~/x`, `x/`); a name as it is."""
    place = Path(settings.sd_model).expanduser()
    return str(place.absolute()) if settings.sd_model and place.exists() else settings.sd_model


def language_model_file() -> Path | None:
    """The GGUF file of the embedded language model, if it is installed."""
    return packaged_gguf()


def _chat_models(settings: Settings, ollama: OllamaChat | None, stack: contextlib.AsyncExitStack) -> list[ChatModel]:
    """In order of preference; the embedded one is started only when none before it answers."""
    found: list[ChatModel] = []
    if settings.openai_base_url:
        key = settings.openai_key.get_secret_value() if settings.openai_key else ""
        other = OpenAIChat(settings.openai_base_url, key, settings.openai_model or None)
        stack.push_async_callback(other.aclose)
        found.append(other)
    if ollama is not None:
        found.append(ollama)
    embedded = EmbeddedChat(language_model_file(), threads=free_cores())
    stack.push_async_callback(embedded.aclose)
    return [*found, embedded]


def running_studio(data_dir: Path) -> RunningStudio | None:
    """The studio that has this folder open, if any."""
    lock = filelock.FileLock(data_dir / LOCK_FILE)
    try:
        with lock.acquire(timeout=0):
            return None
    except filelock.Timeout:
        return _read_running(data_dir)
    except OSError:
        return None  # the folder is not there yet


def free_cores() -> int:
    """Physical cores this process may use, less one. At least 1.

    The servers want to run, too, and both torch's and llama.cpp's threads spin while they wait for one that does not
    get its turn: on two busy cores, two threads are several times slower than one.
    """
    cores = psutil.cpu_count(logical=False) or 2
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return max(1, cores - 1)


@contextlib.contextmanager
def _only_one(data_dir: Path, me: RunningStudio) -> Iterator[None]:
    """Two studios on one folder would draw each other's queue. The lock goes with the process, also with kill -9."""
    try:
        for folder in OWN_FOLDERS:
            (data_dir / folder).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(data_dir / LOCK_FILE)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        other = _read_running(data_dir)
        where = f" (process {other.pid}, {other.web or other.api})" if other else ""
        raise Conflict(
            f"A studio is running already with the data folder {data_dir}{where}. "
            "Use that one, stop it, or give --data-dir."
        ) from None
    except OSError as error:
        raise StorageFull(
            f"The data folder {data_dir} cannot be written ({error.strerror}). "
            "Mend that, or choose another: --data-dir."
        ) from error
    try:
        (data_dir / RUNNING_FILE).write_text(json.dumps(asdict(me)), encoding="utf-8")
        yield
    finally:
        lock.release()


def _read_running(data_dir: Path) -> RunningStudio | None:
    try:
        return RunningStudio(**json.loads((data_dir / RUNNING_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # it starts in this moment


@contextlib.asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let it run beside everything else; a failure is logged, and nothing waits for it but the end."""

    async def run() -> None:
        try:
            await work
        except Exception:
            log.exception("background work failed")

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
