"""Whether an explanation is faithful to the model: the score must fall when its strongest words are deleted.

Comprehensiveness (DeYoung et al., 2020, "ERASER: A Benchmark to Evaluate Rationalized NLP Models"): how far the score
of the label falls when the strongest 1, 5, 10, 20 and 50% of the words are deleted from the text, the mean over these;
the area over the perturbation curve of Samek et al. (2017). Words are ranked by what they add to the label. The
baseline deletes as many words at random.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.explanation.texts import Explanation, Span
from tenor.inference.predictor import Predictor
from tenor.tasks import Floats

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
_DRAWS = 5

Order = npt.NDArray[np.int64]


class Faithfulness(NamedTuple):
    """How far the score falls, mean over shares of deleted words, texts and labels.

    Attributes:
        strongest: With the words deleted that speak most for the label.
        random: With as many deleted at random.
    """

    strongest: float
    random: float

    @property
    def difference(self) -> float:
        """The area between the two curves."""
        return self.strongest - self.random

    def as_dict(self) -> dict[str, float]:
        """Both numbers and their difference, as JSON."""
        return {**self._asdict(), "difference": self.difference}


def faithfulness(predictor: Predictor, explanations: Sequence[Explanation], seed: int = 0) -> Faithfulness:
    """How far the scores of the labels explained fall when words are deleted.

    Texts without a word count for nothing; without any, both numbers are 0.

    Args:
        predictor: The model that was explained.
        explanations: What `explain` gave.
        seed: Of the words deleted at random.
    """
    random = np.random.default_rng(seed)
    falls = []
    for explanation in explanations:
        for evidence in explanation.labels:
            spans = evidence.spans
            if not spans:
                continue
            ranked = np.argsort([-span.weight for span in spans], kind="stable")
            orders = [ranked, *(random.permutation(len(spans)) for _ in range(_DRAWS))]
            fall = comprehensiveness(predictor, explanation.text, spans, orders, evidence.label)
            falls.append((fall[0], fall[1:].mean()))
    strongest, by_chance = np.mean(falls, axis=0).tolist() if falls else (0.0, 0.0)
    return Faithfulness(strongest, by_chance)


def comprehensiveness(
    predictor: Predictor, text: str, spans: Sequence[Span], orders: Sequence[Order], label: str | None
) -> npt.NDArray[np.float64]:
    """How far the score of a label falls when words are deleted, mean over SHARES: (orders,).

    Args:
        predictor: The model.
        text: The text.
        spans: Its words; one at least.
        orders: Permutations of the words, the first to be deleted first.
        label: The label; None where the model predicts numbers.
    """
    texts = [text]
    for order in orders:
        for share in SHARES:
            gone = order[: int(np.ceil(share * len(spans)))]
            texts.append(_without(text, [spans[index] for index in sorted(gone)]))
    scores = _scores(predictor, texts, label).astype(np.float64)
    return np.asarray((scores[0] - scores[1:]).reshape(len(orders), -1).mean(axis=1))


def _without(text: str, gone: Sequence[Span]) -> str:
    """The text without these words, which rise; a blank stands for punctuation, so that words stay apart."""
    parts, at = [], 0
    for begin, end, _ in gone:
        parts += [text[at:begin], "" if text[begin].isalnum() else " "]
        at = end
    return "".join([*parts, text[at:]])


def _scores(predictor: Predictor, texts: list[str], label: str | None) -> Floats:
    task = predictor.bundle.task
    if not task.has_labels:
        return np.asarray(predictor.predict(texts), np.float32)
    return predictor.predict_proba(texts)[:, task.labels.index(str(label))]
