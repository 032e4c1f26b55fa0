"""Builds the encoder as an ONNX graph, straight from the packed weights.

Three things make it fast on a CPU. Linear layers are 8-bit: a scale for each output of the weights and one for each
activation tensor, taken at run time (`DynamicQuantizeMatMul`). Query, key and value are one product. Attention and
the residual layer norms are ONNX Runtime's fused operators. Word vectors are looked up outside the graph (see
`words.py`), so the 96 million weights of the vocabulary are never unpacked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from streams.embedding.progress import Progress
from streams.embedding.weights import PackedWeights

_FUSED = "com.microsoft"
_OPSET = 20
_IR_VERSION = 10


class _GraphBuilder:
    def __init__(self, weights: PackedWeights, quantize: bool) -> None:
        self._weights = weights
        self._quantize = quantize
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []

    def build(self, progress: Progress) -> onnx.ModelProto:
        sizes = self._weights.sizes
        state = self._node(
            "LayerNormalization",
            ["embedded", *self._norm("emb.ln")],
            "state",
            axis=-1,
            epsilon=sizes.epsilon,
        )
        for layer in range(sizes.layers):
            progress("encoder layers", layer, sizes.layers)
            state = self._layer(f"l{layer}", state)
        progress("encoder layers", sizes.layers, sizes.layers)
        axes = self._constant("token_axis", np.array([1], dtype=np.int64))
        mean = self._node("ReduceMean", [state, axes], "mean", keepdims=0)
        self._node("LpNormalization", [mean], "vector", axis=-1, p=2)
        graph = helper.make_graph(
            self._nodes,
            "multilingual-e5-small",
            [helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["texts", "tokens", sizes.hidden])],
            [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["texts", sizes.hidden])],
            self._tensors,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _layer(self, name: str, state: str) -> str:
        sizes = self._weights.sizes
        projections = [f"{name}.{part}" for part in "qkv"]
        joined = self._linear(projections, sizes.hidden, state, f"{name}.qkv")
        self._nodes.append(helper.make_node("Split", [joined], projections, axis=-1, num_outputs=3))
        attended = self._node(
            "MultiHeadAttention", projections, f"{name}.attended", domain=_FUSED, num_heads=sizes.heads
        )
        mixed = self._linear([f"{name}.ao"], sizes.hidden, attended, f"{name}.mixed")
        state = self._add_and_normalize(mixed, state, f"{name}.aln")
        wide = self._linear([f"{name}.fi"], sizes.feed_forward, state, f"{name}.wide")
        active = self._node("Gelu", [wide], f"{name}.active", domain=_FUSED)
        narrow = self._linear([f"{name}.fo"], sizes.hidden, active, f"{name}.narrow")
        return self._add_and_normalize(narrow, state, f"{name}.oln")

    def _linear(self, names: list[str], rows: int, source: str, result: str) -> str:
        """The layers `names`, of `rows` outputs each, side by side as one product."""
        matrix = np.concatenate([self._weights.matrix(f"{name}.w", rows) for name in names])
        bias = self._constant(f"{result}.b", np.concatenate([self._weights.vector(f"{name}.b") for name in names]))
        if not self._quantize:
            product = self._node("MatMul", [source, self._constant(f"{result}.w", matrix.T)], f"{result}.product")
            return self._node("Add", [product, bias], result)
        scale = np.maximum(np.abs(matrix).max(axis=1), 1e-12) / 127.0
        whole = np.rint(matrix / scale[:, None]).astype(np.int8)
        inputs = [
            source,
            self._constant(f"{result}.w", whole.T),
            self._constant(f"{result}.scale", scale.astype(np.float32)),
            self._constant(f"{result}.zero", np.zeros(len(scale), dtype=np.int8)),
            bias,
        ]
        return self._node("DynamicQuantizeMatMul", inputs, result, domain=_FUSED)

    def _add_and_normalize(self, change: str, state: str, name: str) -> str:
        return self._node(
            "SkipLayerNormalization",
            [change, state, *self._norm(name)],
            f"{name}.state",
            domain=_FUSED,
            epsilon=self._weights.sizes.epsilon,
        )

    def _norm(self, name: str) -> list[str]:
        return [self._constant(f"{name}.{part}", self._weights.vector(f"{name}.{part}")) for part in "wb"]

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output


def build_graph(weights: PackedWeights, progress: Progress, *, quantize: bool = True) -> onnx.ModelProto:
    """The encoder: `embedded` (texts, tokens, 384) float32 to `vector` (texts, 384) float32 of unit length.

    `embedded` is the sum of word, position and type vectors, before the first layer norm. All texts of a call have
    the same number of tokens: there is no padding and no mask. `quantize=False` is the float32 reference that the
    benchmark compares with.
    """
    return _GraphBuilder(weights, quantize).build(progress)
