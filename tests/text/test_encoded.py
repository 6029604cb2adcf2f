from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import encoded
from tenor.text.encoded import Encoded, Truncation


def rows(lengths: list[int], maximum: int, keep: Truncation) -> tuple[list[list[int]], list[int]]:
    """The numbers 0, 1, 2, ... in texts of these lengths, cut."""
    first = np.concatenate([[0], lengths]).cumsum()
    positions, row_first, text = encoded.truncate(first, maximum, keep)
    return [part.tolist() for part in np.split(positions, row_first[1:-1])], text.tolist()


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("start", ([[0, 1, 2], [7, 8], []], [0, 1, 2])),
        ("end", ([[4, 5, 6], [7, 8], []], [0, 1, 2])),
        ("both", ([[0, 5, 6], [7, 8], []], [0, 1, 2])),
        ("windows", ([[0, 1, 2], [3, 4, 5], [4, 5, 6], [7, 8], []], [0, 0, 0, 1, 2])),
        ("all", ([[0, 1, 2], [3, 4, 5], [4, 5, 6], [0, 5, 6], [7, 8], []], [0, 0, 0, 0, 1, 2])),
    ],
)
def test_what_is_kept_of_long_texts(keep: Truncation, expected: tuple[list[list[int]], list[int]]) -> None:
    assert rows([7, 2, 0], 3, keep) == expected


def test_of_both_ends_a_quarter_is_of_the_start() -> None:
    assert rows([20], 8, "both")[0] == [[0, 1, 14, 15, 16, 17, 18, 19]]


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=20),
    st.integers(1, 12),
    st.sampled_from(get_args(Truncation)),
)
def test_rows_are_short_enough_and_of_their_text(lengths: list[int], maximum: int, keep: Truncation) -> None:
    kept, text = rows(lengths, maximum, keep)
    first = np.concatenate([[0], lengths]).cumsum()
    assert sorted(set(text)) == list(range(len(lengths)))
    for positions, owner in zip(kept, text, strict=True):
        assert len(positions) == min(lengths[owner], maximum)
        assert all(first[owner] <= position < first[owner + 1] for position in positions)
    if keep in ("windows", "all"):
        assert {position for positions in kept for position in positions} == set(range(sum(lengths)))


def test_the_mean_over_the_rows_of_a_text() -> None:
    parts = [
        Encoded(np.zeros(3, np.int32), np.array([0, 1, 2, 3]), np.array([0, 0, 1]), 1),
        Encoded(np.zeros(1, np.int32), np.array([0, 1]), np.array([0]), 0),
    ]
    both = encoded.concatenate(parts)
    assert both.row_to_text.tolist() == [0, 0, 1, 2]
    assert both.n_truncated == 1
    assert both.mean_by_text(np.array([[1.0], [3.0], [5.0], [7.0]])).tolist() == [[2.0], [5.0], [7.0]]


def test_no_texts_make_no_rows() -> None:
    assert encoded.concatenate([]).mean_by_text(np.zeros((0, 2))).shape == (0, 2)
