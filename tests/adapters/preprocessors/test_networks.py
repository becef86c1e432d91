"""Depth and poses, by tiny networks that take and answer what the real ones do. No real one is at hand: that such files
give good maps is not tested, only that each gets the picture, and is understood, as its makers say."""

from pathlib import Path
from typing import Any

import numpy
import pytest
from onnx import TensorProto
from PIL import Image

from illustrious_studio.adapters.preprocessors.annotator import OpenCvAnnotator
from illustrious_studio.adapters.preprocessors.pose import Pose
from illustrious_studio.adapters.preprocessors.pose_drawing import draw
from illustrious_studio.domain.errors import InvalidRequest, NotFound, Unavailable
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.services.preprocessing import PreprocessingService
from tiny_onnx import depth_network, people_network, points_network

RAMP = numpy.tile(numpy.arange(0, 256, 2, dtype=numpy.uint8), (96, 1))
MAGENTA = (255, 0, 255)
"""Blue, so that the tiny YOLOX is sure, and red, so that the tiny DWPose is."""


def service(folder: Path, *checkpoints: Path) -> PreprocessingService:
    return PreprocessingService(OpenCvAnnotator(folder, checkpoints))


async def map_of(service: PreprocessingService, picture: Image.Image, name: str, **numbers: int) -> Any:
    map = await service.run(name, Picture.from_image(picture), **numbers)
    assert (map.width, map.height) == picture.size
    return numpy.asarray(map.image())


def red_ramp() -> Image.Image:
    """Redder to the right, and as much bluer to the left."""
    return Image.fromarray(numpy.dstack([RAMP, numpy.zeros_like(RAMP), 255 - RAMP]))


@pytest.mark.parametrize(
    ("file", "shape", "kind"),
    [
        ("depth_anything_v2_vits.onnx", (None, None), TensorProto.FLOAT),
        ("Depth-Anything-V2-small_fp16.onnx", (518, 518), TensorProto.FLOAT16),
        ("dpt_hybrid-midas.onnx", (384, 384), TensorProto.FLOAT),
        ("midas_v21_small_256.ONNX", (256, 256), TensorProto.FLOAT),
    ],
)
async def test_what_a_network_says_is_near_is_white(
    tmp_path: Path, file: str, shape: tuple[int | None, int | None], kind: int
) -> None:
    depth_network(tmp_path / "sub" / file, *shape, kind=kind)
    for resolution in ({}, {"resolution": 64}):
        map = await map_of(service(tmp_path), red_ramp(), "depth", **resolution)
        assert (map[..., 0] == map[..., 2]).all()
        assert numpy.abs(map[..., 0].astype(int) - RAMP * (255 / 254)).max() <= 6


@pytest.mark.parametrize("file", ["ZoeD_M12_N.onnx", "depth_anything_v2_metric_vits.onnx"])
async def test_of_metres_the_fewest_are_white(tmp_path: Path, file: str) -> None:
    depth_network(tmp_path / file)
    map = (await map_of(service(tmp_path), red_ramp(), "depth_zoe"))[48, :, 0].astype(int)
    assert map[0] == 255 and map[-1] == 0 and (numpy.diff(map) <= 0).all()


async def test_a_flat_picture_has_a_flat_map(tmp_path: Path) -> None:
    depth_network(tmp_path / "midas.onnx")
    assert numpy.ptp(await map_of(service(tmp_path), Image.new("RGB", (80, 60), "navy"), "depth")) == 0


def with_pose_networks(folder: Path, points: dict[int, tuple[float, float]]) -> Path:
    """YOLOX finds somebody in the middle of a picture twice as wide as high, DWPose these points, in a view of
    48 x 64."""
    people_network(folder / "yolox_l.onnx", 64, [(24, 8, 40, 24)])
    points_network(folder / "dw-ll_ucoco_384.onnx", 48, 64, points)
    return folder


async def test_a_pose_is_drawn_where_the_person_is_in_openposes_colours(tmp_path: Path) -> None:
    nose, left_eye, shoulder, elbow = (24, 16), (27, 14), (14, 30), (10, 44)
    annotator = service(with_pose_networks(tmp_path, {0: nose, 1: left_eye, 6: shoulder, 8: elbow}))
    map = await map_of(annotator, Image.new("RGB", (512, 256), MAGENTA), "openpose")
    # The box is (192, 64, 320, 192) in the picture: a view of the network's shape, a quarter larger, is around it.
    scale, left, top = 160 / 48, 256 - 80, 128 - 160 * 64 / 48 / 2

    def at(point: tuple[int, int]) -> tuple[int, ...]:
        return tuple(map[round(top + point[1] * scale), round(left + point[0] * scale)].tolist())

    assert at(nose) == (255, 0, 0)
    assert at(shoulder) == (255, 170, 0) and at(elbow) == (255, 255, 0)
    middle = (shoulder[0] + elbow[0]) // 2, (shoulder[1] + elbow[1]) // 2
    assert at(middle) == (153, 102, 0)  # the upper arm, less light than the joints
    assert at(left_eye) == (255, 0, 255)
    down, across = numpy.nonzero(map.any(axis=2))
    assert left < across.min() and across.max() < left + 160 and top < down.min() and down.max() < top + 214


async def test_hands_and_faces_are_drawn_where_they_are_asked_for(tmp_path: Path) -> None:
    points = {0: (24, 16), 5: (34, 30), 30: (22, 18), 91: (40, 50), 92: (42, 52), 93: (44, 55)}
    annotator = service(with_pose_networks(tmp_path, points))
    drawn = {
        name: await map_of(annotator, Image.new("RGB", (512, 256), MAGENTA), name)
        for name in ("openpose", "openpose_face", "openpose_faceonly", "openpose_hand", "dw_openpose_full")
    }
    white = {name: bool((map == 255).all(axis=2).any()) for name, map in drawn.items()}
    blue = {name: bool((map == (0, 0, 255)).all(axis=2).any()) for name, map in drawn.items()}
    assert [name for name, seen in white.items() if seen] == ["openpose_face", "openpose_faceonly", "dw_openpose_full"]
    assert [name for name, seen in blue.items() if seen] == ["openpose_hand", "dw_openpose_full"]
    assert not (drawn["openpose_faceonly"] == (255, 0, 0)).all(axis=2).any()


async def test_each_person_is_drawn_once_and_the_pose_follows_the_picture_s_size(tmp_path: Path) -> None:
    people_network(tmp_path / "yolox_l.onnx", 64, [(4, 4, 20, 30), (44, 4, 60, 30)])
    points_network(tmp_path / "dw-mm_ucoco.onnx", 48, 64, {0: (24, 32)})
    for size in ((320, 160), (640, 320)):
        map = await map_of(service(tmp_path), Image.new("RGB", size, MAGENTA), "openpose")
        down, across = numpy.nonzero(map.any(axis=2))
        middles = sorted({round(x / size[0], 1) for x in across})
        assert middles == [0.2, 0.8]
        assert numpy.abs(down / size[1] - 17 / 32).max() < 0.04


async def test_where_nobody_is_that_is_said(tmp_path: Path) -> None:
    annotator = service(with_pose_networks(tmp_path, {0: (24, 16)}))
    with pytest.raises(InvalidRequest, match="Nobody was found"):
        await map_of(annotator, Image.new("RGB", (64, 64), "red"), "openpose")  # YOLOX gets blue first


def test_a_whole_body_has_all_of_openposes_limbs() -> None:
    body = [(20.0 + 25 * number, 30.0 + 25 * (number % 4)) for number in range(18)]
    map = draw([Pose(body, [], [None] * 21, [None] * 21)], (512, 512), body=True, hands=True, face=True)
    for joint, (x, y) in enumerate(body):
        assert map[round(y), round(x)].any(), joint
    assert len(numpy.unique(map.reshape(-1, 3), axis=0)) == 1 + 17 + 18  # black, limbs, joints


@pytest.mark.parametrize(
    ("name", "words"),
    [("depth", "depth_anything_v2_vits.onnx. Put it into"), ("openpose_full", "dw-ll_ucoco_384.onnx")],
)
async def test_without_its_file_a_preprocessor_says_which_goes_where(tmp_path: Path, name: str, words: str) -> None:
    annotator, picture = service(tmp_path), Image.new("RGB", (64, 64))
    with pytest.raises(NotFound, match=words) as failure:
        await map_of(annotator, picture, name)
    assert f"into the folder {'/'.join(tmp_path.parts[-2:])}." in failure.value.detail
    with pytest.raises(NotFound, match=words):  # before anything waits for it, too
        await annotator.checked(name)
    people_network(tmp_path / "yolox_l.onnx", 64, [])
    if name != "depth":
        with pytest.raises(NotFound, match=r"There is yolox_l\.onnx"):
            await map_of(annotator, picture, name)


@pytest.mark.parametrize(
    "folder",
    [
        "models/ControlNetPreprocessor/depth_anything_v2",
        "custom_nodes/comfyui_controlnet_aux/ckpts/somebody/theirs",
        "extensions/sd-webui-controlnet/annotator/downloads/midas",
    ],
)
async def test_the_files_of_other_programs_are_found_beside_their_checkpoints(tmp_path: Path, folder: str) -> None:
    checkpoints = tmp_path / "models" / "Stable-diffusion"
    checkpoints.mkdir(parents=True)
    depth_network(tmp_path / folder / "depth_anything_v2_vits.onnx")
    for place in (checkpoints, checkpoints / "one.safetensors"):
        assert set(await service(tmp_path / "own", place).missing()) == {"pose"}


async def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 64), MAGENTA)
    (tmp_path / "depth.onnx").write_bytes(b"no network")
    with pytest.raises(Unavailable, match=r"depth\.onnx cannot be used"):
        await map_of(service(tmp_path), picture, "depth")
    depth_network(tmp_path / "depth.onnx", colours=1)
    with pytest.raises(Unavailable, match=r"depth\.onnx cannot be used: it takes \['batch', 1,"):
        await map_of(service(tmp_path), picture, "depth")
    depth_network(tmp_path / "yolox_m.onnx", 64, 64)
    points_network(tmp_path / "dw-ll_ucoco_384.onnx", 48, 64, {})
    with pytest.raises(Unavailable, match=r"yolox_m\.onnx cannot be used: .*as YOLOX does not"):
        await map_of(service(tmp_path), picture, "openpose")


async def test_a_network_is_given_back_after_a_while_without_use(tmp_path: Path) -> None:
    path = depth_network(tmp_path / "depth.onnx")
    kept = OpenCvAnnotator(tmp_path, idle_seconds=60)
    await map_of(PreprocessingService(kept), red_ramp(), "depth")
    path.write_bytes(b"another file now")
    await map_of(PreprocessingService(kept), red_ramp(), "depth")  # it is still loaded
    await kept.aclose()
    with pytest.raises(Unavailable):
        await map_of(PreprocessingService(kept), red_ramp(), "depth")
