"""Writing that leaves either the old state or the new one, whatever happens in between."""

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def replacing(path: Path, mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """Open a file that takes the place of `path` when the block ends well, and is removed when it does not."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with temporary.open(mode, **options) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_parts(path: Path) -> None:
    """Remove what `replacing` left behind where processes were killed; none may be writing `path` now."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.part")
    for part in path.parent.iterdir():
        if name.fullmatch(part.name):
            part.unlink()


def write(path: Path, data: bytes) -> None:
    """Write a whole file at once."""
    with replacing(path) as stream:
        stream.write(data)


def write_folder(path: Path, files: dict[str, bytes], overwrite: bool = False) -> None:
    """Write a whole folder at once, flat; with `overwrite` in place of the one that is there.

    Raises:
        FileExistsError: There is something at `path` already, and `overwrite` is off.
        OSError: It cannot be written; then nothing is left behind and the old folder is as it was.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    temporary, old = path.with_name(f".{path.name}.{mark}.part"), path.with_name(f".{path.name}.{mark}.old")
    try:
        temporary.mkdir()
        for name, data in files.items():
            with (temporary / name).open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        if overwrite and path.exists():
            path.rename(old)
            try:
                temporary.rename(path)
            except BaseException:
                old.rename(path)
                raise
        else:
            try:
                temporary.rename(path)
            except OSError:
                if path.exists():  # somebody was faster
                    raise FileExistsError(path) from None
                raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)
