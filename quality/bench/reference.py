"""The fixed reference of `whole_way.py` and `analyze.py`: the embedder as it was on 2026-12-01.

Everything that its speed depends on is copied here, so that a faster embedder of ours does not make the rest of the
way look slower. Do not change it: figures would no longer compare. Only how the packed weights are read, which happens
once, is taken from where it is.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from streams.embedding.weights import PackedWeights, packaged_weights

_LEAD = 400
_MAX_TOKENS = 256
_MAX_CHARACTERS = 2_000
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff]+")
_FUSED = "com.microsoft"


class Reference:
    """Texts to vectors by multilingual-e5-small in 8 bits, one thread."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where the built model is kept; it is built where it is not there."""
        weights = PackedWeights(packaged_weights())
        sizes = weights.sizes
        encoder = folder / "encoder.onnx"
        if not encoder.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / "encoder.part"
            onnx.save(_graph(weights), part)
            part.rename(encoder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(encoder), options, providers=["CPUExecutionProvider"])
        self._tokenizer = _tokenizer(weights)
        self._words = np.ascontiguousarray(weights.blocks("emb.word", sizes.vocabulary))
        positions = weights.vector("emb.pos").reshape(-1, sizes.hidden)[: sizes.positions]
        self._positions = positions + weights.vector("emb.type")[: sizes.hidden]

    def embed_article(self, title: str, text: str) -> NDArray[np.float32]:
        """(384,): the opening of an article."""
        ids = self._tokenizer.encode("query: " + _clean(_opening(title, text))).ids
        embedded = _unpacked(self._words[ids])
        embedded += self._positions[: len(ids)]
        vector: NDArray[np.float32] = self._session.run(["vector"], {"embedded": embedded[None]})[0][0]
        return vector


def _opening(title: str, text: str) -> str:
    title = " ".join(title.split())
    body = " ".join(text[: 4 * _LEAD].split())
    if body.startswith(title):
        body = body[len(title) :].lstrip()
    joined = f"{title}\n{body}".strip()
    if len(joined) <= _LEAD:
        return joined
    cut = joined[:_LEAD]
    space = cut.rfind(" ", _LEAD * 3 // 4)
    return cut if space < 0 else cut[:space]


def _clean(text: str) -> str:
    return unicodedata.normalize("NFKC", _NOT_TEXT.sub(" ", text[:_MAX_CHARACTERS]))


def _tokenizer(weights: PackedWeights) -> Tokenizer:
    special = weights.special
    tokenizer = Tokenizer(models.Unigram(weights.pieces, unk_id=special.unknown))
    tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", special.begin), ("</s>", special.end)]
    )
    tokenizer.enable_truncation(_MAX_TOKENS)
    return tokenizer


def _unpacked(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(rows, blocks, 18 bytes) to (rows, 32 x blocks) float32."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2")
    halves = blocks[..., 2:]
    values = np.empty((*blocks.shape[:-1], 32), dtype=np.float32)
    values[..., :16] = halves & 15
    values[..., 16:] = halves >> 4
    values -= 8.0
    values *= scales
    return values.reshape(blocks.shape[0], -1)


def _graph(weights: PackedWeights) -> onnx.ModelProto:
    sizes = weights.sizes
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []

    def constant(name: str, values: NDArray[Any]) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def norm(name: str) -> list[str]:
        return [constant(f"{name}.{part}", weights.vector(f"{name}.{part}")) for part in "wb"]

    def linear(names: list[str], rows: int, source: str, result: str) -> str:
        matrix = np.concatenate([weights.matrix(f"{name}.w", rows) for name in names])
        bias = constant(f"{result}.b", np.concatenate([weights.vector(f"{name}.b") for name in names]))
        scale = np.maximum(np.abs(matrix).max(axis=1), 1e-12) / 127.0
        whole = np.rint(matrix / scale[:, None]).astype(np.int8)
        zero = constant(f"{result}.zero", np.zeros(len(scale), dtype=np.int8))
        scales = constant(f"{result}.scale", scale.astype(np.float32))
        inputs = [source, constant(f"{result}.w", whole.T), scales, zero, bias]
        return node("DynamicQuantizeMatMul", inputs, result, domain=_FUSED)

    def joined(change: str, state: str, name: str) -> str:
        inputs = [change, state, *norm(name)]
        return node("SkipLayerNormalization", inputs, f"{name}.state", domain=_FUSED, epsilon=sizes.epsilon)

    state = node("LayerNormalization", ["embedded", *norm("emb.ln")], "state", axis=-1, epsilon=sizes.epsilon)
    for layer in (f"l{number}" for number in range(sizes.layers)):
        parts = [f"{layer}.{part}" for part in "qkv"]
        qkv = linear(parts, sizes.hidden, state, f"{layer}.qkv")
        nodes.append(helper.make_node("Split", [qkv], parts, axis=-1, num_outputs=3))
        attended = node("MultiHeadAttention", parts, f"{layer}.attended", domain=_FUSED, num_heads=sizes.heads)
        state = joined(linear([f"{layer}.ao"], sizes.hidden, attended, f"{layer}.mixed"), state, f"{layer}.aln")
        wide = linear([f"{layer}.fi"], sizes.feed_forward, state, f"{layer}.wide")
        active = node("Gelu", [wide], f"{layer}.active", domain=_FUSED)
        state = joined(linear([f"{layer}.fo"], sizes.hidden, active, f"{layer}.narrow"), state, f"{layer}.oln")
    mean = node("ReduceMean", [state, constant("token_axis", np.array([1], dtype=np.int64))], "mean", keepdims=0)
    node("LpNormalization", [mean], "vector", axis=-1, p=2)
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["texts", "tokens", sizes.hidden])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["texts", sizes.hidden])],
        tensors,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
