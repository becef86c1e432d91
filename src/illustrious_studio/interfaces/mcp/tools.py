"""The tools: what each takes and gives, in the domain's own models, and the service that does it.

Nothing here deletes, switches or sets anything: an agent may draw, analyze and chat.
"""

import asyncio
import inspect
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mcp.types import ContentBlock
from mcp.types import Tool as Declared
from mcp.types import ToolAnnotations as Annotations
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic.config import JsonDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from illustrious_studio.domain.chat import ChatRequest, Done, DrawingStep, ImageReady, Notice
from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.gallery import GalleryItem, GalleryQuery
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.jobs import JobProgress
from illustrious_studio.domain.pictures import open_to_see
from illustrious_studio.domain.setting import value_types
from illustrious_studio.domain.values import NonEmptyPrompt, Value
from illustrious_studio.domain.vision import DEFAULT_QUESTION, Analysis
from illustrious_studio.interfaces.http.errors import sentences
from illustrious_studio.interfaces.mcp.results import (
    CUTOUTS,
    GRIDS,
    Answer,
    cutout_shown,
    facts,
    link,
    map_shown,
    picture,
    sheet_shown,
    text,
)
from illustrious_studio.interfaces.shared.grids import GridBody, GridEntry
from illustrious_studio.interfaces.shared.image_inputs import (
    DetailRequest,
    ImageRequestBody,
    OnePicture,
    PreprocessBody,
    UpscaleBody,
    resolve_inputs,
    store_inputs,
)
from illustrious_studio.interfaces.shared.overview import ModelList, Status, models_now, status_now
from illustrious_studio.interfaces.shared.records import PictureItem, PictureMetadata, PicturePage
from illustrious_studio.services.prompts import Enhanced
from illustrious_studio.services.studio import Studio

T = TypeVar("T", bound=Value)

REPORT_EVERY = 0.5
"""Seconds between two looks at how far a grid is."""

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""Reports progress to the host: how far, of how much, and in words."""


@dataclass(frozen=True)
class Tool(Generic[T]):
    """A tool: its name and description are those of the function that does it."""

    does: Callable[[Studio, T, Report], Coroutine[Any, Any, Answer]]
    title: str
    takes: type[T]
    gives: type[object]
    reads_only: bool

    @property
    def name(self) -> str:
        return self.does.__name__

    def given(self, arguments: Mapping[str, object]) -> T:
        """The request that a host means. Raises ValidationError.

        Hosts fill what they leave out with null or an empty text, and some send numbers as text: what has a default may
        be null, and a text that is exactly a number is one where a number is wanted.
        """
        fields = self.takes.model_fields
        meant: dict[str, object] = {}
        for name, value in arguments.items():
            field = fields.get(name)
            if field is not None:
                kinds = value_types(field.annotation)
                if not field.is_required() and (value is None or (value == "" and not field.default)):
                    continue
                if isinstance(value, str) and str not in kinds:
                    value = _number(value, kinds)
            meant[name] = value
        return self.takes.model_validate_json(json.dumps(meant))

    def declared(self) -> Declared:
        """The tool as hosts see it. Each draws, chats or analyzes here, with the models there are: no open world."""
        return Declared(
            name=self.name,
            title=self.title,
            description=inspect.getdoc(self.does),
            input_schema=self.takes.model_json_schema(schema_generator=_Arguments),
            output_schema=_short(TypeAdapter(self.gives).json_schema(mode="serialization")),
            annotations=Annotations(
                read_only_hint=self.reads_only,
                destructive_hint=False,
                idempotent_hint=self.reads_only,
                open_world_hint=False,
            ),
        )


def _number(text: str, kinds: set[object]) -> object:
    """The number that a text is, exactly; any other text stays one."""
    if int in kinds and re.fullmatch(r"-?\d{1,20}", text):
        return int(text)
    if float in kinds and re.fullmatch(r"-?\d{1,20}(\.\d{1,20})?", text):
        return float(text)
    return text


def _short(schema: dict[str, Any]) -> dict[str, Any]:
    """Without a record's hundred fields: five tools would each say them, 18 kB, in the context of a host's model."""
    defined = schema.get("$defs", {})
    if PictureMetadata.__name__ not in defined:
        return schema
    defined[PictureMetadata.__name__] = {"type": "object", "description": inspect.getdoc(PictureMetadata)}
    needed = _named_in({name: value for name, value in schema.items() if name != "$defs"})
    while more := {name for known in needed for name in _named_in(defined[known])} - needed:
        needed |= more
    return {**schema, "$defs": {name: value for name, value in defined.items() if name in needed}}


def _named_in(schema: object) -> set[str]:
    return set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema)))


class _Arguments(GenerateJsonSchema):
    """What may be null may as well be left out. Not all hosts can read `anyOf`: some then send numbers as text."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return (
            self.generate_inner(schema["schema"]) if schema.get("default") is None else super().default_schema(schema)
        )


class ImageId(Value):
    """A picture in the gallery."""

    image_id: str = Field(description="Id of a picture in the gallery.")


def _without_defaults(schema: JsonDict) -> None:
    """What is left out stays as it was recorded, so no default may be shown (some hosts send every one they see)."""
    fields = schema["properties"]
    assert isinstance(fields, dict)
    for field in fields.values():
        assert isinstance(field, dict)
        field.pop("default", None)


class Refinement(ImageRequestBody):
    """A picture of the gallery, and what to change of its settings; what is left out stays as it was recorded."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    image_id: str = Field(description="Id of the picture to draw again.")
    prompt: NonEmptyPrompt = Field("", description="Other words for what to draw.")

    # Picture and mask may be the recorded ones: what goes with them is seen when all is together.
    @classmethod
    def _goes_with_a_picture(cls, value: object, known: ValidationInfo) -> object:
        return value

    @classmethod
    def _goes_with_a_mask(cls, value: object, known: ValidationInfo) -> object:
        return value

    async def changes(self, studio: Studio) -> dict[str, object]:
        """What was given; pictures by the names under which they are kept now."""
        return self.model_dump(include=self.model_fields_set - {"image_id"}) | await store_inputs(self, studio)


class Question(OnePicture):
    """A picture, from the gallery or as it is, and what to find out about it."""

    question: NonEmptyPrompt = Field(DEFAULT_QUESTION, description="What to find out.")


class CutoutFound(BaseModel):
    """A picture without its background, and where it is."""

    uri: str = Field(description="The resource that is the whole PNG, with alpha.")
    width: int
    height: int


class MapFound(BaseModel):
    """What a control model sees of a picture."""

    preprocessor: str = Field(description="The studio's name of what made it.")
    width: int
    height: int


class Words(Value):
    """A prompt to be put into the words that the picture model was trained on."""

    prompt: NonEmptyPrompt = Field(description="The prompt to improve.")


class Search(GalleryQuery):
    """Which pictures, and how many of them."""

    cursor: str | None = Field(None, max_length=500, description="From the page before, for the next one.")
    limit: int = Field(10, ge=1, le=50, description="How many at most.")


class Nothing(Value):
    """No arguments."""


class CheckpointName(Value):
    """A checkpoint."""

    name: str = Field("", max_length=500, description="Its name, its file's, or its hash. Left out: the one in use.")


class ChatAnswer(BaseModel):
    """What was answered, and the picture, when one was drawn."""

    response: str
    session_id: str
    model: str = Field(description="Which model answered.")
    notices: list[str] = Field(description="What else the person should know.")
    picture: PictureItem | None


async def generate_image(studio: Studio, request: ImageRequestBody, report: Report) -> Answer:
    """Draw a picture, and keep it in the gallery. Answers with a preview, the picture's id and all of its settings.
    list_models says which steps and guidance the checkpoint in use wants."""
    return await _draw(studio, await resolve_inputs(request, studio), report)


async def refine_image(studio: Studio, request: Refinement, report: Report) -> Answer:
    """Draw a picture of the gallery again, with its recorded settings (its seed, too) but for what is given here.
    The picture it comes from stays as it is."""
    item = await studio.gallery.get(request.image_id)
    try:
        refined = item.metadata.request_with(await request.changes(studio))
    except ValidationError as error:
        raise InvalidRequest(sentences(error.errors())) from error
    return await _draw(studio, refined, report)


async def analyze_image(studio: Studio, request: Question, report: Report) -> Answer:
    """Analyze a picture: answer a question about it. Nothing of it is kept."""
    seen = await asyncio.to_thread(open_to_see, await request.file(studio))
    analysis = await studio.vision.analyze(seen, request.question)
    return Answer(analysis, [text(analysis.analysis)])


async def remove_background(studio: Studio, request: OnePicture, report: Report) -> Answer:
    """Cut out a picture's subject: the background becomes transparent. Answers with a preview and a link to the PNG.
    The picture stays as it is; one that is sent as it is, is kept, so that the link goes on working."""
    picture_id = request.image_id or await studio.inputs.keep(await request.file(studio))
    cutout = await studio.cutouts.remove_background_of(picture_id)
    found = CutoutFound(uri=f"{CUTOUTS}{picture_id}", width=cutout.width, height=cutout.height)
    return Answer(found, await cutout_shown(cutout, found.uri))


async def preprocess_image(studio: Studio, request: PreprocessBody, report: Report) -> Answer:
    """Show what a control model sees of a picture: its edges (canny, softedge, lineart, scribble), depth, poses
    (openpose) and others; a wrong name lists them. Nothing of it is kept."""
    map, name = await request.map(studio), studio.preprocessing.named(request.preprocessor).name
    return Answer(MapFound(preprocessor=name, width=map.width, height=map.height), await map_shown(map, name))


async def upscale_image(studio: Studio, request: UpscaleBody, report: Report) -> Answer:
    """Make a picture larger with an upscaler, and keep it in the gallery: twice as wide and high where nothing is said.
    With `redraw` ({} will do) the image model draws it over as well, with the settings of its record.
    Answers with a preview, the new picture's id and its settings. The picture it comes from stays as it is."""
    if request.redraw is not None:
        wanted = await studio.redrawing.request(await request.picture(studio), request.settings, request.redraw)
        return await _draw(studio, wanted, report)
    following = studio.upscaling.follow(await request.picture(studio), request.settings, Origin(way="api"))
    return await _followed(studio, following, "Upscaling", report)


async def draw_details(studio: Studio, request: DetailRequest, report: Report) -> Answer:
    """Draw regions of a picture again, larger, and put them back, as a new picture; the rest of it stays as it is.
    Without `details` it is faces: those of its layout, or those that a detector finds."""
    return await _draw(studio, await request.request(studio), report)


async def chat(studio: Studio, request: ChatRequest, report: Report) -> Answer:
    """Chat with the studio's own language model. The chat is kept and goes on under its session_id."""
    answer = ChatAnswer(response="", session_id=request.session_id, model="", notices=[], picture=None)
    async with aclosing(studio.chat.handle_chat(request)) as events:
        steps = _Steps(report)
        async for event in events:
            match event:
                case Notice(words):
                    answer.notices.append(words)
                case DrawingStep():
                    await steps.report(event.step, event.steps, "Drawing")
                case ImageReady(item):
                    answer.picture = PictureItem.of(item)
                case Done(message):
                    answer.response, answer.model = message.content, message.model
    shown = await picture(studio, answer.picture) if answer.picture else []
    return Answer(answer, [text("\n\n".join([answer.response, *answer.notices])), *shown])


async def enhance_prompt(studio: Studio, request: Words, report: Report) -> Answer:
    """Put a prompt into the tags that the picture model was trained on. Weights, LoRA tags and wildcards stay.
    When there is nothing of use to do, the prompt is unchanged and `note` says why."""
    return Answer(await studio.prompts.enhance(request.prompt))


async def search_gallery(studio: Studio, request: Search, report: Report) -> Answer:
    """Find pictures in the gallery, newest first. get_image shows one of them."""
    page = await studio.gallery.page(request, request.cursor, request.limit)
    shown: list[ContentBlock] = []
    for item in page.items:
        shown += [text(f"{facts(item)} Prompt: {item.metadata.request.prompt[:300]!r}"), link(item)]
    if page.cursor:
        shown.append(text(f"There are more: cursor {page.cursor!r}."))
    found = PicturePage([PictureItem.of(item) for item in page.items], page.cursor)
    return Answer(found, shown or [text("No picture was found.")])


async def get_image(studio: Studio, request: ImageId, report: Report) -> Answer:
    """Show a picture of the gallery: a preview, a link to the PNG, and all of its settings."""
    item = await studio.gallery.get(request.image_id)
    return Answer(PictureItem.of(item), await picture(studio, item))


async def list_models(studio: Studio, request: Nothing, report: Report) -> Answer:
    """Image models and chat models: which are in use, and which else there are."""
    return Answer(await models_now(studio))


async def checkpoint_report(studio: Studio, request: CheckpointName, report: Report) -> Answer:
    """What a checkpoint is, by its file and its name, and what suits it: steps, guidance, sampler, sizes and quality
    words, each with the reason. Without a name, the one in use."""
    return Answer(await studio.reports.report(request.name))


async def status(studio: Studio, request: Nothing, report: Report) -> Answer:
    """Whether pictures can be drawn and analyzed, and a chat model answers; and what waits in the queue."""
    return Answer(status_now(studio))


async def draw_grid(studio: Studio, request: GridBody, report: Report) -> Answer:
    """Draw a picture over and over with one to three of its settings varied (x, y, z), to compare them side by side.
    All pictures are kept in the gallery; the sheet shows them labelled. At most as many as may wait (100)."""
    wanted, grids = await resolve_inputs(request, studio), studio.grids
    grid = await grids.start(wanted, request.axes, Origin(way="api", words=request.prompt), stay=False)
    waiting = asyncio.create_task(grids.wait(grid.id, stay=False))
    steps = _Steps(report)
    try:
        while not waiting.done():
            await asyncio.wait([waiting], timeout=REPORT_EVERY)
            now = await grids.progress(grid.id)
            await steps.report(now.step, now.steps, f"{now.done} of {len(now.cells)} pictures")
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
    found = GridEntry.of(await grids.progress(grid.id), lambda grid_id: f"{GRIDS}{grid_id}")
    return Answer(found, await sheet_shown(await grids.sheet(grid.id), found))


async def _draw(studio: Studio, request: ImageRequest, report: Report) -> Answer:
    following = studio.images.follow_image(request, Origin(way="api", words=request.prompt))
    return await _followed(studio, following, "Drawing", report)


async def _followed(
    studio: Studio, following: AsyncGenerator[JobProgress | GalleryItem, None], doing: str, report: Report
) -> Answer:
    """The picture that a job ends with, each of its steps reported."""
    steps = _Steps(report)
    async with aclosing(following) as changes:
        async for now in changes:
            if isinstance(now, GalleryItem):
                return Answer(PictureItem.of(now), await picture(studio, now))
            words = now.held_up or (f"Waiting, {now.ahead} before it" if now.ahead else doing)
            await steps.report(now.step, now.steps, words)
    raise AssertionError("a job ends with its picture, or with an error")


class _Steps:
    """Reports each step once: the protocol wants progress that grows, and a job changes in other ways, too. The total
    comes with the first step, and stays: before it nobody knows how often the sampler will ask the UNet."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reported = -1

    async def report(self, step: int, steps: int, words: str) -> None:
        if step > self._reported:
            self._reported = step
            await self._report(step, steps if step else None, words)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(generate_image, "Draw a picture", ImageRequestBody, PictureItem, reads_only=False),
    Tool(refine_image, "Draw a picture again, changed", Refinement, PictureItem, reads_only=False),
    Tool(draw_grid, "Draw a grid", GridBody, GridEntry, reads_only=False),
    Tool(analyze_image, "Analyze a picture", Question, Analysis, reads_only=True),
    Tool(remove_background, "Remove a picture's background", OnePicture, CutoutFound, reads_only=False),
    Tool(preprocess_image, "Preprocess a picture for a control", PreprocessBody, MapFound, reads_only=True),
    Tool(upscale_image, "Upscale a picture", UpscaleBody, PictureItem, reads_only=False),
    Tool(draw_details, "Draw a picture's details again", DetailRequest, PictureItem, reads_only=False),
    Tool(chat, "Chat", ChatRequest, ChatAnswer, reads_only=False),
    Tool(enhance_prompt, "Improve a prompt", Words, Enhanced, reads_only=True),
    Tool(search_gallery, "Search the gallery", Search, PicturePage, reads_only=True),
    Tool(get_image, "Show a picture", ImageId, PictureItem, reads_only=True),
    Tool(list_models, "List the models", Nothing, ModelList, reads_only=True),
    Tool(checkpoint_report, "What a checkpoint is", CheckpointName, CheckpointReport, reads_only=True),
    Tool(status, "How the studio is", Nothing, Status, reads_only=True),
)
