"""Load Keras and its backend, once and without their log messages."""

import contextlib
import ctypes
import gc
import importlib.util
import logging
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tenor._core import atomic, cpu, regular_files
from tenor._core.language import tr
from tenor.errors import MissingExtraError, TenorError, missing_extra

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of malloc.h
_LARGEST_BLOCK = 1 << 30  # bytes
_CACHE_BYTES = 1 << 30  # of compiled programs on disk; the least recently used go first
_COMMAND = "tenor.cli.main"  # a module that is loaded only where Tenor has the process for itself
# Keras and TensorFlow load these packages for plots and tables if they are installed, in half of their own loading
# time. Tenor does not use them.
_UNUSED = ("matplotlib", "pandas", "sklearn")
# The device files of GPUs and TPUs on Linux: NVIDIA, AMD, Google, and Windows' GPU below Linux.
_DEVICES = ("nvidia[0-9]*", "kfd", "accel[0-9]*", "vfio/[0-9]*", "dxg")


def load(part: str) -> ModuleType:
    """Import Keras and start its backend: TensorFlow, or the one that KERAS_BACKEND names.

    Args:
        part: The part of Tenor that needs Keras, for the error.

    Raises:
        MissingExtraError: Keras or its backend is not installed.
        TenorError: The processor has no AVX, so that TensorFlow would end the process.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    _require_avx(part)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow adds up the traces of all models in a process and warns of too many.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    _keep_freed_memory()
    with _standard_error_off(), _unused_left_out(), _collector_paused():
        try:
            import keras
        except ImportError:
            raise _missing(part) from None
        keras.ops.zeros(1)  # the first operation looks for devices
        if keras.backend.backend() == "jax":
            _cache_compiled_programs()
        if _COMMAND in sys.modules:
            gc.freeze()  # else the first collections go through half a million objects, for half a second
    return sys.modules["keras"]


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the garbage collector inside the block, if it runs.

    An import leaves little garbage. Looking for it again and again takes a fifth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _require_avx(part: str) -> None:
    """Refuse a processor without AVX: importing TensorFlow or JAX would be an illegal instruction."""
    if cpu.lacks_avx():
        raise TenorError(
            tr(
                "{part} needs TensorFlow or JAX, and this processor has no AVX instructions, which both need.",
                part=part,
            ),
            tr("Train on a newer processor, or use `family='ngram'`. Saved models predict here."),
        )


def require_installed(part: str) -> None:
    """Check that Keras and its backend are installed, without the seconds that loading takes.

    Args:
        part: The part of Tenor that needs Keras, for the error.

    Raises:
        MissingExtraError: Keras or its backend is not installed.
    """
    if not is_installed():
        raise _missing(part)


def is_installed() -> bool:
    """Whether Keras and its backend are installed."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return all(importlib.util.find_spec(name) is not None for name in ("keras", backend))


def has_accelerator() -> bool:
    """Whether networks train on a GPU or TPU. Keras is loaded only if the system has such a device."""
    if not is_installed() or (
        "keras" not in sys.modules and not any(any(Path("/dev").glob(name)) for name in _DEVICES)
    ):
        return False
    load(tr("learning on a GPU"))
    from tenor.models.neural import precision

    return precision.has_accelerator()


@contextlib.contextmanager
def _unused_left_out() -> Iterator[None]:
    """Hide packages that Keras would load without need, inside the block; afterwards they can be imported.

    Only in commands. Keras does without these packages until the process ends, and a user's process may need them.
    """
    left_out = [name for name in _UNUSED if _COMMAND in sys.modules and name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]  # None: an import fails
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]


def _keep_freed_memory() -> None:
    """Make the C library keep large blocks of freed memory, since each step allocates the same tensors again.

    Otherwise the system provides the pages of every tensor again: 8% of the time of a fine-tuning step. Only glibc has
    this function.
    """
    with contextlib.suppress(OSError, AttributeError, ValueError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST_BLOCK)


def _cache_compiled_programs() -> None:
    """Make JAX cache the programs that it compiles for a GPU or TPU, which saves each process 20 s of fine-tuning.

    JAX_COMPILATION_CACHE_DIR names another folder; JAX_ENABLE_COMPILATION_CACHE=false turns the cache off.
    """
    import jax

    from tenor.models.neural import precision

    config: Any = jax.config
    if not precision.has_accelerator() or config.jax_compilation_cache_dir is not None:
        return
    with contextlib.suppress(OSError, RuntimeError):  # no home, or one that is not writable
        folder = atomic.user_cache_dir("jax")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):  # the programs are run, so nobody else may write them
            return
        config.update("jax_compilation_cache_dir", str(folder))
        config.update("jax_compilation_cache_max_size", _CACHE_BYTES)
        config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _is_private(folder: Path) -> bool:
    """Whether only this user can write to a folder; True on systems without users."""
    if not hasattr(os, "geteuid"):
        return True
    status = folder.stat()
    return regular_files.is_own(status) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _missing(part: str) -> MissingExtraError:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow" and all(importlib.util.find_spec(name) for name in ("keras", "jax")):
        return MissingExtraError(
            tr("{part} needs TensorFlow, which is not installed.", part=part),
            tr("JAX is: set the environment variable KERAS_BACKEND=jax to use it."),
        )
    return missing_extra(part, "jax" if backend == "jax" else "deep")


@contextlib.contextmanager
def _standard_error_off() -> Iterator[None]:
    """Silence the file descriptor, to which TensorFlow writes before it reads its log level; errors still raise."""
    try:
        stderr = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    devnull = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(devnull)
