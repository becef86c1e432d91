"""Upscaler files as people have them: RRDBNet's tensors under each of the three names, SRVGGNetCompact's."""

import re

Shapes = dict[str, tuple[int, ...]]

FEATURES, GROWTH = 8, 32


def _of(convolutions: dict[str, tuple[int, int]]) -> Shapes:
    return {
        name: shape
        for conv, (out, into) in convolutions.items()
        for name, shape in ((f"{conv}.weight", (out, into, 3, 3)), (f"{conv}.bias", (out,)))
    }


def rrdb(*, blocks: int = 1, doublings: int = 2, channels: int = 3) -> Shapes:
    """By BasicSR's names."""
    f, g = FEATURES, GROWTH
    layers = {"conv_first": (f, channels), "conv_body": (f, f), "conv_hr": (f, f), "conv_last": (3, f)}
    layers |= {f"conv_up{number}": (f, f) for number in range(1, doublings + 1)}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for number in range(1, 6):
                layers[f"body.{block}.rdb{dense}.conv{number}"] = (f if number == 5 else g, f + (number - 1) * g)
    return _of(layers)


def by_realsr_names(shapes: Shapes) -> Shapes:
    changes = [("^body\\.(\\d+)\\.rdb", "RRDB_trunk.\\1.RDB"), ("^conv_body", "trunk_conv"), ("^conv_up", "upconv")]
    return _renamed(shapes, [*changes, ("^conv_hr", "HRconv")])


def by_esrgan_names(shapes: Shapes, *, blocks: int = 1, doublings: int = 2) -> Shapes:
    """Those of ESRGAN's first code, which numbers its layers."""
    last = [3 * number for number in range(1, doublings + 1)]
    after = 3 * doublings + 2
    numbers = {f"conv_up{place}": number for place, number in enumerate(last, 1)}
    numbers |= {"conv_first": 0, "conv_hr": after, "conv_last": after + 2}
    changes = [(f"^{name}\\.", f"model.{number}.") for name, number in numbers.items()]
    changes.append(("^body\\.(\\d+)\\.rdb(\\d)\\.conv(\\d)\\.", "model.1.sub.\\1.RDB\\2.conv\\3.0."))
    return _renamed(shapes, [*changes, ("^conv_body\\.", f"model.1.sub.{blocks}.")])


def _renamed(shapes: Shapes, changes: list[tuple[str, str]]) -> Shapes:
    def name_of(name: str) -> str:
        for before, after in changes:
            name = re.sub(before, after, name)
        return name

    return {name_of(name): shape for name, shape in shapes.items()}


def compact(*, scale: int = 2, layers: int = 3, features: int = 4) -> Shapes:
    """`layers` are the convolutions; the PReLUs stand between them."""
    last = 2 * (layers - 1)
    convolutions = {f"body.{number}": (features, features) for number in range(0, last, 2)}
    convolutions |= {"body.0": (features, 3), f"body.{last}": (3 * scale * scale, features)}
    return _of(convolutions) | {f"body.{number}.weight": (features,) for number in range(1, last, 2)}
