"""`auto`: the best model that can be had in the time given, most often a blend of several.

First an n-gram model, which is there in seconds; then, for as long as there is time, networks that see what it does
not. All learn from the same texts and are tried on the same others; those that help are blended (Wolpert, 1992,
"Stacked Generalization"), and those that are quick then learn from all texts.

What was made, each with the number of its steps, is kept as `members`: with these the run can be repeated exactly, on
any machine and without a clock.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tenor import settings
from tenor.errors import SettingsError, TenorError
from tenor.models import backend, bag, blend, cnn, comparison, lstm, ngram, pretrained
from tenor.models.blend import Blend, Member
from tenor.models.family import Examples, Family, Fitted, HeldOut
from tenor.settings import require
from tenor.tasks import Floats, Value
from tenor.text import scripts
from tenor.watch import Watcher

Fit = Callable[[Family, Examples, Any, int, Watcher, float | None], Fitted]
"""(family, examples, config, seed, watcher, seconds) -> Fitted: how a model of any other family is fitted. With seconds
a network makes only as many steps as fit into them.
"""

_KNOWN = {family.name: family for family in (ngram.FAMILY, bag.FAMILY, cnn.FAMILY, lstm.FAMILY, pretrained.FAMILY)}
_HELD_OUT = 0.2  # share of the texts on which models are compared
_FEWEST_HELD, _LARGEST_SHARE = 500, 0.3
_MOST_HELD, _MOST_HELD_ENCODER = 5_000, 2_000  # an encoder takes long to score them
_FIRST_S, _FIRST_CHARACTERS_S = 3.0, 5e6  # about what the first n-gram model takes: seconds, and characters in one
_FIRST_TIMES = 3  # times as long is needed to compare models
_SHORTEST = 20.0  # seconds; with less left no network gets anywhere
_NETWORK_S = 12.0  # what a network costs besides its steps: loading Keras, the ONNX graph
_ENCODER_S, _ENCODER_TEXTS_S = 15.0, 60  # the same for an encoder; texts that it scores in a second
_FEWEST_ENCODER_S = 60.0  # less teaches an encoder nothing
_LEARNING_ENCODER_S = 150.0  # with this it adds more than other networks do, however few of the texts it sees
_FEWEST_WORDS_S = 30.0  # the same for networks that learn all of their words
_FEW, _FEWEST_TUNED = 1_000, 100  # texts: with fewer the encoder is tried as it is, or only so
_LONG, _SHORT = 256, 128  # tokens that an encoder reads of a text
_ENCODER_TOKENS_S = 3_500  # tokens that it learns from in a second, on two cores: enough to choose between the two
_CHARACTERS = 4.5  # of a token
_MANY = 4  # times as long as the first model took is left, where there is another of its kind
# Further n-gram models, for texts whose words stand apart and for those whose words do not.
_SPACED: tuple[dict[str, Any], ...] = ({"orders": [1, 2, 3]}, {"characters": [5], "minimum_texts": 3})
_UNSPACED: tuple[dict[str, Any], ...] = ({"characters": [1, 2]}, {"orders": [1], "characters": [1, 2, 3, 4]})
_UNSPACED_SCRIPTS = ("Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar")
_MORE_TEXTS = 1.3  # times as long as on a part, at most, to learn from all texts


@dataclass(frozen=True)
class Config:
    """Settings of `auto`."""

    budget: float | None = 180.0
    """Seconds for learning; reading the texts and measuring come on top. None: until there is nothing more to try."""
    members: tuple[str, ...] | None = None
    """Models to make, whatever time they take: each a family and settings of it, such as `bag steps=400`; none: what
    fits into `budget`."""
    maximum_size: float | None = None
    """Largest size of the blend, in MiB of weights and graphs; none: any."""
    maximum_latency: float | None = None
    """Longest time that the blend may take for a single text, in milliseconds, on this machine; none: any."""

    def __post_init__(self) -> None:
        require(self.budget is None or self.budget > 0, "budget", "must be above 0, or none")
        require(self.members is None or len(self.members) > 0, "members", "must name a model, or be none")
        for member in self.members or ():
            _parsed(member)
        for name in ("maximum_size", "maximum_latency"):
            limit = getattr(self, name)
            require(limit is None or limit > 0, name, "must be above 0, or none")


@dataclass(frozen=True)
class _Made:
    """A model, the settings asked for, what it says of the texts held out, and its price.

    Attributes:
        seconds: How long it took to fit.
        texts_per_s: How many texts it labels in a second.
        latency_ms: How long it takes for a single text (median).
        size_mib: Its weights and graphs.
    """

    family: Family
    wanted: dict[str, Any]
    fitted: Fitted
    logits: Floats
    seconds: float
    texts_per_s: float
    latency_ms: float
    size_mib: float


class _OutOfTimeError(Exception):
    """A model is not ready in time."""


class _Clock:
    """How much time there is left."""

    def __init__(self, budget: float | None) -> None:
        self.end = None if budget is None else time.perf_counter() + budget

    @property
    def left(self) -> float:
        return float("inf") if self.end is None else self.end - time.perf_counter()


class _Member(Watcher):
    """Tells of the progress of one model, and ends it when the time is over."""

    def __init__(self, watcher: Watcher, name: str, clock: _Clock) -> None:
        self.watcher, self.name, self.clock = watcher, name, clock

    def progress(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        if self.clock.left < 0:
            raise _OutOfTimeError
        self.watcher.progress(f"{self.name}, {step}", done, total, figures)


def combine(
    fit: Fit, examples: Examples, config: Config, seed: int, watcher: Watcher, ready: Callable[[Fitted], None]
) -> Fitted:
    """Make models, compare them, blend those that help.

    An interruption (Ctrl-C) after the first model ends the search, not the run. `ready` gets the first model, and
    each blend that is better than the one before.

    Raises:
        TenorError: A setting in `members` does not serve the task, a package is missing, or no model is as small and
            as quick as is asked for.
    """
    begin = time.perf_counter()
    clock = _Clock(None if config.members else config.budget)
    if config.members is None and not _compares(config, examples):
        return _alone(fit, examples, config, seed, watcher)
    encodes = _encodes(config, examples)
    most = _MOST_HELD_ENCODER if encodes else _MOST_HELD
    share = min(max(_HELD_OUT, _FEWEST_HELD / len(examples)), _LARGEST_SHARE, max(most / len(examples), 0.01))
    learned, held_out = examples.parted(share, seed)
    if not len(held_out):
        watcher.say("there are too few texts to compare models, so there is one of n-grams alone.")
        return _alone(fit, examples, config, seed, watcher)
    held_out = held_out.in_memory()
    made: list[_Made] = []
    members: tuple[Member, ...] = ()
    found: Fitted | None = None
    try:
        for family, wanted, seconds in _plan(config, learned, held_out, clock, encodes):
            told = _Member(watcher, family.name, clock if made else _Clock(None))
            try:
                made.append(_make(fit, family, wanted, seconds, (learned, held_out), seed, told))
            except _OutOfTimeError:
                watcher.say(f"{family.name}: not ready in time, and left out.")
                continue
            watcher.compared(family.name, _figures(made[-1], held_out))
            chosen, blended = _blended(made, held_out, config, begin)
            if blended is not None and (found is None or blended.history[-1]["weight"] > 0):
                found, members = blended, chosen
                ready(found)
    except KeyboardInterrupt:
        if found is None:
            raise
        watcher.say("interrupted: no further models are tried, and those that are ready are saved.")
    if found is None:
        raise _too_costly(config, made)
    rows = [_row(each, held_out, weight) for each, weight in _weighted(made, members)]
    if len(members) > 1 and found.held_out is not None:
        watcher.compared("blend", comparison.measured(found.held_out.logits, held_out))
    members = _on_all(fit, members, made, examples, config, seed, watcher, clock)
    return replace(
        found,
        model=Blend(members),
        config=replace(config, members=tuple(_described(each) for each in made)),
        timing={"fit_s": time.perf_counter() - begin},
        history=rows,
    )


def _blended(
    made: Sequence[_Made], held_out: Examples, config: Config, begin: float
) -> tuple[tuple[Member, ...], Fitted | None]:
    """The best blend of these models, and its members; None where each of them is too large or too slow."""
    task = held_out.task
    logits = [each.logits for each in made]
    weights = blend.choose(logits, held_out.targets, task, lambda numbers: _affords(config, [made[n] for n in numbers]))
    if not weights:
        return (), None
    members = tuple(
        Member(made[number].family, made[number].fitted.config, made[number].fitted.model, weight)
        for number, weight in weights.items()
    )
    return members, Fitted(
        task,
        Blend(members),
        replace(config, members=tuple(_described(each) for each in made)),
        {"fit_s": time.perf_counter() - begin},
        [_row(each, held_out, weights.get(number, 0.0)) for number, each in enumerate(made)],
        HeldOut(held_out.targets, blend.combined([logits[number] for number in weights], list(weights.values()))),
    )


def _weighted(made: Sequence[_Made], members: Sequence[Member]) -> list[tuple[_Made, float]]:
    weights = {id(member.model): member.weight for member in members}
    return [(each, weights.get(id(each.fitted.model), 0.0)) for each in made]


def _affords(config: Config, models: Sequence[_Made]) -> bool:
    """Whether all of these together are as small and as quick as is asked for."""
    size, latency = sum(each.size_mib for each in models), sum(each.latency_ms for each in models)
    return size <= (config.maximum_size or np.inf) and latency <= (config.maximum_latency or np.inf)


def _too_costly(config: Config, made: Sequence[_Made]) -> SettingsError:
    size, latency = min(each.size_mib for each in made), min(each.latency_ms for each in made)
    return SettingsError(
        "no model that was made is as small and as quick as is asked for: the smallest has "
        f"{size:.1f} MiB, the quickest takes {latency:.2f} ms for a text.",
        "Allow more ('maximum_size' or --max-size, 'maximum_latency' or --max-latency), or give more time (--budget).",
    )


def _compares(config: Config, examples: Examples) -> bool:
    """Whether there is time for more than one n-gram model, which learns best from all texts then."""
    texts = comparison.sample(examples)
    characters = len(examples) * float(np.mean([len(text) for text in texts])) if texts else 0.0
    return config.budget is None or config.budget > _FIRST_TIMES * (_FIRST_S + characters / _FIRST_CHARACTERS_S)


def _alone(fit: Fit, examples: Examples, config: Config, seed: int, watcher: Watcher) -> Fitted:
    """The n-gram model, fitted to all texts."""
    found = fit(ngram.FAMILY, examples, ngram.Config(), seed, watcher, None)
    texts = comparison.sample(examples)
    alone = _Made(ngram.FAMILY, {}, found, found.model.logits(texts[:1]), 0.0, 0.0, *comparison.price(found, texts))
    if not _affords(config, [alone]):
        raise _too_costly(config, [alone])
    members = (Member(ngram.FAMILY, found.config, found.model, 1.0),)
    return replace(found, model=Blend(members), config=replace(config, members=("ngram",)))


def _plan(
    config: Config, learned: Examples, held_out: Examples, clock: _Clock, encodes: bool
) -> Iterator[tuple[Family, dict[str, Any], float | None]]:
    """Which model to make next, with which settings, in how many seconds; asked again when that one is there."""
    if config.members is not None:
        for member in config.members:
            yield (*_parsed(member), None)
        return
    begin = time.perf_counter()
    yield ngram.FAMILY, {}, None
    first_s = time.perf_counter() - begin
    # Other features and another weighting hedge the first choice, which a part of the texts made.
    weighting = "tf-idf" if isinstance(learned.task, Value) else "tf-idf-naive-bayes"
    for features in _UNSPACED if _mostly(learned, _UNSPACED_SCRIPTS) else _SPACED:
        if clock.left > _MANY * first_s:
            yield ngram.FAMILY, {**features, "weighting": weighting}, None
    if not backend.installed():
        return
    # The n-gram models learn from all texts in the end, which takes about as long again.
    besides = _ENCODER_S + len(held_out) / _ENCODER_TEXTS_S + time.perf_counter() - begin
    if len(learned) < _FEW and encodes:
        yield pretrained.FAMILY, {"tune": "frozen"}, None
    if len(learned) >= _FEWEST_TUNED and encodes and clock.left - besides > _fewest_s(learned):
        seconds = clock.left - besides
        tokens = _LONG if _epoch_s(learned, _LONG) < seconds else _SHORT
        yield pretrained.FAMILY, {"maximum_tokens": tokens, "tune": "all"}, _share(seconds, 1.0)
    if clock.left > _SHORTEST:
        yield bag.FAMILY, {}, _share(clock.left - _NETWORK_S, 0.7)
    for family in (cnn.FAMILY, lstm.FAMILY):
        if clock.left > _FEWEST_WORDS_S + 2 * _NETWORK_S:
            yield family, {}, _share(clock.left - 2 * _NETWORK_S, 1.0)


def _share(left: float, share: float) -> float | None:
    return None if left == float("inf") else left * share


def _epoch_s(examples: Examples, tokens: int) -> float:
    """About how long an encoder takes to see each text once, in seconds, of which it reads so many tokens."""
    characters = np.mean([min(len(text), tokens * _CHARACTERS) for text in comparison.sample(examples)])
    return len(examples) * float(characters) / _CHARACTERS / _ENCODER_TOKENS_S


def _fewest_s(examples: Examples) -> float:
    """How long an encoder has to learn at least, in seconds: with less, other networks add more."""
    return max(_FEWEST_ENCODER_S, min(_epoch_s(examples, _SHORT), _LEARNING_ENCODER_S))


def _mostly(examples: Examples, names: Sequence[str]) -> bool:
    """Whether more than half of the texts are in these scripts."""
    wanted = [scripts.SCRIPTS.index(name) for name in names]
    return bool(np.isin(scripts.main_scripts(comparison.sample(examples)), wanted).mean() > 0.5)


def _encodes(config: Config, examples: Examples) -> bool:
    """Whether there are the time and a pretrained encoder that reads the script of most texts."""
    from tenor.models import hub

    if config.members is not None:
        return any(member.split()[0] == pretrained.FAMILY.name for member in config.members)
    if not backend.installed() or (config.budget is not None and config.budget < _FEWEST_ENCODER_S):
        return False
    if len(examples) >= _FEW and config.budget is not None:
        besides = _ENCODER_S + _MOST_HELD_ENCODER / _ENCODER_TEXTS_S
        if config.budget < _fewest_s(examples) + besides + _FIRST_TIMES * _FIRST_S:
            return False
    if not _mostly(examples, ("Latin",)):
        return False
    try:
        hub.find(pretrained.Config().model)
    except TenorError:
        return False
    return True


def _make(
    fit: Fit,
    family: Family,
    wanted: dict[str, Any],
    seconds: float | None,
    parts: tuple[Examples, Examples],
    seed: int,
    watcher: Watcher,
) -> _Made:
    learned, held_out = parts
    begin = time.perf_counter()
    fitted = fit(family, learned, _member_settings(family, wanted), seed, watcher, seconds)
    fitted_s = time.perf_counter() - begin
    begin = time.perf_counter()
    logits = fitted.model.logits(held_out.texts)
    texts_per_s = len(held_out) / (time.perf_counter() - begin)
    return _Made(
        family, wanted, fitted, logits, fitted_s, texts_per_s, *comparison.price(fitted, comparison.sample(held_out))
    )


def _on_all(
    fit: Fit,
    members: Sequence[Member],
    made: Sequence[_Made],
    examples: Examples,
    config: Config,
    seed: int,
    watcher: Watcher,
    clock: _Clock,
) -> tuple[Member, ...]:
    """The models fitted to all texts, with the settings chosen: those for which there is time, the quickest first.

    One that did not see all of its texts once has no use for more of them. What more texts make too large stays what
    it was, and an interruption ends it.
    """
    took = {id(each.fitted.model): each.seconds for each in made}
    price = {id(each.fitted.model): each for each in made}
    costs = [price[id(member.model)] for member in members]
    found = list(members)
    for number in sorted(range(len(members)), key=lambda number: took[id(members[number].model)]):
        member = members[number]
        if getattr(member.config, "steps", None) is None and took[id(member.model)] * _MORE_TEXTS < clock.left:
            told = _Member(watcher, f"{member.family.name}, all texts", _Clock(None))
            try:
                fitted = fit(member.family, examples, member.config, seed, told, None)
            except KeyboardInterrupt:
                watcher.say("interrupted: the models learn from no further texts, and are saved.")
                break
            _, size = comparison.price(fitted, examples.texts[:1])
            wider = [*costs]
            wider[number] = replace(costs[number], size_mib=size)
            if _affords(config, wider):
                costs, found[number] = wider, replace(member, model=fitted.model)
    return tuple(found)


def _member_settings(family: Family, values: dict[str, Any]) -> Any:
    """A network keeps no texts of its own back: all are compared on the same."""
    own = {} if family.build is None else {"validation": 0.0, "calibration": 0.0}
    return settings.make(family.config, own | values, f"members, {family.name}")


def _parsed(member: str) -> tuple[Family, dict[str, Any]]:
    name, *assignments = member.split()
    if name not in _KNOWN:
        raise SettingsError(f"setting 'members' names {name!r}.", settings.nearest(name, list(_KNOWN)))
    values = settings.parse_assignments(assignments)
    _member_settings(_KNOWN[name], values)
    return _KNOWN[name], values


def _described(made: _Made) -> str:
    """The model as `members` takes it: the family, the settings asked for, and what the clock made of them."""
    values = dict(made.wanted)
    if made.family.build is not None:
        values |= {key: getattr(made.fitted.config, key) for key in ("epochs", "steps")}
    told = (f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in values.items() if value is not None)
    return " ".join([made.family.name, *told])


def _figures(made: _Made, held_out: Examples) -> dict[str, float]:
    price = {"seconds": made.seconds, "texts_per_s": made.texts_per_s}
    price |= {"latency_ms": made.latency_ms, "size_mib": made.size_mib}
    return comparison.measured(made.logits, held_out) | price


def _row(made: _Made, held_out: Examples, weight: float) -> dict[str, Any]:
    """A row of the leaderboard."""
    chosen = json.dumps(settings.as_dict(made.fitted.config), ensure_ascii=False)
    return {"family": made.family.name, "weight": weight, **_figures(made, held_out), "settings": chosen}


FAMILY = Family(
    name="auto",
    summary="The best blend of models that can be made in the time given (--budget).",
    paper="Wolpert, 1992",
    config=Config,
    combine=combine,
)
