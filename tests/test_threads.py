from collections.abc import Iterator

import pytest

from tenor.threads import in_order


@pytest.mark.parametrize("ahead", [None, 0, 3])
def test_results_come_in_order_and_few_items_are_taken_ahead(ahead: int | None) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1_000):
            taken.append(item)
            yield item

    results = in_order(lambda item: item * item, items(), ahead)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) < 1_000
    if ahead is not None:
        assert len(taken) == 3 + ahead
    assert list(results) == [item * item for item in range(3, 1_000)]
    assert list(in_order(str, [])) == []


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_order(int, ["1", "x", "2"]))
