"""Memory-mapped arrays in temporary files, for data that grows with the number of rows.

The files have no name, so nothing is left behind, however the process ends. `temp_dir_near` chooses their folder. Pages
that were read count as memory of the process until `drop_pages`; the system still caches them while it has room.
"""

import contextlib
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.errors import WriteError

Array = npt.NDArray[Any]

_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextlib.contextmanager
def temp_dir_near(path: Path) -> Iterator[None]:
    """Within the block, temporary files are in the folder of `path`; outside, in that of the system."""
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class Writer:
    """Writes an array on disk, some rows at a time.

    Args:
        dtype: Type of the elements.
        width: Shape of a row.
    """

    def __init__(self, dtype: npt.DTypeLike, width: tuple[int, ...] = ()) -> None:
        self._dtype, self._width = np.dtype(dtype), width
        with _write_errors():
            self._file = tempfile.TemporaryFile(dir=_FOLDER.get())
        weakref.finalize(self, self._file.raw.close)  # if the writer is dropped: what is buffered is not written

    def append(self, values: npt.ArrayLike) -> None:
        """Add rows. Raises WriteError if the disk is full."""
        data = np.ascontiguousarray(values, self._dtype)
        with _write_errors():
            self._file.write(data.tobytes() if data.ndim == 0 else data.reshape(-1).view(np.uint8).data)

    def finish(self) -> Array:
        """Return the array; nothing more can be added."""
        with self._file, _write_errors():
            self._file.flush()
            return _mapped(self._file, self._dtype, self._width)


def zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """An array of zeros on disk. Raises WriteError if the disk is full."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with _write_errors(), tempfile.TemporaryFile(dir=_FOLDER.get()) as file:
        # Without reserved space, a full disk would end the process when a page is written.
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return _mapped(file, np.dtype(dtype), shape[1:])


def store(parts: Iterable[npt.ArrayLike], dtype: npt.DTypeLike, width: tuple[int, ...] = ()) -> Array:
    """Write the parts, one after the other, as one array on disk."""
    writer = Writer(dtype, width)
    for part in parts:
        writer.append(part)
    return writer.finish()


def drop_pages(*arrays: Array) -> None:
    """Free the memory of arrays on disk; their contents stay on disk. Other arrays are ignored."""
    for array in arrays:
        owner = _owner(array)
        if owner is not None and hasattr(mmap, "MADV_DONTNEED"):
            owner.madvise(mmap.MADV_DONTNEED)


def is_on_disk(array: Array) -> bool:
    """Whether an array is on disk."""
    return _owner(array) is not None


def _owner(array: Array) -> mmap.mmap | None:
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):  # the base of `np.frombuffer`
        owner = owner.obj
    return owner if isinstance(owner, mmap.mmap) else None


def _mapped(file: IO[bytes], dtype: np.dtype[Any], width: tuple[int, ...]) -> Array:
    row = dtype.itemsize * int(np.prod(width))
    size = os.fstat(file.fileno()).st_size
    if not size:
        return np.zeros((0, *width), dtype)
    return np.memmap(file, dtype, "r+", shape=(size // row, *width)).view(np.ndarray)


@contextlib.contextmanager
def _write_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            tr(
                "{folder}: the temporary files for texts and their features cannot be written there: {strerror}.",
                folder=_FOLDER.get() or tempfile.gettempdir(),
                strerror=error.strerror or error,
            ),
            tr("Free some space, or choose a folder on a larger disk (`out=...`)."),
        ) from None
