"""One fold of the quick validation of `ngram` settings: fit on one part, score the other."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from tenor.models.base import Examples
from tenor.models.linear import solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.loss import OutputTargets
from tenor.models.linear.matrices import Matrix
from tenor.models.ngram import features
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.models.ngram.features import Features
from tenor.models.ngram.row_counts import RowCounts, RowEncoder
from tenor.models.tabular import encoder as tabular
from tenor.tasks import Floats
from tenor.text import document_frequency

_TOL = 1e-4  # the choice is that of full convergence, in two thirds of the steps: `bench/NOTES.md`


class _Prepared(NamedTuple):
    """The features for one choice of n-grams and weighting."""

    config: Config
    fitted: Features
    matrix: Matrix  # of the texts that are scored


class Fold:
    """Fits models to one part of the texts and scores the other.

    Args:
        fitted: The texts that models are fitted to.
        measured: The texts that models are measured on.

    Attributes:
        fitted: The first part.
        measured: The other part.
    """

    def __init__(self, fitted: Examples, measured: Examples) -> None:
        self.fitted, self.measured = fitted, measured
        self._features = tabular.fit(fitted.texts, fitted.fields)
        self._counts: dict[Config, tuple[RowCounts, RowCounts]] = {}
        self._prepared: _Prepared | None = None  # of the last n-grams and weighting

    def counts(self, config: Config) -> tuple[RowCounts, RowCounts]:
        """Counts of the texts of both parts."""
        key = replace(config, weighting=None, C=None, feature_scale=None)
        if key not in self._counts:
            encoder = RowEncoder.from_config(config, self.fitted.fields, self._features)
            self._counts[key] = encoder.count(self.fitted.texts), encoder.count(self.measured.texts)
        return self._counts[key]

    def logits(self, config: Config, path: Iterable[float]) -> Iterator[Floats]:
        """Logits of the measured texts for each C of a path; each fit begins where the one before ended.

        Args:
            config: The settings apart from C.
            path: Values of C that rise.
        """
        _, fitted, matrix = self._prepare(config)
        task = self.fitted.task
        targets, stop = OutputTargets(task, self.fitted.targets), StopRule(config.iterations, _TOL)
        models = ngram_model.fit_path(fitted, targets, task, self.fitted.weights, path, stop)
        for model in models:
            yield solver.logits(matrix, model)

    def _prepare(self, config: Config) -> _Prepared:
        key = replace(config, C=None)
        if self._prepared is None or self._prepared.config != key:
            assert config.weighting is not None
            fitted_counts, measured_counts = self.counts(config)
            targets = OutputTargets(self.fitted.task, self.fitted.targets)
            fitted = ngram_model.fit_features(fitted_counts, targets, config)
            measured = measured_counts.ngrams
            columns = document_frequency.find(measured.buckets, fitted.buckets)
            selected = features.select_columns(measured, columns, len(fitted.buckets))
            weighted = features.apply_weighting(selected, config.weighting, fitted.idf)
            matrix = features.append_columns(weighted, measured_counts.features, config.feature_scale or 1.0)
            self._prepared = _Prepared(key, fitted, matrix)
        return self._prepared
