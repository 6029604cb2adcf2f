"""Paths, and URLs of any file system that fsspec knows (`s3://...`), where its package is installed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from tenor._core import atomic, regular_files
from tenor._core.language import tr
from tenor._core.regular_files import IrregularFileError
from tenor.errors import DataError, WriteError, missing_extra

FileSystem: TypeAlias = Any
"""A file system of fsspec, which has no types."""


def is_remote(location: str) -> bool:
    """Whether this is a URL."""
    return "://" in location


def join(folder: str, name: str) -> str:
    """A file in a folder, as a path or URL."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder) / name)


def absolute_path(location: str) -> str:
    """A path or URL that means the same in every working folder."""
    return location if is_remote(location) else str(Path(location).absolute())


def file_system(url: str) -> tuple[FileSystem, str]:
    """The file system of a URL, and the path in it.

    Raises:
        MissingExtraError: fsspec is not installed.
        DataError: fsspec does not know the file system, or its package is not installed.
    """
    try:
        import fsspec
    except ImportError:
        raise missing_extra(tr("{url}: a path of another file system", url=url), "ray") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise DataError(
            tr("{place}: {problem}.", place=url, problem=error), tr("Install its package, or copy the files here.")
        ) from None
    return system, str(path)


def local_path(location: str, folder: Path) -> Path:
    """The path of a file on this machine. A remote file is downloaded into `folder`."""
    if not is_remote(location):
        return Path(location)
    system, path = file_system(location)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / Path(path).name
    system.get_file(path, str(target))
    return target


def exists(location: str) -> bool:
    """Whether there is something at a path or URL."""
    if not is_remote(location):
        return os.path.lexists(location)
    system, path = file_system(location)
    return bool(system.exists(path))


def read_bytes(location: str, limit: int) -> bytes:
    """The contents of a file.

    Args:
        location: Its path or URL.
        limit: Bytes that it may have at most.

    Raises:
        IrregularFileError: It is not a plain file, or is larger.
        OSError: It cannot be read.
    """
    if not is_remote(location):
        return regular_files.read(Path(location), limit)
    system, path = file_system(location)
    if (size := system.size(path) or 0) > limit:
        raise IrregularFileError(tr("is {size:,} bytes long, and {limit:,} are allowed", size=size, limit=limit))
    return bytes(system.cat_file(path))


def write_bytes(location: str, data: bytes) -> None:
    """Write a file. Raises WriteError where that is not possible."""
    with reporting_write_errors(location):
        if is_remote(location):
            system, path = file_system(location)
            system.pipe_file(path, data)
        else:
            atomic.write(Path(location), data)


def upload(path: Path, url: str) -> None:
    """Copy a file to a URL. Raises WriteError where that is not possible."""
    with reporting_write_errors(url):
        system, target = file_system(url)
        system.put_file(str(path), target)


@contextlib.contextmanager
def reporting_write_errors(location: str) -> Iterator[None]:
    """Turn an OSError of the block into a WriteError."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            tr("{location}: this cannot be written: {strerror}.", location=location, strerror=error.strerror or error),
            tr("Finished parts are kept. Free some space, or check the folder, and give the same command again."),
        ) from None
