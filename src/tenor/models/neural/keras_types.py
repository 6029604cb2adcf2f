"""Names for the values of Keras and its backends, for which the libraries give no types."""

from typing import Any, TypeAlias

import numpy.typing as npt

Tensor: TypeAlias = Any
"""A tensor of the backend (`tf.Tensor`, `jax.Array`), or a symbolic one while a model is built."""

KerasModel: TypeAlias = Any
"""A `keras.Model`, where Keras is not loaded yet."""

KerasLayer: TypeAlias = Any
"""A `keras.Layer`, where Keras is not loaded yet."""

Shape: TypeAlias = tuple[int | None, ...]
"""The shape of a tensor; None: any size."""

Array: TypeAlias = npt.NDArray[Any]
"""An array of any type of number."""
