"""A pretrained encoder in NumPy: slow and short. The graph of a frozen encoder is compared with it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from tenor.data.blocks import Rows
from tenor.models.base import Arrays
from tenor.models.families.pretrained import Config
from tenor.models.neural.block_shape import MIN_MEAN_SQUARE, BlockShape
from tenor.models.neural.relative_positions import BIAS
from tenor.models.pretrained import sentence_layers
from tenor.models.pretrained.architectures import Architecture
from tenor.models.pretrained.sentence_layers import SentenceLayers
from tenor.tasks import Floats
from tenor.text.encoded import PADDING, Ids

_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "gelu": lambda values: values * special.ndtr(values),
    "gelu_tanh": lambda values: values * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3))),
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "silu": lambda values: values * special.expit(values),
    "sigmoid": special.expit,
    "linear": lambda values: values,
}
_POOLING: Mapping[str, Callable[[Floats], Floats]] = {
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "mean": lambda values: values.mean(axis=0),
    "max": lambda values: values.max(axis=0),
}


class _Relative(NamedTuple):
    """Relative positions.

    Attributes:
        bias: (2 * positions - 1, heads) addends of the scores, by the distance of a key from a query; None: none.
        vectors: (2 * positions - 1, width) vectors of the distances; None: none.
        positions: Length of the longest row.
    """

    bias: Floats | None
    vectors: Floats | None
    positions: int

    def by_pair(self, values: Floats, time: int) -> Floats:
        """The values of each pair of tokens, (time, time, ...); the second one is the key."""
        steps = np.arange(time)
        return np.asarray(values[steps[None, :] - steps[:, None] + self.positions - 1])


def features(config: Config, weights: Arrays, rows: Sequence[Ids]) -> Floats:
    """The inputs of the head, (rows, width), as the network of `families.pretrained` computes them.

    Args:
        config: The settings, with architecture, pooling and pooled blocks.
        weights: The encoder's weights, by the paths of the network's variables.
        rows: (time,) ids of each row, without padding. A row without tokens counts as one token of padding.
    """
    shape = Architecture(**(config.architecture or {}))
    rows = [ids if len(ids) else np.array([PADDING], np.int32) for ids in rows]
    ends = np.cumsum([len(ids) for ids in rows])
    # The tokens of all rows are one matrix; only attention and pooling look at rows.
    embedded = _embed(shape, weights, rows)
    relative = _relative(shape, weights)
    values, outputs = embedded, []
    for number in range(shape.blocks):
        stored = 0 if shape.shared else number
        values = _Block(weights, f"block_{stored}/", shape.block_shape(stored), relative).apply(values, ends)
        if number == 0 and shape.convolution is not None:
            values = _convolve(shape, weights, values, np.split(embedded, ends[:-1]))
        outputs.append(values)
    pooled = []
    for output in outputs[-(config.pooled_blocks or 1) :]:
        values = _norm(output, weights, "norm/", shape.block_shape(0)) if shape.norm_first else output
        by_row = np.split(values, ends[:-1])
        pooled.append([_POOLING[config.pool_mode](each) for each in by_row])
    vectors = np.asarray(np.mean(pooled, axis=0), np.float32)
    return _after_pooling(config.sentence_layers, weights, vectors)


def _after_pooling(layers: SentenceLayers, weights: Arrays, vectors: Floats) -> Floats:
    """The layers of a sentence encoder: vectors (rows, width) -> (rows, width of the result)."""
    for number, layer in enumerate(layers.dense):
        name = sentence_layers.layer_name(number)
        vectors = _ACTIVATIONS[layer.activation](vectors @ weights[f"{name}/kernel"] + weights[f"{name}/bias"])
    if layers.normalised:
        mean_square = (vectors * vectors).mean(axis=1, keepdims=True)
        vectors = vectors / np.sqrt(np.maximum(mean_square, MIN_MEAN_SQUARE))
    return np.asarray(vectors, np.float32)


def _embed(shape: Architecture, weights: Arrays, rows: Sequence[Ids]) -> Floats:
    """The embeddings of all tokens, (tokens, width)."""
    ids = np.concatenate(rows)
    is_second = ids >= shape.tokens
    values = weights["embeddings/token"][np.where(is_second, ids - shape.tokens, ids)]
    if shape.absolute_positions:
        values = values + np.concatenate([weights["embeddings/position"][: len(ids)] for ids in rows])
    if shape.second_segment:
        values = values + is_second[:, None] * weights["embeddings/second_segment"]
    if shape.embedding_norm:
        values = _layer_norm(values, weights, "embeddings/", shape.epsilon)
    if shape.inner != shape.width:
        values = values @ weights["embeddings/kernel"] + weights["embeddings/bias"]
    return np.asarray(values)


def _relative(shape: Architecture, weights: Arrays) -> _Relative:
    relative = shape.relative_shape
    if relative is None:
        return _Relative(None, None, shape.positions)
    table = weights["relative/table"]
    if relative.epsilon is not None:
        table = _layer_norm(table, weights, "relative/", relative.epsilon)
    by_distance = table[relative.numbers()]
    is_bias = relative.kind == BIAS
    return _Relative(by_distance if is_bias else None, None if is_bias else by_distance, shape.positions)


def _convolve(shape: Architecture, weights: Arrays, values: Floats, rows: Sequence[Floats]) -> Floats:
    """Values (tokens, width) plus the activated convolution of the embeddings of each row, normalised."""
    kernel = weights["convolution/kernel"]
    side = len(kernel) // 2
    convolved = []
    for row in rows:
        padded = np.pad(row, ((side, side), (0, 0)))
        convolved.append(sum(padded[step : step + len(row)] @ kernel[step] for step in range(len(kernel))))
    activated = _ACTIVATIONS[shape.convolution_activation](np.concatenate(convolved) + weights["convolution/bias"])
    return _layer_norm(values + activated, weights, "convolution/", shape.epsilon)


class _Block:
    """A block: self-attention, then feed-forward, each added to its input."""

    def __init__(self, weights: Arrays, prefix: str, shape: BlockShape, relative: _Relative) -> None:
        self.weights, self.prefix, self.shape, self.relative = weights, prefix, shape, relative

    def apply(self, values: Floats, ends: Rows) -> Floats:
        """Values (tokens, width) -> the same; `ends` (rows,) are the positions after the last token of each row."""
        if self.shape.norm_first:
            values = values + self._attend(self._norm("attention_", values), ends)
            return values + self._feed_forward(self._norm("feed_forward_", values))
        values = self._norm("attention_", values + self._attend(values, ends))
        return self._norm("feed_forward_", values + self._feed_forward(values))

    def _dense(self, name: str, values: Floats) -> Floats:
        product = values @ self.weights[f"{self.prefix}{name}"]
        bias = self.weights.get(f"{self.prefix}{name}_bias")
        return np.asarray(product if bias is None else product + bias, np.float32)

    def _norm(self, name: str, values: Floats) -> Floats:
        if f"{self.prefix}{name}scale" not in self.weights:
            return values
        return _norm(values, self.weights, f"{self.prefix}{name}", self.shape)

    def _feed_forward(self, values: Floats) -> Floats:
        hidden, activate = self._dense("up", values), _ACTIVATIONS[self.shape.activation]
        if self.shape.gated:
            gate, hidden = np.split(hidden, 2, axis=-1)
            return self._dense("down", activate(gate) * hidden)
        return self._dense("down", activate(hidden))

    def _attend(self, values: Floats, ends: Rows) -> Floats:
        rows = np.split(self._dense("query_key_value", values), ends[:-1])
        return self._dense("attended", np.concatenate([self._attend_in_row(row, values.shape[1]) for row in rows]))

    def _split(self, projected: Floats, width: int) -> list[Floats]:
        """Query, key and value, (heads, time, width / heads) each, of (time, all of them)."""
        columns = self.shape.shared_columns(width)
        projected = projected if columns is None else projected[:, columns]
        heads = self.shape.heads
        return list(projected.reshape(len(projected), 3, heads, width // heads).transpose(1, 2, 0, 3))

    def _attend_in_row(self, projected: Floats, width: int) -> Floats:
        """Multi-head attention, (time, width)."""
        time, steps = len(projected), np.arange(len(projected))
        query, key, value = self._split(projected, width)
        if self.shape.rotary_base is not None:
            frequencies = self.shape.rotary_frequencies(width)
            query, key = _rotate(query, frequencies), _rotate(key, frequencies)
        scores = query @ key.swapaxes(1, 2)
        if self.relative.vectors is not None:
            vectors = self._dense("query_key_value", self.relative.vectors)
            of_queries, of_keys, _ = self._split(vectors, width)
            of_keys, of_queries = (self.relative.by_pair(each.swapaxes(0, 1), time) for each in (of_keys, of_queries))
            scores = scores + np.einsum("hqd,qkhd->hqk", query, of_keys) + np.einsum("hkd,qkhd->hqk", key, of_queries)
        scores = scores / np.float32(self.shape.score_divisor(width))
        if self.relative.bias is not None:
            scores = scores + self.relative.by_pair(self.relative.bias, time).transpose(2, 0, 1)
        if self.shape.window is not None:
            scores = np.where(np.abs(steps[:, None] - steps) > self.shape.window, -np.inf, scores)
        return np.asarray((special.softmax(scores, axis=-1) @ value).transpose(1, 0, 2).reshape(time, width))


def _rotate(values: Floats, frequencies: Floats) -> Floats:
    """Rotate the pairs of values (heads, time, width) by angles that grow with the position."""
    angles = np.arange(values.shape[1], dtype=np.float32)[:, None] * frequencies
    cosine, sine = np.cos(angles), np.sin(angles)
    first, second = np.split(values, 2, axis=-1)
    return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)


def _norm(values: Floats, weights: Arrays, prefix: str, shape: BlockShape) -> Floats:
    if shape.norm == "layer":
        return _layer_norm(values, weights, prefix, shape.epsilon)
    root = np.sqrt((values * values).mean(axis=-1, keepdims=True) + shape.epsilon)
    return np.asarray(values / root * weights[f"{prefix}scale"], np.float32)


def _layer_norm(values: Floats, weights: Arrays, prefix: str, epsilon: float) -> Floats:
    centred = values - values.mean(axis=-1, keepdims=True)
    unit = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + epsilon)
    scaled = unit * weights[f"{prefix}scale"]
    return np.asarray(scaled + weights.get(f"{prefix}shift", np.float32(0)), np.float32)
