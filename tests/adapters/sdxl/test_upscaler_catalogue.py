"""Which upscalers there are, by the headers of their files."""

from pathlib import Path

import pytest
from tests.adapters.sdxl.upscalers import Shapes, by_esrgan_names, by_realsr_names, compact, rrdb

from illustrious_studio.adapters.sdxl.esrgan import described
from illustrious_studio.adapters.sdxl.headers import BadFile
from illustrious_studio.adapters.sdxl.upscaler_catalogue import DiskUpscalers
from tiny_models import put, safetensors


@pytest.mark.parametrize(
    ("shapes", "architecture", "scale"),
    [
        (rrdb(), "RRDBNet", 4),
        (by_realsr_names(rrdb(blocks=2)), "RRDBNet", 4),
        (by_esrgan_names(rrdb()), "RRDBNet", 4),
        (by_esrgan_names(rrdb(doublings=0), doublings=0), "RRDBNet", 1),
        (by_esrgan_names(rrdb(doublings=3), doublings=3), "RRDBNet", 8),
        (rrdb(channels=12), "RRDBNet", 2),
        (rrdb(channels=48), "RRDBNet", 1),
        ({f"params_ema.{name}": shape for name, shape in rrdb().items()}, "RRDBNet", 4),
        (compact(), "SRVGGNetCompact", 2),
        (compact(scale=4, layers=18), "SRVGGNetCompact", 4),
    ],
)
def test_a_network_is_known_by_its_tensors_under_each_of_its_names(
    shapes: Shapes, architecture: str, scale: int
) -> None:
    found = described(shapes)
    assert (found.architecture, found.scale) == (architecture, scale)
    assert set(found.names.values()) == set(shapes)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"relative_position_index": (64, 64), "conv_first.weight": (60, 3, 3, 3)}, "no upscaler of the ESRGAN family"),
        ({}, "no upscaler of the ESRGAN family"),
        ({name: shape for name, shape in rrdb().items() if name != "conv_hr.bias"}, "conv_hr.bias is missing"),
        (rrdb() | {"body.0.rdb1.conv1x1.weight": (32, 8, 1, 1)}, "conv1x1.weight is unexpected"),
        (rrdb() | {"conv_last.weight": (3, 9, 3, 3)}, "conv_last.weight is of another size"),
        (rrdb(channels=4), "takes 4 channels"),
        (rrdb() | {"body.999999999.rdb1.conv1.weight": (32, 8, 3, 3)}, "does not have, or damaged"),
        (rrdb() | {"params.conv_hr.bias": (8,)}, "names a tensor in two ways"),
        (compact() | {"body.4.weight": (13, 4, 3, 3), "body.4.bias": (13,)}, "another kind of picture"),
        (compact() | {"body.0.weight": (4, 1, 3, 3)}, "takes 1 channels"),
    ],
)
def test_what_is_no_such_network_is_said_in_a_sentence(shapes: Shapes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        described(shapes)


async def test_files_lie_in_the_studios_folder_and_in_those_of_other_programs(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "checkpoints").mkdir(parents=True)
    for folder, name, shapes in (
        ("upscalers/anime", "4x-Sharp", by_esrgan_names(rrdb())),
        ("ESRGAN", "4x-Sharp", rrdb()),
        ("upscale_models", "small", compact()),
        ("RealESRGAN", "Lanczos", compact()),
        ("other", "not-looked-at", compact()),
    ):
        put(models / folder / f"{name}.safetensors", {key: list(shape) for key, shape in shapes.items()})
    found = await DiskUpscalers([models / "checkpoints"]).list()
    assert [(one.name, one.architecture, one.scale, one.builtin) for one in found] == [
        ("Real-ESRGAN anime", "SRVGGNetCompact", 4, True),
        ("4x-Sharp", "RRDBNet", 4, False),
        ("Lanczos (RealESRGAN)", "SRVGGNetCompact", 2, False),
        ("small", "SRVGGNetCompact", 2, False),
        ("4x-Sharp (anime)", "RRDBNet", 4, False),
    ]


async def test_what_cannot_be_used_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "upscalers"
    folder.mkdir()
    (folder / "4x-UltraSharp.pth").write_bytes(b"PK")
    (folder / "pickle.safetensors").write_bytes(b"PK\3\4" + bytes(20))
    whole = safetensors({key: list(shape) for key, shape in compact().items()})
    (folder / "half.safetensors").write_bytes(whole[:-5])
    (folder / "other.safetensors").write_bytes(safetensors({"layers.0.weight": [2, 2]}))
    catalogue = DiskUpscalers([tmp_path / "checkpoints"])
    assert [one.builtin for one in await catalogue.list()] == [True]
    said = {one.path.name: one.reason for one in await catalogue.refused()}
    assert said.keys() == {"4x-UltraSharp.pth", "pickle.safetensors", "half.safetensors", "other.safetensors"}
    assert "can run code" in said["4x-UltraSharp.pth"] and "convert it" in said["4x-UltraSharp.pth"]
    assert "pickle" in said["pickle.safetensors"]
    assert "half downloaded" in said["half.safetensors"]
    assert "ESRGAN family" in said["other.safetensors"]
