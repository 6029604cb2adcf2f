"""Split conformal prediction: sets that contain the true label with a chosen probability.

Each held-out text gets a nonconformity score: how strange its true label looks to the model. The set of a new text
contains the labels that look no stranger than the share `coverage` of these scores (Vovk, Gammerman and Shafer, 2005;
Papadopoulos et al., 2002). If new texts are like the held-out ones, the set contains the true label at least that
often, for any model.

    one label       -log of the label's probability, which gives the smallest sets (Sadinle et al., 2019, "Least
                    Ambiguous Set-Valued Classifiers"). A text that is like no class may get an empty set.
    several labels  the highest score among the labels of the text, so that the set contains all of them (Cauchois,
                    Gupta and Duchi, 2021, "Knowing what You Know": the outer set). Probabilities that sum to more than
                    1 are divided by their sum, which gave smaller sets.
    a number        the absolute error, which gives an interval (Lei et al., 2018).

Per class (Mondrian: Vovk, 2012, "Conditional Validity of Inductive Conformal Predictors"), the coverage holds for the
texts of each class, or with each label, alone.

Scores use probabilities before calibration. Calibration is fitted to the same texts, so calibrated probabilities would
make them look less strange than new texts are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import join_names, tr
from tenor._core.tensor_file import Array
from tenor._core.threads import parallel_map
from tenor.config.settings import require
from tenor.data.blocks import block_slices
from tenor.tasks import Floats, Regression, Targets, Task

DEFAULT_COVERAGE = 0.95
"""The coverage where none is requested."""
REPORTED_COVERAGES = (0.9, 0.95, 0.99)
"""Coverages in reports."""
ARRAY_NAMES = ("scores", "class_scores", "classes")
"""Names of the arrays in a model's folder."""


@dataclass(frozen=True)
class Conformal:
    """Nonconformity scores of held-out texts.

    Attributes:
        scores: (texts,) float32, ascending.
        class_scores: (true labels of all texts,) float32; empty for numbers.
        classes: The label that each of `class_scores` belongs to, int32.
    """

    scores: Floats
    class_scores: Floats
    classes: npt.NDArray[np.int32]

    def prediction_sets(
        self, logits: Floats, task: Task, coverage: float, per_class: bool = False
    ) -> npt.NDArray[np.bool_]:
        """Which labels are in the set of each text, (texts, labels).

        Args:
            logits: (texts, outputs), before calibration.
            task: The task; it has labels.
            coverage: Share of texts whose set contains the true labels, between 0 and 1.
            per_class: Reach the coverage for each class alone.

        Raises:
            SettingsError: The coverage is not between 0 and 1.
        """
        return np.asarray(task.nonconformity(logits) <= self._thresholds(task, coverage, per_class))

    def half_width(self, task: Regression, coverage: float) -> float:
        """Half the width of an interval, in the unit of the values; infinite if there are too few scores."""
        return self.threshold(coverage) * task.std

    def threshold(self, coverage: float) -> float:
        """The highest score of a label in a set; infinite if there are too few scores."""
        require(0 < coverage < 1, "coverage", tr("must be between 0 and 1, such as 0.95"))
        return float(np.float32(_quantile(self.scores, coverage)))

    def coverage_warning(self, task: Task, coverage: float, per_class: bool = False) -> str:
        """A warning if there are too few scores for this coverage, so that sets contain every label; else empty."""
        lacking = np.isinf(self._thresholds(task, coverage, per_class))
        if not lacking.any():
            return ""
        needed = math.ceil(coverage / (1 - coverage) - 1e-9)
        consequence = tr("every set holds all labels") if task.has_labels else tr("every interval is infinite")
        present = tr("the model was tried on {n_scores:,}", n_scores=len(self.scores))
        if per_class:
            short = [label for label, is_lacking in zip(task.labels, lacking, strict=True) if is_lacking]
            listed = join_names(map(repr, short[:3])) + (
                tr(" and {n_short:,} more", n_short=len(short) - 3) if len(short) > 3 else ""
            )
            consequence, present = (
                tr("every set holds {listed}", listed=listed),
                tr("the model was tried on fewer of them"),
            )
        of_each = tr(" of a class") if per_class else ""
        return tr(
            "a coverage of {coverage:g} needs {needed:,} texts{of_each} or more, and {present}: {consequence}.",
            coverage=coverage,
            needed=needed,
            of_each=of_each,
            present=present,
            consequence=consequence,
        )

    def _thresholds(self, task: Task, coverage: float, per_class: bool) -> Floats:
        """The highest score of a label in the set: (1,), or per class (labels,)."""
        if not per_class:
            return np.array([self.threshold(coverage)], np.float32)
        require(0 < coverage < 1, "coverage", tr("must be between 0 and 1, such as 0.95"))
        require(task.has_labels, "per_class", tr("needs a model that predicts labels, and this one predicts numbers"))
        ends = np.searchsorted(self._sorted_by_class.classes, np.arange(len(task.labels) + 1))
        groups = np.split(self._sorted_by_class.scores, ends[1:-1])
        return np.array([_quantile(scores, coverage) for scores in groups], np.float32)

    @cached_property
    def _sorted_by_class(self) -> "_SortedScores":
        """The scores of each class, ascending; sorted once, since each batch of texts needs them."""
        order = np.lexsort((self.class_scores, self.classes))
        return _SortedScores(self.classes[order], self.class_scores[order])


class _SortedScores(NamedTuple):
    """The scores, class after class."""

    classes: npt.NDArray[np.int32]
    scores: Floats


def fit(targets: Targets, logits: Floats, task: Task) -> Conformal:
    """Score held-out texts.

    Args:
        targets: Their labels, as `task.encode` gives them.
        logits: (texts, outputs), before calibration.
        task: The task.
    """
    if isinstance(task, Regression):
        errors = np.abs(logits - task.output_targets(targets))[:, 0]
        return Conformal(np.sort(errors).astype(np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
    row, classes = task.label_positions(targets)
    of_labels = parallel_map(
        lambda rows: task.nonconformity(logits[rows])[task.label_positions(targets[rows])],
        block_slices(*logits.shape),
    )
    class_scores = np.concatenate(list(of_labels))
    scores = np.zeros(len(targets), np.float32)  # an empty set contains all labels of a text that has none
    np.maximum.at(scores, row, class_scores)
    return Conformal(np.sort(scores), class_scores, classes.astype(np.int32))


def restore(arrays: dict[str, Array], task: Task) -> Conformal:
    """The scores from their arrays by name. Raises ValueError where the arrays do not fit together or the task."""
    if sorted(arrays) != sorted(ARRAY_NAMES):
        raise ValueError(tr("the conformal scores are not {array_names}", array_names=join_names(ARRAY_NAMES)))
    scores, class_scores, classes = (arrays[name] for name in ARRAY_NAMES)
    if [str(each.dtype) for each in (scores, class_scores, classes)] != ["float32", "float32", "int32"]:
        raise ValueError(tr("the conformal scores have another type than float32, or their classes than int32"))
    if scores.ndim != 1 or class_scores.ndim != 1 or class_scores.shape != classes.shape:
        raise ValueError(tr("the conformal scores have another shape than their classes"))
    if not (np.isfinite(scores).all() and np.isfinite(class_scores).all() and (np.diff(scores) >= 0).all()):
        raise ValueError(tr("the conformal scores are not finite or not sorted"))
    if len(classes) and (classes.min() < 0 or classes.max() >= len(task.labels)):
        raise ValueError(tr("a conformal score belongs to no known label"))
    return Conformal(scores, class_scores, classes)


def coverage_metrics(
    targets: Targets, logits: Floats, task: Task, conformal: Conformal
) -> list[dict[str, float | None]]:
    """How often sets and intervals contain the true label or value, a row for each of `REPORTED_COVERAGES`.

    Args:
        targets: The labels of n texts, n at least 1, as `task.encode` gives them.
        logits: (n, outputs), before calibration.
        task: The task.
        conformal: The scores.

    Returns:
        `coverage`: the target; `found`: the empirical coverage. For labels also `mean_size`, the mean set size;
        `single`, the share of sets with one label; `single_right`, their accuracy, None if there are none. For numbers
        also `width`, the width of the interval, None if it is infinite.
    """
    if isinstance(task, Regression):
        errors = np.abs(task.values(logits) - targets)
        half_widths = [conformal.half_width(task, coverage) for coverage in REPORTED_COVERAGES]
        return [
            {
                "coverage": coverage,
                "found": float((errors <= half_width).mean()),
                "width": 2 * half_width if math.isfinite(half_width) else None,
            }
            for coverage, half_width in zip(REPORTED_COVERAGES, half_widths, strict=True)
        ]
    thresholds = [conformal.threshold(coverage) for coverage in REPORTED_COVERAGES]
    covered, sizes = _sets(targets, logits, task, thresholds)
    return [
        {
            "coverage": coverage,
            "found": float(is_covered.mean()),
            "mean_size": float(size.mean()),
            "single": float((size == 1).mean()),
            "single_right": float(is_covered[size == 1].mean()) if (size == 1).any() else None,
        }
        for coverage, is_covered, size in zip(REPORTED_COVERAGES, covered, sizes, strict=True)
    ]


def _sets(
    targets: Targets, logits: Floats, task: Task, thresholds: Sequence[float]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """(thresholds, texts): whether each set has all true labels, and how many labels it has."""

    def of_block(rows: slice) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        scores, is_other = task.nonconformity(logits[rows]), ~task.label_matrix(targets[rows])
        sets = [scores <= threshold for threshold in thresholds]
        return np.stack([(each | is_other).all(axis=1) for each in sets]), np.stack([each.sum(axis=1) for each in sets])

    covered, sizes = zip(*parallel_map(of_block, block_slices(*logits.shape)), strict=True)
    return np.concatenate(covered, axis=1), np.concatenate(sizes, axis=1)


def _quantile(scores: Floats, coverage: float) -> float:
    """The score of rank ceil((n + 1) coverage) among n ascending scores; infinite if n is smaller than that."""
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(scores[rank - 1]) if rank <= len(scores) else math.inf
