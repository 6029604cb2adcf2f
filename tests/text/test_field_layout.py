"""Tests of where the tokens of several fields stand in a row."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.text.encoded import Truncation
from tenor.text.field_layout import NOT_A_TOKEN, Layout, Specials, lay_out

BERT = Specials(1, 1, 1)


def laid(lengths: list[list[int]], max_length: int, truncation: Truncation, specials: Specials = BERT) -> Layout:
    offsets = np.concatenate([[0], np.ravel(lengths)]).cumsum().astype(np.int64)
    return lay_out(offsets, len(lengths[0]), max_length, truncation, specials)


def rows(layout: Layout) -> list[list[int | str]]:
    """Tokens as numbers, special tokens as their numbers with a mark."""
    shown: list[int | str] = [
        int(source) if source != NOT_A_TOKEN else f"#{special}"
        for source, special in zip(layout.source, layout.special, strict=True)
    ]
    bounds = layout.row_offsets.tolist()
    return [shown[begin:end] for begin, end in itertools.pairwise(bounds)]


def test_fields_stand_in_one_row_with_special_tokens() -> None:
    layout = laid([[2, 3], [0, 1]], 10, "end")
    assert rows(layout) == [["#0", 0, 1, "#1", 2, 3, 4, "#2"], ["#0", "#1", 5, "#2"]]
    assert layout.row_to_text.tolist() == [0, 1] and layout.n_truncated == 0


def test_the_longest_field_is_cut_and_a_short_one_stays_whole() -> None:
    for truncation, kept in (("start", [3, 4, 5]), ("end", [10, 11, 12]), ("both", [3, 11, 12])):
        [row] = rows(laid([[3, 10]], 9, truncation))
        assert row == ["#0", 0, 1, 2, "#1", *kept, "#2"]
    [row] = rows(laid([[8, 9, 1]], 9, "start", Specials(0, 0, 0)))
    assert row == [0, 1, 2, 3, 8, 9, 10, 11, 17]


def test_windows_repeat_short_fields_and_cover_long_ones() -> None:
    layout = laid([[1, 5], [1, 1]], 6, "windows")
    assert rows(layout) == [
        ["#0", 0, "#1", 1, 2, "#2"],
        ["#0", 0, "#1", 3, 4, "#2"],
        ["#0", 0, "#1", 4, 5, "#2"],
        ["#0", 6, "#1", 7, "#2"],
    ]
    assert layout.row_to_text.tolist() == [0, 0, 0, 1] and layout.n_truncated == 1
    assert rows(laid([[1, 5]], 6, "all"))[-1] == ["#0", 0, "#1", 1, 5, "#2"]


def test_no_texts() -> None:
    layout = lay_out(np.zeros(1, np.int64), 2, 8, "windows", BERT)
    assert layout.row_offsets.tolist() == [0] and not len(layout.source)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=4),
    st.integers(8, 40),
    st.sampled_from(["start", "end", "both", "windows", "all"]),
)
def test_rows_are_full_and_nothing_is_lost(lengths: list[list[int]], max_length: int, truncation: Truncation) -> None:
    layout = laid(lengths, max_length, truncation)
    sizes = np.diff(layout.row_offsets)
    assert sizes.max() <= max_length
    totals = np.sum(lengths, axis=1)
    too_long = totals + 4 > max_length
    assert layout.n_truncated == too_long.sum()
    for text in np.flatnonzero(too_long):
        assert (sizes[layout.row_to_text == text] == max_length).all()
    seen = np.unique(layout.source[layout.source != NOT_A_TOKEN])
    if truncation in ("windows", "all"):
        assert len(seen) == totals.sum()
    shares = np.bincount(layout.row_to_text, minlength=len(lengths))
    assert (shares >= 1).all()


@pytest.mark.parametrize("lengths", [[5, 5, 5], [1, 9, 5], [0, 0, 15]])
def test_a_field_of_its_fair_share_is_whole(lengths: list[int]) -> None:
    [row] = rows(laid([lengths], 9, "start", Specials(0, 0, 0)))
    kept = np.bincount(np.searchsorted(np.cumsum(lengths), row, "right"), minlength=3)
    assert kept.sum() == 9
    assert all(kept[field] == size for field, size in enumerate(lengths) if size <= 3)
    assert kept[np.array(lengths) > 3].max() - kept[np.array(lengths) > 3].min() <= 1 or max(lengths) > 5
