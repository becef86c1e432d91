"""Upscaling as a service: what is queued, what is kept of it, and what a restart does."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

from fakes import FakeEngine
from illustrious_studio.domain.encoding import image_to_png, to_png
from illustrious_studio.domain.errors import Busy, Cancelled, InvalidRequest, NotAnImage, NotFound, OutOfMemory
from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.upscaling import BUILTIN_UPSCALER, UpscaleSettings
from samples import a_picture, metadata
from studio_for_tests import studio_for_tests

LANCZOS = UpscaleSettings(upscaler="Lanczos")


async def test_a_picture_of_the_gallery_becomes_another_with_its_settings_and_what_was_done(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as tested:
        studio = tested.studio
        kept = await studio.gallery.add(a_picture().image(), metadata("a cat", seed=77))
        item = await studio.upscaling.upscale(kept.id, way=Origin(way="create"))
        assert tested.engine.upscales[-1].tile, "in tiles, as it is set"
        made = item.metadata
        assert (made.width, made.height, made.request, made.checkpoint) == (
            192,
            128,
            kept.metadata.request,
            kept.metadata.checkpoint,
        )
        assert (made.seconds, made.device, made.origin.way) == (kept.metadata.seconds, "cpu", "create")
        assert made.upscale is not None
        assert (made.upscale.request.scale, made.upscale.request.upscaler) == (2.0, BUILTIN_UPSCALER)
        assert (made.upscale.from_width, made.upscale.from_height) == (96, 64)
        with Image.open(io.BytesIO(await studio.gallery.png(item.id))) as png:
            said = "Postprocess upscale by: 2, Postprocess upscaler: Real-ESRGAN anime"
            assert (png.size, png.info["postprocessing"], png.info["extras"]) == ((192, 128), said, said)
            parameters = png.info["parameters"]
        assert "Seed: 77, Size: 96x64" in parameters and said in parameters
        again = recorded_settings({"parameters": parameters})
        assert again is not None and (again.request.seed, again.request.width) == (77, 96)
        assert made.request_with({}) == kept.metadata.request, "drawn again it is what it was before"
        await studio.gallery.reindex()
        assert (await studio.gallery.get(item.id)).metadata == made


async def test_a_picture_that_says_nothing_is_upscaled_and_one_of_another_program_keeps_its_settings(
    tmp_path: Path,
) -> None:
    async with studio_for_tests(tmp_path) as tested:
        plain = (await tested.studio.upscaling.upscale(to_png(a_picture()), LANCZOS)).metadata
        assert (plain.request.prompt, plain.checkpoint, plain.width) == ("", "", 192)
        assert not tested.engine.upscales, "Lanczos needs no engine"
        text = (
            "a dog\nNegative prompt: cat\nSteps: 20, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: 96x64, Model: other"
        )
        file = image_to_png(a_picture().image(), {"parameters": text})
        item = await tested.studio.upscaling.upscale(file, LANCZOS)
        assert (item.metadata.request.prompt, item.metadata.request.seed) == ("a dog", 9)
        assert (item.metadata.checkpoint, item.metadata.origin.words) == ("other", "a dog")


async def test_a_transparent_picture_stays_transparent(tmp_path: Path) -> None:
    image = a_picture().image().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    async with studio_for_tests(tmp_path) as tested:
        item = await tested.studio.upscaling.upscale(image_to_png(image))
        with Image.open(io.BytesIO(await tested.studio.gallery.png(item.id))) as png:
            assert (png.mode, png.size) == ("RGBA", (192, 128))
            assert png.getchannel("A").getextrema() == image.getchannel("A").getextrema()
        assert await tested.studio.gallery.thumbnail(item.id)
        with Image.open(io.BytesIO(await tested.studio.gallery.file(item.id, "jpeg"))) as jpeg:
            assert jpeg.mode == "RGB"


async def test_a_size_can_be_named_and_two_upscalers_mixed(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as tested:
        settings = UpscaleSettings(width=200, upscaler_2="Lanczos", upscaler_2_visibility=0.5)
        item = await tested.studio.upscaling.upscale(to_png(a_picture()), settings)
        assert item.metadata.upscale is not None
        asked = item.metadata.upscale.request
        assert (item.metadata.width, item.metadata.height, asked.width, asked.height) == (200, 133, 200, 133)
        assert asked.upscaler_2 == "Lanczos"
        unseen = UpscaleSettings(upscaler="R-ESRGAN AnimeVideo", upscaler_2="Lanczos")
        item = await tested.studio.upscaling.upscale(to_png(a_picture()), unseen)
        assert item.metadata.upscale is not None
        asked = item.metadata.upscale.request
        assert (asked.upscaler, asked.upscaler_2) == (BUILTIN_UPSCALER, None), "A1111's name for the same network"


@pytest.mark.parametrize(
    ("picture", "settings", "error", "words"),
    [
        ("0" * 32, LANCZOS, NotFound, "no such picture"),
        ("../../etc/passwd", LANCZOS, NotFound, "no such picture"),
        (b"GIF89a", LANCZOS, NotAnImage, "not a picture"),
        (to_png(a_picture())[:300], LANCZOS, NotAnImage, "not a picture"),
        (to_png(a_picture()), UpscaleSettings(upscaler="4x-None"), NotFound, "There are: Lanczos, Real-ESRGAN anime"),
        (to_png(a_picture()), UpscaleSettings(width=10_000), InvalidRequest, "at most 25 megapixels"),
    ],
)
async def test_what_cannot_be_upscaled_is_refused_before_it_is_queued(
    tmp_path: Path, picture: str | bytes, settings: UpscaleSettings, error: type[Exception], words: str
) -> None:
    async with studio_for_tests(tmp_path) as tested:
        with pytest.raises(error, match=words):
            await tested.studio.upscaling.start(picture, settings)
        assert tested.studio.jobs.active() == []


async def test_a_file_that_is_refused_is_refused_by_its_reason(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as tested:
        (tmp_path / "models" / "upscalers" / "4x-UltraSharp.pth").write_bytes(b"PK")
        with pytest.raises(NotFound, match=r"'4x-UltraSharp' cannot be used\. .*can run code"):
            await tested.studio.upscaling.start(to_png(a_picture()), UpscaleSettings(upscaler="4x-UltraSharp"))


async def test_it_waits_in_the_queue_is_cancelled_and_fails_as_a_drawing_does(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with studio_for_tests(tmp_path, engine=engine, queue_limit=2) as tested:
        studio = tested.studio
        engine.go_on.clear()
        first = await studio.upscaling.start(to_png(a_picture()))
        await engine.midway.wait()
        second = await studio.upscaling.start(to_png(a_picture()))
        with pytest.raises(Busy):
            await studio.upscaling.start(to_png(a_picture()))
        now, waiting = studio.jobs.active()
        assert (now.job.id, now.step, now.steps, waiting.ahead) == (first.id, 1, 2, 1)
        await studio.jobs.cancel(first.id)
        with pytest.raises(Cancelled):
            await studio.jobs.wait(first.id)
        engine.go_on.set()
        await studio.jobs.wait(second.id)
        engine.faults.append(OutOfMemory("Too large. Close other programs."))
        with pytest.raises(OutOfMemory, match="Too large"):
            await studio.upscaling.upscale(to_png(a_picture()))


async def test_it_goes_on_after_a_restart_also_when_the_picture_is_gone_from_the_gallery(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.go_on.clear()
    async with studio_for_tests(tmp_path, engine=engine) as tested:
        kept = await tested.studio.gallery.add(a_picture().image(), metadata("a cat"))
        job = await tested.studio.upscaling.start(kept.id)
        await engine.midway.wait()
        await tested.studio.gallery.delete(kept.id)
    async with studio_for_tests(tmp_path) as tested:
        item = await tested.studio.jobs.wait(job.id)
        assert (item.id, item.metadata.width, item.metadata.request.prompt) == (job.id, 192, "a cat")


async def test_who_stops_waiting_cancels_it(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.go_on.clear()
    async with studio_for_tests(tmp_path, engine=engine) as tested:
        waiting = asyncio.create_task(tested.studio.upscaling.upscale(to_png(a_picture())))
        await engine.midway.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert engine.stopped.is_set() and tested.studio.jobs.active() == []
