"""Loading Keras and its backend once, without their chatter."""

import contextlib
import ctypes
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

from tenor.errors import MissingExtraError, missing_extra

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of malloc.h
_LARGEST_BLOCK = 1 << 30  # bytes


def load(part: str) -> Any:
    """Import Keras and start its backend: TensorFlow, or the one that KERAS_BACKEND names.

    Raises:
        MissingExtraError: It is not installed; the error says that `part` needs it.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Graphs of several models in one process count together towards a warning that each is traced too often.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    _keep_freed_memory()
    with _standard_error_off():
        try:
            import keras
        except ImportError:
            raise _missing(part) from None
        keras.ops.zeros(1)  # the first operation looks for devices
    return keras


def need(part: str) -> None:
    """Refuse at once, without the seconds that loading takes, where Keras or its backend is not installed.

    Raises:
        MissingExtraError: It is not; the error says that `part` needs it.
    """
    if not installed():
        raise _missing(part)


def installed() -> bool:
    """Whether Keras and its backend are there."""
    wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
    return all(importlib.util.find_spec(name) is not None for name in ("keras", wanted))


def _keep_freed_memory() -> None:
    """Have the C library keep large blocks that are freed: a step frees and asks for the same tensors again and again.

    Without it every tensor's pages are fetched anew from the system, 8% of the time of a step of fine-tuning. Libraries
    other than glibc have no such function and are left alone.
    """
    with contextlib.suppress(OSError, AttributeError, ValueError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST_BLOCK)


def _missing(part: str) -> MissingExtraError:
    wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
    if wanted == "tensorflow" and all(importlib.util.find_spec(name) for name in ("keras", "jax")):
        return MissingExtraError(
            f"{part} needs TensorFlow, which is not installed.",
            "JAX is: set the environment variable KERAS_BACKEND=jax to use it.",
        )
    return missing_extra(part, "jax" if wanted == "jax" else "deep")


@contextlib.contextmanager
def _standard_error_off() -> Iterator[None]:
    """TensorFlow writes to the file descriptor before its log level counts; what Python raises is not affected."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
