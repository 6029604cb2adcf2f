"""The precision of training: float32, or bfloat16 with weights in float32 (Micikevicius et al., 2018)."""

import contextlib
import functools
from collections.abc import Iterator

import keras

from tenor._core import cpu
from tenor.models.network_config import NetworkConfig


def dtype_policy(config: NetworkConfig) -> str:
    """The Keras dtype policy for a family's settings; a family without the setting `precision` trains in float32."""
    precision = resolve(getattr(config, "precision", "float32"))
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"


def resolve(precision: str) -> str:
    """`float32` or `bfloat16`; `auto` is the faster one on this machine."""
    if precision == "auto":
        return "bfloat16" if _has_bfloat16() else "float32"
    return precision


@contextlib.contextmanager
def use_dtype_policy(policy: str) -> Iterator[None]:
    """Build layers with that dtype policy inside the block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def head_dtype() -> str:
    """The dtype of the layer that makes the logits: float32 or wider, whatever the layers below use."""
    return "float64" if keras.config.dtype_policy().name == "float64" else "float32"


@functools.cache
def has_accelerator() -> bool:
    """Whether Keras computes on a GPU or TPU."""
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())


@functools.cache
def _has_bfloat16() -> bool:
    """Whether bfloat16 is faster: on a GPU or TPU, and under TensorFlow on a processor with bfloat16 instructions."""
    if has_accelerator():
        return True
    if keras.backend.backend() != "tensorflow":
        return False
    return cpu.has_bfloat16() and not cpu.is_limited_below_bfloat16()
