"""`auto`: the best model that can be had in the time given, most often a blend of several.

First an n-gram model, which is there in seconds; then, for as long as there is time, networks that see what it does
not, and these again from other random numbers. All learn from the same texts and are tried on the same others; those
that help are blended (Wolpert, 1992, "Stacked Generalization"), and those that are quick then learn from all texts.

What was made, each with the number of its steps, is kept as `members`: with these the run can be repeated exactly, on
any machine and without a clock.
"""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tenor._core.callbacks import Callback
from tenor.config.settings import Seconds, require, setting
from tenor.errors import SettingsError
from tenor.evaluation import calibration
from tenor.models.auto import blend, candidate, cost, distillation, plan
from tenor.models.auto.blend import Blend, Member
from tenor.models.auto.candidate import Candidate, TrainedCandidate
from tenor.models.auto.executor import Call, map_ordered
from tenor.models.auto.plan import Clock
from tenor.models.base import Examples, Fitted, HeldOut
from tenor.models.context import FitContext
from tenor.models.families import ngram
from tenor.models.family import EnsembleFamily, Family

_USUAL_S = Seconds(180.0)
_LEFT_SHARE = 0.1  # of the time, and more that is left, is told of
_DISTILLED_SHARE = 0.25  # of the time is for the small model that learns from the blend


@dataclass(frozen=True)
class Config:
    """Settings of `auto`."""

    budget: Seconds | None = setting(
        _USUAL_S,
        "seconds for training, or a time such as `5m`; none: until nothing improves the blend",
    )
    members: tuple[str, ...] | None = setting(
        None,
        "models to train, whatever time they take: each a family and its settings; none: what fits into `budget`",
    )
    maximum_size: float | None = setting(None, "maximum size of the blend, in MiB of weights and graphs")
    maximum_latency: float | None = setting(
        None,
        "maximum time of the blend for one text, in milliseconds, on this machine",
    )
    distil: str | None = setting(
        None,
        "a model that learns the predictions of the blend and replaces it: a family and its settings; none: keep "
        "the blend",
    )

    def __post_init__(self) -> None:
        require(self.budget is None or self.budget > 0, "budget", "must be above 0, or none")
        require(self.members is None or len(self.members) > 0, "members", "must name a model, or be none")
        for member in self.members or ():
            candidate.parse(member)
        if self.distil is not None:
            candidate.parse(self.distil, "distil")
        for name in ("maximum_size", "maximum_latency"):
            limit = getattr(self, name)
            require(limit is None or limit > 0, name, "must be above 0, or none")


class _OutOfTimeError(Exception):
    """A model is not ready in time."""


class _Member(Callback):
    """Tells of the progress of one model, and ends it when the time is over."""

    def __init__(self, callback: Callback, name: str, clock: Clock) -> None:
        self.callback, self.name, self.clock = callback, name, clock

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        if self.clock.left < 0:
            raise _OutOfTimeError
        self.callback.on_progress(f"{self.name}, {stage}", done, total, metrics)

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        self.callback.log_metrics(f"{self.name}/{kind}", step, metrics)


def combine(
    examples: Examples,
    config: Config,
    context: FitContext,
) -> Fitted:
    """Make models, compare them, blend those that help; and have a small model learn from the blend, where one is asked
    for.

    An interruption (Ctrl-C) after the first model ends the search, not the run. `context.on_candidate` gets the first
    model, and each blend that is better than the one before. `context.executor` makes models elsewhere, several at a
    time.

    Raises:
        TenorError: A setting in `members` does not serve the task, a package is missing, or no model is as small and
            as quick as is asked for.
    """
    begin, seed, callback = time.perf_counter(), context.seed, context.callback
    whole = Clock(None if config.members else config.budget)
    share = 1.0 if config.distil is None else 1 - _DISTILLED_SHARE
    clock = Clock(None if config.members or config.budget is None else share * config.budget)
    several = config.members is not None or config.distil is not None or len(examples.unlabelled) > 0
    if not several and not plan.compares(config.budget, examples):
        return _alone(examples, config, context)
    encodes = plan.encodes(config.members, config.budget, examples)
    learned, held_out = examples.train_validation_split(plan.held_share(len(examples), encodes), seed)
    if not len(held_out):
        callback.on_message("there are too few texts to compare models, so there is one of n-grams alone.")
        return _alone(examples, config, context)
    held_out, learned = held_out.in_memory(), replace(learned, unlabelled=examples.unlabelled)
    made: list[TrainedCandidate] = []
    members: tuple[Member, ...] = ()
    found: Fitted | None = None
    try:
        parts = (learned, held_out)
        planned = plan.plan(
            *(config.members, *parts, clock, encodes, made),
            lambda: [each for each, weight in _weighted(made, members) if weight > 0],
        )

        def taught(asked: Candidate) -> Examples | None:
            return _taught(found, asked, learned.unlabelled, seed)

        making = _making(planned, config, parts, context, clock, taught)
        with contextlib.closing(making):
            for asked, each in making:
                if each is None:
                    callback.on_message(f"{asked.name}: not ready in time, and left out.")
                    continue
                made.append(each)
                callback.on_candidate_end(asked.name, each.metrics(held_out))
                chosen, blended = _blended(made, held_out, config, begin)
                if blended is not None and (found is None or blended.history[-1]["weight"] > 0):
                    found, members = blended, chosen
                    if context.on_candidate is not None:
                        context.on_candidate(found)
        if config.budget is not None and config.members is None and clock.left > _LEFT_SHARE * config.budget:
            callback.on_message(f"no further model that could help fits into the {clock.left:.0f} s that are left.")
    except KeyboardInterrupt:
        if found is None:
            raise
        callback.on_message("interrupted: no further models are tried, and those that are ready are saved.")
    if found is None:
        raise _too_costly(config, made)
    rows = [each.row(held_out, weight) for each, weight in _weighted(made, members)]
    if len(members) > 1 and found.held_out is not None:
        callback.on_candidate_end("blend", cost.metrics_with_intervals(found.held_out.logits, held_out))
    found = replace(found, history=rows, config=replace(config, members=tuple(each.as_member for each in made)))
    if config.distil is None:
        if examples.validation is None:
            members = _on_all(members, made, examples, config, context, clock)
        found = replace(found, model=Blend(members))
    else:
        found = _distilled(found, learned, held_out, context, whole)
    return replace(found, timing={"fit_s": time.perf_counter() - begin})


def _making(
    planned: Iterator[Candidate | None],
    config: Config,
    parts: tuple[Examples, Examples],
    context: FitContext,
    clock: Clock,
    taught: Callable[[Candidate], Examples | None],
) -> Generator[tuple[Candidate, TrainedCandidate | None]]:
    """The models of the plan, in its order; None for one that is not ready in time. The first has all the time."""
    given = ready = 0
    learned, held_out = parts
    seed, executor = context.seed, context.executor
    if executor is None:
        for asked in filter(None, planned):
            told = _Member(context.callback, asked.name, clock if ready else Clock(None))
            made = _in_time(asked, parts, context.for_member(seed, told), taught(asked))
            ready += made is not None
            yield asked, made
        return
    shared = executor.put((replace(learned.in_memory(), unlabelled=()), held_out))

    def calls() -> Iterator[Call | None]:
        asked_for = 0
        for asked in planned:
            if asked is None:
                while given < asked_for:
                    yield None
                continue
            asked_for += 1
            yield (
                asked,
                _made_there,
                (shared, context.for_member(seed), asked, clock.moment if ready else None, taught(asked)),
            )

    def most() -> int:  # what the first takes tells what else there is time for
        return executor.max_workers if ready or config.members else 1

    for asked, made in map_ordered(executor, calls(), most):
        given += 1
        ready += made is not None
        yield asked, made


def _made_there(
    parts: tuple[Examples, Examples],
    context: FitContext,
    asked: Candidate,
    deadline: float | None,
    taught: Examples | None,
) -> TrainedCandidate | None:
    """A model made on another machine, until a deadline in seconds since 1970."""
    told = _Member(Callback(), asked.name, Clock(None if deadline is None else deadline - time.time()))
    return _in_time(asked, parts, replace(context, callback=told), taught)


def _in_time(
    asked: Candidate,
    parts: tuple[Examples, Examples],
    context: FitContext,
    taught: Examples | None,
) -> TrainedCandidate | None:
    try:
        return candidate.train(asked, *parts, context, taught)
    except _OutOfTimeError:
        return None


def _taught(found: Fitted | None, asked: Candidate, texts: Sequence[str], seed: int) -> Examples | None:
    """The texts without labels that a model is to learn from, with what the blend says of them; None: no such texts.

    Raises:
        SettingsError: `members` ask for more of them than there are, or before there is a model that could tell.
    """
    if not asked.unlabelled:
        return None
    require(found is not None, "members", "must name a model first that learns from labels alone")
    _check(asked, texts, "members")
    assert found is not None
    return _teacher(found).pseudo_label(distillation.sample_texts(texts, asked.unlabelled, seed))


def _check(asked: Candidate, texts: Sequence[str], setting: str) -> None:
    number = asked.unlabelled or 0
    there = f"asks for {number:,} texts without labels, and there are {len(texts):,}: see `unlabelled=...`"
    require(number <= len(texts), setting, there)


def _teacher(found: Fitted) -> distillation.Teacher:
    assert found.held_out is not None
    targets, logits, _ = found.held_out
    right = calibration.fit(targets, logits, found.task)
    return distillation.Teacher(found.model, found.task, right)


def _distilled(found: Fitted, learned: Examples, held_out: Examples, context: FitContext, clock: Clock) -> Fitted:
    """A model of the family that `distil` names, which has learned what the blend says.

    The texts held out are not learned from: they tell what is lost, and calibrate. Of texts without labels there are as
    many as the blend can label in half of the time.
    """
    config, teacher = found.config, _teacher(found)
    asked = candidate.parse(str(config.distil), "distil", warn=True)
    _check(asked, learned.unlabelled, "distil")
    number = asked.unlabelled
    if number is None:
        rate = 1 / sum(1 / row["texts_per_s"] for row in found.history if row["weight"])
        number = int(min(len(learned.unlabelled), max(0.0, rate * clock.left / 2 - len(learned))))
    examples = teacher.soften(learned)
    if number:
        examples = distillation.concatenate(
            examples, teacher.pseudo_label(distillation.sample_texts(learned.unlabelled, number, context.seed))
        )
    seconds = None if clock.left == float("inf") else max(1.0, clock.left)
    # What the blend says is soft enough.
    wanted = {**asked.family.for_soft_targets, **asked.settings}
    asked = replace(asked, settings=wanted, seconds=seconds, unlabelled=number)
    told = _Member(context.callback, f"distilled {asked.family.name}", Clock(None))
    made = candidate.train(asked, examples, held_out, context.for_member(context.seed, told))
    context.callback.on_candidate_end(f"distilled {asked.family.name}", made.metrics(held_out))
    if not candidate.within_limits([made], config.maximum_size, config.maximum_latency):
        raise _too_costly(config, [made])
    row = {**made.row(held_out, 1.0), "family": f"distilled {asked.family.name}"}
    return replace(
        found,
        model=Blend((Member(asked.family, made.fitted.config, made.fitted.model, 1.0),)),
        config=replace(config, distil=made.as_member),
        history=[*found.history, row],
        held_out=HeldOut(held_out.targets, made.logits),
    )


def _blended(
    made: Sequence[TrainedCandidate], held_out: Examples, config: Config, begin: float
) -> tuple[tuple[Member, ...], Fitted | None]:
    """The best blend of these models, and its members; None where each of them is too large or too slow."""
    task = held_out.task
    logits = [each.logits for each in made]
    # What a small model learns from may itself be large.
    limits = (None, None) if config.distil else (config.maximum_size, config.maximum_latency)
    weights = blend.choose(
        logits, held_out.targets, task, lambda numbers: candidate.within_limits([made[n] for n in numbers], *limits)
    )
    if not weights:
        return (), None
    members = tuple(
        Member(made[number].candidate.family, made[number].fitted.config, made[number].fitted.model, weight)
        for number, weight in weights.items()
    )
    return members, Fitted(
        task,
        Blend(members),
        replace(config, members=tuple(each.as_member for each in made)),
        {"fit_s": time.perf_counter() - begin},
        [each.row(held_out, weights.get(number, 0.0)) for number, each in enumerate(made)],
        HeldOut(held_out.targets, blend.combined([logits[number] for number in weights], list(weights.values()))),
    )


def _weighted(made: Sequence[TrainedCandidate], members: Sequence[Member]) -> list[tuple[TrainedCandidate, float]]:
    weights = {id(member.model): member.weight for member in members}
    return [(each, weights.get(id(each.fitted.model), 0.0)) for each in made]


def _too_costly(config: Config, made: Sequence[TrainedCandidate]) -> SettingsError:
    size, latency = min(each.size_mib for each in made), min(each.latency_ms for each in made)
    return SettingsError(
        "no model that was made is as small and as quick as is asked for: the smallest has "
        f"{size:.3g} MiB, the quickest takes {latency:.2f} ms for a text.",
        "Allow more (`maximum_size=...`, `maximum_latency=...`), or give more time (`budget=...`).",
    )


def _alone(examples: Examples, config: Config, context: FitContext) -> Fitted:
    """The n-gram model, fitted to all texts."""
    found = ngram.FAMILY.fit(examples, ngram.Config(), context)
    texts = cost.sample(examples)
    logits = found.model.logits(texts[:1])
    alone = TrainedCandidate(Candidate(ngram.FAMILY, {}), found, logits, 0.0, 0.0, *cost.inference_cost(found, texts))
    if not candidate.within_limits([alone], config.maximum_size, config.maximum_latency):
        raise _too_costly(config, [alone])
    members = (Member(ngram.FAMILY, found.config, found.model, 1.0),)
    return replace(found, model=Blend(members), config=replace(config, members=("ngram",)))


def _on_all(
    members: Sequence[Member],
    made: Sequence[TrainedCandidate],
    examples: Examples,
    config: Config,
    context: FitContext,
    clock: Clock,
) -> tuple[Member, ...]:
    """The models fitted to all texts, with the settings chosen: those for which there is time, the quickest first.

    One that did not see all of its texts once has no use for more of them. What more texts make too large stays what
    it was, and an interruption ends it.
    """
    executor = context.executor
    of = {id(each.fitted.model): each for each in made}
    costs = [of[id(member.model)] for member in members]
    found = list(members)

    def wider() -> Iterator[tuple[int, Member, TrainedCandidate]]:
        before = list(costs)
        for number in sorted(range(len(members)), key=lambda number: before[number].refit_seconds):
            member, one = members[number], before[number]
            if getattr(member.config, "steps", None) is None and one.refit_seconds < clock.left:
                yield number, member, one

    def fitted() -> Generator[tuple[int, Fitted]]:
        if executor is None:
            for number, member, one in wider():
                told = _Member(context.callback, f"{one.candidate.name}, all texts", Clock(None))
                of_member = context.for_member(context.seed + one.candidate.seed, told)
                yield number, _fitted_to(examples, member.family, member.config, of_member, one.pseudo_labels)
            return
        shared = executor.put(replace(examples.in_memory(), unlabelled=()))
        calls: Iterator[Call | None] = (
            (
                number,
                _fitted_to,
                (
                    shared,
                    member.family,
                    member.config,
                    context.for_member(context.seed + one.candidate.seed),
                    one.pseudo_labels,
                ),
            )
            for number, member, one in wider()
        )
        yield from map_ordered(executor, calls, lambda: executor.max_workers)

    try:
        with contextlib.closing(fitted()) as all_fitted:
            for number, again in all_fitted:
                _, size = cost.inference_cost(again, examples.texts[:1])
                with_this = [*costs]
                with_this[number] = replace(costs[number], size_mib=size)
                if candidate.within_limits(with_this, config.maximum_size, config.maximum_latency):
                    costs, found[number] = with_this, replace(members[number], model=again.model)
    except KeyboardInterrupt:
        context.callback.on_message("interrupted: the models learn from no further texts, and are saved.")
    return tuple(found)


def _fitted_to(
    examples: Examples,
    family: Family,
    config: Any,
    context: FitContext,
    taught: Examples | None,
) -> Fitted:
    more = examples if taught is None else distillation.concatenate(examples, taught)
    return candidate.with_task(family.fit(more, config, context), examples)


FAMILY = EnsembleFamily(
    name="auto",
    summary="The best blend of models that fits a time budget.",
    paper="Wolpert, 1992",
    config=Config,
    combine=combine,
    restore_members=blend.restore,
)
