"""Loading Keras and its backend once, without their chatter."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from tenor.errors import missing_extra


def load(part: str) -> Any:
    """Import Keras and start its backend. Raises MissingExtraError, which names `part`, where it is not installed."""
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_off():
        try:
            import keras
        except ImportError:
            raise missing_extra(part, "deep") from None
        keras.ops.zeros(1)  # the first operation looks for devices
    return keras


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
