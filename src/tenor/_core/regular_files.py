"""Safe reading of files that anybody may have made: only regular files, and only after their size is checked.

Reading a pipe could block for ever, a device such as `/dev/zero` never ends, and a link leads out of its folder.
"""

import os
import stat
from pathlib import Path

from tenor._core.language import tr

# With O_NONBLOCK, opening a pipe does not wait for a writer. Some systems lack some of these flags.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class IrregularFileError(Exception):
    """The file is not a regular one, or its size is wrong. The message is the end of a sentence."""


def read(
    path: Path, max_bytes: int, size: int | None = None, allow_links: bool = False, must_own: bool = False
) -> bytes:
    """Read all bytes of a file. Size and contents come from one descriptor, so nothing can change in between.

    Args:
        path: The file.
        max_bytes: The most bytes that it may have.
        size: The bytes that it must have; None: any number.
        allow_links: Follow a link to a file.
        must_own: Refuse a file of another user.

    Raises:
        IrregularFileError: It is not a regular file, its size is wrong, or it belongs to another user.
        OSError: It does not exist, or cannot be read.
    """
    # Systems refuse to open a link with different messages, so check for it first. O_NOFOLLOW covers a link that
    # appears after the check.
    if not allow_links and stat.S_ISLNK(path.lstat().st_mode):
        raise IrregularFileError(tr("is not a plain file but a link"))
    handle = os.open(path, _FLAGS | (0 if allow_links else getattr(os, "O_NOFOLLOW", 0)))
    try:
        length = _size(handle, max_bytes, size)
        if must_own and not is_own(os.fstat(handle)):
            raise IrregularFileError(tr("belongs to another user"))
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(length)
            if len(data) != length or stream.read(1):
                raise IrregularFileError(tr("changed while it was read"))
    finally:
        os.close(handle)
    return data


def is_own(status: os.stat_result) -> bool:
    """Whether a file belongs to this user; always true on systems without such owners."""
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def check(path: Path, max_bytes: int) -> None:
    """Check a file that another library reads, as `read` would. Links are allowed. Raises as `read`."""
    handle = os.open(path, _FLAGS)
    try:
        _size(handle, max_bytes, None)
    finally:
        os.close(handle)


def _size(handle: int, max_bytes: int, size: int | None) -> int:
    """The size of the open file in bytes, if it may be read."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise IrregularFileError(tr("is not a plain file"))
    if size is not None and status.st_size != size:
        raise IrregularFileError(
            tr(
                "is not the file that was saved: it has {st_size:,} bytes, not {size:,}",
                st_size=status.st_size,
                size=size,
            )
        )
    if status.st_size > max_bytes:
        raise IrregularFileError(
            tr("is {st_size:,} bytes long, and {max_bytes:,} are allowed", st_size=status.st_size, max_bytes=max_bytes)
        )
    return status.st_size
