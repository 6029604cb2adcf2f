"""A small model that learns the predictions of a blend and replaces it."""

from dataclasses import replace

from tenor.models.auto import candidate as candidates
from tenor.models.auto import distillation, search
from tenor.models.auto.blend import Blend, Member
from tenor.models.auto.budget import Clock
from tenor.models.auto.candidate import Candidate
from tenor.models.auto.runner import MemberCallback
from tenor.models.auto.selection import BLEND, Selection
from tenor.models.base import Examples, Fitted, HeldOut
from tenor.models.context import FitContext


def distil(
    fitted: Fitted, selected: Selection, train: Examples, validation: Examples, context: FitContext, clock: Clock
) -> tuple[Fitted, Selection]:
    """Train the model that `distil` names on the predictions of the blend.

    It is not fitted to the validation texts: they measure what is lost, and calibrate.

    Args:
        fitted: The blend.
        selected: Its models.
        train: Texts that the blend was fitted to, with further unlabelled texts.
        validation: The validation texts.
        context: The context of the run.
        clock: The time left for the run.

    Returns:
        The small model, and how it was selected.

    Raises:
        TenorError: A setting does not fit the task, a package is missing, or the model is over the limits.
    """
    candidate = _student(fitted, train, clock)
    teacher = search.teacher(fitted)
    examples = teacher.soften(train)
    if candidate.unlabelled:
        texts = distillation.sample_texts(train.unlabelled, candidate.unlabelled, context.seed)
        examples = distillation.concatenate(examples, teacher.pseudo_label(texts))
    seconds = None if clock.left == float("inf") else max(1.0, clock.left)
    candidate = replace(candidate, seconds=seconds)
    name = f"distilled {candidate.family.name}"
    callback = MemberCallback(context.callback, name, Clock(None))
    trained = candidates.train(candidate, examples, validation, context.for_member(context.seed, callback))
    context.callback.on_candidate_end(name, trained.metrics(validation))
    if not candidates.within_limits([trained], fitted.config.limits):
        raise search.over_limits([trained])
    member = Member(family=candidate.family, config=trained.fitted.config, model=trained.fitted.model, weight=1.0)
    task, targets = validation.task, validation.targets
    assert fitted.held_out is not None
    selection = Selection(
        kept=(name,),
        reason="distilled",
        n_texts=len(validation),
        loss=float(task.losses(targets, trained.logits).mean()),
        baseline=selected.kept[0] if len(selected.kept) == 1 else BLEND,
        baseline_loss=float(task.losses(fitted.held_out.targets, fitted.held_out.logits).mean()),
    )
    small = replace(
        fitted,
        model=Blend((member,)),
        config=replace(fitted.config, distil=trained.as_member),
        history=[*fitted.history, {**trained.row(validation, 1.0), "family": name}],
        held_out=HeldOut(validation.targets, trained.logits),
    )
    return small, selection


def _student(fitted: Fitted, train: Examples, clock: Clock) -> Candidate:
    """The candidate that `distil` names. By default it is trained on the unlabelled texts that the blend can score in
    half of the time.
    """
    candidate = candidates.parse(str(fitted.config.distil), "distil", warn=True)
    search.require_unlabelled(candidate, train.unlabelled, "distil")
    n_texts = candidate.unlabelled
    if n_texts is None:
        texts_per_s = 1 / sum(1 / row["texts_per_s"] for row in fitted.history if row["weight"])
        n_texts = int(min(len(train.unlabelled), max(0.0, texts_per_s * clock.left / 2 - len(train))))
    # The predictions of the blend are soft enough.
    settings = {**candidate.family.for_soft_targets, **candidate.settings}
    return replace(candidate, settings=settings, unlabelled=n_texts)
