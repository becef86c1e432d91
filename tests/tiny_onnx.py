"""Networks as ONNX files of a few kilobytes that take and answer what the real ones do.

They look at the picture just so much that a wrong order of colours, a wrong scale or a wrong place shows.
"""

from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def depth_network(
    path: Path, height: int | None = None, width: int | None = None, *, kind: int = FLOAT, colours: int = 3
) -> Path:
    """Answers the red of its input, normalised as that is, as nearness."""
    red = numpy.zeros((1, colours, 1, 1))
    red[0, 0] = 1
    weights = numpy_helper.from_array(red.astype(helper.tensor_dtype_to_np_dtype(kind)), "red")
    nodes = [
        helper.make_node("Conv", ["pixel_values", "red"], ["plane"]),
        helper.make_node("Squeeze", ["plane", "axes"], ["predicted_depth"]),
    ]
    axes = numpy_helper.from_array(numpy.array([1]), "axes")
    shape = ["batch", colours, height or "height", width or "width"]
    return _saved(path, nodes, shape, {"predicted_depth": [None, None, None]}, [weights, axes], kind)


def people_network(path: Path, side: int, boxes: list[tuple[float, float, float, float]]) -> Path:
    """YOLOX over a square: finds a person in each box (left, top, right, bottom in the square), as sure as the picture
    is blue; and in the same place once more, a little less sure."""
    cells = [(x, y, step) for step in (8, 16, 32) for y in range(side // step) for x in range(side // step)]
    base, sure = numpy.zeros((2, 1, len(cells), 85), numpy.float32)
    base[..., 5] = 1
    for left, top, right, bottom in boxes:
        middle = (left + right) / 2, (top + bottom) / 2
        for step, share in ((8, 1.0), (16, 0.9)):
            cell = cells.index((int(middle[0] // step), int(middle[1] // step), step))
            base[0, cell, :2] = middle[0] / step - cells[cell][0], middle[1] / step - cells[cell][1]
            base[0, cell, 2:4] = numpy.log([(right - left) / step, (bottom - top) / step])
            sure[0, cell, 4] = share / 255
    nodes = [*_mean_of("images", 0), *_times("mean", "sure", "base", "output")]
    constants = [numpy_helper.from_array(base, "base"), numpy_helper.from_array(sure, "sure"), *_channel(0)]
    return _saved(path, nodes, [1, 3, side, side], {"output": list(base.shape)}, constants)


def points_network(path: Path, width: int, height: int, points: dict[int, tuple[float, float]]) -> Path:
    """DWPose's second one: each of these points at its place in the view, as sure as the picture is red."""
    across, down = numpy.zeros((1, 133, 2 * width), numpy.float32), numpy.zeros((1, 133, 2 * height), numpy.float32)
    for point, (x, y) in points.items():
        across[0, point, round(2 * x)] = down[0, point, round(2 * y)] = 1
    zeros = [numpy_helper.from_array(numpy.zeros_like(one), f"no_{name}") for name, one in (("x", across), ("y", down))]
    nodes = [
        *_mean_of("input", 0),
        *_times("mean", "x", "no_x", "simcc_x"),
        *_times("mean", "y", "no_y", "simcc_y"),
    ]
    constants = [numpy_helper.from_array(across, "x"), numpy_helper.from_array(down, "y"), *zeros, *_channel(0)]
    answers = {"simcc_x": list(across.shape), "simcc_y": list(down.shape)}
    return _saved(path, nodes, [None, 3, height, width], answers, constants)


def _channel(number: int) -> list[onnx.TensorProto]:
    return [
        numpy_helper.from_array(numpy.array(number), "channel"),
        numpy_helper.from_array(numpy.array([1, 2]), "axes"),
    ]


def _mean_of(image: str, channel: int) -> list[onnx.NodeProto]:
    """Of one channel of the input: `mean`, of one value."""
    return [
        helper.make_node("Gather", [image, "channel"], ["plane"], axis=1),
        helper.make_node("ReduceMean", ["plane", "axes"], ["mean"], keepdims=1),
    ]


def _times(value: str, factor: str, addend: str, answer: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Mul", [value, factor], [f"{answer}_part"]),
        helper.make_node("Add", [f"{answer}_part", addend], [answer]),
    ]


def _saved(
    path: Path,
    nodes: list[onnx.NodeProto],
    shape: list[int | str | None],
    answers: dict[str, list[int | None]],
    constants: list[onnx.TensorProto],
    kind: int = FLOAT,
) -> Path:
    given = helper.make_tensor_value_info(nodes[0].input[0], kind, shape)
    answered = [helper.make_tensor_value_info(name, kind, shape) for name, shape in answers.items()]
    graph = helper.make_graph(nodes, "tiny", [given], answered, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path
