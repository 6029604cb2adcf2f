"""Runs the fits of a search: one after the other in this process, or several at a time on an executor."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tenor._core.callbacks import Callback
from tenor.models.auto import candidate as candidates
from tenor.models.auto import cross_validation
from tenor.models.auto.budget import Clock
from tenor.models.auto.candidate import Candidate, TrainedCandidate
from tenor.models.auto.executor import Call, Executor, map_ordered
from tenor.models.base import Examples
from tenor.models.context import FitContext

Parts: TypeAlias = tuple[Examples, Examples | None]
"""(texts to fit to, texts to compare candidates on); None: they are cross-validated on the texts they are fitted to."""


class OutOfTimeError(Exception):
    """A model is not ready in time."""


class MemberCallback(Callback):
    """Forwards the progress and the learning curves of one model, under its name, and ends it when the time is over.

    Args:
        callback: Receives the progress.
        name: The name of the model.
        clock: The time left.
    """

    def __init__(self, callback: Callback, name: str, clock: Clock) -> None:
        self.callback, self.name, self.clock = callback, name, clock

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        """Forward progress. Raises OutOfTimeError when the time is over."""
        if self.clock.left < 0:
            raise OutOfTimeError
        self.callback.on_progress(f"{self.name}, {stage}", done, total, metrics)

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        """Forward metrics."""
        self.callback.log_metrics(f"{self.name}/{kind}", step, metrics)


@dataclass(kw_only=True)
class CandidateRunner:
    """Trains the candidates of a plan. The first one has no time limit.

    Attributes:
        parts: The texts to fit to, and those to compare candidates on.
        context: The context of the run.
        clock: The time left.
        parallel_start: Whether candidates run in parallel from the start; otherwise the first one runs alone, since its
            duration decides on the others.
        pseudo_labels: Gives the texts that a candidate is trained on too; None: none.
        reserved_s: Gives the seconds that must be left when a candidate is ready.
    """

    parts: Parts
    context: FitContext
    clock: Clock
    parallel_start: bool
    pseudo_labels: Callable[[Candidate], Examples | None]
    reserved_s: Callable[[], float]
    _n_trained: int = field(default=0, init=False)
    _n_yielded: int = field(default=0, init=False)

    def run(self, planned: Iterator[Candidate | None]) -> Generator[tuple[Candidate, TrainedCandidate | None]]:
        """Yield each candidate with its fit, in the order of the plan; None: it was not ready in time."""
        executor = self.context.executor
        for candidate, trained in self._here(planned) if executor is None else self._on(executor, planned):
            self._n_yielded += 1
            self._n_trained += trained is not None
            yield candidate, trained

    def _here(self, planned: Iterator[Candidate | None]) -> Iterator[tuple[Candidate, TrainedCandidate | None]]:
        for candidate in filter(None, planned):
            clock = self.clock.reserving(self.reserved_s()) if self._n_trained else Clock(None)
            callback = MemberCallback(self.context.callback, candidate.name, clock)
            context = self.context.for_member(self.context.seed, callback)
            yield candidate, _train_in_time(candidate, self.parts, context, self.pseudo_labels(candidate))

    def _on(
        self, executor: Executor, planned: Iterator[Candidate | None]
    ) -> Generator[tuple[Candidate, TrainedCandidate | None]]:
        train, validation = self.parts
        parts = executor.put((replace(train.in_memory(), unlabelled=()), validation))

        def limit() -> int:
            return executor.max_workers if self._n_trained or self.parallel_start else 1

        return map_ordered(executor, self._calls(parts, planned), limit)

    def _calls(
        self, parts: object, planned: Iterator[Candidate | None]
    ) -> Iterator[Call[Candidate, TrainedCandidate | None] | None]:
        n_calls = 0
        for candidate in planned:
            if candidate is None:
                while self._n_yielded < n_calls:
                    yield None
                continue
            n_calls += 1
            deadline = self.clock.reserving(self.reserved_s()).deadline if self._n_trained else None
            context = self.context.for_member(self.context.seed)
            args = (parts, context, candidate, deadline, self.pseudo_labels(candidate))
            yield Call(candidate, _train_elsewhere, args)


def _train_elsewhere(
    parts: Parts,
    context: FitContext,
    candidate: Candidate,
    deadline: float | None,
    pseudo_labels: Examples | None,
) -> TrainedCandidate | None:
    """Train in another process, until a deadline in seconds since 1970."""
    clock = Clock(None if deadline is None else deadline - time.time())
    context = replace(context, callback=MemberCallback(Callback(), candidate.name, clock))
    return _train_in_time(candidate, parts, context, pseudo_labels)


def _train_in_time(
    candidate: Candidate, parts: Parts, context: FitContext, pseudo_labels: Examples | None
) -> TrainedCandidate | None:
    train, validation = parts
    try:
        if validation is None:
            return cross_validation.cross_validate(candidate, train, context)
        return candidates.train(candidate, train, validation, context, pseudo_labels)
    except OutOfTimeError:
        return None
