"""Which preprocessors there are, what their names mean, and which numbers they take."""

from pathlib import Path

import pytest

from illustrious_studio.adapters.preprocessors.annotator import OpenCvAnnotator
from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.preprocessing import Numbers, Preprocessor
from illustrious_studio.services.preprocessing import PreprocessingService
from samples import a_picture

SERVICE = PreprocessingService(OpenCvAnnotator(Path("nowhere")))
CONTROLNET = [
    ("none", "none"),
    ("None", "none"),
    ("canny", "canny"),
    ("lineart_standard", "lineart"),
    ("lineart_standard (from white bg & black line)", "lineart"),
    ("invert (from white bg & black line)", "invert"),
    ("scribble_xdog", "scribble"),
    ("tile_resample", "tile"),
    ("blur_gaussian", "blur"),
    ("recolor_luminance", "recolor_luminance"),
    ("depth_midas", "depth"),
    ("depth_anything_v2", "depth"),
    ("dw_openpose_full", "openpose_full"),
    ("Openpose_Full ", "openpose_full"),
]
"""What clients of sd-webui-controlnet send, and what it means."""


@pytest.mark.parametrize(("sent", "name"), CONTROLNET)
def test_names_of_sd_webui_controlnet_are_known(sent: str, name: str) -> None:
    assert SERVICE.named(sent).name == name


def test_no_name_means_two() -> None:
    names = [
        name
        for one in SERVICE.preprocessors()
        for name in {one.name, one.module, one.module_label.casefold(), *one.aliases}
    ]
    assert len(names) == len(set(names))
    assert names[0] == "none"


@pytest.mark.parametrize(
    ("sent", "near"),
    [("softedge_hed", "softedge"), ("scribble_pidinet", "scribble"), ("lineart_anime", "lineart"), ("mlsd", "canny")],
)
def test_what_needs_another_network_is_refused_with_the_nearest_and_a_list(sent: str, near: str) -> None:
    with pytest.raises(
        NotFound, match=f"no preprocessor '{sent}'. The nearest to it is {near}. There are: none, canny"
    ):
        SERVICE.named(sent)


def test_a_union_model_is_told_what_the_map_is() -> None:
    types = {one.name: one.union_type for one in SERVICE.preprocessors()}
    assert types["openpose_hand"] == "openpose" and types["depth"] == "depth"
    assert types["scribble"] == types["softedge"] == "softedge"
    assert types["canny"] == types["lineart"] == "canny"
    assert types["tile"] == types["blur"] == "tile"
    assert types["none"] is types["shuffle"] is None


@pytest.mark.parametrize(
    ("name", "numbers", "words"),
    [
        ("canny", {"threshold_a": 0}, "threshold_a: must be from 1 to 255 (Low Threshold), and it is 0"),
        ("canny", {"threshold_b": 256}, "threshold_b: must be from 1 to 255 (High Threshold), and it is 256"),
        ("canny", {"threshold_a": float("nan")}, "threshold_a: must be from 1 to 255"),
        ("canny", {"resolution": 63}, "resolution: must be from 64 to 2048"),
        ("recolor_luminance", {"threshold_a": 2.1}, "threshold_a: must be from 0.1 to 2 (Gamma Correction)"),
        ("lineart", {"threshold_a": 5}, "threshold_a: the preprocessor lineart takes no such number"),
        ("tile", {"threshold_b": 5}, "threshold_b: the preprocessor tile takes no such number"),
    ],
)
async def test_a_number_that_cannot_be_is_refused_by_the_name_of_its_field(
    name: str, numbers: dict[str, float], words: str
) -> None:
    for asked in (SERVICE.checked(name, **numbers), SERVICE.run(name, a_picture(), **numbers)):  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest) as failure:
            await asked
        assert failure.value.detail.startswith(words)


async def test_what_can_be_run_is_said_beforehand() -> None:
    assert (await SERVICE.checked("tile_resample", resolution=512, threshold_a=2)).name == "tile"
    assert set(await SERVICE.missing()) == {"depth", "pose"}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ((-1, -1, -1), Numbers(512, 100, 200)),
        ((768, 64, 64), Numbers(768, 64, 64)),
        ((0, 300, None), Numbers(512, 100, 200)),
    ],
)
def test_numbers_outside_of_their_range_mean_the_usual_ones_to_a1111s_clients(
    sent: tuple[float, float, float | None], meant: Numbers
) -> None:
    canny: Preprocessor = SERVICE.named("canny")
    assert canny.numbers_of_a1111(*sent) == meant
    assert SERVICE.named("invert").numbers_of_a1111(*sent) == Numbers()
