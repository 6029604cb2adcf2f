from pathlib import Path

import pytest

from helpers.rows import english, write_csv
from tenor import checks
from tenor.checks import disk_checks
from tenor.checks.context import CheckContext
from tenor.data import dataset
from tenor.data.read_options import ReadOptions


@pytest.mark.parametrize("part", [1 << 20, 16])
def test_texts_on_disk_are_told_of_as_those_in_memory(
    tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_checks, "_PART_ROWS", part)
    rows = [
        *english(),
        *english()[10:12],
        (english()[0][0] + " ", "negative"),
        ("odd one", "Positive"),
        ("no one", "NaN"),
    ]
    data, test = write_csv(tmp_path / "in.csv", rows), write_csv(tmp_path / "test.csv", english()[5:9])
    in_memory, on_disk = dataset.read(data), dataset.read(data, ReadOptions(on_disk=True))
    beside = dataset.read(test)
    expected = [
        (result.name, result.count, result.training_message)
        for result in checks.quick_checks(CheckContext(in_memory, beside))
    ]
    assert [
        (result.name, result.count, result.training_message) for result in disk_checks.quick_checks(on_disk, beside)
    ] == expected
    assert len(expected) == 6


def test_clean_texts_on_disk_give_no_finding(tmp_path: Path) -> None:
    assert (
        list(
            disk_checks.quick_checks(
                dataset.read(write_csv(tmp_path / "in.csv", english()), ReadOptions(on_disk=True)), None
            )
        )
        == []
    )
