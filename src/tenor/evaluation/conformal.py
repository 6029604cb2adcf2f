"""Sets that hold the truth as often as was asked for: split conformal prediction.

Every text that the model has not learned from gets a score of how strange its true label is; a label is in the set of a
new text unless it would be stranger than the share `coverage` of these (Vovk, Gammerman and Shafer, 2005; Papadopoulos
et al., 2002). If new texts are like those, the set holds the truth at least that often, whatever the model is.

    one label       -log of the label's probability, which gives the smallest sets (Sadinle et al., 2019, "Least
                    Ambiguous Set-Valued Classifiers"); a text that is like no class may get an empty set
    several labels  the highest score among the labels of the text, so that the set holds all of them (Cauchois, Gupta
                    and Duchi, 2021, "Knowing what You Know": the outer set); probabilities that sum up to more than 1
                    are divided by their sum, which made smaller sets
    a number        the absolute error, which makes an interval (Lei et al., 2018)

By class (Mondrian: Vovk, 2012, "Conditional Validity of Inductive Conformal Predictors") the promise holds for the
texts of each class, or those that have each label, by themselves.

Probabilities here are those before calibration: that is fitted to the same texts, which would make them look less
strange than new ones are.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.config.settings import require
from tenor.tasks import Floats, Regression, Targets, Task

DEFAULT_COVERAGE = 0.95
"""What is promised where nothing else is asked for."""
REPORTED_COVERAGES = (0.9, 0.95, 0.99)
ARRAY_NAMES = ("scores", "class_scores", "classes")


@dataclass(frozen=True)
class Conformal:
    """Scores of texts that the model has not learned from.

    Attributes:
        scores: (texts,) float32, rising.
        class_scores: (true labels of all texts,) float32; none where numbers are predicted.
        classes: The label of each of these, int32.
    """

    scores: Floats
    class_scores: Floats
    classes: npt.NDArray[np.int32]

    def prediction_sets(
        self, logits: Floats, task: Task, coverage: float, per_class: bool = False
    ) -> npt.NDArray[np.bool_]:
        """(texts, labels): the labels in the set of each text.

        Args:
            logits: (texts, outputs), as the model says them.
            task: Classes, or a set of labels.
            coverage: Share of texts whose set holds the truth, between 0 and 1.
            per_class: Keep the promise for each class by itself.
        """
        return np.asarray(task.nonconformity(logits) <= self._limits(task, coverage, per_class))

    def half_width(self, task: Regression, coverage: float) -> float:
        """How far the ends of an interval are from the predicted value, in its unit; infinite where texts are few."""
        return float(self._limits(task, coverage, False)[0]) * task.std

    def coverage_warning(self, task: Task, coverage: float, per_class: bool = False) -> str:
        """What to tell where there are too few texts for this coverage: such sets hold every label. Empty: nothing."""
        lacking = np.isinf(self._limits(task, coverage, per_class))
        if not lacking.any():
            return ""
        needed = math.ceil(coverage / (1 - coverage) - 1e-9)
        everything = "every set holds all labels" if task.has_labels else "every interval is infinite"
        found = f"the model was tried on {len(self.scores):,}"
        if per_class:
            short = [label for label, few in zip(task.labels, lacking, strict=True) if few]
            listed = ", ".join(map(repr, short[:3])) + (f" and {len(short) - 3:,} more" if len(short) > 3 else "")
            everything, found = f"every set holds {listed}", "the model was tried on fewer of them"
        of_each = " of a class" if per_class else ""
        return f"a coverage of {coverage:g} needs {needed:,} texts{of_each} or more, and {found}: {everything}."

    def _limits(self, task: Task, coverage: float, per_class: bool) -> Floats:
        """The score up to which a label is in the set: (1,), or by class (labels,)."""
        require(0 < coverage < 1, "coverage", "must be between 0 and 1, such as 0.95")
        if not per_class:
            return np.array([_quantile(self.scores, coverage)], np.float32)
        require(task.has_labels, "per_class", "serves labels, and the model predicts numbers")
        groups = (self.class_scores[self.classes == label] for label in range(len(task.labels)))
        return np.array([_quantile(np.sort(scores), coverage) for scores in groups], np.float32)


def fit(targets: Targets, logits: Floats, task: Task) -> Conformal:
    """Score texts that the model has not learned from.

    Args:
        targets: What `task.encode` makes of their labels.
        logits: (texts, outputs), as the model says them.
        task: What is predicted.
    """
    if isinstance(task, Regression):
        errors = np.abs(logits - task.output_targets(targets))[:, 0]
        return Conformal(np.sort(errors).astype(np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
    row, classes = task.label_positions(targets)
    class_scores = task.nonconformity(logits)[row, classes]
    scores = np.zeros(len(targets), np.float32)  # a set that is empty holds all labels of a text that has none
    np.maximum.at(scores, row, class_scores)
    return Conformal(np.sort(scores), class_scores, classes.astype(np.int32))


def restore(arrays: dict[str, npt.NDArray[Any]], task: Task) -> Conformal:
    """The scores by the names of their attributes. Raises ValueError where they are none."""
    if sorted(arrays) != sorted(ARRAY_NAMES):
        raise ValueError(f"the conformal scores are not {', '.join(ARRAY_NAMES)}")
    scores, class_scores, classes = (arrays[name] for name in ARRAY_NAMES)
    if [str(each.dtype) for each in (scores, class_scores, classes)] != ["float32", "float32", "int32"]:
        raise ValueError("the conformal scores have another type than float32, or their classes than int32")
    if scores.ndim != 1 or class_scores.ndim != 1 or class_scores.shape != classes.shape:
        raise ValueError("the conformal scores have another shape than their classes")
    if not (np.isfinite(scores).all() and np.isfinite(class_scores).all() and (np.diff(scores) >= 0).all()):
        raise ValueError("the conformal scores are not finite or do not rise")
    if len(classes) and (classes.min() < 0 or classes.max() >= len(task.labels)):
        raise ValueError("a conformal score is of no label")
    return Conformal(scores, class_scores, classes)


def coverage_metrics(
    targets: Targets, logits: Floats, task: Task, conformal: Conformal
) -> list[dict[str, float | None]]:
    """What sets and intervals hold, a row for each of the coverages 0.9, 0.95 and 0.99.

    Returns:
        `coverage`: what was asked for; `found`: share of texts whose set or interval holds the truth. Labels:
        `mean_size` of a set; `single`: share of texts whose set is one label; `single_right`: share of these whose set
        holds the truth, None where there are none. Numbers: `width` of the interval, None where it is infinite.
    """
    rows: list[dict[str, float | None]] = []
    for coverage in REPORTED_COVERAGES:
        if isinstance(task, Regression):
            reach = conformal.half_width(task, coverage)
            found = float((np.abs(task.values(logits) - targets) <= reach).mean())
            rows.append({"coverage": coverage, "found": found, "width": 2 * reach if math.isfinite(reach) else None})
            continue
        sets = conformal.prediction_sets(logits, task, coverage)
        truth = task.label_matrix(targets)
        held, size = np.asarray((sets | ~truth).all(axis=1)), sets.sum(axis=1)
        single = size == 1
        rows.append(
            {
                "coverage": coverage,
                "found": float(held.mean()),
                "mean_size": float(size.mean()),
                "single": float(single.mean()),
                "single_right": float(held[single].mean()) if single.any() else None,
            }
        )
    return rows


def _quantile(scores: Floats, coverage: float) -> float:
    """The score of rank ceil((n + 1) coverage) of n that rise; infinite where there are fewer."""
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(scores[rank - 1]) if rank <= len(scores) else math.inf
