"""The search of `auto`: train candidates, compare them, and blend those that help."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tenor._core.language import tr
from tenor.config.settings import require
from tenor.errors import SettingsError
from tenor.evaluation import calibration
from tenor.models.auto import blend, cost, distillation, plan
from tenor.models.auto.blend import Blend, Choice, Member
from tenor.models.auto.budget import Clock
from tenor.models.auto.candidate import Candidate, Limits, TrainedCandidate, within_limits
from tenor.models.auto.config import Config
from tenor.models.auto.distillation import Teacher
from tenor.models.auto.runner import CandidateRunner
from tenor.models.auto.selection import Selection
from tenor.models.base import Examples, Fitted, HeldOut
from tenor.models.context import FitContext
from tenor.models.pretrained.catalogue import Encoder

_REPORTED_SHARE = 0.1  # of the budget: if more is left at the end, a message says so


@dataclass(kw_only=True)
class Search:
    """A search, and its result so far.

    Attributes:
        config: The settings of `auto`.
        train: The texts that candidates are fitted to; `unlabelled` are further ones.
        validation: The texts that candidates are compared on.
        cross_validated: Whether these are the texts that candidates are fitted to.
        context: The context of the run.
        clock: The time left for the search.
        encoder: The pretrained encoder that is tuned; None: there is none.
        frozen_encoder: The pretrained encoder that is tried with frozen weights; None: there is none.
        started_at: When the run started, by `time.perf_counter`.
        trained: The candidates trained so far.
        choice: The models of the best blend; None: there is none yet.
        members: The members of the best blend.
        best: The best blend; None: there is none yet.
    """

    config: Config
    train: Examples
    validation: Examples
    cross_validated: bool
    context: FitContext
    clock: Clock
    encoder: Encoder | None
    frozen_encoder: Encoder | None
    started_at: float
    trained: list[TrainedCandidate] = field(default_factory=list)
    choice: Choice | None = None
    members: tuple[Member, ...] = ()
    best: Fitted | None = None

    def run(self) -> Fitted:
        """Train candidates until the plan or the time ends, and return the best blend with its leaderboard.

        An interruption (Ctrl-C) ends the search; before there is a blend, it ends the run.

        Raises:
            TenorError: A setting in `members` does not fit the task, a package is missing, or no model keeps the
                limits.
        """
        callback, config = self.context.callback, self.config
        try:
            self._train_candidates()
            budget = None if config.members else config.budget
            if budget is not None and self.clock.left > _REPORTED_SHARE * budget:
                left = f"{self.clock.left:.0f} s"
                callback.on_message(
                    tr("no further model that could help fits into the {left} that are left.", left=left)
                )
        except KeyboardInterrupt:
            if self.best is None:
                raise
            callback.on_message(tr("interrupted: no further models are tried, and those that are ready are saved."))
        if self.best is None:
            raise over_limits(self.trained)
        rows = [each.row(self.validation, weight) for each, weight in self._weighted()]
        if len(self.members) > 1 and self.best.held_out is not None:
            held_out = self.best.held_out
            metrics = cost.metrics_with_intervals(held_out.logits, held_out.targets, self.validation.task)
            callback.on_candidate_end("blend", metrics)
        return replace(self.best, history=rows, config=self._config())

    def _train_candidates(self) -> None:
        callback = self.context.callback
        runner = CandidateRunner(
            parts=(self.train, None if self.cross_validated else self.validation),
            context=self.context,
            clock=self.clock,
            parallel_start=self.config.members is not None,
            pseudo_labels=self._pseudo_labels,
            reserved_s=self._refit_seconds,
        )
        with contextlib.closing(runner.run(self._planned())) as results:
            for candidate, trained in results:
                if trained is None:
                    callback.on_message(tr("{name}: not ready in time, and left out.", name=candidate.name))
                    continue
                self.trained.append(trained)
                callback.on_candidate_end(candidate.name, trained.metrics(self.validation))
                self._update_blend()

    def _refit_seconds(self) -> float:
        """Seconds to fit the blend to all texts; 0 if a small model replaces it."""
        if self.config.distil is not None:
            return 0.0
        return sum(each.refit_seconds_if(self.cross_validated) for each, weight in self._weighted() if weight > 0)

    def _planned(self) -> Iterator[Candidate | None]:
        if self.config.members is not None:
            return plan.requested(self.config.members)
        return plan.Planner(
            train=self.train,
            validation=self.validation,
            clock=self.clock,
            cross_validated=self.cross_validated,
            encoder=self.encoder,
            frozen_encoder=self.frozen_encoder,
            trained=self.trained,
            in_blend=lambda: [each for each, weight in self._weighted() if weight > 0],
        ).candidates()

    def _pseudo_labels(self, candidate: Candidate) -> Examples | None:
        """The unlabelled texts for a candidate to train on, with the predictions of the blend; None: no such texts.

        Raises:
            SettingsError: `members` requests more texts than there are, or before there is a model to predict them.
        """
        if not candidate.unlabelled:
            return None
        require(self.best is not None, "members", tr("must name a model first that trains on labels alone"))
        require_unlabelled(candidate, self.train.unlabelled, "members")
        assert self.best is not None
        texts = distillation.sample_texts(self.train.unlabelled, candidate.unlabelled, self.context.seed)
        return teacher(self.best).pseudo_label(texts)

    def _update_blend(self) -> None:
        """Blend the candidates so far; the blend is replaced if the newest candidate is part of the new one."""
        # A blend that teaches a smaller model may itself be large.
        limits = Limits() if self.config.distil else self.config.limits
        logits = [each.logits for each in self.trained]
        task, targets = self.validation.task, self.validation.targets
        choice = blend.choose(
            logits, targets, task, lambda numbers: within_limits([self.trained[number] for number in numbers], limits)
        )
        weights, newest = choice.weights, len(self.trained) - 1
        if self.choice is not None and weights.keys() == self.choice.weights.keys():
            self.choice = choice  # compared with one more model
        if not weights or (self.best is not None and not weights.get(newest, 0.0) > 0):
            return
        self.choice = choice
        self.members = tuple(_member(self.trained[number], weight) for number, weight in weights.items())
        blended = blend.combined([logits[number] for number in weights], list(weights.values()))
        scored = np.flatnonzero(~np.isnan(blended).any(axis=1))
        self.best = Fitted(
            task=task,
            model=Blend(self.members),
            config=self._config(),
            timing={"fit_s": time.perf_counter() - self.started_at},
            history=[each.row(self.validation, weight) for each, weight in self._weighted()],
            held_out=HeldOut(targets[scored], blended[scored]),
        )
        if self.context.on_candidate is not None:
            self.context.on_candidate(self.best)

    def _config(self) -> Config:
        """The settings that repeat the search so far."""
        return replace(self.config, members=tuple(each.as_member for each in self.trained))

    def selection(self) -> Selection:
        """Which models are in the blend, and why."""
        choice = self.choice
        assert choice is not None and choice.baseline is not None
        kept = tuple(self.trained[number].candidate.name for number in choice.weights)
        if len(self.trained) == 1:
            return Selection(kept, "only")
        if choice.n_compared == 1:
            return Selection(kept, "limits")
        is_baseline = list(choice.weights) == [choice.baseline]
        return Selection(
            kept,
            reason="no-better" if is_baseline else "better",
            n_texts=choice.n_texts,
            loss=choice.loss,
            baseline=self.trained[choice.baseline].candidate.name,
            baseline_loss=choice.baseline_loss,
        )

    def _weighted(self) -> list[tuple[TrainedCandidate, float]]:
        weights = {id(member.model): member.weight for member in self.members}
        return [(each, weights.get(id(each.fitted.model), 0.0)) for each in self.trained]


def teacher(fitted: Fitted) -> Teacher:
    """The blend as a teacher with calibrated probabilities."""
    assert fitted.held_out is not None
    calibrator = calibration.fit(fitted.held_out.targets, fitted.held_out.logits, fitted.task)
    return Teacher(fitted.model, fitted.task, calibrator)


def require_unlabelled(candidate: Candidate, texts: Sequence[str], setting: str) -> None:
    """Raise SettingsError if a candidate requests more unlabelled texts than there are."""
    n_texts = candidate.unlabelled or 0
    problem = tr(
        "asks for {requested:,} texts without labels, and there are {available:,}: see `unlabelled=...`",
        requested=n_texts,
        available=len(texts),
    )
    require(n_texts <= len(texts), setting, problem)


def over_limits(trained: Sequence[TrainedCandidate]) -> SettingsError:
    """The error if each of the models is over the limits of size or latency."""
    size, latency = min(each.size_mib for each in trained), min(each.latency_ms for each in trained)
    return SettingsError(
        tr(
            "every model is too large or too slow: the smallest has {size:.3g} MiB, the quickest takes "
            "{latency:.2f} ms for a text.",
            size=size,
            latency=latency,
        ),
        tr("Allow more (`maximum_size=...`, `maximum_latency=...`), or give more time (`budget=...`)."),
    )


def _member(trained: TrainedCandidate, weight: float) -> Member:
    fitted = trained.fitted
    return Member(family=trained.candidate.family, config=fitted.config, model=fitted.model, weight=weight)
