"""The public functions, which `tenor` exports; whatever `tenor` does not export is private and may change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from tenor._core.records import JsonObject
from tenor.data.io.chunks import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tenor._core.callbacks import Callback
    from tenor.checks.finding import CheckReport
    from tenor.config.run_config import RunConfig
    from tenor.data.dataset import Dataset
    from tenor.data.fields import Fields
    from tenor.evaluation.evaluate import Comparison
    from tenor.explanation.faithfulness import Faithfulness
    from tenor.explanation.texts import Explanation
    from tenor.explanation.top_features import TopFeature
    from tenor.inference.predictor import Predictor
    from tenor.tasks import Kind, Task, UnknownLabels
    from tenor.training.finishing import TrainedModel
    from tenor.training.tuning import TuningResult


class FileKeywords(TypedDict, total=False):
    """Keywords of `check`, `evaluate` and `compare`: how the files are written.

    Attributes:
        decimal: The decimal mark of numbers, `.` or `,`; None, the default: recognised where the labels show it.
        encoding: The encoding of text files, such as `cp1252`; None, the default: recognised.
        quoting: What quotes in delimited files are: `minimal` or `none`; None, the default: recognised.
        header: Whether the first line names the columns; None, the default: recognised.
        sheet: The sheet of a workbook; None, the default: the first one with rows.
        query: The SQL query if the data are the URL of a database.
    """

    decimal: str | None
    encoding: str | None
    quoting: Literal["minimal", "none"] | None
    header: bool | None
    sheet: str | None
    query: str | None


class ReadKeywords(FileKeywords, total=False):
    """Keywords of `evaluate` and `compare`, besides `FileKeywords`: how to read the labelled texts.

    Attributes:
        text: Column of the texts, or a column for each text field of the model; None, the default: as in the training
            data.
        label: Column of the labels; None, the default: as in the training data.
        label_separator: Separator for multi-label cells; None, the default: as in the training data.
        drop_unlabelled: Leave out rows without a label; False by default.
        drop_empty: Leave out rows with an empty text; False by default.
        missing_labels: Labels that stand for a missing one; rows with them are left out, and rows without a label;
            () by default: those of the training.
        unknown_labels: Rows whose label the model does not know: `error`, the default; `wrong`, they count as wrong
            predictions; `drop`, they are left out.
    """

    text: str | Sequence[str] | None
    label: str | Sequence[str] | None
    label_separator: str | None
    drop_unlabelled: bool
    drop_empty: bool
    missing_labels: tuple[str, ...]
    unknown_labels: UnknownLabels


class CheckKeywords(FileKeywords, total=False):
    """Keywords of `check`, besides `FileKeywords`.

    Attributes:
        test: Labelled texts for the evaluation, to find texts that are in both; None by default.
        text: Column of the texts, or the columns of several text fields; None, the default: detected automatically.
        features: Columns of numbers, categories and dates beside the text, or `all`; None, the default: none.
        pair: Whether the relation of two text fields is the label; None, the default: by their names.
        label: Column of the labels; None, the default: detected automatically.
        task: What to predict; None, the default: inferred from the labels.
        label_separator: Separator for multi-label cells, such as `;`; None by default.
        missing_labels: Labels that stand for a missing one; rows with them are left out; () by default.
        labels: Also look for mislabelled texts, which takes longer; False by default.
        max_length: Tokens from which a network truncates a text; 200 by default.
        review: File for the rows that `labels` suspects, with a column for the right label; None, the default: none.
        fix: File for the cleaned table; None, the default: none is written.
        also: Filled review files whose right labels the cleaned table gets; none by default.
        merge: A label -> the label that the cleaned table gets instead; None by default.
        overwrite: Replace these files if they exist; False by default.
        seed: Seed of everything random; 0 by default.
    """

    test: str | None
    text: str | Sequence[str] | None
    features: str | Sequence[str] | None
    pair: bool | None
    label: str | Sequence[str] | None
    task: Kind | None
    label_separator: str | None
    missing_labels: tuple[str, ...]
    labels: bool
    max_length: int
    review: str | None
    fix: str | None
    also: tuple[str, ...]
    merge: JsonObject | None
    overwrite: bool
    seed: int


def train(config: RunConfig, *, callback: Callback | None = None) -> TrainedModel:
    """Train a model on labelled texts, evaluate it on texts held out, and save it.

    Args:
        config: The data, the family and how to train.
        callback: Receives messages, progress and metrics; None: nothing is shown.

    Returns:
        The folder of the model, the model and its metrics.

    Raises:
        DataError: The data cannot be read, or a model cannot be trained on them.
        SettingsError: A setting is unknown or cannot work.
        BundleError: The folder exists already, or cannot be written.
        MissingExtraError: A package is not installed.
    """
    from tenor.training import pipeline

    return pipeline.train(config, callback)


def tune(
    config: RunConfig,
    *,
    trials: int = 20,
    budget: float | None = None,
    parallel: int = 1,
    callback: Callback | None = None,
) -> TuningResult:
    """Search for better settings of a family. Settings that `config` names stay unchanged.

    Args:
        config: The run to tune. If `config.out` has an interrupted search, that search continues.
        trials: Number of trials in all, with those of the search that continues.
        budget: Seconds that the search may take; None: no limit.
        parallel: Trials that are proposed together. The result depends on it.
        callback: Receives messages, progress and metrics; None: nothing is shown.

    Returns:
        The best settings, their loss and that of the defaults.

    Raises:
        TenorError: The data or the settings cannot be used, or the folder has another search.
        MissingExtraError: Optuna is not installed.
    """
    from tenor.training import tuning

    return tuning.tune(tuning.TuneConfig(config, trials, budget, parallel), callback)


def load(folder: str | Path) -> Predictor:
    """Read a saved model. Warns with NotUsedWarning if a part of the folder is not used on this machine.

    Args:
        folder: Folder of the model.

    Raises:
        BundleError: It is damaged or not a model, or it predicts something else here than where it was trained.
    """
    from tenor.inference import predictor

    return predictor.load(folder)


def check(data: str | Path, *, callback: Callback | None = None, **keywords: Unpack[CheckKeywords]) -> CheckReport:
    """Check a labelled dataset for problems before training.

    Args:
        data: A file, a folder, a pattern of several files, or the name of a built-in dataset.
        callback: Receives messages and progress; None: nothing is shown.
        **keywords: See `CheckKeywords`: columns, `test` texts, `labels=True` to find mislabelled texts, `fix`.

    Returns:
        A summary and the findings, the most severe first; `repaired` says what was done for `fix`.

    Raises:
        TenorError: The data cannot be read, or the cleaned file cannot be written.
    """
    from tenor.checks import run_checks

    return run_checks.run_checks(run_checks.CheckConfig(data=os.fspath(data), **keywords), callback)


def predict(
    model: Predictor | str | Path,
    table: Any,
    *,
    coverage: float | None = None,
    per_class: bool = False,
    abstain: bool = False,
) -> Any:
    """Predict the rows of a table: the same table comes back with further columns.

    They are `label` and `score`, or `value` for numbers; with `coverage` also `set`, or `lower` and `upper`. If a name
    is taken, all begin with `predicted_`. For texts call `predict` of the model.

    Args:
        model: The model, or its folder.
        table: A table of pandas, polars or Arrow, a dict of columns, or a list of dicts. It does not change.
        coverage: Also give prediction sets, or intervals, that contain the true label or value for this share of rows;
            None: none, or 0.95 with one of the next two.
        per_class: Reach the coverage for the rows of each class.
        abstain: Give no label unless the set has exactly one.

    Returns:
        A table of the same kind, with the same rows and index.

    Raises:
        DataError: `table` is not a table, a column of the model is missing, or the new names are taken.
        SettingsError: The coverage is not possible.
    """
    from tenor.evaluation.conformal import DEFAULT_COVERAGE
    from tenor.inference.predict_frame import predict_frame
    from tenor.inference.predict_table import ConformalOptions

    conformal = None
    if coverage is not None or per_class or abstain:
        conformal = ConformalOptions(DEFAULT_COVERAGE if coverage is None else coverage, per_class, abstain)
    return predict_frame(_predictor(model), table, conformal)


def evaluate(
    model: Predictor | str | Path,
    data: str | Path,
    *,
    slices: str | Sequence[str] = (),
    callback: Callback | None = None,
    **keywords: Unpack[ReadKeywords],
) -> JsonObject:
    """Evaluate a model on labelled texts that it was not trained on.

    Args:
        model: The model, or its folder.
        data: A file, a folder, a pattern of several files, or the name of a built-in dataset.
        slices: Columns by whose values the metrics are reported too.
        callback: Receives messages and progress; None: nothing is shown.
        **keywords: See `ReadKeywords`: the columns, and rows to leave out.

    Returns:
        The metrics by name, with `slices`, the worst first.

    Raises:
        DataError: The data cannot be read, or a label is unknown to the model.
    """
    from tenor.evaluation import evaluate as evaluation

    predictor = _predictor(model)
    rows, columns = _labelled_texts(
        predictor, predictor.bundle.task, predictor.fields, data, callback, slices, keywords
    )
    return evaluation.evaluate(predictor, rows, columns)


def compare(
    first: Predictor | str | Path,
    second: Predictor | str | Path,
    data: str | Path,
    *,
    slices: str | Sequence[str] = (),
    callback: Callback | None = None,
    **keywords: Unpack[ReadKeywords],
) -> Comparison:
    """Compare two models on the same labelled texts: which is better, where, and whether it is more than chance.

    Args:
        first: A model, or its folder. The columns of its training data are the default.
        second: Another model, or its folder.
        data: A file, a folder, a pattern of several files, or the name of a built-in dataset.
        slices: Columns by whose values the metrics are compared too.
        callback: Receives messages and progress; None: nothing is shown.
        **keywords: See `ReadKeywords`: the columns, and rows to leave out.

    Returns:
        The metrics of both models with intervals of the differences, and the rows that they predict differently.

    Raises:
        SettingsError: The models have different tasks.
        DataError: The data cannot be read, or a label is unknown to both models.
    """
    from tenor.evaluation import evaluate as evaluation

    one, other = _predictor(first), _predictor(second)
    task, fields = evaluation.common_task(one, other), one.fields.union(other.fields)
    rows, columns = _labelled_texts(one, task, fields, data, callback, slices, keywords)
    return evaluation.compare(one, other, rows, columns)


def explain(
    model: Predictor | str | Path, texts: Sequence[str], *, labels: str | Sequence[str] | None = None
) -> list[Explanation]:
    """Find the words that speak for and against labels.

    Args:
        model: The model, or its folder.
        texts: The texts.
        labels: Labels to explain; None: those that each text gets.

    Returns:
        For each text the weights of its words, label by label.

    Raises:
        DataError: An element is not a string.
        SettingsError: The model does not know a label.
    """
    from tenor.explanation import texts as explanation

    return explanation.explain(_predictor(model), texts, [labels] if isinstance(labels, str) else labels)


def faithfulness(model: Predictor | str | Path, explanations: Sequence[Explanation], *, seed: int = 0) -> Faithfulness:
    """Measure how much a prediction depends on the words that an explanation names.

    Args:
        model: The model that was explained, or its folder.
        explanations: What `explain` returned.
        seed: Seed of the random words that are deleted for comparison.
    """
    from tenor.explanation.faithfulness import faithfulness

    return faithfulness(_predictor(model), explanations, seed)


def top_features(model: Predictor | str | Path, texts: Sequence[str]) -> dict[str, list[TopFeature]]:
    """Find the n-grams or words that contribute most to each label over these texts.

    Args:
        model: The model, or its folder.
        texts: Texts like those that the model is for.

    Returns:
        A label -> its features, the strongest first.
    """
    from tenor.explanation import top_features as compute

    return compute(_predictor(model), texts)


def _predictor(model: Predictor | str | Path) -> Predictor:
    from tenor.inference.predictor import Predictor

    return model if isinstance(model, Predictor) else load(model)


def _labelled_texts(
    predictor: Predictor,
    task: Task,
    fields: Fields,
    data: str | Path,
    callback: Callback | None,
    slices: str | Sequence[str],
    keywords: ReadKeywords,
) -> tuple[Dataset, dict[str, list[Cell]]]:
    """Labelled texts for the model, with labels of the task, and the columns of the slices."""
    from tenor._core.callbacks import Callback
    from tenor.data import field_columns, sources
    from tenor.data.read_options import ReadOptions

    saved = predictor.bundle
    return sources.read_for_evaluation(
        os.fspath(data),
        task,
        fields,
        saved.metadata,
        ReadOptions(**keywords),
        callback or Callback(),
        field_columns.names(slices),
    )
