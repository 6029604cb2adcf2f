"""Rows whose label is most likely wrong, by confident learning.

Every text is scored by a model that has not learned from it. A class counts as confidently told where its probability
is at least the mean of the probabilities that texts with that label get (Northcutt, Jiang and Chuang, 2021, "Confident
Learning"); a row of which another class is told, and is more probable than its own, is suspected. Then the model learns
once more without the suspects, with other folds, and both scores are averaged: what is wrong in the data no longer
bends the model towards itself.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tenor.checks.finding import Finding, finding_of_rows
from tenor.data import split
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.errors import counted
from tenor.models.families import ngram
from tenor.tasks import Floats, SingleLabel
from tenor.text import ngrams

# Settings that do well on most data: to choose them is not worth the time where labels are to be doubted.
_SETTINGS = ngram.Config(word_ngrams=(1, 2), char_ngrams=(), weighting="tf-idf-naive-bayes", C=30.0)
_FOLDS = 5
_FEWEST = 50  # rows


def check(data: Dataset, groups: Groups, seed: int) -> Iterator[Finding]:
    """The rows most likely mislabelled, the most likely first, with the label that the model suggests.

    Args:
        data: Rows with one label each.
        groups: Rows that belong together, such as near duplicates, which would vouch for one another.
        seed: Seed of the folds.
    """
    if len(data) < _FEWEST or len(set(data.labels)) < 2:
        yield Finding(
            "too-few-rows",
            "note",
            f"labels are not checked: that takes {_FEWEST} rows of two classes.",
            "Label more rows.",
            len(data),
        )
        return
    task = SingleLabel(tuple(sorted(set(data.labels))))
    margins, suggested = suspects(data.texts, data.labels, task, groups, seed)
    suspected = np.flatnonzero(suggested >= 0)
    rows = suspected[np.argsort(margins[suspected], kind="stable")].tolist()
    if rows:
        yield finding_of_rows(
            data,
            "mislabelled",
            "note",
            f"{counted(len(rows), 'label', 'labels')} of {len(data):,} may be wrong.",
            "Look at them, the first ones first, and mend those that are.",
            rows,
            [f"{data.labels[row]} -> {task.labels[suggested[row]]}? {data.texts[row].strip()[:60]!r}" for row in rows],
        )


def suspects(
    texts: Sequence[str], labels: Sequence[str], task: SingleLabel, groups: Groups, seed: int
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """How sure a model is of each label, and what it would say where it is sure of another.

    Returns:
        (texts,) log of the odds of the given label against the best other one: the lower, the more likely is it wrong;
        and (texts,) the class that is told instead, or -1.
    """
    targets, counts = task.encode(labels), ngrams.count(texts, (1, 2))
    used, alike = np.ones(len(targets), bool), np.ones(len(targets), np.float32)
    rounds = []
    for number in range(2):
        folds = split.folds(texts, labels, _FOLDS, seed + number, groups)
        learned = [(rows[used[rows]], scored) for rows, scored in folds]
        rounds.append(ngram.out_of_fold(counts, targets, task, alike, _SETTINGS, learned))
        probabilities = task.probabilities(np.mean(rounds, axis=0))
        margins, suggested = doubts(targets, probabilities)
        used = _enough(suggested < 0, targets)
    return margins, suggested


def doubts(targets: npt.NDArray[np.int32], probabilities: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """What `suspects` tells, from probabilities, (texts, classes), of a model that has not learned from them."""
    return _margins(targets, probabilities), _told_instead(targets, probabilities)


def _told_instead(targets: npt.NDArray[np.int32], probabilities: Floats) -> npt.NDArray[np.int64]:
    """(texts,) the class that is confidently told in place of the given one, or -1."""
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(targets)), targets]
    rows = np.maximum(np.bincount(targets, minlength=classes), 1)
    usual = np.bincount(targets, own, classes) / rows
    told = np.where(probabilities >= usual, probabilities, -1.0)
    best = told.argmax(axis=1)
    return np.where(told.max(axis=1) > own, best, -1)


def _enough(used: npt.NDArray[np.bool_], targets: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Rows to learn from: those of a class of which less than half are left are taken back."""
    left = np.bincount(targets[used], minlength=targets.max() + 1)
    return used | (left < np.bincount(targets) / 2)[targets]


def _margins(targets: npt.NDArray[np.int32], probabilities: Floats) -> Floats:
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    rows = np.arange(len(targets))
    own = logs[rows, targets]
    logs[rows, targets] = -np.inf
    return np.asarray(own - logs.max(axis=1), np.float32)
