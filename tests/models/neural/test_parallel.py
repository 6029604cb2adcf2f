"""What the first of several processes reads, or cannot read, all of them hear of; none waits for another."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras")

from tenor._core.regular_files import IrregularFileError
from tenor.models.neural import parallel


@pytest.fixture
def in_both(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Call `read_by_first` as the first of two processes and then as the second, which hears what the first has sent.

    Returns what each gives or raises.
    """
    sent: list[Any] = []
    heard: list[Any] = []
    is_first = True

    def exchange(value: Any) -> Any:
        if is_first:
            sent.append(value)
            return value
        heard.append(value)
        return sent[len(heard) - 1]

    def agreed(figures: Mapping[str, float]) -> Any:
        return exchange(dict(figures))

    monkeypatch.setattr(parallel, "count", lambda: 2)
    monkeypatch.setattr(parallel, "is_first", lambda: is_first)
    monkeypatch.setattr(parallel, "broadcast_metrics", agreed)
    monkeypatch.setattr(parallel, "broadcast", exchange)

    def call(path: Path, elsewhere: Path) -> list[Any]:
        nonlocal is_first
        results: list[Any] = []
        for place in (path, elsewhere):
            is_first = place == path
            try:
                results.append(parallel.read_by_first(place, 100))
            except (FileNotFoundError, IrregularFileError) as error:
                results.append(error)
        assert len(sent) == len(heard)  # else one would wait for the other
        return results

    return call


def test_all_processes_get_what_the_first_reads(in_both: Callable[..., list[Any]], tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x00contents\xff")
    assert in_both(tmp_path / "a", tmp_path / "nowhere") == [b"\x00contents\xff"] * 2


@pytest.mark.parametrize(
    ("plant", "kind", "problem"),
    [
        (lambda path: None, FileNotFoundError, "checkpoint"),
        (os.mkfifo, IrregularFileError, "is not a plain file"),
        (lambda path: path.write_bytes(b"x" * 101), IrregularFileError, "is 101 bytes long, and 100 are allowed"),
        (lambda path: path.symlink_to("/dev/zero"), IrregularFileError, "a link"),
    ],
)
def test_all_processes_hear_what_the_first_cannot_read(
    in_both: Callable[..., list[Any]],
    tmp_path: Path,
    plant: Callable[[Path], Any],
    kind: type[Exception],
    problem: str,
) -> None:
    path = tmp_path / "checkpoint"
    plant(path)
    (tmp_path / "elsewhere").write_bytes(b"of the second process, which must not read it")
    first, second = in_both(path, tmp_path / "elsewhere")
    assert isinstance(first, kind) and isinstance(second, kind)
    assert problem in str(first)


def test_what_the_system_has_against_reading_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IrregularFileError, match="cannot be read: Not a directory"):
        parallel.read_by_first(tmp_path / "file" / "checkpoint", 100)
