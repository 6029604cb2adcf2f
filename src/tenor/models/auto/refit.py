"""Fits the members of a blend again, to all texts, with the settings that were chosen."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from tenor._core.language import tr
from tenor.models.auto import candidate, cost, distillation
from tenor.models.auto.blend import Member
from tenor.models.auto.budget import Clock
from tenor.models.auto.candidate import Limits, TrainedCandidate
from tenor.models.auto.executor import Call, Executor, map_ordered
from tenor.models.auto.runner import MemberCallback
from tenor.models.base import Examples, FamilyConfig, Fitted
from tenor.models.context import FitContext
from tenor.models.family import Family, NetworkFamily

# An n-gram model of all texts may end this much after the budget: one of a part would be worse than `ngram` alone.
_GRACE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Refit:
    """The refit of a blend.

    Attributes:
        members: The members of the blend.
        trained: The candidates of the search, those of the members among them.
        examples: All texts.
        context: The context of the run.
        clock: The time left.
        limits: Limits of the blend.
        cross_validated: Whether the candidates were cross-validated.
    """

    members: Sequence[Member]
    trained: Sequence[TrainedCandidate]
    examples: Examples
    context: FitContext
    clock: Clock
    limits: Limits
    cross_validated: bool = False

    def run(self) -> tuple[Member, ...]:
        """The members fitted to all texts, as far as there is time, the quickest first.

        A network that did not see all of its texts once keeps its weights: more texts do not help it. So does a member
        that the refit makes too large, and an interruption (Ctrl-C) ends the refit.
        """
        members, costs = list(self.members), self._candidates()
        executor = self.context.executor
        try:
            with contextlib.closing(self._here() if executor is None else self._on(executor)) as results:
                for number, fitted in results:
                    size_mib = cost.inference_cost(fitted, self.examples.texts[:1]).size_mib
                    refitted_costs = [*costs]
                    refitted_costs[number] = replace(costs[number], size_mib=size_mib)
                    if candidate.within_limits(refitted_costs, self.limits):
                        costs, members[number] = refitted_costs, replace(members[number], model=fitted.model)
        except KeyboardInterrupt:
            self.context.callback.on_message(tr("interrupted: the models are saved without training on further texts."))
        return tuple(members)

    def _candidates(self) -> list[TrainedCandidate]:
        """The candidate of each member."""
        by_model = {id(each.fitted.model): each for each in self.trained}
        return [by_model[id(member.model)] for member in self.members]

    def _refit_candidates(self) -> Iterator[tuple[int, Member, TrainedCandidate]]:
        """(number, member, its candidate) of those for which there is time, the quickest first."""
        candidates = self._candidates()
        for number in sorted(range(len(candidates)), key=lambda number: candidates[number].refit_seconds):
            member, trained = self.members[number], candidates[number]
            if self.cross_validated and trained.candidate.scores_folds:
                continue  # it was fitted to all texts
            grace_s = 0.0 if isinstance(trained.candidate.family, NetworkFamily) else _GRACE_S
            if getattr(member.config, "steps", None) is None and trained.refit_seconds < self.clock.left + grace_s:
                yield number, member, trained

    def _here(self) -> Generator[tuple[int, Fitted]]:
        for number, member, trained in self._refit_candidates():
            callback = MemberCallback(
                self.context.callback, tr("{name}, all texts", name=trained.candidate.name), Clock(None)
            )
            context = self.context.for_member(self.context.seed + trained.candidate.seed, callback)
            yield number, _fit(self.examples, member.family, member.config, context, trained.pseudo_labels)

    def _on(self, executor: Executor) -> Generator[tuple[int, Fitted]]:
        shared = executor.put(replace(self.examples.in_memory(), unlabelled=()))
        return map_ordered(executor, self._calls(shared), lambda: executor.max_workers)

    def _calls(self, shared: object) -> Iterator[Call[int, Fitted] | None]:
        for number, member, trained in self._refit_candidates():
            context = self.context.for_member(self.context.seed + trained.candidate.seed)
            yield Call(number, _fit, (shared, member.family, member.config, context, trained.pseudo_labels))


def _fit(
    examples: Examples, family: Family, config: FamilyConfig, context: FitContext, pseudo_labels: Examples | None
) -> Fitted:
    more = examples if pseudo_labels is None else distillation.concatenate(examples, pseudo_labels)
    return candidate.with_task(family.fit(more, config, context), examples)
