"""What a request is settled as before it is queued, by checkpoints that ask for a sketch and by those that do not."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from fakes import FakeChat, start_picture
from illustrious_studio.domain.errors import Busy, InvalidRequest, NotFound, NothingKnown, OutOfMemory
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.rendering import FromNoise
from illustrious_studio.interfaces.web.form_values import FormValues
from illustrious_studio.services.render_plan import render_plan
from illustrious_studio.wiring import DATA
from studio_for_tests import studio_for_tests, with_own_checkpoint

BY_HAND = Layout(things=(Placed(what="cat", x=0.3, y=0.6, w=0.4, h=0.4),), background="forest", by="hand")


def image_request(**changes: object) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat and a dog", "steps": 2, "width": 96, "height": 64} | changes)


async def test_any_checkpoint_starts_from_a_layout_when_asked_and_else_from_the_words_alone(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as made:
        assert made.studio.models.checkpoint().sketch_strength is None
        plain = await made.studio.images.generate_image(image_request())
        request = plain.metadata.request
        assert (request.layout, request.strength, request.sketch_strength) == (None, None, None)
        assert made.engine.plans[-1].passes[0].start == FromNoise()
        laid = await made.studio.images.generate_image(image_request(layout_from_words=True))
        assert laid.metadata.request.layout is not None
        assert {thing.what for thing in laid.metadata.request.layout.things} == {"cat", "dog"}
        assert 0.75 <= (laid.metadata.request.sketch_strength or 0) <= 0.9
        hand = await made.studio.images.generate_image(image_request(layout=BY_HAND, sketch_strength=0.6))
        assert (hand.metadata.request.layout, hand.metadata.request.sketch_strength) == (BY_HAND, 0.6)
        sketch = start_picture(made.engine.plans[-1]).picture
        assert sketch == await made.studio.sketches.paint(BY_HAND, 96, 64, hand.metadata.request.seed)


@pytest.mark.parametrize(
    ("prompt", "changes", "strength"),
    [
        ("1girl, silver hair", {}, 0.1),
        ("1girl, silver hair, full body", {}, 0.1),
        ("1girl, silver hair", {"sketch_strength": 0.6}, 0.6),
        ("1girl, silver hair", {"sketch_strength": 0.4}, 0.4),
        ("a cat and a dog", {}, 0.2),
    ],
)
async def test_the_built_in_checkpoint_redraws_little_of_people(
    tmp_path: Path, prompt: str, changes: dict[str, object], strength: float
) -> None:
    async with studio_for_tests(tmp_path) as made:
        drawn = await made.studio.images.generate_image(image_request(prompt=prompt, **changes))
        assert drawn.metadata.request.sketch_strength == strength
        (only,) = made.engine.plans[-1].passes
        assert only.strength == strength


async def test_what_a_checkpoint_predicts_is_recorded_and_goes_to_no_other_checkpoint(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:  # the built-in one: v-prediction, from pure noise
        drawn = (await made.studio.images.generate_image(image_request())).metadata
        asked = (await made.studio.images.generate_image(image_request(prediction_type="epsilon"))).metadata
        assert (drawn.prediction_type, drawn.zero_terminal_snr) == ("v_prediction", True)
        assert (drawn.request.prediction_type, drawn.request.zero_terminal_snr) == ("auto", None)
        assert (asked.prediction_type, asked.request.prediction_type) == ("epsilon", "epsilon")
        text = write_infotext(drawn)
        assert "Prediction type" not in text
        assert "Noise Schedule: Zero Terminal SNR" in text
        other = made.studio.models.checkpoint().model_copy(
            update={"name": "other", "prediction_type": "epsilon", "zero_terminal_snr": False}
        )
        for request in (drawn.request, FormValues.of_request(drawn.request, other).request(other)):
            plan = render_plan(request, other)
            assert (plan.checkpoint.prediction_type, plan.checkpoint.zero_terminal_snr) == ("epsilon", False)
        assert render_plan(asked.request, made.studio.models.checkpoint()).checkpoint.prediction_type == "epsilon"


async def test_a_picture_can_be_drawn_again_exactly_from_its_metadata(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        for request in (image_request(), image_request(layout=BY_HAND), image_request(sketch_strength=0.5)):
            first = await made.studio.images.generate_image(request)
            job = await made.studio.images.start_image(first.metadata.request)
            second = await made.studio.jobs.wait(job.id)
            assert job.request == first.metadata.request == second.metadata.request
            one, other = made.engine.plans[-2:]
            assert (one.passes, one.request.seed) == (other.passes, other.request.seed)
            assert start_picture(one).mask is None


async def test_a_bad_layout_is_refused_and_leaves_no_job(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        with pytest.raises(InvalidRequest, match="reaches out"):
            await made.studio.images.start_image(
                image_request(layout=[{"what": "cat", "x": 0, "y": 0.5, "w": 0.2, "h": 0.2}])
            )
        assert await made.studio.jobs.recent() == []


async def test_a_layout_that_a_model_wrote_is_drawn_after_a_restart_without_asking_again(tmp_path: Path) -> None:
    boat = {"what": "sailboat", "x": 0.5, "y": 0.6, "w": 0.5, "h": 0.5, "colour": "red"}
    said = json.dumps({"things": [boat], "background": "sea", "time": "sunset"})
    async with studio_for_tests(tmp_path, chat=FakeChat([said])) as made:
        made.engine.go_on.clear()
        job = await made.studio.images.start_image(image_request(prompt="a catamaran"))
        await made.engine.drawing.wait()
    layout = job.request.layout
    assert layout is not None
    assert (layout.by, layout.things[0].what, layout.things[0].colour) == ("model", "sailboat", "red")
    silent = FakeChat(["I forgot."])
    async with studio_for_tests(tmp_path, chat=silent) as made:
        item = await made.studio.jobs.wait(job.id)
        assert item.metadata.request.layout == layout
        assert silent.asked == []


@pytest.mark.parametrize("said", ["model", "words"])
async def test_several_pictures_are_laid_out_by_a_model_at_one_asking(tmp_path: Path, said: str) -> None:
    boat = {"what": "sailboat", "x": 0.5, "y": 0.6, "w": 0.5, "h": 0.5, "colour": "red"}
    answer = json.dumps({"things": [boat], "background": "sea", "time": "sunset"}) if said == "model" else "I forgot."
    async with studio_for_tests(tmp_path, chat=FakeChat([answer])) as made:
        jobs = await made.studio.images.start_images(image_request(prompt="a catamaran and a red house", seed=5), 4)
        assert len(made.chat.asked) == 1
        layouts = [job.request.layout for job in jobs]
        assert {layout.by for layout in layouts if layout} == {said}
        assert len(set(layouts)) == (1 if said == "model" else 4), "what the words alone place comes from the seed"


async def test_a_model_that_fails_costs_no_picture_and_it_is_recorded_who_laid_it_out(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(["garbage"])) as made:
        item = await made.studio.images.generate_image(image_request(prompt="a cat and a regatta"))
        assert item.metadata.request.layout is not None
        assert (item.metadata.request.layout.by, item.metadata.request.layout.unknown) == ("words", ("regatta",))


async def test_several_pictures_are_jobs_with_the_seeds_that_follow_and_each_is_what_its_seed_alone_gives(
    tmp_path: Path,
) -> None:
    async with studio_for_tests(tmp_path) as made:
        jobs = await made.studio.images.start_images(image_request(seed=MAX_SEED - 1), 3)
        assert [job.request.seed for job in jobs] == [MAX_SEED - 1, MAX_SEED, 0]
        for job in jobs:
            alone = await made.studio.images.start_image(image_request(seed=job.request.seed))
            assert alone.request == job.request
            one, other = await made.studio.jobs.wait(job.id), await made.studio.jobs.wait(alone.id)
            assert await made.studio.gallery.thumbnail(one.id) == await made.studio.gallery.thumbnail(other.id)


async def test_several_are_queued_all_or_not_at_all(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, queue_limit=3) as made:
        made.engine.go_on.clear()
        await made.studio.images.start_image(image_request())
        with pytest.raises(Busy, match="room for 2 more"):
            await made.studio.images.start_images(image_request(), 3)
        assert len(made.studio.jobs.active()) == 1
        assert len(await made.studio.images.start_images(image_request(), 2)) == 2
        made.engine.go_on.set()


async def test_who_stops_waiting_for_several_cancels_those_not_drawn_yet(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        asking = asyncio.create_task(made.studio.images.generate_images(image_request(), 3))
        await made.engine.drawing.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert [job.state for job in await made.studio.jobs.recent()] == ["cancelled"] * 3
        assert len(made.engine.plans) == 1


async def test_one_that_fails_is_the_answer_and_those_after_it_are_cancelled(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        made.engine.faults = [OutOfMemory("It does not fit.")]
        with pytest.raises(OutOfMemory):
            await made.studio.images.generate_images(image_request(), 3)
        assert [job.state for job in await made.studio.jobs.recent()] == ["cancelled", "cancelled", "failed"]


async def test_a_vae_is_drawn_with_by_its_name_and_one_that_is_not_there_is_refused_before_anything_waits(
    tmp_path: Path,
) -> None:
    (tmp_path / "models" / "vae").mkdir(parents=True)
    shutil.copy(DATA / "mini/vae/diffusion_pytorch_model.safetensors", tmp_path / "models" / "vae" / "own.safetensors")
    async with studio_for_tests(tmp_path) as made:
        item = await made.studio.images.generate_image(image_request(vae="own"))
        used = made.engine.plans[-1].vae
        assert used is not None
        assert (used.name, item.metadata.request.vae) == ("own", "own")
        await made.studio.images.generate_image(image_request())
        assert made.engine.plans[-1].vae is None
        with pytest.raises(NotFound, match="There are: automatic, own"):
            await made.studio.images.start_image(image_request(vae="other"))
        assert made.studio.jobs.active() == []


async def test_words_of_which_none_is_known_are_refused_at_once_by_a_checkpoint_that_draws_from_a_sketch(
    tmp_path: Path,
) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(backend="embedded")) as made:
        with pytest.raises(NothingKnown, match="no drawing for any of this: blorp, masterpiece") as raised:
            await made.studio.images.start_images(image_request(prompt="a blorp, masterpiece"), 2)
        assert raised.value.examples[-1] == made.studio.models.checkpoint().examples[-1]
        assert await made.studio.jobs.recent() == []
        drawn = await made.studio.images.generate_image(image_request(prompt="a blorp, masterpiece", layout=BY_HAND))
        assert drawn.metadata.request.layout == BY_HAND
        assert (await made.studio.images.generate_image(image_request(prompt=""))).metadata.request.prompt == ""


async def test_a_checkpoint_of_ones_own_refuses_no_words(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as made:
        for request in (image_request(prompt="a blorp"), image_request(prompt="a blorp", layout_from_words=True)):
            assert (await made.studio.images.generate_image(request)).metadata.request.prompt == "a blorp"


async def test_a_model_that_knows_the_words_saves_them_from_being_refused(tmp_path: Path) -> None:
    boat = {"what": "sailboat", "x": 0.5, "y": 0.6, "w": 0.5, "h": 0.5, "colour": ""}
    async with studio_for_tests(tmp_path, chat=FakeChat([json.dumps({"things": [boat]})])) as made:
        job = await made.studio.images.start_image(image_request(prompt="a catamaran"))
        assert job.request.layout is not None
        assert job.request.layout.by == "model"


async def test_choices_are_settled_before_queueing_each_picture_anew_and_recorded_with_the_template(
    tmp_path: Path,
) -> None:
    folder = with_own_checkpoint(tmp_path)
    (folder / "wildcards").mkdir()
    (folder / "wildcards" / "animal.txt").write_text("cat\ndog\nfox\nowl\nbear\n", encoding="utf-8")
    async with studio_for_tests(folder) as made:
        assert await made.studio.images.wildcards() == ["animal"]
        wanted = image_request(prompt="a {red|blue} __animal__", negative_prompt="{dull|grey}", seed=4)
        items = await made.studio.images.generate_images(wanted, 6)
        requests = [item.metadata.request for item in items]
        assert len({request.prompt for request in requests}) > 2
        assert all(set(request.prompt) & set("{_") == set() for request in requests)
        assert [request.wildcard_seed for request in requests] == [request.seed for request in requests]
        assert {item.metadata.origin.template for item in items} == {"a {red|blue} __animal__"}
        text = write_infotext(items[0].metadata)
        assert "Template: a {red|blue} __animal__" in text
        assert "Negative Template: {dull|grey}" in text
        (again,) = await made.studio.images.generate_images(requests[3], 1)
        assert again.metadata.request == requests[3]
        same = [image_request(prompt="a __animal__", wildcard_seed=9, seed=seed) for seed in (1, 2)]
        drawn = [(await made.studio.images.generate_image(one)).metadata.request.prompt for one in same]
        assert drawn[0] == drawn[1]


async def test_what_a_wildcard_file_says_is_refused_like_what_a_person_says(tmp_path: Path) -> None:
    folder = with_own_checkpoint(tmp_path)
    (folder / "wildcards").mkdir()
    (folder / "wildcards" / "lora.txt").write_text("<lora:x:1>\n", encoding="utf-8")
    async with studio_for_tests(folder) as made:
        with pytest.raises(InvalidRequest, match="There is no LoRA 'x'"):
            await made.studio.images.generate_image(image_request(prompt="a cat __lora__"))
        with pytest.raises(NotFound, match=r"There is no wildcard __lara__\. Nearest: __lora__"):
            await made.studio.images.generate_image(image_request(prompt="a cat __lara__"))
        assert made.engine.plans == []


async def test_hires_fix_is_settled_with_the_usual_strength(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as made:
        item = await made.studio.images.generate_image(image_request(hires=HiresFix()))
        assert item.metadata.request.hires == HiresFix(upscaler="Latent", strength=0.7)
        again = await made.studio.images.generate_image(item.metadata.request)
        assert again.metadata.request == item.metadata.request
