"""A linear model over counts of hashed n-grams: the model, and how it is fitted once its settings are chosen."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import scipy

from tenor._core import disk_arrays
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor._core.threads import parallel_map
from tenor.data.blocks import Rows
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.models.attribution import Attribution, FeatureShares, Shares, share_by_character
from tenor.models.base import Arrays, Examples, FeatureMatrix
from tenor.models.family import SavedModel
from tenor.models.linear import pair_solver, solver
from tenor.models.linear.class_pairs import MIN_CLASSES
from tenor.models.linear.held_out import FitFold
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.loss import OutputTargets
from tenor.models.linear.solver import LinearWeights, Penalty
from tenor.models.neural import shapes
from tenor.models.ngram import features, row_counts, weight_arrays
from tenor.models.ngram.config import MAX_LENGTH, Config
from tenor.models.ngram.features import Features, Weighting
from tenor.models.ngram.row_counts import RowCounts, RowEncoder
from tenor.tasks import Floats, Targets, Task
from tenor.text import document_frequency
from tenor.text.field_buckets import BITS

_ARRAYS = ("buckets", "idf", "intercept")
_IDF = 1e-6, 1e6  # between these, squares are neither 0 nor infinite


@dataclass(frozen=True)
class NgramModel:
    """A linear model over hashed n-grams, and over numbers, categories and dates beside the text.

    Attributes:
        row_encoder: Turns rows into counts.
        weighting: How counts become features.
        buckets: (features,) int32: the buckets that are features, the most frequent first.
        idf: (features,) float32: inverse document frequency; empty where the weighting has none.
        linear: The weights, (features + other features, outputs).
        feature_scale: What the other features are multiplied by.
    """

    row_encoder: RowEncoder
    weighting: Weighting
    buckets: npt.NDArray[np.int32]
    idf: Floats
    linear: LinearWeights
    feature_scale: float = 1.0

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs), computed on all cores in blocks that stay in the cache."""
        blocks, _ = self.row_encoder.blocks(texts), self.columns  # computed here, once for all threads
        if len(blocks) == 1:  # starting threads would take longer than one text
            return self._score_block(blocks[0])
        nothing = np.zeros((0, len(self.linear.intercept)), np.float32)
        return np.concatenate([nothing, *parallel_map(self._score_block, blocks)])

    def _score_block(self, block: Sequence[str]) -> Floats:
        return self.score(self.row_encoder.count_block(block))

    def count(self, texts: Sequence[str]) -> RowCounts:
        """Counts of the n-grams in each text."""
        return self.row_encoder.count(texts)

    def score(self, counts: RowCounts) -> Floats:
        """Logits of shape (texts, outputs) from counts."""
        return solver.logits(self.features(counts), self.linear)

    def features(self, counts: RowCounts) -> FeatureMatrix:
        """Features from counts: (texts, features + other features), sparse."""
        weighted = self._ngram_features(counts)
        return features.append_columns(weighted, counts.features, self.feature_scale)

    def _ngram_features(self, counts: RowCounts) -> FeatureMatrix:
        selected = features.select_columns(counts.ngrams, self.columns[counts.ngrams.buckets], len(self.buckets))
        return features.apply_weighting(selected, self.weighting, self.idf)

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits: feature times weight, exactly.

        The share of an n-gram is divided among the tokens, or characters, of all its occurrences. A token or character
        gets the more, the more it adds by itself.

        Args:
            texts: The texts.
            directions: (texts, outputs) weights of the sum.
        """
        rows = self.count(texts)
        counts, matrix = rows.ngrams, self._ngram_features(rows)
        is_feature = np.flatnonzero(self.columns[counts.buckets] >= 0)
        row_of_entry = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        shares = np.zeros(len(counts.buckets))
        shares[is_feature] = matrix.data * self.linear.along(matrix.indices, directions[row_of_entry])
        intercepts = [float(self.linear.intercept @ direction) for direction in directions]
        entries = itertools.starmap(slice, itertools.pairwise(counts.row_offsets.tolist()))
        of_features = self._attribute_features(rows, directions)
        return [
            self._attribute_text(text, shares[part], counts.counts[part], intercept)._replace(features=features)
            for text, part, intercept, features in zip(texts, entries, intercepts, of_features, strict=True)
        ]

    def _attribute_features(self, rows: RowCounts, directions: Floats) -> list[FeatureShares]:
        """What each of the other features of each row adds."""
        if rows.features is None or self.row_encoder.features is None:
            return [()] * len(directions)
        weights = self.linear.rows(slice(len(self.buckets), None)) * np.float32(self.feature_scale)
        return self.row_encoder.features.attribute(rows.features, weights, directions)

    def _attribute_text(
        self, text: str, shares: Shares, counts: npt.NDArray[np.integer[Any]], intercept: float
    ) -> Attribution:
        spans = self.row_encoder.spans(text)
        is_single_part = np.bincount(spans.at, minlength=len(shares)) == counts  # one token or character per occurrence
        own = share_by_character(spans, np.where(is_single_part, shares, 0.0), len(text))
        characters = share_by_character(spans, shares, len(text), own)
        # The blanks around the text belong to no character.
        base_value = intercept + float(shares.sum() - characters.sum())
        return Attribution(characters, np.ones(len(text), bool), base_value)

    def represent(self, texts: Sequence[str]) -> FeatureMatrix:
        """The features, each times the norm of its weights, scaled to length 1: (texts, features), sparse."""
        matrix = self.features(self.count(texts))
        matrix.data = matrix.data * self.linear.norms()[matrix.indices]
        row_of_entry = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        length = np.sqrt(np.bincount(row_of_entry, matrix.data**2, len(texts)))
        matrix.data = (matrix.data / np.maximum(length, 1e-12)[row_of_entry]).astype(np.float32)
        return matrix

    def arrays(self) -> Arrays:
        """Buckets, inverse document frequencies and weights, for `weights.safetensors`."""
        return {
            "buckets": self.buckets,
            "idf": self.idf,
            **weight_arrays.to_arrays(self.linear.weights),
            "intercept": self.linear.intercept,
        }

    def encoder(self) -> JsonObject:
        """How texts become features, for `encoder.json`."""
        return {
            "kind": "hashed-ngrams",
            "bits": BITS,
            "orders": list(self.row_encoder.word_ngrams),
            "characters": list(self.row_encoder.char_ngrams),
            "weighting": self.weighting,
            **row_counts.describe_fields(self.row_encoder, self.feature_scale),
        }

    def graphs(self) -> dict[str, bytes]:
        """A linear model has no ONNX graphs."""
        return {}

    @cached_property
    def columns(self) -> npt.NDArray[np.int32]:
        """(buckets,) column of each bucket; -1: it is not a feature."""
        return document_frequency.positions(self.buckets)


def restore(saved: SavedModel) -> NgramModel:
    """The model that `NgramModel.encoder` and `NgramModel.arrays` describe. Raises ValueError where they disagree."""
    _, encoder, arrays, task, *_ = saved
    record = Record(encoder, "encoder.json")
    record.integer("bits", BITS, BITS)
    weighting: Weighting = record.choice("weighting", get_args(Weighting))  # type: ignore[assignment]
    # A model that was saved before there were n-grams of characters does not name them.
    named = ("orders", "characters") if "characters" in encoder else ("orders",)
    lengths = {key: tuple(record.integers(key, 1, MAX_LENGTH)) for key in named}
    if not 0 < sum(map(len, lengths.values())) <= 2 * MAX_LENGTH:
        raise record.error(
            "orders", tr("there are no lengths of n-grams, or more than {max_length}", max_length=2 * MAX_LENGTH)
        )
    if unknown := sorted(arrays.keys() - {*_ARRAYS, *weight_arrays.NAMES}):
        raise RecordError(shapes.FILE, unknown[0], tr("there are no such weights in this family"))
    row_encoder, feature_scale = row_counts.restore(record, lengths["orders"], lengths.get("characters", ()))
    features = arrays["buckets"].size if "buckets" in arrays else 0
    buckets = shapes.require_array(arrays, "buckets", (features,), np.int32)
    width = features + row_encoder.n_features
    weights = weight_arrays.from_arrays(arrays, (width, task.n_outputs))
    intercept = shapes.require_array(arrays, "intercept", (task.n_outputs,), np.float32)
    idf = shapes.require_array(arrays, "idf", (0 if weighting == "naive-bayes" else features,), np.float32)
    if features and (buckets.min() < 0 or buckets.max() >= 1 << BITS):
        raise RecordError(shapes.FILE, "buckets", tr("one is out of range"))
    if not ((idf >= _IDF[0]) & (idf <= _IDF[1])).all():
        raise RecordError(shapes.FILE, "idf", tr("one is not between {low:g} and {high:g}", low=_IDF[0], high=_IDF[1]))
    model = LinearWeights(weights, intercept)
    return NgramModel(row_encoder, weighting, buckets, idf, model, feature_scale)


def count_ngrams(
    texts: Sequence[str], config: Config, callback: Callback | None = None, fields: Fields = SINGLE_TEXT
) -> RowCounts:
    """The n-grams of the lengths that `config` sets, and how often they occur in each text of the training rows."""
    return row_counts.fit_encoder(texts, fields, config).count(texts, callback)


def fit(
    counts: RowCounts, targets: Targets, task: Task, weights: Floats, config: Config, callback: Callback | None = None
) -> NgramModel:
    """A model fitted to texts that are counts already; nothing in `config` is open."""
    assert config.weighting is not None
    output_targets = OutputTargets(task, targets)
    fitted = fit_features(counts, output_targets, config)
    linear = fit_weights(fitted, output_targets, task, weights, config, callback)
    scale = config.feature_scale or 1.0
    return NgramModel(counts.encoder, config.weighting, fitted.buckets, fitted.idf, linear, scale)


def fit_features(counts: RowCounts, targets: Floats | OutputTargets, config: Config) -> Features:
    """The features of training rows: those of n-grams, and beside them the others."""
    assert config.weighting is not None
    only_pairs = _has_only_pairs(counts, targets, config.weighting)
    fitted = features.fit_features(counts.ngrams, targets, config.weighting, config.min_df or 1, only_pairs)
    return fitted._replace(
        matrix=features.append_columns(fitted.matrix, counts.features, config.feature_scale or 1.0),
        scale=features.append_to_scale(fitted.scale, counts.encoder.n_features),
    )


def _has_only_pairs(counts: RowCounts, targets: Floats | OutputTargets, weighting: Weighting) -> bool:
    """Whether only pairs of an n-gram and a class that occur together get a weight: of thousands of classes."""
    is_dense = weighting != "tf-idf" or counts.features is not None or disk_arrays.is_on_disk(counts.ngrams.buckets)
    if is_dense or not isinstance(targets, OutputTargets):
        return False
    return targets.task.is_single_label and targets.task.n_outputs >= MIN_CLASSES


def fold_fitter(counts: RowCounts, examples: Examples, config: Config, start: NgramModel | None = None) -> FitFold:
    """What fits a model to some rows and scores others.

    Args:
        counts: Counts of all texts.
        examples: The examples.
        config: Settings, none of them open.
        start: A model of all texts, whose weights each fit begins with; None: there is none.
    """
    targets, task, weights = examples.targets, examples.task, examples.weights

    def fit_fold(fitted: Rows, scored: Rows) -> Floats:
        of_fold = counts.take(fitted)
        if start is None:
            model = fit(of_fold, targets[fitted], task, weights[fitted], config)
        else:
            model = _refit(of_fold, OutputTargets(task, targets[fitted]), weights[fitted], config, start)
        return model.score(counts.take(scored))

    return fit_fold


def _refit(counts: RowCounts, targets: OutputTargets, weights: Floats, config: Config, start: NgramModel) -> NgramModel:
    """A model of some texts of the training rows that `start` is fitted to, from its weights."""
    assert config.C is not None
    fitted = fit_features(counts, targets, config)
    rows = np.concatenate([start.columns[fitted.buckets], np.arange(len(start.buckets), start.linear.weights.shape[0])])
    if fitted.pairs is not None:
        known = scipy.sparse.diags((rows >= 0).astype(np.float32), format="csr") @ start.linear.weights[rows]
        initial = LinearWeights(known, start.linear.intercept)
        stop, path = StopRule(config.iterations), (config.C,)
        fits = pair_solver.fit_path(fitted.matrix, fitted.pairs, targets.targets, path, weights, stop, start=initial)
        return replace(start, buckets=fitted.buckets, idf=fitted.idf, linear=next(fits))
    by_feature = np.where((rows >= 0)[:, None], start.linear.weights[rows], np.float32(0))
    linear = solver.refit(
        fitted.matrix,
        targets,
        targets.task.activation,
        Penalty(config.C, fitted.scale),
        weights,
        LinearWeights(by_feature, start.linear.intercept),
        StopRule(config.iterations),
    )
    return replace(start, buckets=fitted.buckets, idf=fitted.idf, linear=linear)


def fit_weights(
    fitted: Features,
    targets: Floats | OutputTargets,
    task: Task,
    weights: Floats,
    config: Config,
    callback: Callback | None = None,
) -> LinearWeights:
    """The weights of a model fitted to features.

    Args:
        fitted: The features of the training texts.
        targets: (texts, outputs) what the outputs should be.
        task: What is predicted.
        weights: (texts,) how much each text counts.
        config: Settings, none of them open.
        callback: Gets the progress of the steps.
    """
    assert config.C is not None
    return next(fit_path(fitted, targets, task, weights, (config.C,), StopRule(config.iterations), callback))


def fit_path(
    fitted: Features,
    targets: Floats | OutputTargets,
    task: Task,
    weights: Floats,
    path: Iterable[float],
    stop: StopRule,
    callback: Callback | None = None,
) -> Iterator[LinearWeights]:
    """`fit_weights` for each C of a path; rising values are fastest.

    Args:
        fitted: As in `fit_weights`.
        targets: As in `fit_weights`.
        task: As in `fit_weights`.
        weights: As in `fit_weights`.
        path: Values of C.
        stop: When a fit ends.
        callback: Gets the progress of the steps.
    """
    if fitted.pairs is None:
        return solver.fit_path(fitted.matrix, targets, task.activation, fitted.scale, path, weights, stop, callback)
    assert isinstance(targets, OutputTargets)
    return pair_solver.fit_path(fitted.matrix, fitted.pairs, targets.targets, path, weights, stop, callback)
