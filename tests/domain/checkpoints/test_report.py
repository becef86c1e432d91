"""What a checkpoint's header and name come to: the family, how sure that is, and what is recommended."""

import json
from pathlib import Path
from typing import Any

import pytest

from illustrious_studio.domain.checkpoints.families import PUBLISHED
from illustrious_studio.domain.checkpoints.report import CheckpointReport, report_of
from illustrious_studio.domain.checkpoints.values import CheckpointFacts, FileHash
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint, CheckpointOverride
from illustrious_studio.domain.presets import Preset
from illustrious_studio.domain.sampling import resolved_schedule

V_PRED: dict[str, Any] = {"prediction_type": "v_prediction", "zero_terminal_snr": True}
PONY, ILLUSTRIOUS = "67ab2fd8ec", "3e15ba0038"
SDXL_BASE = {
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.architecture": "stable-diffusion-xl-v1-base",
    "modelspec.title": "Stable Diffusion XL 1.0 Base",
    "modelspec.author": "StabilityAI",
    "modelspec.date": "2023-07-26",
    "modelspec.resolution": "1024x1024",
    "modelspec.prediction_type": "epsilon",
    "modelspec.license": "CreativeML Open RAIL++-M License",
}
"""As in sd_xl_base_1.0.safetensors."""
KOHYA = {
    "ss_base_model_version": "sdxl_base_v1-0",
    "ss_sd_model_name": "Illustrious-XL-v0.1.safetensors",
    "ss_output_name": "checkpoint-e0",
    "ss_num_train_images": "12700000",
    "modelspec.architecture": "stable-diffusion-xl-v1-base",
    "modelspec.prediction_type": "epsilon",
}
"""As kohya's sd-scripts write it into what they train."""


def digest(short: str) -> str:
    return short + "0" * (64 - len(short))


def merged(*models: tuple[str, str], recipe: dict[str, Any] | None = None) -> dict[str, str]:
    """As A1111's checkpoint merger writes it: names by SHA-256."""
    named = {
        digest(short): {"name": name, "legacy_hash": "0123abcd", "sd_merge_recipe": None} for short, name in models
    }
    how = recipe or {"type": "webui", "interp_method": "Weighted sum", "multiplier": 0.35}
    return {"format": "pt", "sd_merge_models": json.dumps(named), "sd_merge_recipe": json.dumps(how)}


def report(
    name: str, metadata: dict[str, str] | None = None, sha256: str | None = None, **facts: Any
) -> CheckpointReport:
    markers = facts.pop("markers", ())
    checkpoint = Checkpoint(name=name, path=Path(f"/models/{name}.safetensors"), layout="single-file", **facts)
    read = CheckpointFacts(metadata=metadata or {}, markers=markers)
    return report_of(checkpoint, read, FileHash(sha256=sha256), hashing=False)


KNOWN: dict[str, tuple[dict[str, Any], tuple[str | None, str]]] = {
    "renamed": ({"sha256": digest(PONY)}, ("Pony", "hash")),
    "sd_xl_base_1.0": ({"metadata": SDXL_BASE}, ("SDXL", "file")),
    "Illustrious-XL-v1.0": ({}, ("Illustrious", "name")),
    "waiNSFWIllustrious_v140": ({}, ("Illustrious", "name")),
    "novaAnimeXL_ilV60": ({}, ("Illustrious", "name")),
    "noobaiXLNAIXL_vPred10Version": (V_PRED, ("NoobAI", "name")),
    "NoobAI-XL-v1.1": ({"metadata": KOHYA}, ("NoobAI", "name")),  # trained from Illustrious, which is no contradiction
    "my-own": ({"metadata": KOHYA}, ("Illustrious", "file")),
    "ponyDiffusionV6XL_v6StartWithThisOne": ({}, ("Pony", "name")),
    "autismmixSDXL_autismmixConfetti": ({}, ("Pony", "name")),
    "animagine-xl-4.0-opt": ({}, ("Animagine", "name")),
    "some-mix": ({"metadata": merged((PONY, "x"), ("ffffffffff", "tPonynai3"))}, ("Pony", "file")),
    "noob-in-it": ({"metadata": merged((ILLUSTRIOUS, ""), ("ea349eeae8", ""))}, ("NoobAI", "file")),
    "both": ({"metadata": merged((ILLUSTRIOUS, "a"), (PONY, "b"))}, (None, "unknown")),
    "ponyIllustriousMix": ({}, (None, "unknown")),
    "pony-by-name": ({"metadata": KOHYA}, ("Illustrious", "file")),
    "juggernautXL_ragnarok": ({}, (None, "unknown")),
    "illustrationXL": ({}, (None, "unknown")),
    "Siliconxl": ({}, (None, "unknown")),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_family_is_told_with_how_sure_that_is(name: str) -> None:
    facts, expected = KNOWN[name]
    found = report(name, **facts)
    assert (found.family, found.certainty) == expected
    assert bool(found.evidence) == (name not in ("juggernautXL_ragnarok", "illustrationXL", "Siliconxl"))
    assert bool(found.doubts) == (expected[1] in ("name", "unknown") or name == "pony-by-name")


DOUBTS = {
    "both": "mixture: the notes in its file name Illustrious and Pony",
    "ponyIllustriousMix": "mixture: its name says Illustrious and Pony",
    "pony-by-name": "Its name says Pony, the notes in its file say Illustrious.",
    "juggernautXL_ragnarok": "holds for SDXL at large",
    "waiNSFWIllustrious_v140": "names may be wrong",
}


@pytest.mark.parametrize("name", DOUBTS)
def test_it_says_where_it_is_unsure(name: str) -> None:
    assert DOUBTS[name] in report(name, **KNOWN[name][0]).doubts[0]


PRESETS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "Illustrious-XL-v0.1": ({}, {"steps": 28, "sampler": "Euler a", "guidance": 6.0}, "masterpiece"),
    "NoobAI-XL-v1.1": ({}, {"steps": 28, "sampler": "Euler a", "guidance": 5.5, "width": 832}, "newest"),
    "NoobAI-XL-Vpred-v1.0": (V_PRED, {"sampler": "Euler", "guidance": 4.5, "guidance_rescale": 0.2}, "absurdres"),
    "ponyDiffusionV6XL": ({}, {"steps": 25, "sampler": "Euler a", "clip_skip": 2}, "score_8_up"),
    "animagine-xl-3.1": ({}, {"steps": 28, "guidance": 6.0}, "very aesthetic"),
    "animagineXL40_v4Opt": ({}, {"steps": 28, "guidance": 5.0}, "great score"),
    "other-vpred": (V_PRED, {"sampler": "Euler", "guidance": 5.0, "guidance_rescale": 0.7}, ""),
    "nothing-known": ({}, {"steps": 30, "sampler": "Euler", "guidance": 7.5}, ""),
    "sdxl_lightning_4step": ({}, {"steps": 4, "schedule": "SGM Uniform", "guidance": 1.0}, ""),
    "dreamshaperXL_v21TurboDPMSDE": ({}, {"steps": 6, "sampler": "DPM++ SDE", "schedule": "Karras"}, ""),
    "turbo-vpred": (V_PRED, {"steps": 6, "sampler": "DPM++ SDE", "schedule": "Automatic"}, ""),
    "illustriousXL_dmd2_8steps": ({}, {"steps": 8, "sampler": "LCM", "guidance": 1.0}, "masterpiece"),
    "Hyper-SDXL-8steps": ({}, {"steps": 8, "sampler": "DDIM", "schedule": "Trailing"}, ""),
    "hyperrealismXL": ({}, {"steps": 30, "sampler": "Euler"}, ""),
    "animeLCM-xl": ({}, {"sampler": "LCM", "schedule": "Automatic"}, ""),
}


@pytest.mark.parametrize("name", PRESETS)
def test_what_its_card_recommends_is_offered_with_a_reason_for_each_value(name: str) -> None:
    facts, expected, word = PRESETS[name]
    found = report(name, **facts)
    settings = found.offered.settings
    assert expected.items() <= settings.items()
    assert word in found.offered.prompt("1girl")
    assert "1girl" in found.offered.prompt("1girl")
    reasons = {one.setting: one.reason for one in found.advice}
    assert all(reasons[setting] for setting in settings if setting != "height")
    assert all(reasons[words] for words in ("before", "after", "negative_prompt") if getattr(found.offered, words))
    assert bool(found.sources) == bool(name not in ("other-vpred", "nothing-known", "hyperrealismXL"))


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_offered_can_be_drawn_with_that_checkpoint(name: str) -> None:
    facts, _, _ = PRESETS[name]
    offered = report(name, **facts).offered
    request = ImageRequest(prompt=offered.prompt("a cat"), negative_prompt=offered.negative_prompt, **offered.settings)
    checkpoint = Checkpoint(name=name, path=Path(name), layout="single-file", **facts)
    assert resolved_schedule(request.sampler, request.schedule, checkpoint)


def test_the_published_checkpoints_are_known_by_title() -> None:
    for short, (title, family) in PUBLISHED.items():
        found = report("any", sha256=digest(short))
        assert (found.version, found.family, found.doubts) == (title, family, ())
    assert report("any", sha256=digest("6327eca98b")).offered.guidance == 5.0  # by its title it is Animagine 4


def test_where_the_prediction_type_comes_from_is_said() -> None:
    assert report("x").prediction_source == "assumed"
    assert report("x", SDXL_BASE).prediction_source == "file"
    assert report("x", markers=("v_pred", "ztsnr"), **V_PRED).prediction_source == "file"
    override = CheckpointOverride(prediction_type="v_prediction")
    by_hand = report("x", prediction_type="v_prediction", override=override)
    assert by_hand.prediction_source == "person"
    assert any("zero terminal SNR" in doubt for doubt in by_hand.doubts)
    assert any("Its name says v-prediction" in doubt for doubt in report("noob-vpred").doubts)
    assert not any("zero terminal" in doubt for doubt in report("noob-vpred", markers=("v_pred",), **V_PRED).doubts)
    assert any("EDM" in doubt for doubt in report("x", markers=("edm_mean",)).doubts)


def test_what_it_was_merged_from_and_how_is_listed() -> None:
    found = report("mix", merged((PONY, "ponyV6.safetensors [67ab2fd8ec]"), ("abcdef0123", "mine")))
    assert [one.name for one in found.merged_from] == ["ponyV6.safetensors [67ab2fd8ec]", "mine"]
    assert found.merged_from[0].hash == digest(PONY)
    assert found.merge_recipe == "type webui, interp_method Weighted sum, multiplier 0.35"
    by_name = report("mix", {"modelspec.merged_from": "Pony Diffusion V6, mine"})
    assert [one.name for one in by_name.merged_from] == ["Pony Diffusion V6", "mine"]
    assert by_name.family == "Pony"


def nested(depth: int) -> str:
    return '{"sd_merge_models":' * depth + "{}" + "}" * depth


HOSTILE = {
    "endless": {"sd_merge_models": json.dumps({digest(f"{n:010x}"): {"name": f"m{n}"} for n in range(5000)})},
    "deep": {"sd_merge_models": nested(100_000), "sd_merge_recipe": nested(100_000)},
    "no json": {"sd_merge_models": "{", "sd_merge_recipe": "[1, 2]"},
    "other types": {"sd_merge_models": '{"x": 1, "y": {"name": [1]}, "z": null}', "sd_merge_recipe": '{"type": {}}'},
    "huge": {"modelspec.title": "x" * 1_000_000, "modelspec.description": "\0\n\u202e" * 100_000},
    "surrogates": {"modelspec.author": "\ud800 somebody"},
    "markup": {"modelspec.title": "<script>alert(1)</script>"},
    "empty": {"modelspec.title": "", "modelspec.license": "   "},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_header_makes_a_small_report_that_can_be_sent(kind: str) -> None:
    found = report("x", HOSTILE[kind])
    assert len(found.model_dump_json().encode()) < 20_000
    assert all(note.text.isprintable() and note.text for note in found.notes)
    if kind == "endless":
        assert (len(found.merged_from), found.more_parents) == (24, 4976)
    if kind == "surrogates":
        assert found.notes[0].text == "somebody"


def test_the_built_in_model_says_itself_what_suits_it() -> None:
    found = report("mini", builtin=True, native_width=192, native_height=192, steps=8, guidance=2.5)
    assert (found.offered.width, found.offered.steps, found.offered.guidance) == (192, 8, 2.5)
    assert (found.sizes, found.doubts, found.evidence) == (((192, 192),), (), ())


def test_a_preset_that_is_kept_is_in_the_report() -> None:
    kept = CheckpointOverride(preset=Preset(steps=12))
    assert report("x", override=kept).preset == Preset(steps=12)
