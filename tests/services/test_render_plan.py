"""What a request becomes: the passes an engine runs."""

from pathlib import Path
from typing import Any

import pytest

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import FromLatents, FromNoise, FromPicture, Pass, RenderPlan
from illustrious_studio.services.render_plan import render_plan
from samples import a_picture

CHECKPOINT = Checkpoint(name="own", path=Path("own.safetensors"), layout="single-file", native_width=832)
SKETCHER = CHECKPOINT.model_copy(update={"sketch_strength": 0.4})
LAYOUT = Layout(things=(), by="hand")
NEAR, WHOLE = (
    Layout(things=(Placed(what="girl", x=0.5, y=0.5, w=0.5, h=1, figure=Figure(framing=framing)),), by="hand")
    for framing in ("portrait", "full_body")
)
IMAGE = "a" * 64
OVER = FromPicture(a_picture())


@pytest.mark.parametrize(
    ("asked", "checkpoint", "start", "expected"),
    [
        ({}, CHECKPOINT, None, (832, 1024, FromNoise(), 1.0)),
        ({"width": 512, "height": 768}, CHECKPOINT, None, (512, 768, FromNoise(), 1.0)),
        ({"layout": LAYOUT}, CHECKPOINT, OVER, (832, 1024, OVER, 0.8)),
        ({"layout": LAYOUT}, SKETCHER, OVER, (832, 1024, OVER, 0.4)),
        ({"layout": LAYOUT, "sketch_strength": 0.6}, SKETCHER, OVER, (832, 1024, OVER, 0.6)),
        ({"layout": NEAR}, SKETCHER, OVER, (832, 1024, OVER, 0.1)),
        ({"layout": WHOLE}, SKETCHER, OVER, (832, 1024, OVER, 0.1)),
        ({"layout": WHOLE, "sketch_strength": 0.6}, SKETCHER, OVER, (832, 1024, OVER, 0.6)),
        ({"layout": WHOLE}, CHECKPOINT, OVER, (832, 1024, OVER, 0.8)),
        ({"image": IMAGE}, SKETCHER, OVER, (832, 1024, OVER, 0.75)),
        ({"image": IMAGE, "strength": 0.2}, SKETCHER, OVER, (832, 1024, OVER, 0.2)),
    ],
)
def test_a_request_is_one_pass_in_its_size_from_what_it_starts_from(
    asked: dict[str, Any], checkpoint: Checkpoint, start: FromPicture | None, expected: tuple[Any, ...]
) -> None:
    request = ImageRequest(prompt="a boat", steps=12, sampler="DPM++ 2M", schedule="Karras", **asked)
    width, height, begins, strength = expected
    plan = render_plan(request, checkpoint, start)
    assert plan.passes == (
        Pass(width, height, steps=12, sampler="DPM++ 2M", schedule="Karras", start=begins, strength=strength),
    )
    assert (plan.request, plan.checkpoint, plan.size) == (request, checkpoint, (width, height))


def test_the_picture_has_the_size_of_the_last_pass() -> None:
    small = Pass(512, 512, steps=20, sampler="Euler", schedule="Automatic")
    large = Pass(1024, 768, steps=20, sampler="Euler", schedule="Automatic", start=FromLatents(), strength=0.5)
    assert RenderPlan(ImageRequest(prompt="a boat"), CHECKPOINT, (small, large)).size == (1024, 768)
