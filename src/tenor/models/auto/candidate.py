"""A candidate of a search: what to train, how `members` writes it, and the trained model with its cost."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.config import settings as family_settings
from tenor.config.settings import require
from tenor.errors import SettingsError
from tenor.models.auto import cost, distillation
from tenor.models.base import Examples, FamilyConfig, Fitted, HistoryRow
from tenor.models.context import FitContext
from tenor.models.families import bag, cnn, lstm, ngram, pretrained
from tenor.models.family import Family, NetworkFamily
from tenor.tasks import Floats

_FAMILIES = {family.name: family for family in (ngram.FAMILY, bag.FAMILY, cnn.FAMILY, lstm.FAMILY, pretrained.FAMILY)}
_UNLABELLED, _SEED = "unlabelled", "seed"
_REFIT_TIMES = 1.3  # a refit on all texts takes at most this many times as long as the fit on a part


class Limits(NamedTuple):
    """Limits of a blend; None: no limit.

    Attributes:
        size_mib: MiB of weights and graphs.
        latency_ms: Milliseconds to score one text.
    """

    size_mib: float | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model to train.

    Attributes:
        family: Its family.
        settings: The settings to set; others have their defaults.
        seconds: Time for a network to train; None: as long as its settings take.
        unlabelled: Number of unlabelled texts to train on, with the predictions of the blend; None: none, or as many
            as there is time for.
        seed: Added to the seed of the run; above 0 for further models with the same settings.
    """

    family: Family
    settings: Mapping[str, object]
    seconds: float | None = None
    unlabelled: int | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """The name on the leaderboard, such as `ngram 1-3 c5`: n-grams of 1 to 3 tokens and of 5 characters."""
        orders = [_lengths(self.settings.get("word_ngrams")), _lengths(self.settings.get("char_ngrams"), "c")]
        suffixes = ["+texts" if self.unlabelled else "", f"#{self.seed + 1}" if self.seed else ""]
        return " ".join(filter(None, [self.family.name, *orders, *suffixes]))

    @property
    def config(self) -> FamilyConfig:
        """The config of the family. It holds no texts out, since all candidates are compared on the same texts."""
        return self._make({**self.family.without_holdout, **self.settings})

    @property
    def config_with_folds(self) -> FamilyConfig:
        """The config with which the family scores held-out folds itself."""
        return self._make(dict(self.settings))

    @property
    def scores_folds(self) -> bool:
        """Whether a fit scores held-out folds at little cost: n-gram models and frozen encoders do."""
        return not isinstance(self.family, NetworkFamily) or self.is_frozen

    @property
    def is_frozen(self) -> bool:
        """Whether this is an encoder with frozen weights."""
        return self.settings.get("tune") == "frozen"

    def _make(self, values: dict[str, object]) -> FamilyConfig:
        return family_settings.make(self.family.config, values, tr("members, {name}", name=self.family.name))


def _lengths(lengths: object, prefix: str = "") -> str:
    """The range of lengths of n-grams; empty for none."""
    if not isinstance(lengths, Sequence) or not lengths:
        return ""
    first, last = min(lengths), max(lengths)
    return f"{prefix}{first}" if first == last else f"{prefix}{first}-{last}"


def parse(member: str, setting: str = "members", warn: bool = False) -> Candidate:
    """Parse a member such as `bag epochs=2`.

    Args:
        member: A family and its settings.
        setting: The setting that holds it, for errors.
        warn: Whether to warn of former names of settings.

    Raises:
        SettingsError: There is no such family, or a setting is wrong.
    """
    name, *assignments = member.split()
    if name not in _FAMILIES:
        raise SettingsError(
            tr("setting {setting!r} names {name!r}.", setting=setting, name=name),
            family_settings.suggest(name, list(_FAMILIES)),
        )
    family = _FAMILIES[name]
    values = family_settings.parse_assignments(assignments)
    values = family_settings.current_names(family.config, values, f"{setting}, {name}", warn)
    unlabelled, seed = values.pop(_UNLABELLED, None), values.pop(_SEED, 0)
    for key, value in ((_UNLABELLED, unlabelled), (_SEED, seed)):
        is_count = value is None or (type(value) is int and value >= 0)
        require(is_count, setting, tr("{key} must be a whole number", key=key))
    candidate = Candidate(family=family, settings=values, unlabelled=unlabelled, seed=seed or 0)
    _ = candidate.config
    return candidate


@dataclass(frozen=True, kw_only=True)
class TrainedCandidate:
    """A fitted candidate, its logits on the validation texts, and its cost.

    Attributes:
        candidate: What was fitted.
        fitted: The result of the fit.
        logits: Logits of the validation texts, (texts, outputs); NaN for a text that it did not score.
        seconds: Seconds of all its fits.
        fit_s: Seconds of one fit, the choice of settings included.
        texts_per_s: Texts scored per second.
        latency_ms: Median milliseconds to score one text.
        size_mib: MiB of weights and graphs.
        pseudo_labels: Unlabelled texts with predictions of the blend that it was also fitted to; None: none.
    """

    candidate: Candidate
    fitted: Fitted
    logits: Floats
    seconds: float
    fit_s: float
    texts_per_s: float
    latency_ms: float
    size_mib: float
    pseudo_labels: Examples | None = None

    @property
    def refit_seconds(self) -> float:
        """The maximum seconds of a fit to all texts, with the settings that were chosen."""
        return _REFIT_TIMES * (self.fit_s - self.fitted.timing.get("choose_s", 0.0))

    def refit_seconds_if(self, cross_validated: bool) -> float:
        """`refit_seconds`, or 0 for a cross-validated candidate that was fitted to all texts already."""
        return 0.0 if cross_validated and self.candidate.scores_folds else self.refit_seconds

    @property
    def scored_rows(self) -> npt.NDArray[np.int64]:
        """The validation texts that it scored."""
        return np.flatnonzero(~np.isnan(self.logits).any(axis=1))

    @property
    def settings(self) -> dict[str, object]:
        """The settings of the candidate, and those that record how far a fit with limited time came."""
        values = dict(self.candidate.settings)
        values |= {key: getattr(self.fitted.config, key) for key in self.candidate.family.timed_settings}
        return {key: value for key, value in values.items() if value is not None}

    @property
    def as_member(self) -> str:
        """The model as an item of `members`, which repeats the fit: its family, its settings, its further texts."""
        extra = {_UNLABELLED: self.candidate.unlabelled, _SEED: self.candidate.seed or None}
        values = self.settings | {key: value for key, value in extra.items() if value is not None}
        assignments = (f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in values.items())
        return " ".join([self.candidate.family.name, *assignments])

    def metrics(self, validation: Examples) -> dict[str, float]:
        """The validation metrics with their intervals, and the cost."""
        rows = self.scored_rows
        return cost.metrics_with_intervals(self.logits[rows], validation.targets[rows], validation.task) | {
            "seconds": self.seconds,
            "texts_per_s": self.texts_per_s,
            "latency_ms": self.latency_ms,
            "size_mib": self.size_mib,
        }

    def row(self, validation: Examples, weight: float) -> HistoryRow:
        """A row of the leaderboard, with the weight in the blend."""
        chosen = json.dumps(family_settings.as_dict(self.fitted.config), ensure_ascii=False)
        return {"family": self.candidate.name, "weight": weight, **self.metrics(validation), "settings": chosen}


def train(
    candidate: Candidate,
    examples: Examples,
    validation: Examples,
    context: FitContext,
    pseudo_labels: Examples | None = None,
) -> TrainedCandidate:
    """Fit a candidate and score the validation texts with it.

    Raises:
        TenorError: A setting does not fit the task, or a package is missing.
    """
    started_at = time.perf_counter()
    if pseudo_labels is not None:
        examples = distillation.concatenate(examples, pseudo_labels)
    context = replace(context, seed=context.seed + candidate.seed, seconds=candidate.seconds)
    fitted = with_task(candidate.family.fit(examples, candidate.config, context), validation)
    seconds = time.perf_counter() - started_at
    started_at = time.perf_counter()
    logits = fitted.model.logits(validation.texts)
    texts_per_s = len(validation) / (time.perf_counter() - started_at)
    inference_cost = cost.inference_cost(fitted, cost.sample(validation))
    return TrainedCandidate(
        candidate=candidate,
        fitted=fitted,
        logits=logits,
        seconds=seconds,
        fit_s=seconds,
        texts_per_s=texts_per_s,
        latency_ms=inference_cost.latency_ms,
        size_mib=inference_cost.size_mib,
        pseudo_labels=pseudo_labels,
    )


def with_task(fitted: Fitted, examples: Examples) -> Fitted:
    """The model with the task of these examples, if it was fitted to probabilities."""
    return replace(fitted, task=examples.task, model=distillation.with_task(fitted.model, examples.task))


def within_limits(trained: Sequence[TrainedCandidate], limits: Limits) -> bool:
    """Whether these candidates together keep the limits."""
    return sum(each.size_mib for each in trained) <= (
        float("inf") if limits.size_mib is None else limits.size_mib
    ) and sum(each.latency_ms for each in trained) <= (float("inf") if limits.latency_ms is None else limits.latency_ms)
