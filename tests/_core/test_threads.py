from collections.abc import Iterator
from pathlib import Path

import pytest

from tenor._core.threads import cgroup_cores, parallel_map


@pytest.mark.parametrize("ahead", [None, 0, 3])
def test_results_come_in_order_and_few_items_are_taken_ahead(ahead: int | None) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1_000):
            taken.append(item)
            yield item

    results = parallel_map(lambda item: item * item, items(), ahead)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) < 1_000
    if ahead is not None:
        assert len(taken) == 3 + ahead
    assert list(results) == [item * item for item in range(3, 1_000)]
    assert list(parallel_map(str, [])) == []


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(parallel_map(int, ["1", "x", "2"]))


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/app/web\n", {"app/web/cpu.max": "max 100000\n", "app/cpu.max": "50000 100000\n"}, 1),
        ("0::/app\n", {}, None),
        (
            "5:memory:/a\n4:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "400000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            4,
        ),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("", {}, None),
    ],
)
def test_the_time_of_a_container_tells_its_cores(
    tmp_path: Path, groups: str, files: dict[str, str], cores: int | None
) -> None:
    (tmp_path / "groups").write_text(groups)
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    assert cgroup_cores(tmp_path / "groups", tmp_path / "root") == cores
    assert cgroup_cores(tmp_path / "no such file", tmp_path) is None
