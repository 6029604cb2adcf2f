"""A model that may be tried: what is asked for, how it is written in `members`, and what was made of it."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tenor.config import settings
from tenor.config.settings import require
from tenor.errors import SettingsError
from tenor.models.auto import cost, distillation
from tenor.models.base import Examples, Fitted
from tenor.models.context import FitContext
from tenor.models.families import bag, cnn, lstm, ngram, pretrained
from tenor.models.family import Family
from tenor.tasks import Floats

_KNOWN = {family.name: family for family in (ngram.FAMILY, bag.FAMILY, cnn.FAMILY, lstm.FAMILY, pretrained.FAMILY)}
_UNLABELLED, _SEED = "unlabelled", "seed"
_MORE_TEXTS = 1.3  # times as long as on the part, at most, to learn from all texts


@dataclass(frozen=True)
class Candidate:
    """A model to make.

    Attributes:
        family: Its family.
        settings: The settings asked for.
        seconds: Time for a network to learn; None: as long as its settings take.
        unlabelled: Of how many texts without labels it learns what the blend before it says of them; None: of none, or
            of as many as there is time for.
        seed: Added to that of the run: 0, or what tells a further model of the same settings from the first.
    """

    family: Family
    settings: Mapping[str, Any]
    seconds: float | None = None
    unlabelled: int | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """What tells it from others on a leaderboard: `ngram 1-3 c5` has n-grams of 1 to 3 tokens and 5 characters."""
        grams = [_told(self.settings.get("word_ngrams")), _told(self.settings.get("char_ngrams"), "c")]
        others = ["+texts" if self.unlabelled else "", f"#{self.seed + 1}" if self.seed else ""]
        return " ".join(filter(None, [self.family.name, *grams, *others]))

    @property
    def config(self) -> Any:
        """Its settings; it keeps no texts of its own back, since all are compared on the same."""
        return settings.make(
            self.family.config, {**self.family.without_holdout, **self.settings}, f"members, {self.family.name}"
        )


def _told(lengths: Sequence[int] | None, kind: str = "") -> str:
    """Lengths of n-grams, in short; empty for none."""
    if not lengths:
        return ""
    first, last = min(lengths), max(lengths)
    return f"{kind}{first}" if first == last else f"{kind}{first}-{last}"


def parse(member: str, setting: str = "members", warn: bool = False) -> Candidate:
    """What a string of `members` asks for. Raises SettingsError."""
    name, *assignments = member.split()
    if name not in _KNOWN:
        raise SettingsError(f"setting {setting!r} names {name!r}.", settings.suggest(name, list(_KNOWN)))
    values = settings.parse_assignments(assignments)
    values = settings.current_names(_KNOWN[name].config, values, f"{setting}, {name}", warn)
    unlabelled, seed = values.pop(_UNLABELLED, None), values.pop(_SEED, 0)
    for key, value in ((_UNLABELLED, unlabelled), (_SEED, seed)):
        whole = value is None or (type(value) is int and value >= 0)
        require(whole, setting, f"{key} must be a whole number")
    candidate = Candidate(_KNOWN[name], values, None, unlabelled, seed or 0)
    _ = candidate.config
    return candidate


@dataclass(frozen=True)
class TrainedCandidate:
    """A fitted candidate, its logits on the held-out texts, and its cost.

    Attributes:
        candidate: What was fitted.
        fitted: The result of the fit.
        logits: Logits of the held-out texts, (texts, outputs).
        seconds: Seconds of the fit.
        texts_per_s: Texts scored per second.
        latency_ms: Median milliseconds to score one text.
        size_mib: MiB of weights and graphs.
        pseudo_labels: Unlabelled texts with probabilities of an earlier blend that it was also fitted to; None: none.
    """

    candidate: Candidate
    fitted: Fitted
    logits: Floats
    seconds: float
    texts_per_s: float
    latency_ms: float
    size_mib: float
    pseudo_labels: Examples | None = None

    @property
    def refit_seconds(self) -> float:
        """How long it takes, at most, to learn from all texts with the settings that were chosen."""
        return _MORE_TEXTS * (self.seconds - self.fitted.timing.get("choose_s", 0.0))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings asked for, and what the clock made of them."""
        values = dict(self.candidate.settings)
        values |= {key: getattr(self.fitted.config, key) for key in self.candidate.family.timed_settings}
        return {key: value for key, value in values.items() if value is not None}

    @property
    def as_member(self) -> str:
        """The model as `members` takes it: the family, its settings, and what it learned from besides."""
        others = {_UNLABELLED: self.candidate.unlabelled, _SEED: self.candidate.seed or None}
        values = self.settings | {key: value for key, value in others.items() if value is not None}
        told = (f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in values.items())
        return " ".join([self.candidate.family.name, *told])

    def metrics(self, held_out: Examples) -> dict[str, float]:
        """What it is worth, and what it costs."""
        price = {"seconds": self.seconds, "texts_per_s": self.texts_per_s}
        price |= {"latency_ms": self.latency_ms, "size_mib": self.size_mib}
        return cost.metrics_with_intervals(self.logits, held_out) | price

    def row(self, held_out: Examples, weight: float) -> dict[str, Any]:
        """A row of the leaderboard, with its weight in the blend."""
        chosen = json.dumps(settings.as_dict(self.fitted.config), ensure_ascii=False)
        return {"family": self.candidate.name, "weight": weight, **self.metrics(held_out), "settings": chosen}


def train(
    candidate: Candidate,
    learned: Examples,
    held_out: Examples,
    context: FitContext,
    pseudo_labels: Examples | None = None,
) -> TrainedCandidate:
    """Fit a model and try it on the texts held out."""
    begin = time.perf_counter()
    examples = learned if pseudo_labels is None else distillation.concatenate(learned, pseudo_labels)
    context = replace(context, seed=context.seed + candidate.seed, seconds=candidate.seconds)
    fitted = with_task(candidate.family.fit(examples, candidate.config, context), held_out)
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    logits = fitted.model.logits(held_out.texts)
    texts_per_s = len(held_out) / (time.perf_counter() - begin)
    price = cost.inference_cost(fitted, cost.sample(held_out))
    return TrainedCandidate(candidate, fitted, logits, seconds, texts_per_s, *price, pseudo_labels)


def with_task(fitted: Fitted, examples: Examples) -> Fitted:
    """The model as one of the task of these examples, should it have learned from probabilities."""
    return replace(fitted, task=examples.task, model=distillation.with_task(fitted.model, examples.task))


def within_limits(made: Sequence[TrainedCandidate], size: float | None, latency: float | None) -> bool:
    """Whether all of these together are as small (MiB) and as quick (milliseconds) as is asked for; None: any."""
    return sum(each.size_mib for each in made) <= (float("inf") if size is None else size) and sum(
        each.latency_ms for each in made
    ) <= (float("inf") if latency is None else latency)
