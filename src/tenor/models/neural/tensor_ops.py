"""Functions on tensors that Keras has too, but slower: a matrix product of tokens, GELU, normalisations, positions.

GELU and layer normalisation have hand-written gradients, and compute in float32 or wider.
"""

import math

import keras
from keras import ops

from tenor.models.neural.keras_types import Array, Tensor


def dense(values: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply values by a kernel and add a bias. One product of a matrix of tokens is the fastest way.

    Args:
        values: (batch, time, in).
        kernel: (in, out).
        bias: (out,); None adds nothing.

    Returns:
        (batch, time, out).
    """
    flat = ops.matmul(ops.reshape(values, (-1, values.shape[-1])), ops.cast(kernel, values.dtype))
    if bias is not None:
        flat = flat + ops.cast(bias, values.dtype)
    return ops.reshape(flat, (*ops.shape(values)[:-1], ops.shape(kernel)[-1]))


def gelu(values: Tensor) -> Tensor:
    """GELU, x * Phi(x) (Hendrycks and Gimpel, 2016), exact."""

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def run(values: Tensor) -> Tensor:
        wide = ops.cast(values, _wide_dtype(values))
        probability = 0.5 * (1 + ops.erf(wide * math.sqrt(0.5)))
        derivative = probability + wide * ops.exp(-0.5 * wide * wide) * (1 / math.sqrt(2 * math.pi))
        derivative = ops.cast(derivative, values.dtype)

        def backward(*arguments: Tensor, upstream: Tensor = None) -> Tensor:
            return (arguments[0] if upstream is None else upstream) * derivative

        return ops.cast(wide * probability, values.dtype), backward

    return run(values)


def layer_norm(values: Tensor, scale: Tensor, shift: Tensor | None, epsilon: float) -> Tensor:
    """Bring the last axis to mean 0 and variance 1, then scale and shift it (Ba et al., 2016).

    Args:
        values: (..., width).
        scale: (width,).
        shift: (width,); None adds nothing.
        epsilon: Added to the variance.
    """
    scale = ops.convert_to_tensor(scale)
    shift = ops.zeros_like(scale) if shift is None else ops.convert_to_tensor(shift)

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def run(values: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        wide = ops.cast(values, _wide_dtype(values))
        centred = wide - ops.mean(wide, axis=-1, keepdims=True)
        inverse_std = ops.rsqrt(ops.mean(centred * centred, axis=-1, keepdims=True) + epsilon)
        unit = centred * inverse_std

        def backward(*arguments: Tensor, upstream: Tensor = None) -> Tensor:
            gradient = ops.cast(arguments[0] if upstream is None else upstream, wide.dtype)
            scaled = gradient * scale
            along_unit = ops.mean(scaled * unit, axis=-1, keepdims=True)
            of_values = inverse_std * (scaled - ops.mean(scaled, axis=-1, keepdims=True) - unit * along_unit)
            axes = tuple(range(len(values.shape) - 1))
            of_scale, of_shift = ops.sum(gradient * unit, axis=axes), ops.sum(gradient, axis=axes)
            return ops.cast(of_values, values.dtype), of_scale, of_shift

        return ops.cast(unit * scale + shift, values.dtype), backward

    wide = _wide_dtype(values)
    return run(values, ops.cast(scale, wide), ops.cast(shift, wide))


def rms_norm(values: Tensor, scale: Tensor, epsilon: float) -> Tensor:
    """Bring the last axis to a mean square of 1, then scale it (Zhang and Sennrich, 2019).

    Args:
        values: (..., width).
        scale: (width,).
        epsilon: Added to the mean square.
    """
    wide = ops.cast(values, _wide_dtype(values))
    inverse = ops.rsqrt(ops.mean(wide * wide, axis=-1, keepdims=True) + epsilon)
    return ops.cast(wide * inverse * ops.cast(ops.convert_to_tensor(scale), wide.dtype), values.dtype)


def rotate(values: Tensor, frequencies: Array) -> Tensor:
    """Rotate each pair of values by an angle that grows with the position (Su et al., 2021, RoFormer).

    The first half of a head's values pairs with the second. Angles are float32 or wider: in bfloat16 far positions
    would be equal.

    Args:
        values: (batch, heads, time, width).
        frequencies: (width / 2,) radians per token.
    """
    wide = ops.cast(values, _wide_dtype(values))
    steps = ops.arange(ops.shape(values)[2], dtype="float32")
    angles = steps[:, None] * ops.convert_to_tensor(frequencies)
    cosine, sine = (ops.cast(function(angles), wide.dtype) for function in (ops.cos, ops.sin))
    first, second = ops.split(wide, 2, axis=-1)
    rotated = ops.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
    return ops.cast(rotated, values.dtype)


def by_pair(values: Tensor) -> Tensor:
    """Values by distance -> values by pair of tokens (Dai et al., 2019, Transformer-XL), without a gather.

    Args:
        values: (batch, heads, time, 2 * time - 1): the last axis is the distance of a second token from that of the
            third axis, from `1 - time` to `time - 1`.

    Returns:
        (batch, heads, time, time).
    """
    batch, heads, time, distances = ops.shape(values)
    padded = ops.pad(values, ((0, 0), (0, 0), (0, 0), (0, 1)))
    flat = ops.reshape(padded, (batch, heads, time * (distances + 1)))
    shifted = flat[:, :, time - 1 : time - 1 + time * distances]
    return ops.reshape(shifted, (batch, heads, time, distances))[:, :, :, :time]


def _wide_dtype(values: Tensor) -> str:
    """The type to compute in: float32, or float64 where the values have it."""
    return "float64" if keras.backend.standardize_dtype(values.dtype) == "float64" else "float32"
