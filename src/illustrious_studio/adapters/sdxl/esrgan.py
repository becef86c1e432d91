"""The ESRGAN family by its tensors: which network a file holds, how much larger it makes a picture, what it is called.

Nearly all published upscalers of this family are one of two networks: RRDBNet (ESRGAN, arXiv:1809.00219; Real-ESRGAN,
arXiv:2107.10833) and SRVGGNetCompact (Real-ESRGAN's small one). Files name RRDBNet's tensors in three ways: those of
ESRGAN's first code, of BSRGAN and RealSR, and of BasicSR; here they have BasicSR's. Nothing is loaded.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

from illustrious_studio.adapters.sdxl.headers import BadFile

Shapes = Mapping[str, tuple[int, ...]]

KERNEL = (3, 3)
COLOURS = 3
DENSE_BLOCKS, DENSE_CONVOLUTIONS = 3, 5
UNSHUFFLED = {COLOURS: 1, COLOURS * 4: 2, COLOURS * 16: 4}
"""How many pixels of a side become channels first, by the channels that the network takes (Real-ESRGAN's 2x and 1x)."""
OTHER_NAMES = (
    (re.compile(r"^(params_ema|params|module|netG)\."), ""),
    (re.compile(r"^RRDB_trunk\.(\d+)\.RDB(\d)\."), r"body.\1.rdb\2."),
    (re.compile(r"^trunk_conv\."), "conv_body."),
    (re.compile(r"^upconv(\d)\."), r"conv_up\1."),
    (re.compile(r"^HRconv\."), "conv_hr."),
    (re.compile(r"^model\.0\.(weight|bias)$"), r"conv_first.\1"),
    (re.compile(r"^model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\."), r"body.\1.rdb\2.conv\3."),
    (re.compile(r"^model\.1\.sub\.\d+\.(weight|bias)$"), r"conv_body.\1"),
)
"""What files call BasicSR's tensors. ESRGAN's first code numbers the last layers: see `_numbered`."""
_NUMBERED = re.compile(r"^model\.(\d+)\.(weight|bias)$")
_BLOCK = re.compile(r"^body\.(\d+)\.rdb1\.conv1\.weight$")
_UP = re.compile(r"^conv_up(\d)\.weight$")
_LAYER = re.compile(r"^body\.(\d+)\.weight$")


@dataclass(frozen=True)
class Description:
    """What a file holds. `names` are the file's by the studio's."""

    architecture: Literal["RRDBNet", "SRVGGNetCompact"]
    scale: int
    names: Mapping[str, str]
    blocks: int
    """RRDBNet's; of SRVGGNetCompact its layers, the activations counted."""
    doublings: int = 0
    """How often RRDBNet doubles its sides."""
    unshuffled: int = 1


def described(shapes: Shapes) -> Description:
    """The network of a file with tensors of these shapes: all that it needs, and no other. Raises BadFile."""
    names = _own_names(shapes)
    own = {name: shapes[theirs] for name, theirs in names.items()}
    if "conv_first.weight" in own and "body.0.rdb1.conv1.weight" in own:
        return _rrdb(own, names)
    if len(own.get("body.0.weight", ())) == 4 and len(own.get("body.1.weight", ())) == 1:
        return _compact(own, names)
    raise BadFile(
        "It is no upscaler of the ESRGAN family (RRDBNet or SRVGGNetCompact), which are those that the studio has."
    )


def _own_names(shapes: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for theirs in shapes:
        name = theirs
        for pattern, ours in OTHER_NAMES:
            name = pattern.sub(ours, name)
        if name in names:
            raise BadFile(f"It names a tensor in two ways: {theirs} and {names[name]}. It is not loaded.")
        names[name] = theirs
    return _numbered(names)


def _numbered(names: dict[str, str]) -> dict[str, str]:
    """The layers behind the body by their names: those that double the sides, then two."""
    numbers = sorted({int(found[1]) for name in names if (found := _NUMBERED.match(name))})
    *ups, hr, last = numbers if len(numbers) >= 2 else (-1, -1)
    by_number = {number: f"conv_up{place}" for place, number in enumerate(ups, 1)} | {hr: "conv_hr", last: "conv_last"}
    return {
        f"{by_number[int(found[1])]}.{found[2]}" if (found := _NUMBERED.match(name)) else name: theirs
        for name, theirs in names.items()
    }


def _rrdb(own: Shapes, names: Mapping[str, str]) -> Description:
    blocks = _count(own, _BLOCK)
    doublings = sum(1 for name in own if _UP.match(name))
    features, channels = _sides(own["conv_first.weight"])
    growth, _ = _sides(own["body.0.rdb1.conv1.weight"])
    convolutions = {"conv_first": (features, channels), "conv_body": (features, features)}
    for block in range(blocks):
        for dense in range(1, DENSE_BLOCKS + 1):
            for number in range(1, DENSE_CONVOLUTIONS + 1):
                out = features if number == DENSE_CONVOLUTIONS else growth
                convolutions[f"body.{block}.rdb{dense}.conv{number}"] = out, features + (number - 1) * growth
    convolutions |= {f"conv_up{number}": (features, features) for number in range(1, doublings + 1)}
    convolutions |= {"conv_hr": (features, features), "conv_last": (COLOURS, features)}
    _check(own, _shapes_of(convolutions))
    unshuffled = UNSHUFFLED.get(channels, 0)
    if not unshuffled or 2**doublings % unshuffled:
        raise BadFile(f"It is an upscaler of another kind of picture: it takes {channels} channels, not 3.")
    return Description("RRDBNet", 2**doublings // unshuffled, names, blocks, doublings, unshuffled)


def _compact(own: Shapes, names: Mapping[str, str]) -> Description:
    layers = _count(own, _LAYER)
    features, channels = _sides(own["body.0.weight"])
    out, _ = _sides(own.get(f"body.{layers - 1}.weight", ()))
    convolutions = {f"body.{layer}": (features, features) for layer in range(0, layers, 2)}
    convolutions |= {"body.0": (features, channels), f"body.{layers - 1}": (out, features)}
    _check(own, _shapes_of(convolutions) | {f"body.{layer}.weight": (features,) for layer in range(1, layers, 2)})
    scale = isqrt(out // COLOURS)
    if channels != COLOURS or out != COLOURS * scale * scale:
        raise BadFile(f"It is an upscaler of another kind of picture: it takes {channels} channels, not 3.")
    return Description("SRVGGNetCompact", scale, names, layers)


def _count(own: Shapes, pattern: re.Pattern[str]) -> int:
    """How many there are; whether they are numbered without gaps is seen where all are expected."""
    return sum(1 for name in own if pattern.match(name))


def _sides(shape: tuple[int, ...]) -> tuple[int, int]:
    """Channels out and in of a convolution."""
    return (shape[0], shape[1]) if len(shape) == 4 else (0, 0)


def _shapes_of(convolutions: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, ...]]:
    kernels = {f"{name}.weight": (*sides, *KERNEL) for name, sides in convolutions.items()}
    return {**kernels, **{f"{name}.bias": (sides[0],) for name, sides in convolutions.items()}}


def _check(own: Shapes, expected: Shapes) -> None:
    if dict(own) == dict(expected):
        return
    wrong = min(name for name in own.keys() | expected.keys() if own.get(name) != expected.get(name))
    raise BadFile(
        f"It is a variant of the ESRGAN family that the studio does not have, or damaged: its tensor {wrong} is "
        f"{'missing' if wrong not in own else 'unexpected' if wrong not in expected else 'of another size'}."
    )
