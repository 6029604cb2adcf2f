"""The numbers that training computes with: float32, or bfloat16 with weights in float32 (Micikevicius et al., 2018)."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras

from tenor._core import cpu


def dtype_policy(config: Any) -> str:
    """The Keras policy of a family's settings; families without the setting `precision` train in float32."""
    wanted = resolve(getattr(config, "precision", "float32"))
    return "mixed_bfloat16" if wanted == "bfloat16" else "float32"


def resolve(wanted: str) -> str:
    """`float32` or `bfloat16`: as wanted, or for `auto` what is faster here."""
    if wanted == "auto":
        return "bfloat16" if _has_bfloat16() else "float32"
    return wanted


@contextlib.contextmanager
def use_dtype_policy(policy: str) -> Iterator[None]:
    """Layers that are made inside compute by that policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def head_dtype() -> str:
    """The policy of the layer that makes logits: float32 at least, whatever the layers below compute with."""
    return "float64" if keras.config.dtype_policy().name == "float64" else "float32"


@functools.cache
def has_accelerator() -> bool:
    """Whether there is a GPU or TPU to compute with."""
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())


@functools.cache
def _has_bfloat16() -> bool:
    """Whether bfloat16 is faster here: on a GPU or TPU, and on a processor with such instructions under TensorFlow."""
    if has_accelerator():
        return True
    if keras.backend.backend() != "tensorflow":
        return False
    return cpu.has_bfloat16() and not cpu.held_below_bfloat16()
