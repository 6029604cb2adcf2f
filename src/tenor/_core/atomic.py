"""Atomic writing: after any interruption, either the old state or the new one exists.

A file or folder is first written under a hidden name beside its own, `.NAME.1a2b3c4d.part`. That name is always
created, never opened, so a planted link is not followed. The writer holds a lock on it that ends with its process. So
leftovers of killed processes differ from what is being written.

A folder replaces another in one step if the system can exchange two names (Linux, most file systems). Elsewhere the
old folder has the name `.NAME.1a2b3c4d.old` for a moment. If a process is killed in that moment, nothing is at the
name: `existing_path` then returns the old folder, and `recover` renames it back.
"""

import contextlib
import ctypes
import errno
import functools
import os
import re
import shutil
import stat
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tenor._core.language import tr

_HIDDEN = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<kind>part|old)", re.DOTALL)
_NO_REPLACE, _EXCHANGE = 1, 2  # flags of renameat2
_IN_FOLDERS = os.open in os.supports_dir_fd
_CURRENT_FOLDER = -100  # AT_FDCWD
_UNSUPPORTED = (
    errno.ENOSYS,
    errno.EINVAL,
    errno.EOPNOTSUPP,
    errno.EPERM,
)  # the kernel or the file system has no renameat2


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces `path` if the block succeeds, and is removed if it raises.

    Raises:
        OSError: It cannot be written, or `path` is a folder, a device, a pipe or a socket. The old file is kept.
    """
    _require_file(path)
    part = _part(path)
    stream = part.open("xb")
    try:
        with stream:
            try_lock(stream.fileno())
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def user_cache_dir(name: str) -> Path:
    """The folder `name` in Tenor's cache on this machine; it may not exist yet.

    The cache is TENOR_CACHE if that is set, else `tenor` in the user's cache.

    Raises:
        RuntimeError: The user has no home.
    """
    if cache := os.environ.get("TENOR_CACHE"):
        return Path(cache) / name
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenor" / name


def remove_leftovers(*paths: Path) -> None:
    """Remove what killed processes left beside these paths, all in one folder. What is being written stays."""
    names = {path.name for path in paths}
    for entry in _hidden(paths[0].parent, names) if paths else ():
        if entry.is_symlink():
            entry.unlink(missing_ok=True)
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(entry, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK"))
            try:
                if try_lock(descriptor):
                    _remove(entry)
            finally:
                os.close(descriptor)


def write(path: Path, data: bytes) -> None:
    """Write a whole file at once. Raises OSError as `atomic_write`."""
    with atomic_write(path) as stream:
        stream.write(data)


def atomic_write_dir(
    path: Path, files: Mapping[str, bytes | Sequence[bytes | memoryview]], overwrite: bool = False
) -> None:
    """Write a whole folder of files at once.

    Args:
        path: The folder.
        files: Name -> contents: bytes, or consecutive parts.
        overwrite: Replace the folder if it exists.

    Raises:
        FileExistsError: `path` exists, and `overwrite` is off.
        OSError: It cannot be written. Nothing is left behind, and an old folder is unchanged.
    """
    recover(path)
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.mkdir()
    try:
        with _opened(part) as opener:
            for name, data in files.items():
                with open(part / name, "xb", opener=opener) as stream:
                    stream.writelines([data] if isinstance(data, bytes) else data)
                    stream.flush()
                    os.fsync(stream.fileno())
            _sync(part)
            _put(part, path, overwrite)
    finally:
        _remove(part)  # the new folder if this failed, the old one if it was replaced
    _sync(path.parent)
    remove_leftovers(path)


def existing_path(path: Path) -> Path:
    """The path of the folder: `path` itself, or its hidden name if a process was killed while replacing it."""
    if os.path.lexists(path) or not path.parent.is_dir():
        return path
    hidden = _hidden(path.parent, {path.name}, "old")
    old = [entry for entry in hidden if entry.is_dir() and not entry.is_symlink()]
    return max(old, key=lambda entry: entry.stat().st_mtime_ns, default=path)


def recover(path: Path) -> None:
    """Rename the folder back to `path` if a process was killed while replacing it."""
    if (old := existing_path(path)) != path:
        old.rename(path)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed. Returns False if that is impossible: another process holds it."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")


def _hidden(folder: Path, names: set[str], kind: str | None = None) -> list[Path]:
    """Entries of a folder with the hidden names of these."""
    try:
        matches = [(entry, _HIDDEN.fullmatch(entry.name)) for entry in folder.iterdir()]
    except OSError:
        return []
    return [entry for entry, match in matches if match and match["name"] in names and kind in (None, match["kind"])]


def _require_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):  # a link is replaced, its target is kept
        raise FileExistsError(errno.EEXIST, tr("This is not a regular file"), str(path))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[Callable[[str, int], int] | None]:
    """Lock a new folder. Yields an opener that creates files in it, even if its name leads elsewhere by then."""
    if not _IN_FOLDERS:
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY | _flag("O_DIRECTORY") | _flag("O_NOFOLLOW"))
    try:
        try_lock(descriptor)
        yield lambda name, flags: os.open(Path(name).name, flags, 0o666, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _put(part: Path, path: Path, overwrite: bool) -> None:
    """Rename a new folder to its name. After an interruption, the old folder or the new one exists."""
    if not (overwrite and os.path.lexists(path)):
        if not _renameat2(part, path, _NO_REPLACE):
            if os.path.lexists(path):  # another process was faster
                raise FileExistsError(path)
            part.rename(path)
        return
    if _renameat2(part, path, _EXCHANGE):
        return
    old = part.with_suffix(".old")
    try:
        path.rename(old)
        part.rename(path)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(path):
            old.rename(path)
        raise
    _remove(old)


def _renameat2(source: Path, target: Path, flag: int) -> bool:
    """Rename with Linux's renameat2. Returns False if the system lacks it. Raises OSError if it fails."""
    function = _system_renameat2()
    if function is None:
        return False
    if function(_CURRENT_FOLDER, os.fsencode(source), _CURRENT_FOLDER, os.fsencode(target), flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


@functools.cache
def _system_renameat2() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder as far as possible; it may not exist."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Flush the names in a folder to disk, so that a crash does not undo a rename. Not all systems can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _flag(name: str) -> int:
    """A flag of `os.open`; 0 if the system lacks it."""
    return int(getattr(os, name, 0))
