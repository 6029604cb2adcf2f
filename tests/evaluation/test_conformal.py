import math

import numpy as np
import pytest

from tenor.errors import SettingsError
from tenor.evaluation import conformal
from tenor.tasks import Floats, MultiLabel, Regression, SingleLabel, Targets, Task

TASKS: dict[str, Task] = {
    "binary": SingleLabel(("n", "y")),
    "multiclass": SingleLabel(("a", "b", "c")),
    "multilabel": MultiLabel(("a", "b", "c")),
    "regression": Regression(mean=10.0, std=2.0),
}


def drawn(task: Task, texts: int, seed: int) -> tuple[Targets, Floats]:
    """Labels, and logits that lean towards them."""
    random = np.random.default_rng(seed)
    if isinstance(task, Regression):
        targets = random.normal(10, 2, texts).astype(np.float32)
    elif isinstance(task, MultiLabel):
        targets = (random.random((texts, 3)) < [0.1, 0.3, 0.5]).astype(np.float32)
    else:
        targets = random.choice(len(task.labels), texts, p=[0.8, 0.2, 0.0][: len(task.labels)]).astype(np.int32)
        targets[: texts // 20] = len(task.labels) - 1
    noise = random.normal(0, 1, (texts, task.n_outputs))
    return targets, (2 * task.output_targets(targets) + noise).astype(np.float32)


def within(result: float, coverage: float, held: int, measured: int) -> bool:
    """Whether a share lies within four standard deviations of what sets from so many texts should hold."""
    deviation = math.sqrt(coverage * (1 - coverage) * (1 / held + 1 / measured))
    return abs(result - coverage) <= 4 * deviation + 1 / held


@pytest.mark.parametrize("kind", list(TASKS))
def test_new_texts_have_their_truth_in_the_set_as_often_as_promised(kind: str) -> None:
    task = TASKS[kind]
    scores = conformal.fit(*drawn(task, 2_000, 0), task)
    targets, logits = drawn(task, 20_000, 1)
    for row in conformal.coverage_metrics(targets, logits, task, scores):
        assert within(row["found"] or 0, row["coverage"] or 0, 2_000, 20_000), row


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_the_promise_holds_for_each_class(kind: str) -> None:
    task = TASKS[kind]
    held = drawn(task, 4_000, 0)
    scores = conformal.fit(*held, task)
    targets, logits = drawn(task, 40_000, 1)
    sets = scores.prediction_sets(logits, task, 0.9, per_class=True)
    for label in range(len(task.labels)):
        of_class = targets[:, label] > 0 if targets.ndim == 2 else targets == label
        known = held[0][:, label].sum() if targets.ndim == 2 else (held[0] == label).sum()
        assert within(float(sets[of_class, label].mean()), 0.9, int(known), int(of_class.sum()))


def test_known_answers() -> None:
    task = TASKS["multiclass"]
    logits = np.log(np.float32([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]))
    scores = conformal.fit(np.int32([0, 1, 0, 1]), logits, task)  # true labels have 0.5, 0.3, 0.7 and 0.8
    new = np.log(np.float32([[0.45, 0.35, 0.2], [0.51, 0.48, 0.01], [0.34, 0.33, 0.33]]))
    # Rank ceil(5 * 0.8) = 4 of 4: what has 0.3; rank ceil(5 * 0.6) = 3: what has 0.5.
    assert scores.prediction_sets(new, task, 0.8).tolist() == [
        [True, True, False],
        [True, True, False],
        [True, True, True],
    ]
    assert scores.prediction_sets(new, task, 0.6).tolist() == [[False] * 3, [True, False, False], [False] * 3]
    assert scores.prediction_sets(new, task, 0.81).all()


def test_a_set_holds_all_labels_of_a_text() -> None:
    task = TASKS["multilabel"]
    truth = np.float32([[1, 1, 0], [0, 0, 0], [0, 1, 0]])
    shares = np.float32([[0.5, 0.25, 0.1], [0.5, 0.5, 0.5], [0.1, 0.8, 0.8]])  # the last sum up to 1.7
    scores = conformal.fit(truth, np.log(shares / (1 - shares)), task)
    np.testing.assert_allclose(scores.scores, -np.log([1, 0.8 / 1.7, 0.25]), atol=1e-6)
    assert scores.classes.tolist() == [0, 1, 1]
    new = np.float32([[0.26, 0.24, 0.01], [0.9, 0.9, 0.45]])
    assert scores.prediction_sets(np.log(new / (1 - new)), task, 0.75).tolist() == [
        [True, False, False],
        [True, True, False],
    ]


def test_an_interval_reaches_as_far_as_the_errors() -> None:
    task = Regression(mean=10.0, std=2.0)
    scores = conformal.fit(np.float32([10, 11, 7]), np.zeros((3, 1), np.float32), task)
    assert scores.half_width(task, 0.5) == pytest.approx(1.0)
    assert scores.half_width(task, 0.75) == pytest.approx(3.0)
    assert scores.half_width(task, 0.8) == math.inf
    assert conformal.coverage_metrics(np.float32([10]), np.zeros((1, 1), np.float32), task, scores) == [
        {"coverage": coverage, "found": 1.0, "width": None} for coverage in conformal.REPORTED_COVERAGES
    ]


def test_too_few_texts_are_told_of_and_every_label_is_in_the_set() -> None:
    task = TASKS["binary"]
    scores = conformal.fit(*drawn(task, 98, 0), task)
    assert scores.coverage_warning(task, 0.95) == ""
    assert scores.coverage_warning(task, 0.99).startswith(
        "a coverage of 0.99 needs 99 texts or more, and the model was tried on 98"
    )
    assert scores.prediction_sets(np.float32([[90]]), task, 0.99).all()
    told = scores.coverage_warning(task, 0.97, per_class=True)
    assert told.startswith("a coverage of 0.97 needs 33 texts of a class or more") and "every set holds 'y'" in told
    assert conformal.fit(*drawn(task, 99, 0), task).coverage_warning(task, 0.99) == ""


def test_what_cannot_be_promised_is_refused() -> None:
    for kind, task in TASKS.items():
        scores = conformal.fit(*drawn(task, 20, 0), task)
        for coverage in (0.0, 1.0, 95.0, float("nan")):
            with pytest.raises(SettingsError, match="'coverage' must be between 0 and 1"):
                scores.coverage_warning(task, coverage)
        if kind == "regression":
            with pytest.raises(SettingsError, match="'per_class' needs a model that predicts labels"):
                scores.coverage_warning(task, 0.9, per_class=True)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("scores", np.float32([2, 1])),
        ("scores", np.float32([1, np.nan])),
        ("scores", np.float64([1, 2])),
        ("classes", np.int32([0, 5])),
        ("classes", np.int32([0])),
    ],
)
def test_scores_that_are_none_are_refused(name: str, wrong: np.ndarray) -> None:
    task = TASKS["binary"]
    arrays = {"scores": np.float32([1, 2]), "class_scores": np.float32([2, 1]), "classes": np.int32([0, 1])}
    assert conformal.restore(arrays, task).classes.tolist() == [0, 1]
    with pytest.raises(ValueError, match="conformal score"):
        conformal.restore(arrays | {name: wrong}, task)
