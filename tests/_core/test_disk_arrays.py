from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from tenor._core import disk_arrays
from tenor.errors import DataError


def test_an_array_is_what_was_written_and_stays_so_when_its_memory_is_given_back() -> None:
    result = disk_arrays.store([[[1, 2]], np.array([[3, 4], [5, 6]]), np.zeros((0, 2))], np.int32, (2,))
    assert (result.dtype, result.tolist()) == (np.int32, [[1, 2], [3, 4], [5, 6]])
    disk_arrays.drop_pages(result, result[1:], np.zeros(3))
    assert result.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert disk_arrays.is_on_disk(result[1:].T) and not disk_arrays.is_on_disk(np.zeros(3))
    assert disk_arrays.store([], np.float32, (3,)).shape == (0, 3)


def test_zeros_can_be_written_to() -> None:
    result = disk_arrays.zeros((4, 2), np.float32)
    result[2] = 7
    disk_arrays.drop_pages(result)
    assert result.tolist() == [[0, 0], [0, 0], [7, 7], [0, 0]]
    assert disk_arrays.zeros((0, 5), np.float32).shape == (0, 5)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells which files are mapped")
def test_files_lie_beside_what_is_made_and_have_no_name(tmp_path: Path) -> None:
    with disk_arrays.temp_dir_near(tmp_path / "runs" / "model"):
        result = disk_arrays.store([[1]], np.int64)
    assert f"{tmp_path}/" in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert not any(tmp_path.iterdir())
    del result
    assert f"{tmp_path}/" not in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_a_full_disk_is_told_with_its_place(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    message = rf"^{tmp_path}: the temporary files .* cannot be written there: File too large\. Free some space, or"
    with disk_arrays.temp_dir_near(tmp_path / "model"), full_disk(10_000):
        with pytest.raises(DataError, match=message):
            disk_arrays.store([np.zeros(100_000)], np.float64)
        with pytest.raises(DataError, match=message):
            disk_arrays.zeros((100_000,), np.float64)
