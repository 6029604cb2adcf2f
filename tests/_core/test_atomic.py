import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tenor._core import atomic

FullDisk = Callable[[int], AbstractContextManager[None]]


def everything(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with atomic.atomic_write(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    atomic.write(tmp_path / "b", b"other")
    assert everything(tmp_path) == {"a": b"new", "b": b"other"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail() -> None:
        with atomic.atomic_write(tmp_path / "a") as stream:
            stream.write(b"new")
            raise error("broke off")

    with pytest.raises(error, match=r"^broke off$"):
        fail()
    assert everything(tmp_path) == {"a": b"old"}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, full_disk: FullDisk) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with full_disk(1_000), pytest.raises(OSError, match="File too large"):
        atomic.write(tmp_path / "a", b"x" * 10_000)
    assert everything(tmp_path) == {"a": b"old"}


def test_a_folder_is_written_whole(tmp_path: Path) -> None:
    atomic.atomic_write_dir(tmp_path / "new" / "model", {"a": b"1", "b": b"2"})
    assert everything(tmp_path / "new") == {"model": None, "model/a": b"1", "model/b": b"2"}


def test_a_folder_that_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "model"
    atomic.atomic_write_dir(path, {"a": b"1", "b": b"2"})
    with pytest.raises(FileExistsError, match="model"):
        atomic.atomic_write_dir(path, {"a": b"3"})
    assert everything(path) == {"a": b"1", "b": b"2"}
    atomic.atomic_write_dir(path, {"a": b"3"}, overwrite=True)
    assert everything(tmp_path) == {"model": None, "model/a": b"3"}


def test_a_file_or_link_in_place_of_the_folder_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    atomic.atomic_write_dir(tmp_path / "file", {"a": b"1"}, overwrite=True)
    atomic.atomic_write_dir(tmp_path / "target", {"a": b"2"})
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic.atomic_write_dir(tmp_path / "link", {"a": b"3"}, overwrite=True)
    assert everything(tmp_path) == {
        **{"file": None, "file/a": b"1", "target": None, "target/a": b"2", "link": None, "link/a": b"3"}
    }


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_the_old_folder_and_nothing_else(
    tmp_path: Path, full_disk: FullDisk, overwrite: bool
) -> None:
    if overwrite:
        atomic.atomic_write_dir(tmp_path / "model", {"a": b"old"})
    before = everything(tmp_path)
    with full_disk(1_000), pytest.raises(OSError, match="File too large"):
        atomic.atomic_write_dir(tmp_path / "model", {"a": b"new", "b": b"x" * 10_000}, overwrite)
    assert everything(tmp_path) == before


def test_a_process_killed_while_writing_leaves_the_old_state_and_disturbs_no_later_one(tmp_path: Path) -> None:
    atomic.atomic_write_dir(tmp_path / "model", {"a": b"old"})
    atomic.write(tmp_path / "file", b"old")
    program = (
        "import os, sys, pathlib; from tenor._core import atomic; folder = pathlib.Path(sys.argv[1])\n"
        "class Deadly(dict):\n"
        "    def items(self):\n"
        "        yield 'a', b'new'\n"
        "        with atomic.atomic_write(folder / 'file') as stream:\n"
        "            stream.write(b'new')\n"
        "            os.kill(os.getpid(), 9)\n"
        "atomic.atomic_write_dir(folder / 'model', Deadly(), overwrite=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=dict(os.environ), timeout=60)
    assert ended.returncode == -signal.SIGKILL
    result = everything(tmp_path)
    assert (result["model/a"], result["file"]) == (b"old", b"old")
    left = [name for name in result if not name.startswith(("model", "file"))]
    assert left and all(Path(name).parts[0].endswith(".part") for name in left)
    atomic.atomic_write_dir(tmp_path / "model", {"a": b"new"}, overwrite=True)
    atomic.write(tmp_path / "file", b"new")
    atomic.remove_leftovers(tmp_path / "file")
    assert everything(tmp_path) == {"model": None, "model/a": b"new", "file": b"new"}


# Each run of `write_folder` in a process of its own ends at the n-th call that changes something on the disk.
_ENDED = """
import os, pathlib, sys
from tenor._core import atomic

how, exchange, base = sys.argv[1], sys.argv[2] == "exchange", pathlib.Path(sys.argv[3])
OLD, NEW = {"a": b"old", "b": b"old"}, {"a": b"new", "c": b"new"}
if not exchange:
    atomic._system_renameat2 = lambda: None

def ending(function, last, calls=[0]):
    def call(*arguments, **options):
        calls[0] += 1
        if calls[0] > last:
            calls[0] = -10**9  # once
            if how == "killed":
                os._exit(9)
            raise KeyboardInterrupt
        return function(*arguments, **options)
    return call

def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}

outcomes = []
for last in range(200):
    model = base / str(last) / "model"
    atomic.atomic_write_dir(model, OLD)
    if (child := os.fork()) == 0:
        for name in ("mkdir", "open", "fsync", "rename", "unlink", "rmdir", "close"):
            setattr(os, name, ending(getattr(os, name), last))
        atomic._renameat2 = ending(atomic._renameat2, last)
        code = 0
        try:
            atomic.atomic_write_dir(model, NEW, overwrite=True)
        except KeyboardInterrupt:
            code = 9
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    outcome = content(atomic.existing_path(model))
    assert outcome in (OLD, NEW), outcome
    assert model.exists() or (how == "killed" and not exchange), last
    outcomes.append((outcome == NEW, model.exists()))
    atomic.atomic_write_dir(model, {"d": b"later"}, overwrite=True)
    assert content(model) == {"d": b"later"} and os.listdir(model.parent) == ["model"], os.listdir(model.parent)
    if code == 0:
        break
assert code == 0
new = [outcome for outcome, _ in outcomes]
assert new == sorted(new) and True in new and False in new, outcomes  # first the old one, from some call on the new one
assert len(new) > 15, len(new)
print(sum(not there for _, there in outcomes))
"""


@pytest.mark.parametrize("exchange", ["exchange", "rename"])
@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_at_any_moment_there_is_a_whole_folder_and_the_next_one_cleans_up(
    tmp_path: Path, how: str, exchange: str
) -> None:
    command = [sys.executable, "-c", _ENDED, how, exchange, str(tmp_path)]
    ended = subprocess.run(command, env=dict(os.environ), timeout=60, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    # Without an exchange there is one moment at which a kill leaves the old folder hidden.
    assert int(ended.stdout) == (1 if (how, exchange) == ("killed", "rename") else 0)


def test_what_is_hidden_after_a_kill_is_found_and_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "model"
    atomic.atomic_write_dir(path, {"a": b"old"})
    path.rename(tmp_path / ".model.0123abcd.old")
    assert atomic.existing_path(path) == tmp_path / ".model.0123abcd.old"
    assert atomic.existing_path(tmp_path / "other") == tmp_path / "other"
    with pytest.raises(FileExistsError, match="model"):
        atomic.atomic_write_dir(path, {"a": b"new"})
    assert everything(tmp_path) == {"model": None, "model/a": b"old"}


def test_what_somebody_put_under_hidden_names_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "out"
    victim.mkdir()
    (victim / "a").write_bytes(b"precious")
    folder.mkdir()
    (folder / ".model.00000000.part").symlink_to(victim)
    (folder / ".model.00000001.old").symlink_to(victim)
    (folder / ".file.00000002.part").symlink_to(victim / "a")
    atomic.atomic_write_dir(folder / "model", {"a": b"new"})
    assert everything(victim) == {"a": b"precious"}
    monkeypatch.setattr(atomic, "_part", lambda path: path.with_name(f".{path.name}.00000002.part"))  # it was guessed
    with pytest.raises(FileExistsError, match="File exists"):
        atomic.write(folder / "file", b"new")
    (folder / ".model.00000002.part").symlink_to(victim)
    with pytest.raises(FileExistsError, match="File exists"):
        atomic.atomic_write_dir(folder / "model", {"a": b"newer"}, overwrite=True)
    assert (everything(victim), (folder / "model" / "a").read_bytes()) == ({"a": b"precious"}, b"new")
    assert not (folder / "file").exists()


def test_a_folder_that_is_swapped_for_a_link_while_it_is_filled_takes_nothing_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()

    class Swapping(dict[str, bytes]):
        def items(self) -> Any:
            yield "a", b"1"
            [part] = tmp_path.glob(".model.*.part")
            part.rename(tmp_path / "elsewhere")
            part.symlink_to(victim)
            yield "b", b"2"

    with contextlib.suppress(OSError):
        atomic.atomic_write_dir(tmp_path / "model", Swapping(a=b"1"))
    assert everything(victim) == {}
    assert everything(tmp_path / "elsewhere") == {"a": b"1", "b": b"2"}


def test_what_is_being_written_is_not_cleaned_up(tmp_path: Path) -> None:
    with atomic.atomic_write(tmp_path / "a") as stream:
        stream.write(b"new")
        atomic.remove_leftovers(tmp_path / "a", tmp_path / "b")
    assert everything(tmp_path) == {"a": b"new"}


def test_a_device_a_pipe_or_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="This is not a regular file"):
        atomic.write(tmp_path / "pipe", b"new")
    with pytest.raises(IsADirectoryError, match="folder"):
        atomic.write(tmp_path / "folder", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_a_disk_that_is_full_keeps_what_is_there(small_disk: Path) -> None:
    atomic.write(small_disk / "file", b"old")
    atomic.atomic_write_dir(small_disk / "model", {"a": b"old"})
    with pytest.raises(OSError, match="No space left"):
        atomic.write(small_disk / "file", b"x" * (2 << 20))
    with pytest.raises(OSError, match="No space left"):
        atomic.atomic_write_dir(
            small_disk / "model", {"a": b"x" * (600 << 10), "b": b"x" * (600 << 10)}, overwrite=True
        )
    assert everything(small_disk) == {"file": b"old", "model": None, "model/a": b"old"}
    atomic.atomic_write_dir(small_disk / "model", {"a": b"x" * (600 << 10)}, overwrite=True)
