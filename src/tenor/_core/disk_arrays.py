"""Arrays on disk, for what grows with the number of rows.

They lie in temporary files without a name, so that nothing is left behind however the process ends, in the folder that
`beside` chose, and are mapped into memory. Pages that were looked at count as memory of the process until `release`
gives them back; the system keeps them at hand as long as it has room.
"""

import contextlib
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.errors import WriteError

Array = npt.NDArray[Any]

_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextlib.contextmanager
def temp_dir_near(path: Path) -> Iterator[None]:
    """Within, files lie where `path` is, or will be; else where the system has its temporary files."""
    there = next(folder for folder in path.absolute().parents if folder.is_dir())
    token = _FOLDER.set(there)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class Writer:
    """An array that is written piece by piece, along its first axis.

    Args:
        dtype: Type of its elements.
        width: Its further axes.
    """

    def __init__(self, dtype: npt.DTypeLike, width: tuple[int, ...] = ()) -> None:
        self._dtype, self._width = np.dtype(dtype), width
        with _room():
            self._file = tempfile.TemporaryFile(dir=_FOLDER.get())
        weakref.finalize(self, self._file.raw.close)  # of one that is given up, without what is still to be written

    def append(self, values: npt.ArrayLike) -> None:
        """Add rows. Raises WriteError where the disk has no room for them."""
        data = np.ascontiguousarray(values, self._dtype)
        with _room():
            self._file.write(data.tobytes() if data.ndim == 0 else data.reshape(-1).view(np.uint8).data)

    def finish(self) -> Array:
        """The array; nothing more can be added."""
        with self._file, _room():
            self._file.flush()
            return _mapped(self._file, self._dtype, self._width)


def zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """An array of zeros. Raises WriteError where the disk has no room for it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with _room(), tempfile.TemporaryFile(dir=_FOLDER.get()) as file:
        # Without the room set aside, a full disk would end the process when a page is written.
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return _mapped(file, np.dtype(dtype), shape[1:])


def store(parts: Iterable[npt.ArrayLike], dtype: npt.DTypeLike, width: tuple[int, ...] = ()) -> Array:
    """The parts, one after the other, as one array on disk."""
    writer = Writer(dtype, width)
    for part in parts:
        writer.append(part)
    return writer.finish()


def drop_pages(*arrays: Array) -> None:
    """Give the memory of arrays back; what they hold stays. Those that are not on disk are left alone."""
    for array in arrays:
        owner = _owner(array)
        if owner is not None and hasattr(mmap, "MADV_DONTNEED"):
            owner.madvise(mmap.MADV_DONTNEED)


def is_on_disk(array: Array) -> bool:
    """Whether an array is on disk."""
    return _owner(array) is not None


def _owner(array: Array) -> mmap.mmap | None:
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner if isinstance(owner, mmap.mmap) else None


def _mapped(file: Any, dtype: np.dtype[Any], width: tuple[int, ...]) -> Array:
    row = dtype.itemsize * int(np.prod(width))
    size = os.fstat(file.fileno()).st_size
    if not size:
        return np.zeros((0, *width), dtype)
    return np.memmap(file, dtype, "r+", shape=(size // row, *width)).view(np.ndarray)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{_FOLDER.get() or tempfile.gettempdir()}: the texts, and what is made of them, are kept in temporary "
            f"files there, which cannot be written: {error.strerror or error}.",
            "Free some space, or choose a folder on a larger disk (`out=...`).",
        ) from None
