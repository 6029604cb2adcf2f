"""`ngram`: hashed n-grams of tokens and of characters, and a linear model, in seconds.

N-grams of characters see what words have in common (endings, compounds, misspellings), and punctuation; on few or short
texts they add much. There are several times as many of them as of words, so on much text they are not tried.

Three weightings of the counts:

    naive-bayes         presence of the n-gram, times the log-ratio of how often the classes use it
                        (Wang and Manning, 2012, "Baselines and Bigrams")
    tf-idf              (1 + log count) times inverse document frequency, each text scaled to length 1
    tf-idf-naive-bayes  tf-idf, times the log-ratio

None wins everywhere, and neither does any one set of n-grams or strength of regularisation, so what the settings leave
open is chosen by a quick validation on a part of the training texts.
"""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor import settings
from tenor.data import split
from tenor.data.split import Rows
from tenor.data.stored import Texts
from tenor.models import features, linear
from tenor.models.attribution import Attribution, spread
from tenor.models.family import Arrays, Examples, Family, Fitted, HeldOut
from tenor.models.features import Features, Weighting
from tenor.models.linear import Linear
from tenor.models.rows import Desired
from tenor.models.space import Choice, Range, Space
from tenor.settings import require
from tenor.tasks import Classes, Floats, LabelSet, Targets, Task, Value
from tenor.text import ngrams
from tenor.text.ngrams import BITS, Counts
from tenor.watch import Watcher

_TRIAL_ENTRIES = 2_000_000  # the quick validation sees about this many counts, so its time does not grow with the data
_TRIAL_TEXTS = 500
_TRIAL_MOST = 200_000  # texts, where they are on disk
_TRIAL_CLASS = 20  # texts of a class; where there is no room for so many of every class, some classes are tried
_FEWEST_CLASSES = 10
_VALIDATION = 0.5  # to measure is cheap, and much of the choice would be noise with fewer texts
# Orders of the n-grams of tokens and of characters.
_FIRST_GRAMS = (1, 2), ()
_OTHER_GRAMS = ((1,), ()), ((1, 2, 3), ())
_CHARACTER_GRAMS = ((), (1, 2, 3)), ((1, 2), (3, 4, 5))
CHARACTERS = 5_000_000
"""N-grams of characters are tried on training texts of up to this many characters in all."""

_FIRST_STRENGTH = {"naive-bayes": 0.3, "tf-idf": 30.0, "tf-idf-naive-bayes": 30.0}
_FIRST_STRENGTH_OF_SETS = {"naive-bayes": 0.3, "tf-idf": 10 / 3, "tf-idf-naive-bayes": 10 / 3}
_STRENGTH_STEP = 3.0
_STRENGTH_MOVES = 5
FOLDS, _MOST_FOLDS = 4, 20
"""Folds, each in turn left out of a fit, to see how probable labels look for texts that are new. One of `_SCORED` texts
is enough; the smaller its share, the more the model that scores it is like the one that is saved."""

_SCORED = 5_000  # so many of these texts are enough, but where rare labels need thresholds
_SCORED_SETS = 20_000  # and there, where the texts are on disk
_SCORED_CELLS, _FEWEST_SCORED = 1 << 24, 1_000  # of many classes, fewer texts do: they are scored for each class
_FOLDED = 100_000  # texts on disk; of more than these, no second model is fitted to see how the first does


@dataclass(frozen=True)
class Config:
    """Settings of `ngram`; none means: chosen by validation."""

    orders: tuple[int, ...] | None = None
    """Lengths of the n-grams in tokens, such as [1, 2]; where only `characters` is set, there are none."""
    characters: tuple[int, ...] | None = None
    """Lengths of the n-grams in characters, such as [3, 4, 5]; where only `orders` is set, there are none."""
    weighting: Weighting | None = None
    strength: float | None = None
    """C of the logistic regression: larger fits the training texts closer."""
    minimum_texts: int = 2
    """N-grams in fewer training texts than this are left out."""
    iterations: int = 20
    """At most this many steps of L-BFGS."""

    def __post_init__(self) -> None:
        for key in ("orders", "characters"):
            require(all(1 <= order <= 8 for order in getattr(self, key) or ()), key, "must be lengths from 1 to 8")
        empty = (self.orders, self.characters) in (((), None), (None, ()), ((), ()))
        require(not empty, "orders", "must be lengths from 1 to 8 where `characters` are none")
        require(self.strength is None or self.strength > 0, "strength", "must be above 0")
        require(self.minimum_texts >= 1, "minimum_texts", "must be 1 or more")
        require(self.iterations >= 1, "iterations", "must be 1 or more")

    @classmethod
    def space(cls, task: Task) -> Space:
        """What a search may change."""
        by_classes = {} if isinstance(task, Value) else {"weighting": Choice(get_args(Weighting))}
        return {
            "orders": Choice(((1,), (1, 2), (1, 2, 3))),
            "characters": Choice(((), (5,), (1, 2, 3), (3, 4, 5))),
            **by_classes,
            "strength": Range(0.01, 1_000.0, logarithmic=True),
            "minimum_texts": Range(1, 5, whole=True),
        }


@dataclass(frozen=True)
class NgramModel:
    """A linear model over the buckets that were kept.

    Attributes:
        orders: Lengths of the n-grams in tokens.
        characters: Lengths of the n-grams in characters.
        weighting: How counts become features.
        buckets: (features,) int32: the buckets that are features, the most frequent first.
        idf: (features,) float32, or empty where the weighting has none.
        linear: The weights, (features, outputs).
    """

    orders: tuple[int, ...]
    characters: tuple[int, ...]
    weighting: Weighting
    buckets: npt.NDArray[np.int32]
    idf: Floats
    linear: Linear

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return self.score(ngrams.count(texts, self.orders, self.characters))

    def score(self, counts: Counts) -> Floats:
        """Logits of shape (texts, outputs) of texts that are counts already."""
        return linear.logits(self.weighed(counts), self.linear)

    def weighed(self, counts: Counts) -> scipy.sparse.csr_matrix:
        """Features of texts that are counts already: (texts, features)."""
        return features.weigh(features.select(counts, self._columns, len(self.buckets)), self.weighting, self.idf)

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits: feature times weight, exactly.

        An n-gram's share goes to the tokens, or characters, of all places where it stands: to each the more, the more
        it adds by itself.
        """
        counts = ngrams.count(texts, self.orders, self.characters)
        matrix = self.weighed(counts)
        known = np.flatnonzero(self._columns[counts.buckets] >= 0)
        owner = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        weights = (self.linear.weights[matrix.indices] * directions[owner]).sum(axis=1, dtype=np.float64)
        shares = np.zeros(len(counts.buckets))
        shares[known] = matrix.data * weights
        results = []
        for row, text in enumerate(texts):
            share = shares[counts.row[row] : counts.row[row + 1]]
            spans = ngrams.spans(text, self.orders, self.characters)
            single = np.bincount(spans.at, minlength=len(share)) == counts.counts[counts.row[row] : counts.row[row + 1]]
            own = spread(spans, np.where(single, share, 0.0), len(text))
            characters = spread(spans, share, len(text), own)
            # What stands for the blanks around the text is no character's.
            base = float(self.linear.intercept @ directions[row]) + float(share.sum() - characters.sum())
            results.append(Attribution(characters, np.ones(len(text), bool), base))
        return results

    def represent(self, texts: Sequence[str]) -> scipy.sparse.csr_matrix:
        """The features, each times the length of its weights, and scaled to length 1: (texts, features)."""
        matrix = self.weighed(ngrams.count(texts, self.orders, self.characters))
        matrix.data = matrix.data * np.linalg.norm(self.linear.weights, axis=1)[matrix.indices]
        owner = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        length = np.sqrt(np.bincount(owner, matrix.data**2, len(texts)))
        matrix.data = (matrix.data / np.maximum(length, 1e-12)[owner]).astype(np.float32)
        return matrix

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
            "characters": list(self.characters),
            "weighting": self.weighting,
        }

    def graphs(self) -> dict[str, bytes]:
        return {}


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
    # A model that was saved before there were n-grams of characters does not name them.
    lengths = {"orders": encoder["orders"], "characters": encoder.get("characters", [])}
    grams = settings.make(Config, lengths, "encoder.json")
    if grams.orders is None or grams.characters is None:
        raise ValueError("the n-gram encoder has no orders")
    model = Linear(weights, arrays["intercept"])
    return NgramModel(grams.orders, grams.characters, encoder["weighting"], buckets, arrays["idf"], model)


def fit(examples: Examples, config: Config, seed: int, watcher: Watcher | None = None) -> Fitted:
    """Choose what `config` leaves open, then fit on all texts.

    Both are done with `examples.validation` where that is given. Else what is held out for calibration is scored by
    models that have learned from three quarters of the texts or more; of many texts on disk, a few are held out from
    the model itself, which it does not miss.
    """
    begin = time.perf_counter()
    chosen, tried = choose(
        lambda: _sample(examples, seed), lambda: _are_few(examples.texts), examples.task, config, seed
    )
    after_choice = time.perf_counter()
    assert chosen.weighting is not None
    task = examples.task
    fresh: Examples | None = None
    share = share_scored(len(examples), task) if isinstance(examples.texts, Texts) else None
    if examples.validation is not None:
        examples, fresh = examples.validated(0, seed)
    elif share is not None:
        examples, fresh = examples.parted(share, seed)
    counts = _count(examples.texts, chosen, watcher)
    after_encoding = time.perf_counter()
    model = _fit(counts, examples.targets, task, examples.weights, chosen, watcher)
    after_fit = time.perf_counter()
    if fresh is None:
        held_out = _held_out(examples, counts, chosen, seed)
    else:
        held_out = HeldOut(np.array(fresh.targets), model.logits(list(fresh.texts)))
    timing = {
        "choose_s": after_choice - begin,
        "encode_s": after_encoding - after_choice,
        "fit_s": after_fit - after_encoding,
        "calibrate_s": time.perf_counter() - after_fit,
    }
    return Fitted(task, model, chosen, timing, tried, held_out)


def _held_out(examples: Examples, counts: Counts, config: Config, seed: int) -> HeldOut | None:
    if len(examples) < FOLDS:
        return None
    task, targets = examples.task, examples.targets
    folds = folds_scored(list(examples.texts), targets, task, seed, examples.groups)
    scored = np.concatenate([rows for _, rows in folds])
    return HeldOut(targets[scored], out_of_fold(counts, targets, task, examples.weights, config, folds)[scored])


def share_scored(texts: int, task: Task) -> float | None:
    """Which share of so many texts on disk is held out from the model to see what it says of new ones; None: other
    models are fitted for that, since the texts are too few.
    """
    return None if texts <= _FOLDED else (_SCORED_SETS if isinstance(task, LabelSet) else _SCORED) / texts


def folds_scored(
    texts: Sequence[str], targets: Targets, task: Task, seed: int, groups: split.Groups | None = None
) -> list[tuple[Rows, Rows]]:
    """Texts that each of these other models learns from, and those that it scores."""
    count = wanted = FOLDS  # rare labels need all texts
    if not isinstance(task, LabelSet):
        count = max(FOLDS, min(len(texts) // _SCORED, _MOST_FOLDS))
        wanted = math.ceil(_SCORED * count / len(texts))
    folds = split.folds(texts, task.strata(targets), count, seed, groups)[:wanted]
    most = max(_FEWEST_SCORED, _SCORED_CELLS // task.outputs) // len(folds)
    random = np.random.default_rng((seed, 4))
    return [(kept, rows if len(rows) <= most else np.sort(random.permutation(rows)[:most])) for kept, rows in folds]


def _count(texts: Sequence[str], config: Config, watcher: Watcher | None = None) -> Counts:
    return ngrams.count(texts, config.orders or (), config.characters or (), watcher)


def _fit(
    counts: Counts, targets: Targets, task: Task, weights: Floats, config: Config, watcher: Watcher | None = None
) -> NgramModel:
    assert config.weighting is not None
    desired = Desired(task, targets)
    prepared = features.prepare(counts, desired, config.weighting, config.minimum_texts)
    return _solve(prepared, desired, task, weights, config, watcher)


def _solve(
    prepared: Features,
    desired: Floats | Desired,
    task: Task,
    weights: Floats,
    config: Config,
    watcher: Watcher | None = None,
) -> NgramModel:
    assert config.orders is not None and config.characters is not None
    assert config.weighting is not None and config.strength is not None
    model = linear.fit(
        prepared.matrix,
        desired,
        task.activation,
        config.strength,
        prepared.scale,
        weights,
        iterations=config.iterations,
        watcher=watcher,
    )
    return NgramModel(config.orders, config.characters, config.weighting, prepared.buckets, prepared.idf, model)


def out_of_fold(
    counts: Counts, targets: Targets, task: Task, weights: Floats, config: Config, folds: Sequence[tuple[Rows, Rows]]
) -> Floats:
    """What models say of the texts that they have not learned from, (texts, outputs) logits.

    Args:
        counts: Counts of all texts.
        targets: What `task.encode` makes of their labels.
        task: What is predicted.
        weights: (texts,) how much each counts.
        config: Settings of which none is left open.
        folds: Texts to learn from and texts to score; a text is scored once at most, those that never are get zeros.
    """
    logits = np.zeros((len(targets), task.outputs), np.float32)
    for learned, scored in folds:
        model = _fit(ngrams.take(counts, learned), targets[learned], task, weights[learned], config)
        logits[scored] = model.score(ngrams.take(counts, scored))
    return logits


def drawn(texts: int, seed: int, on_disk: bool) -> Rows:
    """Which of so many texts the quick validation sees, in the order that they are drawn in."""
    random = np.random.default_rng((seed, 1))
    many = on_disk and texts > _TRIAL_MOST
    return random.choice(texts, _TRIAL_MOST, replace=False) if many else random.permutation(texts)


def _sample(examples: Examples, seed: int) -> Examples:
    if not isinstance(examples.texts, Texts):
        taken = examples.take(drawn(len(examples), seed, on_disk=False))
        return replace(taken, validation=examples.validation)
    order = drawn(len(examples), seed, on_disk=True)
    rising = np.sort(order)  # read one after the other
    return examples.take(rising).in_memory().take(np.searchsorted(rising, order))


def _are_few(texts: Sequence[str]) -> bool:
    return all(size <= CHARACTERS for size in itertools.accumulate(map(len, texts)))


def choose(
    sample: Callable[[], Examples], are_few: Callable[[], bool], task: Task, config: Config, seed: int
) -> tuple[Config, list[dict[str, Any]]]:
    """Fill in what `config` leaves open: for each weighting the best strength, then the n-grams for the best weighting.

    Settings are compared on the trial's second part by log loss, which is far less noisy than accuracy; where a text
    has several labels by F1; where numbers are learned by the squared error. Other n-grams than the first have to be
    better by more than the standard error of the difference, since they cost time.

    Args:
        sample: Tells the texts that were `drawn`, in that order.
        are_few: Tells whether the training texts have at most CHARACTERS characters in all.
        task: What is predicted.
        config: The settings.
        seed: Seed of the draw.

    Returns:
        The settings, and a row for each that was tried.
    """
    open_grams = config.orders is None and config.characters is None
    orders, characters = _FIRST_GRAMS if open_grams else (config.orders or (), config.characters or ())
    start = replace(config, orders=orders, characters=characters)
    weightings = get_args(Weighting) if config.weighting is None else (config.weighting,)
    if isinstance(task, Value):  # the others weigh by how often the classes use an n-gram
        require(config.weighting in (None, "tf-idf"), "weighting", "must be tf-idf where numbers are learned")
        weightings = ("tf-idf",)
    if not open_grams and None not in (config.weighting, config.strength):
        return start, []
    trial = _Trial(sample(), start, seed)
    best = min((_climb(trial, replace(start, weighting=weighting)) for weighting in weightings), key=trial.loss)
    if open_grams:
        grams = (*_OTHER_GRAMS, *(_CHARACTER_GRAMS if are_few() else ()))
        others = [trial.with_grams(best, orders, characters) for orders, characters in grams]
        chosen = min([best, *(other for other in others if trial.clearly_better(other, best))], key=trial.loss)
        if chosen is not best and isinstance(task, LabelSet):
            chosen = _climb(trial, replace(chosen, strength=None), chosen.strength)
        best = chosen
    return best, trial.tried


def _climb(trial: "_Trial", config: Config, first: float | None = None) -> Config:
    """The best strength for this weighting, by steps of 3 while the loss falls: from a usual one up or else down; from
    `first`, which was the best with fewer n-grams, only down: many n-grams that fit closely cost the rare labels.
    """
    assert config.weighting is not None
    if config.strength is not None:
        return config
    usual = _FIRST_STRENGTH_OF_SETS if isinstance(trial.task, LabelSet) else _FIRST_STRENGTH
    best = replace(config, strength=first or usual[config.weighting])
    for step in (_STRENGTH_STEP, 1 / _STRENGTH_STEP) if first is None else (1 / _STRENGTH_STEP,):
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


def _of_some_classes(examples: Examples, config: Config, order: Rows) -> tuple[Examples, Rows]:
    """Of thousands of classes, so many that a trial sees enough texts of each; `order` is that of the texts."""
    task = examples.task
    if not isinstance(task, Classes):
        return examples, order
    some = examples.take(order[:_TRIAL_TEXTS])
    entries = max(1, len(_count(some.texts, config).buckets) / max(1, len(some)))
    # Time grows with classes times texts.
    most = max(_FEWEST_CLASSES, int(math.sqrt(3 * _TRIAL_ENTRIES / (_TRIAL_CLASS * entries))))
    if len(task.labels) <= most:
        return examples, order
    numbers = np.unique(examples.targets[order], return_index=True)
    chosen = np.sort(numbers[0][np.argsort(numbers[1])[:most]])  # those of the first texts, as they are in random order
    parts = [_of_classes(part, chosen, rows) for part, rows in _parts(examples, order)]
    return replace(parts[0], validation=parts[1] if parts[1:] and len(parts[1]) else None), np.arange(len(parts[0]))


def _parts(examples: Examples, order: Rows) -> list[tuple[Examples, Rows]]:
    validation = examples.validation
    return [(examples, order)] + ([] if validation is None else [(validation, np.arange(len(validation)))])


def _of_classes(examples: Examples, chosen: Rows, order: Rows) -> Examples:
    """The examples of these classes alone, in this order."""
    assert isinstance(examples.task, Classes)
    found = examples.take(order[np.isin(examples.targets[order], chosen)])
    task = Classes(tuple(examples.task.labels[number] for number in chosen))
    return replace(found, task=task, targets=np.searchsorted(chosen, found.targets).astype(np.int32))


class _Trial:
    """The quick validation: of a sample of the texts, a part to fit on and a part to measure on."""

    def __init__(self, examples: Examples, config: Config, seed: int) -> None:
        examples, order = _of_some_classes(examples, config, np.arange(len(examples)))
        self.task = examples.task
        lengths = np.array([len(examples.texts[row]) for row in order])
        some = examples.take(order[:_TRIAL_TEXTS])
        per_character = len(_count(some.texts, config).buckets) / max(1, lengths[: len(some)].sum())
        cost = self.task.outputs / (12 if isinstance(self.task, LabelSet) else 3)  # rare labels need more texts
        entries = int(_TRIAL_ENTRIES / max(1.0, cost))
        room = np.searchsorted(np.cumsum(lengths) * per_character, entries)
        order = order[: max(int(room), _TRIAL_TEXTS)]
        if examples.validation is not None:
            others = np.random.default_rng((seed, 1)).permutation(len(examples.validation))[: len(order)]
            self.fitted, self.measured = examples.take(order), examples.validation.take(others)
        else:
            self.fitted, self.measured = examples.take(order).parted(_VALIDATION, seed)
        if not len(self.measured):  # very few rows, or all of them linked
            half = int(len(order) * _VALIDATION)
            self.fitted, self.measured = (examples.take(part) for part in (order[half:], order[:half]))
        self.desired = self.task.desired(self.fitted.targets)
        self.counts: dict[Config, tuple[Counts, ...]] = {}
        self.prepared: tuple[Any, ...] = (None,)  # the features of the last n-grams and weighting
        self.losses: dict[Config, Floats] = {}
        self.tried: list[dict[str, Any]] = []

    def loss(self, config: Config) -> float:
        """Loss of these settings on the part to measure on."""
        return float(self._losses(config).mean())

    def with_grams(self, config: Config, orders: tuple[int, ...], characters: tuple[int, ...]) -> Config:
        """The settings with other n-grams. Where a text's features are not scaled to length 1, more of them fit closer,
        so the strength is less.
        """
        other = replace(config, orders=orders, characters=characters)
        if config.weighting != "naive-bayes" or config.strength is None:
            return other
        entries, others = (len(self._counted(each)[0].buckets) for each in (config, other))
        return replace(other, strength=config.strength * entries / max(others, 1))

    def clearly_better(self, config: Config, other: Config) -> bool:
        """Whether the log loss of `config` is lower by more than the standard error of the difference."""
        gain = self._losses(other) - self._losses(config)
        return float(gain.mean()) > float(gain.std() / np.sqrt(len(gain)))

    def _losses(self, config: Config) -> Floats:
        if config not in self.losses:
            self.losses[config] = self._measure(config)
        return self.losses[config]

    def _counted(self, config: Config) -> tuple[Counts, ...]:
        grams = replace(config, weighting=None, strength=None)
        if grams not in self.counts:
            self.counts[grams] = tuple(_count(part.texts, config) for part in (self.fitted, self.measured))
        return self.counts[grams]

    def _measure(self, config: Config) -> Floats:
        assert config.weighting is not None
        weighted = replace(config, strength=None)
        counts, others = self._counted(config)
        if self.prepared[0] != weighted:
            prepared = features.prepare(counts, self.desired, config.weighting, config.minimum_texts)
            selected = features.select(others, ngrams.positions(prepared.buckets), len(prepared.buckets))
            matrix = features.weigh(selected, config.weighting, prepared.idf)
            self.prepared = weighted, prepared, matrix
        _, prepared, matrix = self.prepared
        model = _solve(prepared, self.desired, self.task, self.fitted.weights, config)
        logits = linear.logits(matrix, model.linear)
        of_text = self.task.misses if isinstance(self.task, LabelSet) else self.task.losses
        losses = of_text(self.measured.targets, logits)
        self.tried.append(
            {
                "orders": " ".join(map(str, config.orders or ())),
                "characters": " ".join(map(str, config.characters or ())),
                "weighting": config.weighting,
                "strength": config.strength,
                "loss": float(losses.mean()),
                **self.task.measure(self.measured.targets, logits),
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
