"""Names of samplers and schedules, in requests and in what other programs wrote."""

import json

import pytest
from pydantic import ValidationError

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.sampling import SAMPLERS, SCHEDULES, img2img_steps, resolved_schedule, split_joined
from samples import metadata

SWARM = {"prompt": "a cat", "sampler": "dpmpp_2m", "scheduler": "karras"}


def image_request(**changes: object) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat", **changes})


def checkpoint(*, zero: bool) -> Checkpoint:
    return Checkpoint.model_validate(
        {"name": "own", "path": "/x", "layout": "folder", "zero_terminal_snr": zero}, strict=False
    )


@pytest.mark.parametrize("said", ["Euler a", "euler A", "k_euler_a", "k_euler_ancestral", "  Euler a "])
def test_a_sampler_is_found_by_any_of_its_names_and_then_has_a1111s(said: str) -> None:
    assert image_request(sampler=said).sampler == "Euler a"


@pytest.mark.parametrize("field", ["sampler", "schedule"])
@pytest.mark.parametrize("said", ["", "__class__", "os.system", "Euler_b", "x" * 10_000])
def test_an_unknown_name_is_refused_with_those_there_are(field: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        image_request(**{field: said})
    (problem,) = refused.value.errors()
    assert problem["loc"] == (field,)
    assert ("Euler a, Euler, DPM++ 2M" if field == "sampler" else "Automatic, Karras") in problem["msg"]
    assert not said or said not in problem["msg"]


def test_a_schedule_that_the_sampler_cannot_follow_is_refused() -> None:
    with pytest.raises(ValidationError, match="LCM has no schedule Karras; use one of: Automatic"):
        image_request(sampler="lcm", schedule="karras")
    assert image_request(sampler="DPM++ 2M", schedule="karras").schedule == "Karras"
    assert image_request(sampler="LMS", schedule="kl_optimal").schedule == "KL Optimal"


@pytest.mark.parametrize(
    ("sampler", "schedule"),
    [
        ("Euler", "Normal"),
        ("Euler a", "Normal"),
        ("LMS", "Normal"),
        ("Heun", "Normal"),
        ("DPM2", "Karras"),
        ("DPM2 a", "Karras"),
        ("DPM++ 2M", "Karras"),
        ("DPM++ SDE", "Karras"),
        ("DPM++ 2M SDE", "Exponential"),
        ("DPM++ 2M SDE Heun", "Exponential"),
        ("DPM++ 3M SDE", "Exponential"),
        ("Restart", "Karras"),
        ("DDIM", "Leading"),
        ("UniPC", "Leading"),
        ("LCM", "Automatic"),
    ],
)
def test_automatic_is_a1111s_or_the_samplers_own(sampler: str, schedule: str) -> None:
    assert resolved_schedule(sampler, "Automatic", checkpoint(zero=False)) == schedule


@pytest.mark.parametrize("sampler", [name for name, one in SAMPLERS.items() if one.zero_snr and name != "LCM"])
def test_at_zero_terminal_snr_automatic_begins_at_pure_noise_and_so_do_old_pictures(sampler: str) -> None:
    assert resolved_schedule(sampler, "Automatic", checkpoint(zero=True)) == "Trailing"
    assert resolved_schedule(sampler, "Leading", checkpoint(zero=True)) == "Trailing"
    assert resolved_schedule(sampler, "Normal", checkpoint(zero=True)) == "Normal"


@pytest.mark.parametrize(("sampler", "schedule"), [("Heun", "Normal"), ("Euler", "Karras"), ("Euler", "DDIM")])
def test_what_does_not_go_with_zero_terminal_snr_is_refused_with_what_does(sampler: str, schedule: str) -> None:
    assert resolved_schedule(sampler, schedule, checkpoint(zero=False)) == schedule
    with pytest.raises(InvalidRequest, match=r"pure noise .+ Use one of: .*(Euler a|Automatic)"):
        resolved_schedule(sampler, schedule, checkpoint(zero=True))


@pytest.mark.parametrize(
    ("steps", "strength", "done"),
    [(30, 0.75, 23), (20, 0.4, 9), (20, 1.0, 20), (1, 1.0, 1), (30, 0.01, 1), (150, 1.0, 150), (8, 0.9, 8)],
)
def test_image_to_image_does_as_many_steps_as_a1111(steps: int, strength: float, done: int) -> None:
    assert img2img_steps(steps, strength) == done


def test_every_sampler_can_do_what_automatic_means_for_it() -> None:
    for sampler in SAMPLERS.values():
        assert sampler.automatic in sampler.schedules
        assert set(sampler.schedules) <= SCHEDULES.keys()


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_is_written_into_a_picture_is_read_back(sampler: str, schedule: str) -> None:
    if schedule in SAMPLERS[sampler].schedules:
        settings = metadata(sampler=sampler, schedule=schedule)
        recorded = recorded_settings({"parameters": write_infotext(settings)})
        assert recorded is not None
        assert recorded.request == settings.request
        assert (recorded.request.sampler, recorded.request.schedule) == (sampler, schedule)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ({"parameters": "a cat\nSteps: 20, Sampler: DPM++ 2M Karras, Seed: 7"}, ("DPM++ 2M", "Karras")),
        ({"parameters": "a cat\nSteps: 20, Sampler: Restart, Seed: 7"}, ("Restart", "Automatic")),
        ({"parameters": "a cat\nSteps: 20, Sampler: DPM fast, Seed: 7"}, ("Euler", "Automatic")),
        ({"parameters": "a cat\nSteps: 20, Sampler: LCM, Schedule type: Karras"}, ("LCM", "Automatic")),
        ({"invokeai_metadata": json.dumps({"prompt": "a", "scheduler": "euler_a"})}, ("Euler a", "Automatic")),
        ({"parameters": json.dumps({"sui_image_params": SWARM})}, ("DPM++ 2M", "Karras")),
    ],
)
def test_other_programs_names_are_understood_and_what_is_not_there_is_named(
    text: dict[str, str], expected: tuple[str, str]
) -> None:
    recorded = recorded_settings(text)
    assert recorded is not None
    assert (recorded.request.sampler, recorded.request.schedule) == expected
    assert ("sampler" in recorded.left_out) == ("DPM fast" in str(text))
    assert ("schedule" in recorded.left_out) == ("LCM, Schedule type: Karras" in str(text))


def test_names_in_one_are_taken_apart() -> None:
    assert split_joined("DPM++ 2M SDE SGM Uniform") == ("DPM++ 2M SDE", "SGM Uniform")
    assert split_joined("DPM++ 2M Beta") == ("DPM++ 2M", "Beta")
    assert split_joined("DDIM") == ("DDIM", "")
