import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import batches

LENGTHS = st.lists(st.integers(0, 200), min_size=1, max_size=300).map(np.array)


@given(LENGTHS, st.integers(1, 5_000), st.integers(0, 5), st.integers(0, 3))
def test_every_text_is_in_one_batch_that_it_fits(lengths: np.ndarray, tokens: int, seed: int, epoch: int) -> None:
    made = batches.shuffled_batches(lengths, tokens, batches.choose_widths(lengths, 200), seed, epoch)
    assert sorted(np.concatenate([batch.rows for batch in made]).tolist()) == list(range(len(lengths)))
    for batch in made:
        assert lengths[batch.rows].max() <= batch.width <= 200
        assert len(batch.rows) <= batch.size
        assert batch.size == 1 or batch.size * batch.width <= tokens


@given(LENGTHS, st.integers(1, 5_000), st.integers(0, 5), st.integers(0, 3))
def test_every_text_is_in_one_batch_of_its_length(lengths: np.ndarray, tokens: int, seed: int, epoch: int) -> None:
    made = batches.length_sorted_batches(lengths, tokens, seed, epoch)
    assert sorted(np.concatenate([batch.rows for batch in made]).tolist()) == list(range(len(lengths)))
    for batch in made:
        assert batch.width == max(lengths[batch.rows].max(), 1)
        assert len(batch.rows) == batch.size
        assert batch.size == 1 or batch.size * batch.width <= tokens


def test_batches_sorted_by_length_have_little_padding_and_other_rows_in_each_epoch() -> None:
    lengths = np.random.default_rng(0).integers(4, 120, 20_000)
    assert batches.sorts_by_length(lengths, 4_096)
    assert not batches.sorts_by_length(lengths[:2_000], 4_096)
    first, again, second = (batches.length_sorted_batches(lengths, 4_096, 1, epoch) for epoch in (0, 0, 1))
    padded = sum(batch.size * batch.width for batch in first)
    assert padded < 1.03 * lengths.sum()
    assert len(first) < 1.1 * lengths.sum() / 4_096
    assert all(np.array_equal(one.rows, other.rows) for one, other in zip(first, again, strict=True))
    batch_of_row = {row: set(batch.rows.tolist()) for batch in second for row in batch.rows.tolist()}
    kept = [len(batch_of_row[rows[0]] & set(rows)) / len(rows) for rows in (batch.rows.tolist() for batch in first)]
    assert np.mean(kept) < 0.5
    widths = [batch.width for batch in first]
    assert abs(np.corrcoef(widths[:-1], widths[1:])[0, 1]) < 0.2


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 500)

    def order(seed: int, epoch: int) -> list[int]:
        made = batches.shuffled_batches(lengths, 1000, batches.choose_widths(lengths, 200), seed, epoch)
        return np.concatenate([batch.rows for batch in made]).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def padded(lengths: np.ndarray, widths: list[int]) -> int:
    return int(np.array(widths)[np.searchsorted(widths, lengths)].sum())


def test_widths_are_few_and_end_at_the_maximum() -> None:
    lengths = np.arange(201)
    widths = batches.choose_widths(lengths, 200)
    assert widths[-1] == 200
    assert len(widths) < 15
    assert padded(lengths, widths) < 1.15 * lengths.sum()
    assert batches.choose_widths(np.array([0, 3]), 5) == [5]


@given(LENGTHS, st.integers(0, 20_000))
def test_no_other_widths_cost_less(lengths: np.ndarray, price: int) -> None:
    every = batches.choose_widths(np.arange(201), 200)

    def cost(widths: list[int]) -> float:
        return padded(lengths, widths) + price * len(widths)

    result = batches.choose_widths(lengths, 200, price)
    fitting = every[: np.searchsorted(every, lengths.max()) + 1]
    assert set(result) <= set(every)
    assert cost(result) <= min(cost([*fitting[:-1][::step], fitting[-1]]) for step in (1, 2, 3, 20))
    for width in result[:-1]:  # nor does it without one of them
        assert cost(result) <= cost([each for each in result if each != width])


def test_a_high_price_leaves_one_width() -> None:
    assert batches.choose_widths(np.arange(61), 200, 1e6) == [72]
