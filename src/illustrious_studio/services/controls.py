"""Controls: which models there are that steer a drawing, and what those of a request need."""

import asyncio
from collections.abc import Sequence

from illustrious_studio.domain.controls import (
    UNION_TYPES,
    Control,
    ControlCatalogue,
    ControlFile,
    ControlUse,
    VisionEncoderFile,
)
from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import Box, fitted
from illustrious_studio.domain.model_names import named, why_refused
from illustrious_studio.domain.models import Checkpoint, RefusedFile
from illustrious_studio.domain.pictures import Picture, open_image
from illustrious_studio.domain.upscaling import Size
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.memory import MemoryService
from illustrious_studio.services.preprocessing import PreprocessingService


class ControlService:
    """Lists the models that steer, finds those of a request, and has their pictures ready for them."""

    def __init__(
        self,
        catalogue: ControlCatalogue,
        preprocessing: PreprocessingService,
        inputs: InputService,
        memory: MemoryService,
    ) -> None:
        self._catalogue = catalogue
        self._preprocessing = preprocessing
        self._inputs = inputs
        self._memory = memory

    async def controls(self) -> Sequence[ControlFile]:
        """Those that can be used."""
        return await self._catalogue.list()

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and cannot, each with its reason."""
        return await self._catalogue.refused()

    async def hashes(self, uses: Sequence[ControlUse]) -> dict[str, str]:
        """The first ten digits of their SHA-256, as A1111 writes them, by the files' names."""
        found = {use.file.name: await self._catalogue.hash_of(use.file) for use in uses}
        return {name: digest for name, digest in found.items() if digest}

    async def named(self, name: str) -> ControlFile:
        """The file of that name (`domain/model_names.py`). Raises NotFound, with the reason where there is a file of
        that name that is not offered."""
        found = await self._catalogue.list()
        if (file := named(name, found)) is not None:
            return file
        if reason := why_refused(name, await self._catalogue.refused()):
            raise NotFound(f"The control model {name!r} cannot be used. {reason}")
        names = ", ".join(one.name for one in found)
        there = f"There are: {names}." if names else "Put its file into a folder controlnet beside the checkpoints."
        raise NotFound(f"There is no control model {name!r}. {there}")

    async def settled(self, request: ImageRequest, checkpoint: Checkpoint) -> tuple[Control, ...]:
        """The request's controls with nothing left open, once it is sure that they can steer this checkpoint.

        Raises InvalidRequest, which names the control and its field.
        """
        settled: list[Control] = []
        files: dict[str, ControlFile | VisionEncoderFile] = {}
        for number, control in enumerate(request.controls):
            try:
                file = await self._for(checkpoint, control, files)
                settled.append(await self._with_what_is_left_open(control, file, request))
            except (NotFound, InvalidRequest) as error:
                raise InvalidRequest(f"controls.{number}.{error.detail}") from error
        self._memory.check_beside(checkpoint, sum(file.parameters for file in files.values()))
        return tuple(settled)

    async def _for(
        self, checkpoint: Checkpoint, control: Control, files: dict[str, ControlFile | VisionEncoderFile]
    ) -> ControlFile:
        try:
            file = await self.named(control.model)
        except NotFound as error:
            raise InvalidRequest(f"model: {error.detail}") from error
        if file.base == "SDXL" and checkpoint.builtin:
            raise InvalidRequest(
                f"model: {file.name} was made for SDXL, and the built-in model is much smaller. Choose another "
                "checkpoint, or draw without it."
            )
        files[file.stamp] = file
        if file.kind == "ip-adapter":
            encoder = await self._encoder(file)
            files[encoder.stamp] = encoder
        return file

    async def _encoder(self, file: ControlFile) -> VisionEncoderFile:
        """What looks at an IP-Adapter's picture. Raises InvalidRequest."""
        found = [one for one in await self._catalogue.encoders() if file.reads_from(one)]
        if found:
            return found[0]
        bigg = file.encoder_width == (1664 if file.whole_sequence else 1280)
        whose = "CLIP ViT-bigG" if bigg else "CLIP ViT-H" if file.base else "a small CLIP vision encoder"
        raise InvalidRequest(
            f"model: {file.name} needs {whose}, which is not there. Put its "
            "model.safetensors into a folder clip_vision beside the checkpoints."
        )

    async def _with_what_is_left_open(self, control: Control, file: ControlFile, request: ImageRequest) -> Control:
        image = control.image or request.image
        assert image is not None, "the request's own validation sees to that"
        try:
            await self._inputs.size(image)
        except NotFound as error:
            raise InvalidRequest(f"image: {error.detail}") from error
        if file.kind == "ip-adapter":
            return self._plain(control, file, image)
        try:
            preprocessor = await self._preprocessing.checked(
                control.preprocessor,
                resolution=control.resolution,
                threshold_a=control.threshold_a,
                threshold_b=control.threshold_b,
            )
        except NotFound as error:
            raise InvalidRequest(f"preprocessor: {error.detail}") from error
        union_type = None
        if file.kind == "controlnet-union":
            union_type = control.union_type or preprocessor.union_type
            if union_type not in file.union_types:
                raise InvalidRequest(
                    f"union_type: {file.name} reads several kinds of pictures; say which one this is: "
                    f"{', '.join(file.union_types)}"
                )
        elif control.union_type is not None:
            raise InvalidRequest(f"union_type: {file.name} is no ControlNet-Union; leave it out")
        changed = {"model": file.name, "image": image, "preprocessor": preprocessor.name, "union_type": union_type}
        return control.model_copy(update=changed)

    def _plain(self, control: Control, file: ControlFile, image: str) -> Control:
        """An IP-Adapter looks at the picture itself."""
        if self._preprocessing.named(control.preprocessor).name != "none":
            raise InvalidRequest(
                f"preprocessor: {file.name} is an IP-Adapter, which looks at the picture itself; use none"
            )
        return control.model_copy(update={"model": file.name, "image": image, "preprocessor": "none"})

    async def uses(
        self, request: ImageRequest, size: Size, shape: Size | None = None, region: Box | None = None
    ) -> tuple[ControlUse, ...]:
        """The settled request's controls, with their pictures as the models read them, in that size. Where only a
        `region` of a picture of that `shape` is drawn, they show that region.

        Raises NotFound (a file is gone), InvalidRequest (a preprocessor finds nothing in its picture), Unavailable.
        """
        return tuple([await self._use(control, size, shape, region) for control in request.controls])

    async def seen(self, control: Control, size: Size) -> Picture:
        """The control's picture as its model reads it, in that size. Raises NotFound, InvalidRequest, Unavailable."""
        assert control.image is not None
        data = await self._inputs.file(control.image)
        picture = await asyncio.to_thread(lambda: Picture.from_image(fitted(open_image(data), size, control.fit)))
        return await self._map(control, picture)

    async def _map(self, control: Control, picture: Picture) -> Picture:
        return await self._preprocessing.run(
            control.preprocessor,
            picture,
            resolution=control.resolution,
            threshold_a=control.threshold_a,
            threshold_b=control.threshold_b,
        )

    async def _use(self, control: Control, size: Size, shape: Size | None, region: Box | None) -> ControlUse:
        file = await self.named(control.model)
        assert control.image is not None, "it is settled"
        data = await self._inputs.file(control.image)

        def seen() -> Picture:
            image = open_image(data)
            if file.kind == "ip-adapter":
                return Picture.from_image(image)
            if shape is not None and region is not None:
                return Picture.from_image(fitted(fitted(image, shape, control.fit).crop(region), size, "fill"))
            return Picture.from_image(fitted(image, size, control.fit))

        picture = await asyncio.to_thread(seen)
        if file.kind != "ip-adapter":
            picture = await self._map(control, picture)
        return ControlUse(
            file=file,
            picture=picture,
            weight=control.weight,
            start=control.start,
            end=control.end,
            mode=control.mode,
            union_type=None if control.union_type is None else UNION_TYPES.index(control.union_type),
            encoder=await self._encoder(file) if file.kind == "ip-adapter" else None,
        )
