"""Names from outside: what A1111 calls a file finds the file at that place, and no other."""

from pathlib import Path

import pytest

from illustrious_studio.domain.model_names import named, why_refused
from illustrious_studio.domain.models import Checkpoint, RefusedFile, VaeFile, vae_named

PLACE = Path("/models")
FILES = (
    "top.safetensors",
    "Style A/same.safetensors",
    "Style B/same.safetensors",
    "sub/deeper/f05_nested.safetensors",
    "a/sub/twice.safetensors",
    "sub/twice.safetensors",
    "odd [v2].safetensors",
    "v3.1.safetensors",
    "UPPER.SAFETENSORS",
)
CHECKPOINTS = [Checkpoint(name=Path(file).stem, path=PLACE / file, layout="single-file") for file in FILES]
CHECKPOINTS[2] = CHECKPOINTS[2].model_copy(update={"name": "same (Style B)"})
CHECKPOINTS[5] = CHECKPOINTS[5].model_copy(update={"name": "twice (sub)"})

FOUND = {
    "top": "top.safetensors",
    "top.safetensors": "top.safetensors",
    "top.SAFETENSORS": "top.safetensors",
    "top.safetensors [0123456789]": "top.safetensors",
    " top [0123456789] ": "top.safetensors",
    "same": "Style A/same.safetensors",
    "same (Style B)": "Style B/same.safetensors",
    "same (Style B).safetensors": "Style B/same.safetensors",
    "Style B/same.safetensors": "Style B/same.safetensors",
    "Style B\\same.safetensors [0123456789]": "Style B/same.safetensors",
    "Style B/same": "Style B/same.safetensors",
    "Style B_same": "Style B/same.safetensors",
    "sub/deeper/f05_nested.safetensors [0123456789]": "sub/deeper/f05_nested.safetensors",
    "sub\\deeper\\f05_nested.safetensors": "sub/deeper/f05_nested.safetensors",
    "\\sub\\deeper\\f05_nested.safetensors": "sub/deeper/f05_nested.safetensors",
    "sub_deeper_f05_nested": "sub/deeper/f05_nested.safetensors",
    "deeper/f05_nested.safetensors": "sub/deeper/f05_nested.safetensors",
    "sub/twice.safetensors": "sub/twice.safetensors",
    "odd [v2]": "odd [v2].safetensors",
    "odd [v2].safetensors [0123456789]": "odd [v2].safetensors",
    "v3.1": "v3.1.safetensors",
    "UPPER.safetensors": "UPPER.SAFETENSORS",
}


@pytest.mark.parametrize("name", FOUND)
def test_a_checkpoint_is_found_by_every_name_that_clients_keep(name: str) -> None:
    found = named(name, CHECKPOINTS)
    assert found is not None
    assert found.path == PLACE / FOUND[name]


@pytest.mark.parametrize(
    "name",
    [
        "nested",
        "Style C/same.safetensors",
        "deeper/sub/f05_nested",
        "top.ckpt",
        "v3",
        "top [",
        "../models/top",
        "/",
        "odd",
    ],
)
def test_another_name_finds_nothing(name: str) -> None:
    assert named(name, CHECKPOINTS) is None


@pytest.mark.parametrize("name", ["x", "x.vae.safetensors", "x.VAE.SAFETENSORS", "sub/x.vae.safetensors [0123456789]"])
def test_a_vae_is_found_by_the_name_of_its_file_too(name: str) -> None:
    file = VaeFile(name="x", path=PLACE / "sub" / ("x.VAE.safetensors" if "VAE" in name else "x.vae.safetensors"))
    assert named(vae_named(name), [file]) == file


@pytest.mark.parametrize("name", ["d01_sd15", "d01_sd15.safetensors [0123456789]", "old/d01_sd15.safetensors"])
def test_why_a_file_is_not_offered_is_found_by_the_same_names(name: str) -> None:
    refused = [RefusedFile(PLACE / "old" / "d01_sd15.safetensors", "It is a Stable Diffusion 1 or 2 checkpoint.")]
    assert "Stable Diffusion 1" in why_refused(name, refused)
    assert why_refused("other", refused) == ""
