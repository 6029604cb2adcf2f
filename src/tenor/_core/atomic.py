"""Writing that leaves either the old state or the new one, whatever happens in between.

What is written gets another name beside its place first, `.NAME.1a2b3c4d.part`. That name is always created, never
opened, so a link that somebody planted is not followed. The writer holds a lock on it that ends with its process. So
what killed processes left behind can be told from what is being written.

A folder takes the place of another in one step where the system can exchange two names (Linux, most file systems).
Elsewhere the old folder is called `.NAME.1a2b3c4d.old` for a moment. A process that is killed in that moment leaves
nothing at the name: `present` finds the old folder then, and `recover` gives it its name back.
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

_HIDDEN = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<kind>part|old)", re.DOTALL)
_NO_REPLACE, _EXCHANGE = 1, 2  # flags of renameat2
_IN_FOLDERS = os.open in os.supports_dir_fd
_HERE = -100  # AT_FDCWD
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)  # the kernel or the file system has no renameat2


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` when the block ends well, and is removed when it does not.

    Raises:
        OSError: It cannot be written, or `path` is a folder, a device, a pipe or a socket. What is there is kept.
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
    """The folder of that name in what Tenor remembers of this machine; there may be none yet.

    It is in TENOR_CACHE where that is set, else in the user's cache. Raises RuntimeError where the user has no home.
    """
    if named := os.environ.get("TENOR_CACHE"):
        return Path(named) / name
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenor" / name


def remove_leftovers(*paths: Path) -> None:
    """Remove what killed processes left of writing to these paths, all in one folder. What is being written stays."""
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
    """Write a whole file at once. Raises OSError like `replacing`."""
    with atomic_write(path) as stream:
        stream.write(data)


def atomic_write_dir(
    path: Path, files: Mapping[str, bytes | Sequence[bytes | memoryview]], overwrite: bool = False
) -> None:
    """Write a whole folder at once, flat; with `overwrite` in place of the one that is there.

    A file is given as its bytes, or as parts that follow each other.

    Raises:
        FileExistsError: There is something at `path` already, and `overwrite` is off.
        OSError: It cannot be written; then nothing is left behind and the old folder is as it was.
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
        _remove(part)  # the new folder where this failed, and the old one where it was replaced
    _sync(path.parent)
    remove_leftovers(path)


def existing_path(path: Path) -> Path:
    """Where the folder `path` is: there or, where a process was killed as it replaced it, hidden beside."""
    if os.path.lexists(path) or not path.parent.is_dir():
        return path
    hidden = _hidden(path.parent, {path.name}, "old")
    old = [entry for entry in hidden if entry.is_dir() and not entry.is_symlink()]
    return max(old, key=lambda entry: entry.stat().st_mtime_ns, default=path)


def recover(path: Path) -> None:
    """Give the folder `path` its name back where a process was killed as it replaced it."""
    if (old := existing_path(path)) != path:
        old.rename(path)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; whether that is possible, and no other process holds it."""
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
    """What stands in a folder under the hidden names of these."""
    try:
        matches = [(entry, _HIDDEN.fullmatch(entry.name)) for entry in folder.iterdir()]
    except OSError:
        return []
    return [entry for entry, found in matches if found and found["name"] in names and kind in (None, found["kind"])]


def _require_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):  # a link is replaced, and its target kept
        raise FileExistsError(errno.EEXIST, "This is no plain file", str(path))


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[Callable[[str, int], int] | None]:
    """Hold a new folder. The block gets what creates files in it, even if its name leads elsewhere by then."""
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
    """Give a new folder its name. An interruption leaves the old folder or the new one there."""
    if not (overwrite and os.path.lexists(path)):
        if not _renameat2(part, path, _NO_REPLACE):
            if os.path.lexists(path):  # somebody was faster
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
    """Rename as Linux's renameat2 does; whether the system has it. Raises OSError where it fails."""
    function = _system_renameat2()
    if function is None:
        return False
    if function(_HERE, os.fsencode(source), _HERE, os.fsencode(target), flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNKNOWN:
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
    """Remove a file, a link or a folder, if it is there; as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the system keep the names in a folder, so that a crash does not undo a renaming. Not all systems can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _flag(name: str) -> int:
    """A flag of `os.open`; none where the system has no such flag."""
    return int(getattr(os, name, 0))
