"""The picture itself: prompt to embeddings, steps, VAE, pixels. One checkpoint at a time, in the worker process.

Half precision on CUDA and Metal is float16, not bfloat16: checkpoints are published in float16, so their weights stay
what they are and a seed gives the picture other tools give; bfloat16 keeps 3 bits less of every number, which shows.
The VAE has a precision of its own (`vae`). On a CPU everything is float32.
The noise is always drawn on the CPU: the same seed is the same noise on every device.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.worker import memory
from illustrious_studio.adapters.sdxl.worker.conditioning import ConditionedUnet, Conditioning, conditioning_of
from illustrious_studio.adapters.sdxl.worker.controls import ControlModels, SteeredUnet
from illustrious_studio.adapters.sdxl.worker.detectors import Detectors
from illustrious_studio.adapters.sdxl.worker.inpainting import (
    InpaintUnet,
    LatentMask,
    beside_latents,
    is_for_inpainting,
    share_drawn,
    with_content,
)
from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG, load_pipeline
from illustrious_studio.adapters.sdxl.worker.loras import LoraMerger
from illustrious_studio.adapters.sdxl.worker.noise import first_noise, seed_noise
from illustrious_studio.adapters.sdxl.worker.oom_fallback import (
    BadNumbers,
    Drawn,
    Part,
    draw,
    draw_batch,
)
from illustrious_studio.adapters.sdxl.worker.placement import PlacedModel, free_on, usual_plan
from illustrious_studio.adapters.sdxl.worker.preview import preview_jpeg
from illustrious_studio.adapters.sdxl.worker.progress import NobodyWatching, ProgressCallback
from illustrious_studio.adapters.sdxl.worker.prompt import PromptEncoder
from illustrious_studio.adapters.sdxl.worker.schedulers import scheduler_for
from illustrious_studio.adapters.sdxl.worker.soft_inpainting import SoftMask, changed_pixels
from illustrious_studio.adapters.sdxl.worker.starts import Starts
from illustrious_studio.adapters.sdxl.worker.tiles import in_tiles
from illustrious_studio.adapters.sdxl.worker.vae import VaeCodec
from illustrious_studio.domain.details import DetectorFile, Found
from illustrious_studio.domain.errors import StudioError, Unavailable
from illustrious_studio.domain.models import Checkpoint, MemoryPolicy
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromPicture, Pass, Rendered, RenderPlan, Step

if TYPE_CHECKING:
    import torch


class SdxlPipeline:
    """Draws. `oom_fallback.draw` drives its parts: `denoise`, `decode`, `upcast`, `enable_offload`, `clear`."""

    def __init__(
        self,
        device: str = "auto",
        config: Path = SDXL_CONFIG,
        *,
        deterministic: bool = True,
        share_memory: MemoryPolicy = "auto",
        budget: Callable[[], int | None] | None = None,
    ) -> None:
        """`budget`: how many bytes of the device the model may take now; left out: what is free there."""
        import diffusers
        import torch
        import transformers

        self._config = config
        self._share_memory = share_memory
        self.device = _device(device)
        self._dtype = torch.float32 if self.device.type == "cpu" else torch.float16
        self._versions = {
            "torch": str(torch.__version__),
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        }
        diffusers.utils.logging.disable_progress_bar()
        diffusers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        torch.backends.cudnn.deterministic = deterministic
        torch.backends.cudnn.benchmark = not deterministic  # tries the kernels for each new size, and takes the fastest
        # Imported now, while nobody waits: diffusers loads them on first use, which takes seconds.
        from diffusers import StableDiffusionXLPipeline

        class OnTheDevice(StableDiffusionXLPipeline):  # type: ignore[misc]
            """Which works there, wherever the parts lie that it does not ask itself."""

            _execution_device = self.device

        self._kind = OnTheDevice
        self._checkpoint: Checkpoint | None = None
        self._pipeline: Any = None
        self._encoder: PromptEncoder | None = None
        self._vae: VaeCodec | None = None
        self._loras: LoraMerger | None = None
        self._controls: ControlModels | None = None
        self._model: PlacedModel | None = None
        self._detectors = Detectors()
        self._budget = free_on(self.device) if budget is None else budget

    @property
    def device_name(self) -> str:
        import torch

        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device.type)

    def load(self, checkpoint: Checkpoint) -> None:
        """Put it in place of what is loaded. Raises InvalidRequest, OutOfMemory; then nothing is loaded."""
        self.unload()
        pipeline = load_pipeline(checkpoint, self._dtype, self._config)
        self._pipeline, self._checkpoint = pipeline, checkpoint
        own = pipeline.vae if self.device.type == "cpu" else copy.deepcopy(pipeline.vae)
        self._model = model = PlacedModel(pipeline, self.device, self._budget)
        what = f"the checkpoint {checkpoint.name}"
        with ExitStack() as undoing:
            undoing.callback(self.unload)
            model.place([usual_plan(checkpoint)], what)
            self._vae = model.fit(partial(self._codec_of, own), what)
            undoing.pop_all()
        self._loras = LoraMerger(pipeline, model.residence)
        self._encoder = PromptEncoder(pipeline, self.device, self._loras, model.residence)
        self._controls = ControlModels(pipeline, self.device, model.residence)

    def _codec_of(self, own_vae: Any) -> VaeCodec:
        return VaeCodec(own_vae, self.device, self._placed.residence)

    @property
    def _placed(self) -> PlacedModel:
        assert self._model is not None, "nothing is loaded"
        return self._model

    def place_thriftier(self) -> str:
        """After memory ran out: have less of the model on the device. It is told in a few words; empty where there is
        no less. Raises OutOfMemory where not even that has room."""
        if self._loras is not None:
            self._loras.release()
        return self._placed.take_less()

    def code_in_tiles(self) -> None:
        """After the VAE ran out of memory over a whole picture: do not try again."""
        self._placed.code_in_tiles()

    def unload(self) -> None:
        self._pipeline = self._encoder = self._checkpoint = self._vae = self._loras = self._controls = None
        self._model = None
        self._detectors.release()
        self.clear()

    def clear(self) -> None:
        memory.clear_cuda_memory()

    def render(self, plan: RenderPlan, watch: ProgressCallback) -> Rendered:
        """Raises Unavailable, OutOfMemory, InvalidRequest (more clip skip than layers; a VAE, LoRA or embedding that
        does not go with the checkpoint), Stopped."""
        with self._at_work([plan]):
            started = time.perf_counter()
            drawn = draw(self, plan, watch)
            return self._rendered(drawn, time.perf_counter() - started)

    def render_batch(self, plans: Sequence[RenderPlan], watch: ProgressCallback) -> list[Rendered | StudioError]:
        """What becomes of each of several plans that are alike. Raises Unavailable and InvalidRequest as `render` does,
        for all of them, and Stopped."""
        with self._at_work(plans):
            started = time.perf_counter()
            results = draw_batch(self, plans, watch)
            seconds = (time.perf_counter() - started) / len(plans)
            return [one if isinstance(one, StudioError) else self._rendered(one, seconds) for one in results]

    @contextmanager
    def _at_work(self, plans: Sequence[RenderPlan]) -> Iterator[None]:
        if self._pipeline is None:
            raise Unavailable("No checkpoint is loaded. Choose one under System, then draw again.")
        self._placed.place(plans)
        try:
            yield
        finally:
            if memory.gives_back(self._share_memory, memory.measure(self.device)):
                self.clear()

    def _rendered(self, drawn: Drawn, seconds: float) -> Rendered:
        return Rendered(
            picture=drawn.picture,
            device=self.device_name,
            dtype=str(self._pipeline.unet.dtype).removeprefix("torch."),
            vae_dtype=self._codec.dtype,
            versions=self._versions,
            seconds=seconds,
            attempts=drawn.attempts,
            batch_size=drawn.batch_size,
            placement=self._placed.placer.said,
            changed=drawn.changed,
        )

    @property
    def codes_in_tiles(self) -> bool:
        """Whether the VAE works in tiles, for it would not hold the picture as a whole."""
        return self._placed.placer.now.vae_in_tiles

    def upcast(self, part: Part) -> bool:
        """Let the UNet or the VAE work in float32 until the checkpoint is loaded again (A1111's --no-half); whether
        that is a change."""
        import torch

        if part == "vae":
            return self._codec.upcast()
        unet = self._pipeline.unet
        if unet.dtype == torch.float32:
            return False
        with self._placed.residence.apart("unet"):
            unet.to(dtype=torch.float32)
        return True

    @property
    def _codec(self) -> VaeCodec:
        assert self._vae is not None, "nothing is loaded"
        return self._vae

    def denoise(
        self, plans: Sequence[RenderPlan], number: int, before: "torch.Tensor | None", watch: ProgressCallback
    ) -> "torch.Tensor":
        """The steps of one pass, by its number, of plans that are alike.

        `before`, what the pass before returned, and the result are float32 latents in the UNet's scale, on the
        device: (plans, 4, height / 8, width / 8) for SDXL; the built-in model's VAE has the factor 4.

        Raises BadNumbers, Stopped, InvalidRequest (a VAE, LoRA or embedding that does not go with the checkpoint).
        """
        import torch

        assert self._encoder is not None and self._controls is not None and self._loras is not None
        plan = plans[0]
        render_pass = plan.passes[number]
        self._codec.use(plan.vae)
        self._loras.use(plan.loras, plan.region_loras)
        self._encoder.use(plan.embeddings)
        self._controls.use(plan.controls)
        request = plan.request
        guided = request.guidance > 1  # at 1 or below nothing is steered away from: half of the work
        watch.check()
        try:
            conditioning = conditioning_of(self._encoder, plan, render_pass, self._scale, guided=guided)
        finally:
            self._encoder.done()
        watch.check()
        width, height = render_pass.width, render_pass.height
        own = self._pipeline.scheduler.from_config(
            self._pipeline.scheduler.config,
            prediction_type=plan.checkpoint.prediction_type,
            rescale_betas_zero_snr=plan.checkpoint.zero_terminal_snr,
        )
        base = self._base(plans, number, before, watch)
        scheduler = scheduler_for(
            render_pass.sampler,
            render_pass.schedule,
            own,
            render_pass.steps,
            None if base is None else render_pass.strength,
            request.eta,
            self._pipeline.unet.dtype,
            render_pass.taken,
        )
        generators = [torch.Generator("cpu").manual_seed(one.request.seed) for one in plans]
        shape = self._shape(render_pass)
        noises = [
            first_noise(one.request, shape, self._scale, generator)
            for one, generator in zip(plans, generators, strict=True)
        ]
        noise = torch.cat(noises).to(self.device)
        latents = scheduler.begin(noise) if base is None else scheduler.add_noise(base, noise)
        own_unet = self._pipeline.unet
        kept: LatentMask | None = None
        start = render_pass.start
        if base is not None and isinstance(start, FromPicture) and start.mask is not None:
            if start.soft is not None:
                scheduler.mix = SoftMask(start.soft, base, share_drawn(start.mask, base)).mix
            elif not is_for_inpainting(own_unet):
                kept = LatentMask(base, noise, start.mask)
        size, evaluations = (width, height), len(scheduler.timesteps)
        steered = SteeredUnet(own_unet, self._controls, plan.controls, size, self._scale, evaluations)
        unet = in_tiles(steered, render_pass, self._scale, watch.check)
        if is_for_inpainting(own_unet):
            tiled = self.codes_in_tiles or render_pass.coded_in_tiles
            beside = [beside_latents(self._codec, one.passes[number], self._scale, tiled=tiled) for one in plans]
            unet = InpaintUnet(unet, torch.cat(beside))
        # Without text encoders it takes the embeddings in the UNet's dtype, with them in the encoders'.
        unet = ConditionedUnet(unet, conditioning, self._loras, len(plans))
        others = {"unet": unet, "text_encoder": None, "text_encoder_2": None, "scheduler": scheduler}
        parts = {**self._pipeline.components, **others}
        pipeline = self._kind(**parts, add_watermarker=False)
        pipeline.set_progress_bar_config(disable=True)
        with torch.no_grad(), self._placed.residence.working("unet"):
            output = pipeline(
                **_placeholders(conditioning, self._pipeline.unet.dtype, len(plans), guided=guided),
                latents=latents,
                width=width,
                height=height,
                num_inference_steps=len(scheduler.timesteps),
                guidance_scale=request.guidance,
                guidance_rescale=request.guidance_rescale,
                generator=generators,
                original_size=(height, width),
                target_size=(height, width),
                output_type="latent",
                callback_on_step_end=self._callback(watch, kept),
            )
        if self._placed.residence.offloads:
            self._controls.rest()
        latents = output.images
        if not torch.isfinite(latents).all():
            raise BadNumbers("unet")
        return latents

    def changed(self, plan: RenderPlan, latents: "torch.Tensor") -> Picture:
        """With soft inpainting in the last pass: how much of each pixel of its latents is to be seen, as grey. Raises
        BadNumbers."""
        number = len(plan.passes) - 1
        last = plan.passes[number]
        base = self._base([plan], number, None, NobodyWatching())
        assert base is not None and isinstance(last.start, FromPicture) and last.start.mask is not None
        assert last.start.soft is not None
        share, size = share_drawn(last.start.mask, base), (last.width, last.height)
        return Picture.from_image(changed_pixels(last.start.soft, base, latents, share, size))

    def _base(
        self, plans: Sequence[RenderPlan], number: int, before: "torch.Tensor | None", watch: ProgressCallback
    ) -> "torch.Tensor | None":
        """What a pass of several pictures starts from, a row for each; None where it is noise."""
        import torch

        starts = Starts(self._codec, self._scale, self.device, self.device_name, tiled=self.codes_in_tiles)
        base = starts.of([one.passes[number] for one in plans], before, watch)
        start = plans[0].passes[number].start
        if base is None or not isinstance(start, FromPicture) or start.mask is None:
            return base
        shape = self._shape(plans[0].passes[number])
        noise = torch.cat([seed_noise(one.request, shape) for one in plans]).to(self.device)
        return with_content(base, noise, start.mask, start.content, soft=start.soft is not None)

    def _shape(self, render_pass: Pass) -> tuple[int, int, int, int]:
        """Of the latents of one picture."""
        channels = int(self._pipeline.vae.config.latent_channels)
        return 1, channels, render_pass.height // self._scale, render_pass.width // self._scale

    def decode(self, latents: "torch.Tensor", *, tiled: bool) -> Picture:
        """Pixels of latents as `denoise` returns them. Raises BadNumbers."""
        return self._codec.decode(latents, tiled=tiled)

    def detect(self, file: DetectorFile, picture: Picture, confidence: float) -> list[Found]:
        """What a detector finds in a picture. Raises InvalidRequest."""
        return self._detectors.find(file, picture, confidence)

    @property
    def _scale(self) -> int:
        return int(self._pipeline.vae_scale_factor)

    def _callback(self, watch: ProgressCallback, kept: LatentMask | None) -> Any:
        def on_step(pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            latents = tensors["latents"]
            previews: list[bytes] = []
            if watch.wants_preview():
                assert self._checkpoint is not None
                estimates = pipeline.scheduler.denoised.split(1)
                previews = [preview_jpeg(one, self._checkpoint, self._scale) for one in estimates]
            if kept is not None:
                latents = kept.blend(latents, pipeline.scheduler)
            first = previews[0] if previews else None
            watch.step(Step(index + 1, pipeline.num_timesteps, first, tuple(previews[1:])))
            return {"latents": latents}

        return on_step


def _placeholders(conditioning: Conditioning, dtype: "torch.dtype", count: int, *, guided: bool) -> dict[str, Any]:
    """Embeddings of the shapes that diffusers asks for, in the UNet's dtype. The UNet takes the conditioning's."""
    any_one = conditioning.positive[0].embeddings[0]
    rows, pooled = any_one.rows.to(dtype).expand(count, -1, -1), any_one.pooled.to(dtype).expand(count, -1)
    negative = {"negative_prompt_embeds": rows, "negative_pooled_prompt_embeds": pooled} if guided else {}
    return {"prompt_embeds": rows, "pooled_prompt_embeds": pooled, **negative}


def _device(name: str) -> "torch.device":
    """Raises Unavailable when there is no such device."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise Unavailable(f"There is no device called {name}. Use auto, cpu, cuda, cuda:1 or mps.") from error
    usable = {
        "cpu": lambda: True,
        "cuda": lambda: torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available,
    }
    if not usable.get(device.type, lambda: False)():
        raise Unavailable(f"The device {name} is not there, or this PyTorch cannot use it. Set the device to auto.")
    return device
