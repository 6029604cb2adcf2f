"""Cross-validation: models that each leave out one fold, measured on that fold."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from tenor._core.callbacks import PrefixedCallback
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.config.run_config import RunConfig
from tenor.data import split
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.errors import DataError
from tenor.evaluation import evaluate
from tenor.inference.bundle import Bundle
from tenor.inference.predictor import Predictor
from tenor.models.base import Fitted
from tenor.models.context import FitContext


class FitRows(Protocol):
    """Fits a model to some rows."""

    def __call__(self, data: Dataset, groups: Groups | None, context: FitContext, /) -> Fitted:
        """The model; `groups` are (rows,) numbers of rows that stay together."""


def cross_validate(
    run: RunConfig, data: Dataset, groups: Groups, trained: Bundle, fit: FitRows, context: FitContext
) -> JsonObject:
    """Metrics of every fold, their mean and their standard deviation.

    Args:
        run: The run, with the number of folds and the seed.
        data: The texts.
        groups: (rows,) numbers of groups that stay in one fold.
        trained: The model trained on all texts.
        fit: Fits a model.
        context: How and where models are fitted.

    Returns:
        `folds`; `mean` and `std` of each metric over the folds that measure it; `each`: the metrics of every fold with
        its number of `rows`, None where the fold does not measure it, and the `unmeasured_classes` that it lacks.

    Raises:
        DataError: There are fewer groups than folds.
    """
    assert run.folds is not None
    n_groups = len(set(groups.tolist()))
    if n_groups < run.folds:
        raise DataError(
            tr(
                "{name}: {folds} folds need as many groups of rows, and there are {n_groups}.",
                name=data.name,
                folds=run.folds,
                n_groups=n_groups,
            ),
            tr("Give more rows, or use fewer folds (`folds=...`)."),
        )
    each, callback = [], context.callback
    strata = trained.task.strata(trained.task.encode(data.labels))
    for number, (kept, held_out) in enumerate(split.folds(data.texts, strata, run.folds, run.seed, groups), 1):
        fold_context = replace(context, callback=PrefixedCallback(callback, f"fold-{number}"))
        fitted = fit(data.take(kept), groups[kept], fold_context)
        parts = ("task", "config", "model", "calibration", "conformal")
        predictor = Predictor(replace(trained, **{part: getattr(fitted, part) for part in parts}))
        each.append(evaluate.evaluate(predictor, data.take(held_out)))
        callback.log_metrics("fold", number, each[-1])
        metric = next(name for name, value in each[-1].items() if isinstance(value, float))
        callback.on_epoch_end(
            tr("fold {number} of {folds}", number=number, folds=run.folds), {metric: each[-1][metric]}
        )
    names = [name for name in each[0] if any(isinstance(fold[name], float) for fold in each)]
    table = {name: [fold[name] for fold in each if fold[name] is not None] for name in names}
    return {
        "folds": run.folds,
        "mean": {name: statistics.fmean(values) for name, values in table.items()},
        "std": {name: statistics.stdev(values) if len(values) > 1 else None for name, values in table.items()},
        "each": [_fold_metrics(fold, names) for fold in each],
    }


def _fold_metrics(fold: JsonObject, names: Sequence[str]) -> JsonObject:
    """What `metrics.json` has of a fold: its rows, these metrics, and the classes that none of its rows has."""
    unmeasured = [name for name, row in fold.get("per_class", {}).items() if not row["rows"]]
    lacking: JsonObject = {"unmeasured_classes": unmeasured} if unmeasured else {}
    return {"rows": fold["rows"], **{name: fold[name] for name in names}, **lacking}
