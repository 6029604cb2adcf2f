"""Counts of hashed n-grams and a linear model over them: settings, the model, and how it learns once they are set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor._core.callbacks import Callback
from tenor._core.records import Record, RecordError
from tenor.config.search_space import Choice, Range, Space
from tenor.config.settings import require, setting
from tenor.models.attribution import Attribution, spread
from tenor.models.base import Arrays
from tenor.models.family import SavedModel
from tenor.models.linear import solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.loss import OutputTargets
from tenor.models.linear.solver import LinearWeights
from tenor.models.neural import shapes
from tenor.models.ngram import features
from tenor.models.ngram.features import Features, Weighting
from tenor.tasks import Floats, Targets, Task
from tenor.text import ngrams
from tenor.text.ngrams import BITS, NgramCounts

_LONGEST = 8  # tokens or characters in an n-gram
_ARRAYS = ("buckets", "idf", "weights", "intercept")
_IDF = 1e-6, 1e6  # between these, squares are neither 0 nor infinite


@dataclass(frozen=True)
class Config:
    """Settings of `ngram`; none means: chosen by validation."""

    former_names: ClassVar[Mapping[str, str]] = {
        "orders": "word_ngrams",
        "characters": "char_ngrams",
        "strength": "C",
        "minimum_texts": "min_df",
    }

    word_ngrams: tuple[int, ...] | None = setting(None, "lengths of word n-grams, such as `[1, 2]`; `[]` is off")
    char_ngrams: tuple[int, ...] | None = setting(
        None,
        "lengths of character n-grams, such as `[3, 4, 5]`; `[]` is off",
    )
    weighting: Weighting | None = setting(
        None,
        "`naive-bayes`, `tf-idf` or `tf-idf-naive-bayes`; none: chosen by validation",
    )
    C: float | None = setting(
        None,
        "C of the logistic regression; larger values fit the training texts more closely; none: chosen by validation",
    )
    min_df: int = setting(2, "minimum number of training texts with an n-gram")
    iterations: int = setting(20, "maximum number of L-BFGS steps")
    calibrated: bool = setting(
        True,
        "train further models in cross-validation to calibrate; without them there are no calibrated "
        "probabilities and no coverage",
    )

    def __post_init__(self) -> None:
        for key in ("word_ngrams", "char_ngrams"):
            require(
                all(1 <= order <= _LONGEST for order in getattr(self, key) or ()), key, "must be lengths from 1 to 8"
            )
        empty = (self.word_ngrams, self.char_ngrams) in (((), None), (None, ()), ((), ()))
        require(not empty, "word_ngrams", "must be lengths from 1 to 8 where `char_ngrams` are none")
        require(self.C is None or self.C > 0, "C", "must be above 0")
        require(self.min_df >= 1, "min_df", "must be 1 or more")
        require(self.iterations >= 1, "iterations", "must be 1 or more")

    @classmethod
    def space(cls, task: Task) -> Space:
        """What a search may change."""
        by_classes = {} if not task.has_labels else {"weighting": Choice(get_args(Weighting))}
        return {
            "word_ngrams": Choice(((1,), (1, 2), (1, 2, 3))),
            "char_ngrams": Choice(((), (5,), (1, 2, 3), (3, 4, 5))),
            **by_classes,
            "C": Range(0.01, 1_000.0, log=True),
            "min_df": Range(1, 5, integer=True),
        }


@dataclass(frozen=True)
class NgramModel:
    """A linear model over the buckets that were kept.

    Attributes:
        word_ngrams: Lengths of the n-grams in tokens.
        char_ngrams: Lengths of the n-grams in characters.
        weighting: How counts become features.
        buckets: (features,) int32: the buckets that are features, the most frequent first.
        idf: (features,) float32, or empty where the weighting has none.
        linear: The weights, (features, outputs).
    """

    word_ngrams: tuple[int, ...]
    char_ngrams: tuple[int, ...]
    weighting: Weighting
    buckets: npt.NDArray[np.int32]
    idf: Floats
    linear: LinearWeights

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return self.score(ngrams.count(texts, self.word_ngrams, self.char_ngrams))

    def score(self, counts: NgramCounts) -> Floats:
        """Logits of shape (texts, outputs) of texts that are counts already."""
        return solver.logits(self.features(counts), self.linear)

    def features(self, counts: NgramCounts) -> scipy.sparse.csr_matrix:
        """Features of texts that are counts already: (texts, features)."""
        return features.apply_weighting(
            features.select_columns(counts, self._columns, len(self.buckets)), self.weighting, self.idf
        )

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits: feature times weight, exactly.

        An n-gram's share goes to the tokens, or characters, of all places where it stands: to each the more, the more
        it adds by itself.
        """
        counts = ngrams.count(texts, self.word_ngrams, self.char_ngrams)
        matrix = self.features(counts)
        known = np.flatnonzero(self._columns[counts.buckets] >= 0)
        owner = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        weights = (self.linear.weights[matrix.indices] * directions[owner]).sum(axis=1, dtype=np.float64)
        shares = np.zeros(len(counts.buckets))
        shares[known] = matrix.data * weights
        results = []
        for row, text in enumerate(texts):
            share = shares[counts.row_offsets[row] : counts.row_offsets[row + 1]]
            spans = ngrams.spans(text, self.word_ngrams, self.char_ngrams)
            single = (
                np.bincount(spans.at, minlength=len(share))
                == counts.counts[counts.row_offsets[row] : counts.row_offsets[row + 1]]
            )
            own = spread(spans, np.where(single, share, 0.0), len(text))
            characters = spread(spans, share, len(text), own)
            # What stands for the blanks around the text is no character's.
            base = float(self.linear.intercept @ directions[row]) + float(share.sum() - characters.sum())
            results.append(Attribution(characters, np.ones(len(text), bool), base))
        return results

    def represent(self, texts: Sequence[str]) -> scipy.sparse.csr_matrix:
        """The features, each times the length of its weights, and scaled to length 1: (texts, features)."""
        matrix = self.features(ngrams.count(texts, self.word_ngrams, self.char_ngrams))
        matrix.data = matrix.data * np.linalg.norm(self.linear.weights, axis=1)[matrix.indices]
        owner = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        length = np.sqrt(np.bincount(owner, matrix.data**2, len(texts)))
        matrix.data = (matrix.data / np.maximum(length, 1e-12)[owner]).astype(np.float32)
        return matrix

    @cached_property
    def _columns(self) -> npt.NDArray[np.int32]:
        return ngrams.bucket_positions(self.buckets)

    def arrays(self) -> Arrays:
        return {
            "buckets": self.buckets,
            "idf": self.idf,
            "weights": self.linear.weights,
            "intercept": self.linear.intercept,
        }

    def encoder(self) -> dict[str, Any]:
        return {
            "kind": "hashed-ngrams",
            "bits": BITS,
            "orders": list(self.word_ngrams),
            "characters": list(self.char_ngrams),
            "weighting": self.weighting,
        }

    def graphs(self) -> dict[str, bytes]:
        return {}


def restore(saved: SavedModel) -> NgramModel:
    """The model that `NgramModel.encoder` and `NgramModel.arrays` describe. Raises ValueError where they disagree."""
    _, encoder, arrays, task, *_ = saved
    record = Record(encoder, "encoder.json")
    record.integer("bits", BITS, BITS)
    weighting: Weighting = record.choice("weighting", get_args(Weighting))  # type: ignore[assignment]
    # A model that was saved before there were n-grams of characters does not name them.
    named = ("orders", "characters") if "characters" in encoder else ("orders",)
    lengths = {key: tuple(record.integers(key, 1, _LONGEST)) for key in named}
    if not 0 < sum(map(len, lengths.values())) <= 2 * _LONGEST:
        raise record.error("orders", f"there are no lengths of n-grams, or more than {2 * _LONGEST}")
    if unknown := sorted(arrays.keys() - set(_ARRAYS)):
        raise RecordError(shapes.FILE, unknown[0], "there are no such weights in this family")
    features = arrays["buckets"].size if "buckets" in arrays else 0
    buckets = shapes.require_array(arrays, "buckets", (features,), np.int32)
    weights = shapes.require_array(arrays, "weights", (features, task.n_outputs), np.float32)
    intercept = shapes.require_array(arrays, "intercept", (task.n_outputs,), np.float32)
    idf = shapes.require_array(arrays, "idf", (0 if weighting == "naive-bayes" else features,), np.float32)
    if features and (buckets.min() < 0 or buckets.max() >= 1 << BITS):
        raise RecordError(shapes.FILE, "buckets", "one is out of range")
    if not ((idf >= _IDF[0]) & (idf <= _IDF[1])).all():
        raise RecordError(shapes.FILE, "idf", f"one is not between {_IDF[0]:g} and {_IDF[1]:g}")
    model = LinearWeights(weights, intercept)
    return NgramModel(lengths["orders"], lengths.get("characters", ()), weighting, buckets, idf, model)


def count_ngrams(texts: Sequence[str], config: Config, callback: Callback | None = None) -> NgramCounts:
    """The n-grams of the lengths that `config` sets, and how often they occur in each text."""
    return ngrams.count(texts, config.word_ngrams or (), config.char_ngrams or (), callback)


def fit(
    counts: NgramCounts, targets: Targets, task: Task, weights: Floats, config: Config, callback: Callback | None = None
) -> NgramModel:
    """A model fitted to texts that are counts already; nothing in `config` is open."""
    assert config.weighting is not None
    output_targets = OutputTargets(task, targets)
    fitted = features.fit_features(counts, output_targets, config.weighting, config.min_df)
    return fit_weights(fitted, output_targets, task, weights, config, callback)


def fit_weights(
    fitted: Features,
    targets: Floats | OutputTargets,
    task: Task,
    weights: Floats,
    config: Config,
    callback: Callback | None = None,
) -> NgramModel:
    """A model fitted to features.

    Args:
        fitted: The features of the training texts.
        targets: (texts, outputs) what the outputs should be.
        task: What is predicted.
        weights: (texts,) how much each text counts.
        config: Settings, none of them open.
        callback: Gets the progress of the steps.
    """
    assert config.word_ngrams is not None and config.char_ngrams is not None
    assert config.weighting is not None and config.C is not None
    model = solver.fit(
        fitted.matrix,
        targets,
        task.activation,
        config.C,
        fitted.scale,
        weights,
        StopRule(config.iterations),
        callback,
    )
    return NgramModel(config.word_ngrams, config.char_ngrams, config.weighting, fitted.buckets, fitted.idf, model)
