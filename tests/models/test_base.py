import numpy as np

from tenor.models.base import Examples
from tenor.tasks import SingleLabel


def examples() -> Examples:
    return Examples(
        texts=[f"text {number}" for number in range(40)],
        targets=np.arange(40, dtype=np.int32) % 2,
        task=SingleLabel(("a", "b")),
        weights=np.arange(40, dtype=np.float32),
        groups=np.arange(40),
        unlabelled=["x", "y"],
    )


def test_chosen_rows_keep_the_unlabelled_texts() -> None:
    taken = examples().take(np.array([5, 2]))
    assert (list(taken.texts), taken.targets.tolist(), taken.weights.tolist()) == (["text 5", "text 2"], [1, 0], [5, 2])
    assert taken.groups is not None and taken.groups.tolist() == [5, 2]
    assert list(taken.unlabelled) == ["x", "y"]


def test_only_the_training_part_of_a_split_has_the_unlabelled_texts() -> None:
    kept, held_out = examples().split(0.25, seed=0)
    assert (len(kept), len(held_out)) == (30, 10)
    assert sorted([*kept.texts, *held_out.texts]) == sorted(examples().texts)
    assert (list(kept.unlabelled), list(held_out.unlabelled)) == (["x", "y"], [])
