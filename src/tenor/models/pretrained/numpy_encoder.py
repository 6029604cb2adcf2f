"""A pretrained encoder in NumPy: slow and short. The graph of a frozen encoder is compared with it."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import special

from tenor.data.blocks import Rows
from tenor.models.base import Arrays
from tenor.models.families.pretrained import Config
from tenor.models.pretrained.architectures import Architecture
from tenor.tasks import Floats
from tenor.text.encoded import PADDING, Ids

_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "gelu": lambda values: values * special.ndtr(values),
    "gelu_tanh": lambda values: values * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3))),
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
}


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
    values = weights["embeddings/token"][np.concatenate(rows)]
    values = values + np.concatenate([weights["embeddings/position"][: len(ids)] for ids in rows])
    values = _layer_norm(values, weights, "embeddings/", shape.epsilon)
    if shape.inner != shape.width:
        values = values @ weights["embeddings/kernel"] + weights["embeddings/bias"]
    pooled = []
    for number in range(shape.blocks):
        values = _block(values, ends, weights, f"block_{0 if shape.shared else number}/", shape)
        by_row = np.split(values, ends[:-1])
        pooled.append([each[0] if config.pooling == "first" else each.mean(axis=0) for each in by_row])
    return np.asarray(np.mean(pooled[-(config.pooled_blocks or 1) :], axis=0), np.float32)


def _block(values: Floats, ends: Rows, weights: Arrays, prefix: str, shape: Architecture) -> Floats:
    """Values (tokens, width) -> the same; `ends` (rows,) are the positions after the last token of each row."""

    def dense(name: str, values: Floats) -> Floats:
        return np.asarray(values @ weights[f"{prefix}{name}"] + weights[f"{prefix}{name}_bias"], np.float32)

    projected = np.split(dense("query_key_value", values), ends[:-1])
    attended = np.concatenate([_attend(row, shape.heads) for row in projected])
    values = _layer_norm(values + dense("attended", attended), weights, f"{prefix}attention_", shape.epsilon)
    fed = dense("down", _ACTIVATIONS[shape.activation](dense("up", values)))
    return _layer_norm(values + fed, weights, f"{prefix}feed_forward_", shape.epsilon)


def _attend(projected: Floats, heads: int) -> Floats:
    """Query, key and value of one row, (time, 3 * width), -> multi-head attention, (time, width)."""
    time, width = len(projected), projected.shape[1] // 3
    query, key, value = projected.reshape(time, 3, heads, width // heads).transpose(1, 2, 0, 3)
    scores = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(width // heads))
    return np.asarray((special.softmax(scores, axis=-1) @ value).transpose(1, 0, 2).reshape(time, width))


def _layer_norm(values: Floats, weights: Arrays, prefix: str, epsilon: float) -> Floats:
    centred = values - values.mean(axis=-1, keepdims=True)
    unit = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + epsilon)
    return np.asarray(unit * weights[f"{prefix}scale"] + weights[f"{prefix}shift"], np.float32)
