import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import batches

LENGTHS = st.lists(st.integers(0, 200), min_size=1, max_size=300).map(np.array)


@given(LENGTHS, st.integers(1, 5_000), st.integers(0, 5), st.integers(0, 3))
def test_every_text_is_in_one_batch_that_it_fits(lengths: np.ndarray, tokens: int, seed: int, epoch: int) -> None:
    made = batches.shuffled(lengths, tokens, 200, seed, epoch)
    assert sorted(np.concatenate([batch.rows for batch in made]).tolist()) == list(range(len(lengths)))
    for batch in made:
        assert lengths[batch.rows].max() <= batch.width <= 200
        assert len(batch.rows) <= batch.size
        assert batch.size == 1 or batch.size * batch.width <= tokens


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 500)

    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate([batch.rows for batch in batches.shuffled(lengths, 1000, 200, seed, epoch)]).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_widths_are_few_and_end_at_the_maximum() -> None:
    assert batches.widths(200)[-1] == 200
    assert len(batches.widths(200)) < 15
    assert batches.widths(5) == [5]
