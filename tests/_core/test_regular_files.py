import os
from pathlib import Path

import pytest

from tenor._core import regular_files
from tenor._core.regular_files import IrregularFileError


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x00\xff" * 1_000)
    assert regular_files.read(tmp_path / "a", 2_000, size=2_000) == b"\x00\xff" * 1_000
    assert regular_files.read(tmp_path / "a", 2_000) == b"\x00\xff" * 1_000


def test_a_link_is_followed_only_where_links_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"contents")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert regular_files.read(tmp_path / "link", 100, allow_links=True) == b"contents"
    with pytest.raises(IrregularFileError, match="is not a plain file but a link"):
        regular_files.read(tmp_path / "link", 100)


@pytest.mark.parametrize("links", [False, True])
def test_pipes_devices_and_folders_are_refused_at_once(tmp_path: Path, links: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "folder"):
        with pytest.raises(IrregularFileError, match="is not a plain file"):
            regular_files.read(path, 100, allow_links=links)
        with pytest.raises(IrregularFileError, match="is not a plain file"):
            regular_files.check(path, 100)


def test_a_file_of_40_gigabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(40 << 30)
    with pytest.raises(IrregularFileError, match=r"is not the file that was saved: it has 42,949,672,960 bytes, not 5"):
        regular_files.read(tmp_path / "sparse", 1 << 50, size=5)
    for refuse in (regular_files.read, regular_files.check):
        with pytest.raises(IrregularFileError, match=r"is 42,949,672,960 bytes long, and 1,024 are allowed"):
            refuse(tmp_path / "sparse", 1_024)


def test_a_file_of_another_user_is_refused_where_it_has_to_be_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"contents")
    assert regular_files.read(tmp_path / "a", 100, must_own=True) == b"contents"
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert regular_files.read(tmp_path / "a", 100) == b"contents"
    with pytest.raises(IrregularFileError, match="belongs to another user"):
        regular_files.read(tmp_path / "a", 100, must_own=True)


def test_what_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        regular_files.read(tmp_path / "nothing", 100)
