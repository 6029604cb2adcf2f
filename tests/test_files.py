import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tenor import files

FullDisk = Callable[[int], AbstractContextManager[None]]


def everything(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with files.replacing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    files.write(tmp_path / "b", b"other")
    assert everything(tmp_path) == {"a": b"new", "b": b"other"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail() -> None:
        with files.replacing(tmp_path / "a") as stream:
            stream.write(b"new")
            raise error("broke off")

    with pytest.raises(error, match=r"^broke off$"):
        fail()
    assert everything(tmp_path) == {"a": b"old"}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, full_disk: FullDisk) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with full_disk(1_000), pytest.raises(OSError, match="File too large"):
        files.write(tmp_path / "a", b"x" * 10_000)
    assert everything(tmp_path) == {"a": b"old"}


def test_a_folder_is_written_whole(tmp_path: Path) -> None:
    files.write_folder(tmp_path / "new" / "model", {"a": b"1", "b": b"2"})
    assert everything(tmp_path / "new") == {"model": None, "model/a": b"1", "model/b": b"2"}


def test_a_folder_that_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "model"
    files.write_folder(path, {"a": b"1", "b": b"2"})
    with pytest.raises(FileExistsError, match="model"):
        files.write_folder(path, {"a": b"3"})
    assert everything(path) == {"a": b"1", "b": b"2"}
    files.write_folder(path, {"a": b"3"}, overwrite=True)
    assert everything(tmp_path) == {"model": None, "model/a": b"3"}


def test_a_file_or_link_in_place_of_the_folder_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    files.write_folder(tmp_path / "file", {"a": b"1"}, overwrite=True)
    files.write_folder(tmp_path / "target", {"a": b"2"})
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write_folder(tmp_path / "link", {"a": b"3"}, overwrite=True)
    assert everything(tmp_path) == {
        **{"file": None, "file/a": b"1", "target": None, "target/a": b"2", "link": None, "link/a": b"3"}
    }


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_the_old_folder_and_nothing_else(
    tmp_path: Path, full_disk: FullDisk, overwrite: bool
) -> None:
    if overwrite:
        files.write_folder(tmp_path / "model", {"a": b"old"})
    before = everything(tmp_path)
    with full_disk(1_000), pytest.raises(OSError, match="File too large"):
        files.write_folder(tmp_path / "model", {"a": b"new", "b": b"x" * 10_000}, overwrite)
    assert everything(tmp_path) == before


def test_a_process_killed_while_writing_leaves_the_old_state_and_disturbs_no_later_one(tmp_path: Path) -> None:
    files.write_folder(tmp_path / "model", {"a": b"old"})
    files.write(tmp_path / "file", b"old")
    program = (
        "import os, sys, pathlib; from tenor import files; folder = pathlib.Path(sys.argv[1])\n"
        "class Deadly(dict):\n"
        "    def items(self):\n"
        "        yield 'a', b'new'\n"
        "        with files.replacing(folder / 'file') as stream:\n"
        "            stream.write(b'new')\n"
        "            os.kill(os.getpid(), 9)\n"
        "files.write_folder(folder / 'model', Deadly(), overwrite=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=dict(os.environ), timeout=60)
    assert ended.returncode == -signal.SIGKILL
    found = everything(tmp_path)
    assert (found["model/a"], found["file"]) == (b"old", b"old")
    left = [name for name in found if not name.startswith(("model", "file"))]
    assert left and all(Path(name).parts[0].endswith(".part") for name in left)
    files.write_folder(tmp_path / "model", {"a": b"new"}, overwrite=True)
    files.write(tmp_path / "file", b"new")
    later = everything(tmp_path)
    assert (later["model/a"], later["file"], set(later)) == (b"new", b"new", set(found))
