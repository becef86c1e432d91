"""Detectors of a few kilobytes, as ultralytics exports them: they find what is red. Written as protocol buffers by hand
(`onnx.proto3`), so that no test needs the package onnx."""

from collections.abc import Sequence
from pathlib import Path

import numpy

SIDE = 64
CELL = 8
"""Pixels of a place's sides."""
PLACES = (SIDE // CELL) ** 2
FLOAT, INT64 = 1, 7
"""TensorProto's data types."""


def varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def whole(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: "numpy.typing.ArrayLike", shape: Sequence[int], kind: int = FLOAT) -> bytes:
    data = numpy.asarray(values, numpy.float32 if kind == FLOAT else numpy.int64).tobytes()
    return b"".join(number(1, side) for side in shape) + number(2, kind) + whole(8, name) + whole(9, data)


def value_info(name: str, shape: Sequence[int | str]) -> bytes:
    sides = b"".join(whole(1, number(1, side) if isinstance(side, int) else whole(2, side)) for side in shape)
    return whole(1, name) + whole(2, whole(1, number(1, FLOAT) + whole(2, sides)))


def node(kind: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes] = ()) -> bytes:
    names = b"".join(whole(1, one) for one in inputs)
    return names + whole(2, output) + whole(4, kind) + b"".join(whole(5, one) for one in attributes)


def ints(name: str, values: Sequence[int]) -> bytes:
    return whole(1, name) + b"".join(number(8, one) for one in values) + number(20, 7)


def one_int(name: str, value: int) -> bytes:
    return whole(1, name) + number(3, value) + number(20, 2)


def model(nodes: Sequence[bytes], tensors: Sequence[bytes], outputs: Sequence[bytes], names: str | None) -> bytes:
    graph = b"".join(whole(1, one) for one in nodes) + whole(2, "tiny") + b"".join(whole(5, one) for one in tensors)
    graph += whole(11, value_info("images", (1, 3, SIDE, SIDE))) + b"".join(whole(12, one) for one in outputs)
    notes = b"" if names is None else whole(14, whole(1, "names") + whole(2, names))
    return number(1, 8) + whole(7, graph) + whole(8, number(2, 13)) + notes


def red_detector(
    *, names: str | None = "{0: 'face'}", box: float = 16, masks: bool = False, shape: Sequence[int | str] | None = None
) -> bytes:
    """Each cell is a place with a box of that many pixels around it, and sure as far as the cell is red. With masks,
    which are the left halves of the picture. `shape`: what the file claims to answer with."""
    middles = (numpy.arange(SIDE // CELL) + 0.5) * CELL
    x, y = numpy.meshgrid(middles, middles)
    boxes = numpy.stack([x.ravel(), y.ravel(), *[numpy.full(PLACES, box)] * 2])[None]
    kernel = numpy.zeros((1, 3, CELL, CELL), numpy.float32)
    kernel[0, 0], kernel[0, 1:] = 1 / CELL**2, -0.5 / CELL**2
    tensors = [
        tensor("kernel", kernel, kernel.shape),
        tensor("boxes", boxes, boxes.shape),
        tensor("flat", [1, 1, PLACES], [3], INT64),
        tensor("none", 0.0, ()),
    ]
    nodes = [
        node("Conv", ["images", "kernel"], "red", [ints("strides", [CELL, CELL])]),
        node("Reshape", ["red", "flat"], "reds"),
        node("Max", ["reds", "none"], "sure"),
        node("Concat", ["boxes", "sure", *(["weights"] if masks else [])], "output0", [one_int("axis", 1)]),
    ]
    outputs = [value_info("output0", shape or (1, 6 if masks else 5, PLACES))]
    if masks:
        protos = numpy.full((1, 1, 16, 16), -1, numpy.float32)
        protos[..., :8] = 1
        tensors += [
            tensor("weights", numpy.ones((1, 1, PLACES)), (1, 1, PLACES)),
            tensor("protos", protos, protos.shape),
        ]
        nodes.append(node("Max", ["protos"], "output1"))
        outputs.append(value_info("output1", (1, 1, 16, 16)))
    return model(nodes, tensors, outputs, names)


def put_detector(path: Path, data: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(red_detector() if data is None else data)
    return path


def damaged(data: bytes) -> bytes:
    """With its header whole, and of no use: the kinds of its operations are not known."""
    return data.replace(b"Concat", b"Concut")
