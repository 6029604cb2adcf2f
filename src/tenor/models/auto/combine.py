"""`auto` from its texts to its model: search, then refit the blend or distil it."""

import time
from dataclasses import replace

from tenor.models.auto import budget, candidate, cost, cross_validation, encoder_choice, search, student
from tenor.models.auto.blend import Blend, Member
from tenor.models.auto.budget import Clock
from tenor.models.auto.candidate import Candidate, TrainedCandidate
from tenor.models.auto.config import Config
from tenor.models.auto.refit import Refit
from tenor.models.auto.search import Search
from tenor.models.auto.selection import Reason, Selection
from tenor.models.base import Examples, Fitted
from tenor.models.context import FitContext
from tenor.models.families import ngram

_DISTILLATION_SHARE = 0.25  # of the budget


def combine(examples: Examples, config: Config, context: FitContext) -> Fitted:
    """Train models, compare them and blend those that help. With `distil`, the blend teaches a small model.

    An interruption (Ctrl-C) after the first model ends the search, not the run.

    Args:
        examples: The texts.
        config: The settings of `auto`.
        context: The context of the run. `on_candidate` receives the first model, and each better blend. `executor`
            trains models elsewhere, several at a time.

    Raises:
        TenorError: A setting in `members` does not fit the task, a package is missing, or no model keeps the limits of
            size and latency.
    """
    started_at = time.perf_counter()
    seconds = None if config.members else config.budget
    run_clock = Clock(seconds)
    search_share = 1.0 if config.distil is None else 1 - _DISTILLATION_SHARE
    search_clock = Clock(None if seconds is None else search_share * seconds)
    cross_validated = config.distil is None and cross_validation.applies(examples)
    if not (cross_validated or _compares(examples, config)):
        return _single_ngram(examples, config, context, "no-time")
    encoders = [] if config.members is not None else encoder_choice.usable(examples, config, context.callback)
    tuned = budget.tuned_encoder(config.budget, examples, encoders)
    if cross_validated:
        train = validation = examples
    else:
        with_encoder = tuned is not None if config.members is None else budget.uses_encoder(config.members)
        share = budget.validation_share(len(examples), with_encoder)
        train, validation = examples.train_validation_split(share, context.seed)
        if not len(validation):
            return _single_ngram(examples, config, context, "too-few")
        train, validation = replace(train, unlabelled=examples.unlabelled), validation.in_memory()
    run = Search(
        config=config,
        train=train,
        validation=validation,
        cross_validated=cross_validated,
        context=context,
        clock=search_clock,
        encoder=tuned,
        frozen_encoder=budget.frozen_encoder(config.budget, examples, encoders),
        started_at=started_at,
    )
    fitted = run.run()
    if config.distil is not None:
        fitted, selected = student.distil(fitted, run.selection(), train, validation, context, run_clock)
    else:
        selected = run.selection()
        fitted = replace(fitted, model=Blend(_final_members(run, examples)))
    return _announced(replace(fitted, timing={"fit_s": time.perf_counter() - started_at}), selected, context)


def _announced(fitted: Fitted, selection: Selection, context: FitContext) -> Fitted:
    """The model with what was selected, which is also said."""
    context.callback.on_message(selection.sentence)
    return replace(fitted, selection=selection.to_dict())


def _compares(examples: Examples, config: Config) -> bool:
    """Whether there is more than one model to train."""
    needs_search = config.members is not None or config.distil is not None or len(examples.unlabelled) > 0
    return needs_search or budget.allows_comparison(config.budget, examples)


def _final_members(run: Search, examples: Examples) -> tuple[Member, ...]:
    """The members fitted to all texts; nothing is trained on a validation set of its own."""
    if examples.validation is not None:
        return run.members
    refit = Refit(
        members=run.members,
        trained=run.trained,
        examples=examples,
        context=run.context,
        clock=run.clock,
        limits=run.config.limits,
        cross_validated=run.cross_validated,
    )
    return refit.run()


def _single_ngram(examples: Examples, config: Config, context: FitContext, reason: Reason) -> Fitted:
    """The n-gram model, fitted to all texts. Raises SettingsError if it is over the limits."""
    fitted = ngram.FAMILY.fit(examples, ngram.Config(), context)
    texts = cost.sample(examples)
    logits = fitted.model.logits(texts[:1])
    inference_cost = cost.inference_cost(fitted, texts)
    trained = TrainedCandidate(
        candidate=Candidate(family=ngram.FAMILY, settings={}),
        fitted=fitted,
        logits=logits,
        seconds=0.0,
        fit_s=0.0,
        texts_per_s=0.0,
        latency_ms=inference_cost.latency_ms,
        size_mib=inference_cost.size_mib,
    )
    if not candidate.within_limits([trained], config.limits):
        raise search.over_limits([trained])
    member = Member(family=ngram.FAMILY, config=fitted.config, model=fitted.model, weight=1.0)
    fitted = replace(fitted, model=Blend((member,)), config=replace(config, members=("ngram",)))
    return _announced(fitted, Selection(kept=("ngram",), reason=reason), context)
