"""Rows whose label is probably wrong, by confident learning (Northcutt, Jiang and Chuang, 2021).

A model predicts each text that it was not trained on. A class is confidently predicted if its probability is at least
the mean probability of that class over the texts with that label. A row is suspected if another class is confidently
predicted, with a higher probability than its label. Then the model is trained again without the suspected rows, on
other folds, and the logits of both rounds are averaged. So wrong labels no longer bend the model towards themselves.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.checks.finding import Finding
from tenor.data import split
from tenor.data.blocks import map_blocks
from tenor.data.dataset import Dataset
from tenor.data.io.limits import memory_bytes
from tenor.data.split import Groups
from tenor.errors import counted
from tenor.models.base import Examples
from tenor.models.linear import held_out
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.tasks import Floats, SingleLabel

# Settings that do well on most data. To choose them from labels that are in doubt is not worth the time.
_CONFIG = Config(word_ngrams=(1, 2), char_ngrams=(), weighting="tf-idf-naive-bayes", C=30.0, min_df=2)
_FOLDS = 5
_ROUNDS = 2
_MIN_ROWS = 50
_LOGIT_BYTES = 4
_SHOWN_CHARACTERS = 60  # of a text


class LabelDoubts(NamedTuple):
    """What a model thinks of labels that it was not trained on.

    Attributes:
        margins: (texts,) log of the odds of the label against the best other class: the lower, the more likely wrong.
        suggested: (texts,) the class that is confidently predicted instead, or -1.
        scores: (texts,) the probability of the suggested class, where there is one.
    """

    margins: Floats
    suggested: npt.NDArray[np.int64]
    scores: Floats


class Suspect(NamedTuple):
    """A row whose label is probably wrong.

    Attributes:
        row: Its position in the data.
        suggested: The label that the model gives.
        score: The probability of that label.
    """

    row: int
    suggested: str
    score: float


def find_suspects(data: Dataset, groups: Groups, seed: int) -> list[Suspect] | None:
    """The rows that are probably mislabelled, the most likely first; None if there are too few rows or many classes.

    Args:
        data: Rows with one class each.
        groups: Rows that belong together, such as near duplicates, which would vouch for one another.
        seed: Seed of the folds.
    """
    if _has_few_rows(data) or _takes_much_memory(data):
        return None
    task = SingleLabel(tuple(sorted(set(data.labels))))
    margins, suggested, scores = suspects(data.texts, data.labels, task, groups, seed)
    suspected = np.flatnonzero(suggested >= 0)
    rows = suspected[np.argsort(margins[suspected], kind="stable")].tolist()
    return [Suspect(row, task.labels[suggested[row]], float(scores[row])) for row in rows]


def check(data: Dataset, suspected: Sequence[Suspect] | None) -> Iterator[Finding]:
    """The finding for the result of `find_suspects`."""
    if suspected is None and not _has_few_rows(data):
        yield Finding(
            name="too-many-classes",
            severity="note",
            problem=tr(
                "labels are not checked: {n_data:,} rows of {n_classes:,} classes take more memory than there is.",
                n_data=len(data),
                n_classes=len(set(data.labels)),
            ),
            remedy=tr("Check a part of the rows, or join classes."),
            count=len(data),
        )
    elif suspected is None:
        yield Finding(
            name="too-few-rows",
            severity="note",
            problem=tr("labels are not checked: that takes {min_rows} rows of two classes.", min_rows=_MIN_ROWS),
            remedy=tr("Label more rows."),
            count=len(data),
        )
    elif suspected:
        details = [
            f"{data.labels[row]} -> {label}? {data.display(row).strip()[:_SHOWN_CHARACTERS]!r}"
            for row, label, _ in suspected
        ]
        yield Finding(
            name="mislabelled",
            severity="note",
            problem=tr(
                "{suspected} of {n_data:,} may be wrong.",
                suspected=counted(len(suspected), "label", "labels"),
                n_data=len(data),
            ),
            remedy=tr("Look at them, the first ones first, and fix those that are: `review=FILE` writes all of them."),
        ).at_rows(data, [suspect.row for suspect in suspected], details)


def _has_few_rows(data: Dataset) -> bool:
    return len(data) < _MIN_ROWS or len(set(data.labels)) < 2


def _takes_much_memory(data: Dataset) -> bool:
    """Whether the logits of both rounds, their mean and the probabilities take most of the memory."""
    return 4 * _LOGIT_BYTES * len(data) * len(set(data.labels)) > memory_bytes() * 3 // 4


def suspects(texts: Sequence[str], labels: Sequence[str], task: SingleLabel, groups: Groups, seed: int) -> LabelDoubts:
    """How likely each label is wrong, by models that were not trained on it.

    Args:
        texts: The texts.
        labels: The class of each.
        task: The task.
        groups: (texts,) groups that stay in one fold.
        seed: Seed of the folds.
    """
    targets, counts = task.encode(labels), ngram_model.count_ngrams(texts, _CONFIG)
    examples = Examples(texts, targets, task, np.ones(len(targets), np.float32))
    fit_fold = ngram_model.fold_fitter(counts, examples, _CONFIG)
    trusted = np.ones(len(targets), bool)
    logits = []
    for number in range(_ROUNDS):
        folds = split.folds(texts, labels, _FOLDS, seed + number, groups)
        learned = [(rows[trusted[rows]], predicted) for rows, predicted in folds]
        learned = [(rows, predicted) for rows, predicted in learned if len(rows)]  # one group leaves no rows to fit
        logits.append(held_out.out_of_fold_logits(examples, learned, fit_fold))
        result = doubts(targets, np.mean(logits, axis=0), task)
        trusted = _with_enough_of_each_class(result.suggested < 0, targets)
    return result


def doubts(targets: npt.NDArray[np.int32], logits: Floats, task: SingleLabel) -> LabelDoubts:
    """How likely each label is wrong.

    Args:
        targets: (texts,) classes.
        logits: (texts, outputs) of a model that was not trained on these texts.
        task: The task.
    """
    n_classes = len(task.labels)
    of_label = map_blocks(lambda true, block: _of_label(true, task.probabilities(block)), targets, logits)
    n_rows = np.maximum(np.bincount(targets, minlength=n_classes), 1)
    thresholds = np.bincount(targets, of_label, n_classes) / n_rows

    def doubts_of(true: npt.NDArray[np.int32], block: Floats) -> npt.NDArray[np.float64]:
        probabilities = task.probabilities(block)
        suggested = _alternatives(true, probabilities, thresholds)
        score = _of_label(np.maximum(suggested, 0), probabilities)
        return np.stack([_margins(true, probabilities), suggested, score], axis=1)

    margins, suggested, scores = map_blocks(doubts_of, targets, logits).T
    return LabelDoubts(margins.astype(np.float32), suggested.astype(np.int64), scores.astype(np.float32))


def _of_label(targets: npt.NDArray[np.int32], probabilities: Floats) -> Floats:
    return probabilities[np.arange(len(targets)), targets]


def _alternatives(
    targets: npt.NDArray[np.int32], probabilities: Floats, thresholds: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """(texts,) the class that is confidently predicted instead of the label, or -1."""
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    return np.where(confident.max(axis=1) > _of_label(targets, probabilities), confident.argmax(axis=1), -1)


def _with_enough_of_each_class(trusted: npt.NDArray[np.bool_], targets: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """The trusted rows, and all rows of a class that has less than half of its rows left."""
    left = np.bincount(targets[trusted], minlength=targets.max() + 1)
    return trusted | (left < np.bincount(targets) / 2)[targets]


def _margins(targets: npt.NDArray[np.int32], probabilities: Floats) -> Floats:
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    rows = np.arange(len(targets))
    of_label = logs[rows, targets]
    logs[rows, targets] = -np.inf
    return np.asarray(of_label - logs.max(axis=1), np.float32)
