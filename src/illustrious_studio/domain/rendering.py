"""Drawing as an engine sees it: the plan it carries out, its progress, what it answers, and its port.

A plan is passes and what all of them share. A picture from noise, from a sketch or by a mask is a plan of one pass; a
pass may also go on from the one before, in another size. `services/render_plan.py` makes plans.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from illustrious_studio.domain.controls import ControlUse
from illustrious_studio.domain.details import Detail, DetailBox, DetectorFile
from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.images import ImageRequest, apart_from_chance
from illustrious_studio.domain.inputs import MaskContent
from illustrious_studio.domain.loras import LoraUse, without_loras
from illustrious_studio.domain.models import Checkpoint, ModelStatus, VaeFile
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.sampling import img2img_steps
from illustrious_studio.domain.sizes import MOST_PIXELS
from illustrious_studio.domain.soft_inpainting import SoftInpainting
from illustrious_studio.domain.textual_inversion import EmbeddingFile
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan


@dataclass(frozen=True)
class FromNoise:
    """Nothing but the seed's noise."""


@dataclass(frozen=True)
class FromPicture:
    """A sketch, or a picture that a person gave, in the size of the pass."""

    picture: Picture
    mask: Picture | None = None
    """How much each pixel of it is redrawn, as grey. Whoever plans puts the drawing into its picture."""
    content: MaskContent = "original"
    """What is under the mask: the latent ones take the place of the picture's latents there."""
    soft: SoftInpainting | None = None
    """How grey in the mask mixes; None: what is not black is redrawn, all of it."""


@dataclass(frozen=True)
class FromLatents:
    """The latents of the pass before, brought to a size of which the middle is drawn (A1111's upscaler "Latent")."""

    scaled: tuple[int, int] | None = None
    """Pixels of the whole picture; None: those of the pass."""
    interpolation: str = "bilinear"
    antialias: bool = False


@dataclass(frozen=True)
class FromUpscaled:
    """The picture of the pass before, made larger by a network or by Lanczos's filter; its middle is drawn."""

    scaled: tuple[int, int]
    network: str | None
    """Path of its file; None: the filter alone."""
    tile: int
    overlap: int


ANY = Picture(1, 1, bytes(3))
"""Stands for any picture."""

Start = FromNoise | FromPicture | FromLatents | FromUpscaled


@dataclass(frozen=True)
class Pass:
    """One run through the denoising steps."""

    width: int
    """Pixels."""
    height: int
    steps: int
    sampler: str
    schedule: str
    start: Start = FromNoise()
    strength: float = 1.0
    """How much of the start is redrawn, above 0 to 1 (A1111's denoising strength); 1 from noise."""
    taken: int | None = None
    """How many of the steps are taken, the last ones; None: as many as the strength says."""
    prompt: str | None = None
    """Other words than the request's."""
    negative_prompt: str | None = None
    tile: int | None = None
    """Pixels of the sides of the tiles that it is drawn in; None: as a whole."""
    overlap: int = 0
    """Over how many pixels these overlap, at least."""

    @property
    def coded_in_tiles(self) -> bool:
        """Whether the VAE works in tiles as well. Up to the size that may be drawn as a whole it sees the whole, since
        each of its tiles has a tone of its own, and takes tiles only once memory has run out."""
        return self.tile is not None and self.width * self.height > MOST_PIXELS

    @property
    def expected_steps(self) -> int:
        """How many steps are taken; some samplers ask the UNet twice in one, and say so when they begin."""
        if self.taken is not None:
            return self.taken
        return self.steps if isinstance(self.start, FromNoise) else img2img_steps(self.steps, self.strength)


@dataclass(frozen=True)
class Regions:
    """Where the regions of a detail are: known, or left to a detector, which must see the picture first."""

    boxes: tuple[DetailBox, ...] = ()
    mask: Picture | None = None
    """Grey, white where it is, in any size."""
    detector: DetectorFile | None = None

    @property
    def expected(self) -> int:
        """How many there are; one, until a detector has said it."""
        return len(self.boxes) if self.boxes else int(self.mask is not None or self.detector is not None)


@dataclass(frozen=True)
class DetailPass:
    """A pass over each of some regions of the finished picture, which are put back into it one after another."""

    detail: Detail
    regions: Regions
    drawn: Pass
    """How each of them is drawn. What it starts from is the region, once the picture is there."""

    @property
    def expected_steps(self) -> int:
        """Of all of them together, as far as it is known."""
        return self.regions.expected * img2img_steps(self.drawn.steps, self.drawn.strength)


@dataclass(frozen=True)
class RenderPlan:
    """Passes, the first one first, and what they share. Nothing in it is open any more: seed and sizes are fixed."""

    request: ImageRequest
    """The resolved request: prompt, guidance, seed and clip skip of every pass. Size and steps are a pass's own."""
    checkpoint: Checkpoint
    passes: tuple[Pass, ...]
    """None where `picture` is given."""
    vae: VaeFile | None = None
    """None: the checkpoint's own."""
    loras: tuple[LoraUse, ...] = ()
    """What the request's prompts name, for the whole picture."""
    region_loras: tuple[tuple[LoraUse, ...], ...] = ()
    """What each of the request's regions names beside these. Empty: none does."""
    embeddings: tuple[EmbeddingFile, ...] = ()
    """What any of the prompts names."""
    controls: tuple[ControlUse, ...] = ()
    """What steers every pass."""
    region_masks: tuple[Picture | None, ...] = ()
    """Of the request's regions, as grey, in any size; None for one that has only its box. Empty: none has one."""
    details: tuple[DetailPass, ...] = ()
    """What is done to the finished picture, the first one first."""
    picture: Picture | None = None
    """A finished picture of which the details alone are drawn."""

    def prompts(self, of: Pass) -> tuple[str, str]:
        """The words of a pass's prompt and negative prompt, as the text encoders read them."""
        request = self.request
        return self.words(of.prompt or request.prompt), self.words(of.negative_prompt or request.negative_prompt)

    def words(self, prompt: str) -> str:
        """A prompt as the text encoders read it."""
        return prompt if self.request.disable_extra_networks else without_loras(prompt)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels: those of the last pass, or of the picture that is given."""
        last = self.picture or self.passes[-1]
        return last.width, last.height

    @property
    def expected_steps(self) -> int:
        """Of all passes, as far as it is known before they begin."""
        return sum([*(one.expected_steps for one in self.passes), *(one.expected_steps for one in self.details)])


def alike(plan: RenderPlan, other: RenderPlan) -> bool:
    """Whether both can be drawn in one go: they differ in their seeds and the pictures that they start from alone."""
    return _shape(plan) == _shape(other)


def _shape(plan: RenderPlan) -> RenderPlan:
    passes = tuple(map(_without_picture, plan.passes))
    details = tuple(replace(one, regions=Regions()) for one in plan.details)  # of a layout, which the seed has laid out
    return replace(plan, request=apart_from_chance(plan.request), passes=passes, details=details)


def _without_picture(one: Pass) -> Pass:
    return replace(one, start=replace(one.start, picture=ANY)) if isinstance(one.start, FromPicture) else one


@dataclass(frozen=True)
class Step:
    """Progress over all passes: `step` of `steps` are done. `preview` is a small JPEG, when there is one."""

    step: int
    steps: int
    preview: bytes | None = None
    others: tuple[bytes, ...] = ()
    """Where several pictures are drawn in one go: previews of the second and further ones, if there are any."""

    def of(self, number: int) -> "Step":
        """The same of one of them, counted from 0."""
        previews = (self.preview, *self.others)
        return Step(self.step, self.steps, (previews[number] or None) if number < len(previews) else None)


@dataclass(frozen=True)
class Rendered:
    """What an engine answers: the pixels, and every fact about how they were made that the request does not hold."""

    picture: Picture
    device: str
    dtype: str
    vae_dtype: str
    versions: dict[str, str]
    seconds: float
    attempts: tuple[str, ...] = ()
    """What was tried because of lack of memory or bad numbers, in order; empty when the first attempt worked."""
    batch_size: int = 1
    """How many pictures were drawn in one go; `seconds` is this one's share."""
    placement: str = ""
    """Where the model's parts lay at last, in a few words; empty where a device has no memory of its own."""
    changed: Picture | None = None
    """With soft inpainting: how much of each pixel is seen in the picture that it is put into, as grey."""


class ImageEngine(Protocol):
    """Whatever draws. Cancelling the task that awaits `render` stops the drawing within a step."""

    @property
    def status(self) -> ModelStatus:
        """What is loaded, on what device, and whether it can draw now."""
        ...

    async def init_sdxl(self, checkpoint: Checkpoint) -> None:
        """Load a checkpoint in place of the one loaded.

        Raises InvalidRequest (damaged or no SDXL file), OutOfMemory, EngineDied.
        """
        ...

    async def render(self, plan: RenderPlan, on_step: Callable[[Step], None]) -> Rendered:
        """Carry a plan out. Raises OutOfMemory (after every attempt), EngineDied (by this drawing, or by loading its
        checkpoint), and Unavailable (given up, or nothing loaded)."""
        ...

    async def render_batch(
        self, plans: Sequence[RenderPlan], on_step: Callable[[Step], None]
    ) -> Sequence[Rendered | StudioError]:
        """Carry out plans that are `alike` in one go: each picture is what `render` makes of its plan, but for the last
        digits of the numbers. What memory does not hold together is drawn one by one, and then each may fail alone.
        Raises what `render` raises for all of them."""
        ...

    async def upscale(self, plan: UpscalePlan, on_step: Callable[[Step], None]) -> Upscaled:
        """Make a picture larger by a network, whatever is loaded; a step is a tile. Cancelling is as with `render`.

        Raises InvalidRequest (the file is no upscaler, or gives no picture), OutOfMemory, EngineDied, Unavailable.
        """
        ...

    @property
    def given_up(self) -> str:
        """Why nothing is drawn any more until `init_sdxl` is called; empty while it works."""
        ...

    async def works(self) -> None:
        """Wait while it is given up."""
        ...

    async def clear_cuda_memory(self) -> None:
        """Give cached device memory back to the system; the loaded model stays."""
        ...

    async def unload(self) -> None:
        """Give up the loaded model and all of its memory; the next `render` loads it again."""
        ...
