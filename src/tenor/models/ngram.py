"""`ngram`: hashed n-grams and a linear model, in seconds.

Three weightings of the counts:

    naive-bayes         presence of the n-gram, times the log-ratio of how often the classes use it
                        (Wang and Manning, 2012, "Baselines and Bigrams")
    tf-idf              (1 + log count) times inverse document frequency, each text scaled to length 1
    tf-idf-naive-bayes  tf-idf, times the log-ratio

None wins everywhere, and neither does any one set of n-gram orders or strength of regularisation, so what the settings
leave open is chosen by a quick validation on a part of the training texts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from tenor import settings
from tenor.models import features, linear
from tenor.models.family import Arrays, Family, Fitted, Targets
from tenor.models.features import Features, Weighting
from tenor.models.linear import Linear
from tenor.settings import require
from tenor.tasks import Floats, Task
from tenor.text import ngrams
from tenor.text.ngrams import BITS, Counts

_TRIAL_ENTRIES = 2_000_000  # the quick validation sees about this many counts, so its time does not grow with the data
_ENTRIES_PER_CHARACTER = 0.3  # distinct n-grams of the first orders
_TRIAL_TEXTS = 500
_VALIDATION = 0.5  # to measure is cheap, and much of the choice would be noise with fewer texts
_FIRST_ORDERS, _OTHER_ORDERS = (1, 2), ((1,), (1, 2, 3))
_FIRST_STRENGTH = {"naive-bayes": 0.3, "tf-idf": 30.0, "tf-idf-naive-bayes": 30.0}
_STRENGTH_STEP = 3.0
_STRENGTH_MOVES = 5


@dataclass(frozen=True)
class Config:
    """Settings of `ngram`; none means: chosen by validation."""

    orders: tuple[int, ...] | None = None
    """Lengths of the n-grams in tokens, such as [1, 2]."""
    weighting: Weighting | None = None
    strength: float | None = None
    """C of the logistic regression: larger fits the training texts closer."""
    minimum_texts: int = 2
    """N-grams in fewer training texts than this are left out."""
    iterations: int = 20
    """At most this many steps of L-BFGS."""

    def __post_init__(self) -> None:
        require(
            self.orders is None or (bool(self.orders) and all(1 <= order <= 8 for order in self.orders)),
            "orders",
            "must be lengths from 1 to 8",
        )
        require(self.strength is None or self.strength > 0, "strength", "must be above 0")
        require(self.minimum_texts >= 1, "minimum_texts", "must be 1 or more")
        require(self.iterations >= 1, "iterations", "must be 1 or more")


@dataclass(frozen=True)
class NgramModel:
    """A linear model over the buckets that were kept.

    Attributes:
        orders: Lengths of the n-grams.
        weighting: How counts become features.
        buckets: (features,) int32: the buckets that are features, the most frequent first.
        idf: (features,) float32, or empty where the weighting has none.
        linear: The weights, (features, outputs).
    """

    orders: tuple[int, ...]
    weighting: Weighting
    buckets: npt.NDArray[np.int32]
    idf: Floats
    linear: Linear

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        selected = features.select(ngrams.count(texts, self.orders), self._columns, len(self.buckets))
        return linear.logits(features.weigh(selected, self.weighting, self.idf), self.linear)

    @cached_property
    def _columns(self) -> npt.NDArray[np.int32]:
        return ngrams.positions(self.buckets)

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
            "orders": list(self.orders),
            "weighting": self.weighting,
        }


def restore(_: Config, encoder: dict[str, Any], arrays: Arrays, task: Task) -> NgramModel:
    """The model that `NgramModel.encoder` and `NgramModel.arrays` describe. Raises ValueError where they disagree."""
    buckets, weights = arrays["buckets"], arrays["weights"]
    if encoder["bits"] != BITS or encoder["weighting"] not in get_args(Weighting):
        raise ValueError("the n-gram encoder is of another kind")
    if weights.shape != (len(buckets), task.outputs) or arrays["intercept"].shape != (task.outputs,):
        raise ValueError("the weights have another shape than the labels ask for")
    if buckets.dtype != np.int32 or any(arrays[name].dtype != np.float32 for name in ("idf", "weights", "intercept")):
        raise ValueError("the weights have another type than float32, or the buckets than int32")
    if len(buckets) and (buckets.min() < 0 or buckets.max() >= 1 << BITS):
        raise ValueError("a bucket is out of range")
    if encoder["weighting"] != "naive-bayes" and arrays["idf"].shape != buckets.shape:
        raise ValueError("the document frequencies have another shape than the buckets")
    orders = settings.make(Config, {"orders": encoder["orders"]}, "encoder.json").orders
    if not orders:
        raise ValueError("the n-gram encoder has no orders")
    model = Linear(weights, arrays["intercept"])
    return NgramModel(orders, encoder["weighting"], buckets, arrays["idf"], model)


def fit(texts: Sequence[str], targets: Targets, task: Task, config: Config, seed: int) -> Fitted:
    """Choose what `config` leaves open, then fit on all texts."""
    begin = time.perf_counter()
    chosen, tried = _choose(texts, targets, task, config, seed)
    after_choice = time.perf_counter()
    assert chosen.orders is not None and chosen.weighting is not None and chosen.strength is not None
    counts = ngrams.count(texts, chosen.orders)
    after_encoding = time.perf_counter()
    prepared = features.prepare(counts, targets, task.outputs, chosen.weighting, chosen.minimum_texts)
    model = _solve(prepared, targets, task.outputs, chosen)
    timing = {
        "choose_s": after_choice - begin,
        "encode_s": after_encoding - after_choice,
        "fit_s": time.perf_counter() - after_encoding,
    }
    return Fitted(model, chosen, timing, tried)


def _solve(prepared: Features, targets: Targets, outputs: int, config: Config) -> NgramModel:
    assert config.orders is not None and config.weighting is not None and config.strength is not None
    model = linear.fit(prepared.matrix, targets, outputs, config.strength, prepared.scale, iterations=config.iterations)
    return NgramModel(config.orders, config.weighting, prepared.buckets, prepared.idf, model)


def _choose(
    texts: Sequence[str], targets: Targets, task: Task, config: Config, seed: int
) -> tuple[Config, list[dict[str, Any]]]:
    """Fill in what `config` leaves open: for each weighting the best strength, then the orders for the best weighting.

    Settings are compared by log loss on the trial's second part, which is far less noisy than accuracy. Other orders
    than the first have to be better by more than the standard error of the difference, since they cost time.
    """
    if None not in (config.orders, config.weighting, config.strength):
        return config, []
    trial = _Trial(texts, targets, task, seed)
    open_orders = config.orders is None
    start = replace(config, orders=config.orders or _FIRST_ORDERS)
    weightings = get_args(Weighting) if config.weighting is None else (config.weighting,)
    best = min((_climb(trial, replace(start, weighting=weighting)) for weighting in weightings), key=trial.loss)
    if open_orders:
        others = [replace(best, orders=orders) for orders in _OTHER_ORDERS]
        best = min([best, *(other for other in others if trial.clearly_better(other, best))], key=trial.loss)
    return best, trial.tried


def _climb(trial: "_Trial", config: Config) -> Config:
    """The best strength for this weighting: from a usual one, by steps of 3 up or else down while the loss falls."""
    assert config.weighting is not None
    if config.strength is not None:
        return config
    best = replace(config, strength=_FIRST_STRENGTH[config.weighting])
    for step in (_STRENGTH_STEP, 1 / _STRENGTH_STEP):
        begin = best
        for _ in range(_STRENGTH_MOVES):
            assert best.strength is not None
            moved = replace(best, strength=best.strength * step)
            if trial.loss(moved) >= trial.loss(best):
                break
            best = moved
        if best != begin:
            break
    return best


class _Trial:
    """The quick validation: a seeded sample of the texts, a part to fit on and a part to measure on."""

    def __init__(self, texts: Sequence[str], targets: Targets, task: Task, seed: int) -> None:
        order = np.random.default_rng((seed, 1)).permutation(len(texts))
        entries = int(_TRIAL_ENTRIES / max(1.0, task.outputs / 3))
        room = np.searchsorted(np.cumsum([len(texts[row]) for row in order]) * _ENTRIES_PER_CHARACTER, entries)
        order = order[: max(int(room), _TRIAL_TEXTS)]
        held_out = int(len(order) * _VALIDATION)
        self.task = task
        self.parts = [[texts[row] for row in part] for part in (order[held_out:], order[:held_out])]
        self.measured, self.fitted = targets[order[:held_out]], targets[order[held_out:]]
        self.counts: dict[tuple[int, ...], tuple[Counts, ...]] = {}
        self.prepared: tuple[Any, ...] = (None,)  # the features of the last orders and weighting
        self.losses: dict[Config, Floats] = {}
        self.tried: list[dict[str, Any]] = []

    def loss(self, config: Config) -> float:
        """Log loss of these settings on the part to measure on."""
        return float(self._losses(config).mean())

    def clearly_better(self, config: Config, other: Config) -> bool:
        """Whether the log loss of `config` is lower by more than the standard error of the difference."""
        gain = self._losses(other) - self._losses(config)
        return float(gain.mean()) > float(gain.std() / np.sqrt(len(gain)))

    def _losses(self, config: Config) -> Floats:
        if config not in self.losses:
            self.losses[config] = self._measure(config)
        return self.losses[config]

    def _measure(self, config: Config) -> Floats:
        assert config.orders is not None
        assert config.weighting is not None
        if config.orders not in self.counts:
            self.counts[config.orders] = tuple(ngrams.count(part, config.orders) for part in self.parts)
        counts, others = self.counts[config.orders]
        if self.prepared[0] != (config.orders, config.weighting):
            prepared = features.prepare(counts, self.fitted, self.task.outputs, config.weighting, config.minimum_texts)
            selected = features.select(others, ngrams.positions(prepared.buckets), len(prepared.buckets))
            matrix = features.weigh(selected, config.weighting, prepared.idf)
            self.prepared = (config.orders, config.weighting), prepared, matrix
        _, prepared, matrix = self.prepared
        model = _solve(prepared, self.fitted, self.task.outputs, config)
        probabilities = self.task.probabilities(linear.logits(matrix, model.linear))
        right = probabilities[np.arange(len(self.measured)), self.measured]
        losses = np.asarray(-np.log(np.maximum(right, 1e-7)), np.float32)
        self.tried.append(
            {
                "orders": " ".join(map(str, config.orders)),
                "weighting": config.weighting,
                "strength": config.strength,
                "log_loss": float(losses.mean()),
                "accuracy": float((probabilities.argmax(axis=1) == self.measured).mean()),
            }
        )
        return losses


FAMILY = Family(
    name="ngram",
    summary="Counts of word and character n-grams and a linear model; seconds.",
    paper="Wang and Manning, 2012",
    config=Config,
    fit=fit,
    restore=restore,
)
