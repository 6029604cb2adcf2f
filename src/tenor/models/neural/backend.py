"""Loading Keras and its backend once, without their chatter."""

import contextlib
import ctypes
import importlib.util
import logging
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenor._core import atomic, cpu, regular_files
from tenor.errors import MissingExtraError, TenorError, missing_extra

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of malloc.h
_LARGEST_BLOCK = 1 << 30  # bytes
_COMPILED_BYTES = 1 << 30  # kept on disk; what was used longest ago goes first
_COMMAND = "tenor.cli.main"  # a module of processes in which only Tenor runs
# For plots, tables and models of other kinds: Keras and TensorFlow load them where they are installed, in half of the
# time that they take, and Tenor makes no use of that.
_UNUSED = ("matplotlib", "pandas", "sklearn")
# How Linux shows that there is a GPU or TPU: of NVIDIA, of AMD, of Google, and Windows' one below Linux.
_DEVICES = ("nvidia[0-9]*", "kfd", "accel[0-9]*", "vfio/[0-9]*", "dxg")


def load(part: str) -> Any:
    """Import Keras and start its backend: TensorFlow, or the one that KERAS_BACKEND names.

    Raises:
        MissingExtraError: It is not installed; the error says that `part` needs it.
        TenorError: The processor has no AVX, so that TensorFlow would end the process.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    _require_avx(part)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Graphs of several models in one process count together towards a warning that each is traced too often.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    _keep_freed_memory()
    with _standard_error_off(), _unused_left_out():
        try:
            import keras
        except ImportError:
            raise _missing(part) from None
        keras.ops.zeros(1)  # the first operation looks for devices
        if keras.backend.backend() == "jax":
            _keep_compiled()
    return keras


def _require_avx(part: str) -> None:
    """Refuse a processor on which importing TensorFlow or JAX is an illegal instruction: their wheels need AVX."""
    if cpu.lacks_avx():
        raise TenorError(
            f"{part} needs TensorFlow or JAX, and this processor has no AVX instructions, which both need.",
            "Train on a newer processor, or use `family='ngram'`. Saved models predict here.",
        )


def require_installed(part: str) -> None:
    """Refuse at once, without the seconds that loading takes, where Keras or its backend is not installed.

    Raises:
        MissingExtraError: It is not; the error says that `part` needs it.
    """
    if not is_installed():
        raise _missing(part)


def is_installed() -> bool:
    """Whether Keras and its backend are there."""
    wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
    return all(importlib.util.find_spec(name) is not None for name in ("keras", wanted))


def has_accelerator() -> bool:
    """Whether networks learn on a GPU or TPU. Keras is loaded to tell only where the system has one."""
    if not is_installed() or (
        "keras" not in sys.modules and not any(any(Path("/dev").glob(name)) for name in _DEVICES)
    ):
        return False
    load("learning on a GPU")
    from tenor.models.neural import precision

    return precision.has_accelerator()


@contextlib.contextmanager
def _unused_left_out() -> Iterator[None]:
    """Inside, what Keras would load without need is as if it were not installed; after it, it can be imported.

    Only in commands: Keras does without these packages for as long as the process runs, and others in it may need them.
    """
    left_out = [name for name in _UNUSED if _COMMAND in sys.modules and name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]  # None: there is no such module
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]


def _keep_freed_memory() -> None:
    """Have the C library keep large blocks that are freed: a step frees and asks for the same tensors again and again.

    Without it every tensor's pages are fetched anew from the system, 8% of the time of a step of fine-tuning. Libraries
    other than glibc have no such function and are left alone.
    """
    with contextlib.suppress(OSError, AttributeError, ValueError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST_BLOCK)


def _keep_compiled() -> None:
    """Have JAX keep what it compiles for a GPU or TPU: 20 seconds of fine-tuning, in every process again without it.

    JAX_COMPILATION_CACHE_DIR names another folder; JAX_ENABLE_COMPILATION_CACHE=false keeps nothing.
    """
    import jax

    from tenor.models.neural import precision

    config: Any = jax.config
    if not precision.has_accelerator() or config.jax_compilation_cache_dir is not None:
        return
    with contextlib.suppress(OSError, RuntimeError):  # there is no home, or one that nothing can be written to
        folder = atomic.user_cache("jax")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):  # what is compiled is run, so nobody else may put it there
            return
        config.update("jax_compilation_cache_dir", str(folder))
        config.update("jax_compilation_cache_max_size", _COMPILED_BYTES)
        config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _is_private(folder: Path) -> bool:
    """Whether nobody but this user can write to a folder, where the system has users."""
    if not hasattr(os, "geteuid"):
        return True
    status = folder.stat()
    return regular_files.is_own(status) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


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
