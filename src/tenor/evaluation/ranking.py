"""Metrics of a ranking: area under the ROC curve, average precision, and the curve of precision by recall.

They equal those of scikit-learn (tested), which takes a second to import and has no form for thousands of classes.
"""

import numpy as np
import numpy.typing as npt

from tenor.tasks import Floats

_FEW_TEXTS = 16  # of a class: comparing each with all texts is faster than a binary search
_BLOCK_CELLS = 1 << 22  # scores that are compared at a time

Doubles = npt.NDArray[np.float64]


def mean_roc_auc(targets: npt.NDArray[np.integer], logits: Floats) -> float | None:
    """Area under the ROC curve: the chance that a text of a class scores above one of another class.

    Args:
        targets: (texts,) classes. Those past the outputs are unknown to the model, which ranks all texts alike there.
        logits: (texts, outputs); of two classes, that of the second.

    Returns:
        The mean over the classes that some texts have and others lack; None if there is no such class. Of two classes
        the area of the second.
    """
    if logits.shape[1] == 1:
        if targets.max(initial=0) <= 1:
            return _roc_auc(logits[:, 0], logits[targets == 1, 0])
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    rows, outputs = logits.shape
    # Probabilities rank a class as its logit does, less the logarithm of the sum over the classes.
    offsets = np.concatenate([_log_sums(logits[block]) for block in _blocks(rows, outputs)])
    order = np.argsort(targets, kind="stable")
    begins = np.searchsorted(targets[order], np.arange(outputs + 1))
    areas = [0.5] * len(np.unique(targets[targets >= outputs]))
    for classes in _blocks(outputs, rows):
        scores = np.ascontiguousarray(logits[:, classes].T) - offsets
        for index, of_class in enumerate(scores, classes.start):
            members = order[begins[index] : begins[index + 1]]
            if (area := _roc_auc(of_class, of_class[members])) is not None:
                areas.append(area)
    return float(np.mean(areas)) if areas else None


def average_precision(truth: npt.NDArray[np.bool_], scores: Floats) -> float | None:
    """The mean precision over the texts with a label, each at the score of that text; equal scores count together.

    Args:
        truth: (texts,) which texts have the label.
        scores: (texts,) higher where the label is likelier.

    Returns:
        The average precision; None if no text has the label.
    """
    if not truth.any():
        return None
    precision, recall = precision_by_recall(truth, scores)
    return float(np.diff(recall, prepend=0.0) @ precision)


def precision_by_recall(truth: npt.NDArray[np.bool_], scores: Floats) -> tuple[Doubles, Doubles]:
    """Precision and recall at each distinct score, from the highest score on; `truth` has at least one text."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)
    right = truth[order].cumsum()[ends]
    return right / (ends + 1), right / right[-1]


def _roc_auc(scores: Floats, of_class: Floats) -> float | None:
    """The area from the scores of all texts and those of the texts of the class."""
    inside, outside = len(of_class), len(scores) - len(of_class)
    if not inside or not outside:
        return None
    if inside <= _FEW_TEXTS:
        below = sum(int((scores < score).sum()) + int((scores <= score).sum()) for score in of_class)
        total = below / 2
    else:
        ranked = np.sort(of_class)
        above = sum(int((inside - np.searchsorted(ranked, scores, side)).sum()) for side in ("left", "right"))
        total = above / 2
    # Among themselves, the texts of the class win half of all comparisons.
    return (total - inside * inside / 2) / (inside * outside)


def _log_sums(logits: Floats) -> Doubles:
    """(texts,) logarithm of the sum of the exponentials."""
    wide = logits.astype(np.float64)
    highest = wide.max(axis=1, initial=-np.inf)
    return np.asarray(highest + np.log(np.exp(wide - highest[:, None]).sum(axis=1)))


def _blocks(count: int, width: int) -> list[slice]:
    size = max(1, _BLOCK_CELLS // max(width, 1))
    return [slice(begin, min(begin + size, count)) for begin in range(0, count, size)]
