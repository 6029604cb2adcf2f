from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenor.data.blocks import text_hash
from tenor.data.fields import SEPARATOR
from tenor.data.split import folds, groups_by_text, groups_by_value, hold_out, hold_out_latest, merge_groups

ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), max_size=60)


@given(ROWS, st.floats(0, 0.99), st.integers(0, 3))
def test_every_row_is_on_one_side_and_equal_texts_on_the_same(
    rows: list[tuple[str, str]], share: float, seed: int
) -> None:
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    kept, held_out = (part.tolist() for part in hold_out(texts, labels, share, seed))
    assert sorted(kept + held_out) == list(range(len(rows)))
    assert kept == sorted(kept) and held_out == sorted(held_out)
    assert not {texts[row] for row in kept} & {texts[row] for row in held_out}
    assert not rows or kept


@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=80), st.floats(0, 0.99))
def test_each_class_gives_its_share_but_never_its_last_row(labels: list[str], share: float) -> None:
    texts = [str(row) for row in range(len(labels))]
    held_out = Counter(labels[row] for row in hold_out(texts, labels, share, 0)[1])
    for label, rows in Counter(labels).items():
        assert held_out[label] == min(round(share * rows), rows - 1)


def test_blanks_around_a_text_do_not_make_it_another() -> None:
    texts = [f"{' ' * (row % 3)}text {row // 3}\n" for row in range(300)]
    kept, held_out = hold_out(texts, ["x"] * 300, 0.2, 0)
    assert len(held_out) == 60
    assert not {texts[row].strip() for row in kept} & {texts[row].strip() for row in held_out}


def test_an_empty_value_keeps_its_place() -> None:
    rows = [SEPARATOR.join(values) for values in (("", "a"), ("a", ""), (" ", "a "))]
    assert len(set(groups_by_text(rows)[:2])) == 2
    assert groups_by_text(rows)[0] == groups_by_text(rows)[2]
    assert len({text_hash(row) for row in rows}) == 2


def test_the_same_seed_draws_the_same_rows_and_another_seed_others() -> None:
    texts, labels = [str(row) for row in range(100)], ["x", "y"] * 50
    first, again, other = (hold_out(texts, labels, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_class_too_small_for_its_share_gives_none() -> None:
    kept, held_out = hold_out(["a", "b", "c"], ["x", "x", "y"], 0.2, 0)
    assert (kept.tolist(), held_out.tolist()) == ([0, 1, 2], [])
    assert [part.tolist() for part in hold_out([], [], 0.2, 0)] == [[], []]


@given(ROWS, st.floats(0, 0.99), st.integers(2, 5), st.data())
def test_groups_never_straddle(rows: list[tuple[str, str]], share: float, count: int, data: st.DataObject) -> None:
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    groups = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(rows), max_size=len(rows))), np.int64)
    times = data.draw(st.lists(st.integers(0, 9), min_size=len(rows), max_size=len(rows)))
    partings = [
        hold_out(texts, labels, share, 0, groups),
        hold_out_latest(texts, times, share, groups),
        *folds(texts, labels, count, 0, groups),
    ]
    for kept, held_out in partings:
        assert sorted([*kept, *held_out]) == list(range(len(rows)))
        for values in (texts, groups.tolist()):
            assert not {values[row] for row in kept} & {values[row] for row in held_out}


def test_every_row_is_measured_on_in_one_fold_and_each_class_has_its_share() -> None:
    labels = ["x"] * 60 + ["y"] * 30
    parted = folds([str(row) for row in range(90)], labels, 3, 0)
    assert sorted(row for _, measured in parted for row in measured) == list(range(90))
    assert [Counter(labels[row] for row in measured) for _, measured in parted] == [Counter(x=20, y=10)] * 3


def test_large_groups_are_dealt_evenly_to_the_folds() -> None:
    groups = np.repeat([0, 1, 2, 3], [40, 20, 20, 40])
    parted = folds([str(row) for row in range(120)], ["x"] * 120, 3, 0, groups)
    assert sorted(len(measured) for _, measured in parted) == [40, 40, 40]


def test_the_latest_rows_are_held_out() -> None:
    kept, held_out = hold_out_latest(list("abcdef"), [3, 9, 1, 8, 2, 5], 1 / 3)
    assert (kept.tolist(), held_out.tolist()) == ([0, 2, 4, 5], [1, 3])


def test_a_late_copy_of_an_early_text_stays_with_it() -> None:
    kept, held_out = hold_out_latest(["a", "b", "c", "a "], [1, 2, 3, 4], 0.25)
    assert (kept.tolist(), held_out.tolist()) == ([0, 1, 3], [2])


def test_a_row_without_a_value_is_alone() -> None:
    assert groups_by_value(["a", None, "a", None, "", ""]).tolist() == [0, 1, 0, 2, 3, 4]


def test_groupings_are_joined_through_one_another() -> None:
    assert merge_groups([np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])]).tolist() == [0, 0, 0, 1]
