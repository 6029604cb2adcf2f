"""A pretrained encoder in NumPy: slow and short. The graph of a frozen encoder is compared with it."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy import special

from tenor.models.base import Arrays
from tenor.models.families.pretrained import Config
from tenor.models.neural.block_shape import MASKED_SCORE
from tenor.models.pretrained.architectures import Architecture
from tenor.tasks import Floats
from tenor.text.encoded import PADDING, Ids

_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "gelu": lambda values: values * special.ndtr(values),
    "gelu_tanh": lambda values: values * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3))),
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
}


def features(config: Config, weights: Arrays, ids: Ids) -> Floats:
    """The input of the head, (rows, width), as the network of `families.pretrained` computes it.

    Args:
        config: The settings, with architecture, pooling and pooled blocks.
        weights: The encoder's weights, by the paths of the network's variables.
        ids: (rows, time), padded on the right with 0.
    """
    shape = Architecture(**(config.architecture or {}))
    is_token = ids != PADDING
    is_token[:, 0] = True  # a row without tokens keeps its first position
    padding = np.where(is_token, np.float32(0), np.float32(MASKED_SCORE))[:, None, None, :]
    values = weights["embeddings/token"][ids] + weights["embeddings/position"][: ids.shape[1]]
    values = _layer_norm(values, weights, "embeddings/", shape.epsilon)
    if shape.inner != shape.width:
        values = _dense(values, weights["embeddings/kernel"], weights["embeddings/bias"])
    outputs = []
    for number in range(shape.blocks):
        values = _block(values, padding, weights, f"block_{0 if shape.shared else number}/", shape)
        outputs.append(values)
    last = outputs[-(config.pooled_blocks or 1) :]
    if config.pooling == "first":
        pooled = [values[:, 0] for values in last]
    else:
        counts = is_token.sum(axis=1)[:, None]
        pooled = [(values * is_token[:, :, None]).sum(axis=1) / counts for values in last]
    return np.asarray(np.mean(pooled, axis=0), np.float32)


def _block(values: Floats, padding: Floats, weights: Arrays, prefix: str, shape: Architecture) -> Floats:
    rows, time, width = values.shape

    def dense(name: str, values: Floats) -> Floats:
        return _dense(values, weights[f"{prefix}{name}"], weights[f"{prefix}{name}_bias"])

    query, key, value = (
        dense("query_key_value", values)
        .reshape(rows, time, 3, shape.heads, width // shape.heads)
        .transpose(2, 0, 3, 1, 4)
    )
    scores = query @ key.swapaxes(2, 3) / np.float32(math.sqrt(width // shape.heads)) + padding
    attended = (special.softmax(scores, axis=-1) @ value).transpose(0, 2, 1, 3).reshape(rows, time, width)
    values = _layer_norm(values + dense("attended", attended), weights, f"{prefix}attention_", shape.epsilon)
    fed = dense("down", _ACTIVATIONS[shape.activation](dense("up", values)))
    return _layer_norm(values + fed, weights, f"{prefix}feed_forward_", shape.epsilon)


def _dense(values: Floats, kernel: Floats, bias: Floats) -> Floats:
    """Values (rows, time, in) times a kernel (in, out), plus a bias. NumPy is quicker with one product of a matrix."""
    flat = values.reshape(-1, values.shape[-1]) @ kernel + bias
    return np.asarray(flat.reshape(*values.shape[:-1], -1), np.float32)


def _layer_norm(values: Floats, weights: Arrays, prefix: str, epsilon: float) -> Floats:
    centred = values - values.mean(axis=-1, keepdims=True)
    unit = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + epsilon)
    return np.asarray(unit * weights[f"{prefix}scale"] + weights[f"{prefix}shift"], np.float32)
