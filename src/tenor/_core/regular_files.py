"""Files that somebody else may have put there: only regular ones are opened, and none is read before its size is known.

A pipe would be waited for without end, a device (`/dev/zero`) read without end, and a link leads out of its folder.
"""

import os
import stat
from pathlib import Path

# Opening a pipe does not wait for a writer. Some of these flags are not there on every system.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class IrregularFileError(Exception):
    """What is there is no regular file, or has another size than it must have; the message is a sentence's end."""


def read(path: Path, most: int, size: int | None = None, links: bool = False, own: bool = False) -> bytes:
    """All bytes of a file.

    Size and contents are those of one descriptor, so that nothing comes between them.

    Args:
        path: Of the file.
        most: Bytes that it may have.
        size: Bytes that it must have; None: any number.
        links: Whether it may be a link to a file.
        own: Whether it has to belong to this user.

    Raises:
        IrregularFileError: It is no regular file, its size is another, or it belongs to another user; nothing was read.
        OSError: It is not there, or cannot be read.
    """
    # Opening a link is refused in words that differ from system to system, so it is looked for first; that none is
    # followed, should it be put there just then, is up to O_NOFOLLOW.
    if not links and stat.S_ISLNK(path.lstat().st_mode):
        raise IrregularFileError("is not a plain file but a link")
    handle = os.open(path, _FLAGS | (0 if links else getattr(os, "O_NOFOLLOW", 0)))
    try:
        found = _size(handle, most, size)
        if own and not is_own(os.fstat(handle)):
            raise IrregularFileError("belongs to another user")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(found)
            if len(data) != found or stream.read(1):
                raise IrregularFileError("changed while it was read")
    finally:
        os.close(handle)
    return data


def is_own(status: os.stat_result) -> bool:
    """Whether a file belongs to this user; always true on systems whose files have no owner in this sense."""
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def check(path: Path, most: int) -> None:
    """Refuse what `read` would, of a file that another library reads. Raises like `read`; links are allowed."""
    handle = os.open(path, _FLAGS)
    try:
        _size(handle, most, None)
    finally:
        os.close(handle)


def _size(handle: int, most: int, size: int | None) -> int:
    """The size in bytes of what is open, once it may be read."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise IrregularFileError("is not a plain file")
    if size is not None and status.st_size != size:
        raise IrregularFileError(f"is not the file that was saved: it has {status.st_size:,} bytes, not {size:,}")
    if status.st_size > most:
        raise IrregularFileError(f"is {status.st_size:,} bytes long, and {most:,} are allowed")
    return status.st_size
