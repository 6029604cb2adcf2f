"""From a table of labelled texts to a saved, measured model; and from a model to the labels of a table."""

import hashlib
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from tenor import bundle, checks, fitting, models, output, settings, tasks
from tenor.bundle import Bundle, Encoder
from tenor.checks.parts import Parts
from tenor.data import builtin, dataset, split, table, times
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.errors import BundleError, DataError, SettingsError
from tenor.models.family import Examples, Family, Fitted
from tenor.predictor import Predictor
from tenor.tasks import Kind, LabelSet, Task, Value
from tenor.watch import Watcher


@dataclass(frozen=True)
class Run:
    """What `train` is asked for.

    Attributes:
        data: A path, a pattern of several, `-` for standard input, or the name of a built-in dataset.
        test: Labelled texts to measure on; None holds out `test_size` of `data`.
        text: Column of the texts; None finds it.
        label: Column of the labels; None finds it.
        family: Name of the model family.
        settings: Settings of the family that differ from its defaults.
        seed: Seed of everything random.
        test_size: Share held out where there is no `test`; 0 measures nothing.
        out: Folder of the model; None makes one under `runs`.
        overwrite: Replace a model that is there.
        resume: Go on with a run that was interrupted.
        drop_unlabelled: Leave out rows without a label.
        drop_empty: Leave out rows with an empty text.
        init: Folder of a pretrained encoder to start from.
        task: `binary`, `multiclass`, `multilabel` or `regression`; None tells it from the labels.
        label_separator: What stands between the labels of a text; None where they are lists, or one a text.
        class_weight: `balanced`, or a weight for each class by its name; None lets all texts count the same.
        group: Column whose equal values stay together: an author, a thread.
        time: Column by which the latest rows are held out, in place of drawn ones.
        folds: Number of folds to measure by; the model learns from all rows then. None holds out a part.
    """

    data: str
    test: str | None = None
    text: str | None = None
    label: str | None = None
    family: str = "ngram"
    settings: dict[str, Any] | None = None
    seed: int = 0
    test_size: float = 0.2
    out: str | None = None
    overwrite: bool = False
    resume: bool = False
    drop_unlabelled: bool = False
    drop_empty: bool = False
    init: str | None = None
    task: Kind | None = None
    label_separator: str | None = None
    class_weight: dict[str, Any] | str | None = None
    group: str | None = None
    time: str | None = None
    folds: int | None = None

    def __post_init__(self) -> None:
        settings.require(0 <= self.test_size < 1, "test_size", "must be at least 0 and below 1")
        settings.require(self.folds is None or self.folds >= 2, "folds", "must be 2 or more")
        settings.require(self.folds is None or self.time is None, "folds", "does not go with time")
        settings.require(self.test is None or self.time is None, "time", "does not go with a test")
        settings.require(0 <= self.seed < 2**32, "seed", "must be between 0 and 2^32 - 1")


@dataclass(frozen=True)
class Pretraining:
    """What `pretrain` is asked for.

    Attributes:
        corpus: Texts, with or without labels: a path, or the name of a built-in dataset.
        text: Column of the texts; None finds it.
        family: Name of the model family.
        settings: Settings of the family that differ from its defaults.
        seed: Seed of everything random.
        out: Folder of the encoder; None makes one under `runs`.
        overwrite: Replace an encoder that is there.
        resume: Go on with a run that was interrupted.
        init: Folder of an encoder to go on from.
    """

    corpus: str
    text: str | None = None
    family: str = "transformer"
    settings: dict[str, Any] | None = None
    seed: int = 0
    out: str | None = None
    overwrite: bool = False
    resume: bool = False
    init: str | None = None

    def __post_init__(self) -> None:
        settings.require(0 <= self.seed < 2**32, "seed", "must be between 0 and 2^32 - 1")


@dataclass(frozen=True)
class Trained:
    """The folder of a model and the model."""

    folder: Path
    predictor: Predictor

    @property
    def metrics(self) -> dict[str, Any]:
        return self.predictor.bundle.metrics


def train(run: Run, watcher: Watcher | None = None) -> Trained:
    """Read, part, fit, measure, save.

    Raises:
        TenorError: The data, the settings or the output folder cannot be used; nothing is written then.
    """
    watcher = watcher or Watcher()
    family = models.find(run.family)
    encoder = _encoder(run.init, family)
    config = _config(family, run.settings or {}, encoder)
    bundle.need(family)
    folder = _folder(run)
    begin = time.perf_counter()
    data, test = read_parts(run, watcher)
    read_s = time.perf_counter() - begin

    dataset.check_labels(data)
    if data.note:
        watcher.say(data.note)
    task = tasks.make(data.kind, data.labels)
    if test is not None:
        _check_labels(test, task)
    checking = time.perf_counter()
    groups = _groups(run, data, test, watcher)
    check_s = time.perf_counter() - checking
    if test is None and run.folds is None and run.test_size > 0:
        kept, held_out = _hold_out(run, data, task, groups)
        data, test, groups = data.take(kept), data.take(held_out), groups[kept]
        if not len(test):
            watcher.say("there are too few rows to hold out a test part, so nothing is measured.")
    test_rows = len(test) if test is not None else 0
    if isinstance(task, Value):
        task = tasks.make(data.kind, data.labels)  # of the texts to learn from alone
    measured_on = f"{test_rows:,} to measure on" + (f", {run.folds} folds" if run.folds else "")
    watcher.say(f"{len(data):,} texts to learn from, {measured_on}; {_described(task)}.")

    fingerprint = _fingerprint(data)
    training = output.training_folder(folder)
    identity = {"task": task.describe(), "class_weight": run.class_weight}
    checkpoints = None if family.fit else _checkpoints(run, family, config, encoder, training, fingerprint, identity)
    fit = partial(_fit, family, task=task, config=config, run=run, encoder=encoder, watcher=watcher)
    fitted = fit(data, groups=groups, checkpoints=checkpoints)
    trained = Bundle(
        family=family,
        config=fitted.config,
        task=fitted.task,
        model=fitted.model,
        about={
            "text_column": data.text_column,
            "label_column": data.label_column,
            "label_separator": run.label_separator,
            **_origin(data, fingerprint, run.seed),
        },
        metrics={"timing": {"read_s": read_s, "check_s": check_s, **fitted.timing}},
        history=fitted.history,
    )
    predictor = Predictor(trained)
    measured = time.perf_counter()
    if test is not None and len(test):
        trained.metrics["test"] = evaluate(predictor, test)
    crossed = time.perf_counter()
    trained.metrics["timing"]["evaluate_s"] = crossed - measured
    if run.folds is not None:
        trained.metrics["cross_validation"] = _cross_validate(run, data, groups, trained, fit, watcher)
        trained.metrics["timing"]["cross_validate_s"] = time.perf_counter() - crossed
    trained.metrics["timing"]["total_s"] = time.perf_counter() - begin
    folder = _save(predictor, run, folder)
    output.remove_checkpoints(training)
    return Trained(folder, predictor)


def _save(predictor: Predictor, run: Run, folder: Path) -> Path:
    """Save, where no `out` was given under the next name that is free, should another run have taken this one."""
    while True:
        try:
            predictor.save(folder, run.overwrite)
            return folder
        except BundleError:
            if run.out is not None or not folder.exists():
                raise
            folder = _folder(run)


def evaluate(predictor: Predictor, data: Dataset) -> dict[str, Any]:
    """Metrics of a model on labelled texts. Raises DataError for a label that the model does not know."""
    from tenor.evaluation import metrics

    task = predictor.bundle.task
    _check_labels(data, task)
    return metrics.evaluate(task.encode(data.labels), predictor.logits(data.texts), task)


def _check_labels(data: Dataset, task: Task) -> None:
    """Refuse labels that the model does not know."""
    if isinstance(task, Value):
        return
    known = set(task.labels)
    several = isinstance(task, LabelSet)
    new = [[name for name in (labels if several else [labels]) if name not in known] for labels in data.labels]
    unknown = [names[0] for names in new if names]
    if unknown:
        raise DataError(
            f"{data.name}, column {data.label_column!r}: the label {unknown[0]!r} was not in the training data "
            f"({len(unknown):,} rows have such labels).",
            f"Known labels: {_listed(task.labels)}.",
        )


def read(source: str, **options: Any) -> Dataset:
    """Labelled texts from a path or a built-in name; `options` are those of `dataset.read`."""
    found = _source(source)
    return builtin.load(found) if isinstance(found, str) else dataset.read(found, **options)


def _source(source: str) -> str | Path:
    """The name of a built-in dataset, or a path. Raises DataError where it can be neither."""
    if source in builtin.BUILTINS and not Path(source).exists():
        return source
    path = Path(source)
    other = source == "-" or table.is_pattern(source)
    if not path.suffix and not other and not os.path.exists(path):  # noqa: PTH110  (never raises, however long the name)
        names = list(builtin.BUILTINS)
        raise DataError(
            f"{source}: there is no such file and no such built-in dataset.",
            settings.nearest(source, names).replace("Known", "Built in"),
        )
    return path


def read_test(source: str, kind: Kind, watcher: Watcher, **options: Any) -> Dataset:
    """Labelled texts to measure on: as `read`, but of a folder with the parts `train` and `test` the latter.

    `kind` is the task that was trained.
    """
    task = "multiclass" if kind == "binary" else kind  # a third label is an unknown one, and told of as such
    options["task"] = task
    parts = _parts(source)
    if parts:
        watcher.say(f"{source} has a train and a test folder; the test folder is taken.")
        source = parts[1]
    return read(source, **options)


def _parts(source: str) -> tuple[str, str] | None:
    """The folders `train` and `test` in the folder `source`, if it has both."""
    train, test = os.path.join(source, "train"), os.path.join(source, "test")  # noqa: PTH118
    return (train, test) if os.path.isdir(train) and os.path.isdir(test) else None  # noqa: PTH112  (never raises)


def sources(run: Run) -> tuple[str, str | None]:
    """Where the texts to learn from and those to measure on are: a folder of both parts stands for the two."""
    parts = _parts(run.data)
    return parts if run.test is None and parts else (run.data, run.test)


def read_parts(run: Run, watcher: Watcher) -> tuple[Dataset, Dataset | None]:
    """The texts to learn from, and those to measure on where there are any.

    Raises:
        DataError: They cannot be read.
    """
    options: dict[str, Any] = {"drop_unlabelled": run.drop_unlabelled, "drop_empty": run.drop_empty}
    source, test_source = sources(run)
    if source != run.data:
        watcher.say(f"{run.data} has a train and a test folder; each is taken as such.")
    options["separator"] = run.label_separator
    data = read(source, text=run.text, label=run.label, task=run.task, **options)
    if source not in builtin.BUILTINS:
        watcher.say(f"texts from column {data.text_column!r}, labels from column {data.label_column!r}.")
    if test_source is None:
        return data, None
    usual = (data.text_column, data.label_column)
    test = read_test(test_source, data.kind, watcher, text=run.text, label=run.label, usual=usual, **options)
    return data, test


def _groups(run: Run, data: Dataset, test: Dataset | None, watcher: Watcher) -> Groups:
    """Rows that stay together: (near) duplicates, and those of --group. Says what a person should know of the texts."""
    parts = Parts(data, test)
    lines = [finding.brief for finding in checks.brief(parts) if finding.brief]
    for line in lines:
        watcher.say(line)
    if lines:
        beside = f" --test {run.test}" if run.test else ""
        watcher.say(f"to see the rows: tenor check {run.data}{beside}")
    groups = parts.near[: len(data)]
    return groups if run.group is None else split.joined([groups, split.same_value(_column(run, data, "group"))])


def _hold_out(run: Run, data: Dataset, task: Task, groups: Groups) -> tuple[split.Rows, split.Rows]:
    if run.time is None:
        return split.hold_out(data.texts, task.strata(task.encode(data.labels)), run.test_size, run.seed, groups)
    numbers = [data.number(row) for row in range(len(data))]
    moments = times.parse(_column(run, data, "time"), numbers, data.name, run.time)
    return split.hold_out_latest(data.texts, moments, run.test_size, groups)


def _column(run: Run, data: Dataset, option: str) -> list[Any]:
    """The values of the column that --group or --time names."""
    source, column = _source(sources(run)[0]), getattr(run, option)
    if isinstance(source, str):
        raise SettingsError(
            f"--{option}: the built-in dataset {source!r} has no column {column!r}, only texts and labels.",
            f"Leave out --{option}, or give a file.",
        )
    return dataset.read_column(source, column, f"--{option}", data)


def _cross_validate(
    run: Run, data: Dataset, groups: Groups, trained: Bundle, fit: Callable[..., Fitted], watcher: Watcher
) -> dict[str, Any]:
    """Metrics of models that each leave out one fold: those of every fold, their mean and standard deviation."""
    assert run.folds is not None
    if len(set(groups.tolist())) < run.folds:
        raise DataError(
            f"{data.name}: {run.folds} folds need as many groups of rows, and there are {len(set(groups.tolist()))}.",
            "Give more rows, or fewer --folds.",
        )
    each = []
    strata = trained.task.strata(trained.task.encode(data.labels))
    for number, (kept, measured) in enumerate(split.folds(data.texts, strata, run.folds, run.seed, groups), 1):
        fitted = fit(data.take(kept), groups=groups[kept], checkpoints=None)
        predictor = Predictor(replace(trained, task=fitted.task, config=fitted.config, model=fitted.model))
        each.append(evaluate(predictor, data.take(measured)))
        figures = [key for key in each[0] if all(isinstance(fold[key], float) for fold in each)]
        watcher.finished(f"fold {number} of {run.folds}", {figures[0]: each[-1][figures[0]]})
    table = {key: [fold[key] for fold in each] for key in figures}
    return {
        "folds": run.folds,
        "mean": {key: statistics.fmean(values) for key, values in table.items()},
        "std": {key: statistics.stdev(values) for key, values in table.items()},
        "each": [{"rows": fold["rows"], **{key: fold[key] for key in figures}} for fold in each],
    }


def _fit(
    family: Family,
    data: Dataset,
    task: Task,
    config: Any,
    run: Run,
    encoder: Encoder | None,
    watcher: Watcher,
    groups: Groups,
    checkpoints: Any,
) -> Fitted:
    targets = task.encode(data.labels)
    if family.fit is not None and run.resume:
        raise SettingsError(
            f"{family.name!r} trains in one go and cannot be resumed.", "Leave out --resume (in Python resume=True)."
        )
    weights = fitting.weights(task, targets, run.class_weight)
    examples = Examples(data.texts, targets, task, weights, groups)
    return fitting.fit(family, examples, config, run.seed, watcher, checkpoints, _start(encoder))


def _checkpoints(
    run: "Run | Pretraining",
    family: Family,
    config: Any,
    encoder: Encoder | None,
    folder: Path,
    fingerprint: str,
    more: dict[str, Any],
) -> Any:
    """Where checkpoints go, with what tells the run from others."""
    from tenor.training import Checkpoints

    identity = {
        "family": family.name,
        "settings": settings.as_dict(config),
        "seed": run.seed,
        "data": fingerprint,
        "init": encoder.fingerprint() if encoder else None,
        **more,
    }
    return Checkpoints(folder, run.resume, json.loads(json.dumps(identity)))


def pretrain(run: Pretraining, watcher: Watcher | None = None) -> tuple[Path, Encoder]:
    """Train an encoder on texts without labels and save it; returns its folder and what is there.

    Raises:
        TenorError: The corpus, the settings or the output folder cannot be used; nothing is written then.
    """
    watcher = watcher or Watcher()
    family = models.find(run.family)
    if not family.structure:
        able = [name for name, other in models.FAMILIES.items() if other.structure]
        raise SettingsError(f"the family {run.family!r} has no encoder to pretrain.", f"Known: {', '.join(able)}.")
    init = _encoder(run.init, family)
    config = _config(family, run.settings or {}, init)
    bundle.need(family)
    folder = _folder(run)
    begin = time.perf_counter()
    corpus = _corpus(run)
    read_s = time.perf_counter() - begin
    watcher.say(f"{len(corpus):,} texts to learn from.")

    from tenor import pretraining

    fingerprint, place = _fingerprint(corpus), output.training_folder(folder)
    checkpoints = _checkpoints(run, family, config, init, place, fingerprint, {})
    fitted = pretraining.fit(family, corpus.texts, config, run.seed, watcher, checkpoints, _start(init))
    encoder = Encoder(
        family,
        fitted.config,
        fitted.model.encoder(),
        {name: value for name, value in fitted.model.arrays().items() if not name.startswith("logits/")},
        _origin(corpus, fingerprint, run.seed),
        {"timing": {"read_s": read_s, **fitted.timing, "total_s": time.perf_counter() - begin}},
        fitted.history,
    )
    bundle.save_encoder(encoder, folder, run.overwrite)
    output.remove_checkpoints(place)
    return folder, encoder


def _corpus(run: Pretraining) -> Dataset:
    """The texts, without labels."""
    builtin_or_path = _source(run.corpus)
    if isinstance(builtin_or_path, str):
        return replace(builtin.load(builtin_or_path), labels=[])
    return Dataset(builtin_or_path.name, dataset.read_texts(builtin_or_path, run.text), [])


def _encoder(folder: str | None, family: Family) -> Encoder | None:
    """The encoder that training starts from. Raises SettingsError where it is one of another family."""
    if folder is None:
        return None
    encoder = bundle.load_encoder(Path(folder))
    if encoder.family.name != family.name:
        raise SettingsError(
            f"{folder}: this is an encoder of the family {encoder.family.name!r}, not {family.name!r}.",
            f"Train with --family {encoder.family.name}.",
        )
    return encoder


def _config(family: Family, values: dict[str, Any], encoder: Encoder | None) -> Any:
    """The family's settings; those that shape an encoder come from the encoder that training starts from."""
    if encoder is None:
        return settings.make(family.config, values, "settings")
    shape = {key: value for key, value in settings.as_dict(encoder.config).items() if key in family.structure}
    for key in values:
        if key in shape and values[key] != shape[key]:
            raise SettingsError(
                f"the setting {key!r} is {values[key]!r}, and that of the encoder to start from is {shape[key]!r}.",
                "Leave it out.",
            )
    return settings.make(family.config, {**values, **shape}, "settings")


def _start(encoder: Encoder | None) -> Any:
    if encoder is None:
        return None
    from tenor.models import network

    try:
        return network.Start(network.restore_encoder(encoder.text_encoder), encoder.arrays)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"the encoder to start from is damaged: {error}.", "Train it again.") from None


def _folder(run: Run | Pretraining) -> Path:
    source = run.data if isinstance(run, Run) else run.corpus
    if source == "-":
        name = "stdin"
    elif source in builtin.BUILTINS:
        name = source
    else:
        path = Path(source).resolve()
        names = (re.sub(r"[*?\[\]]", "", part.name).partition(".")[0].strip("-_") for part in (path, path.parent))
        name = next(filter(None, names), "data")
    return output.choose(run.out, f"{name}-{run.family}", run.resume, run.overwrite)


def _fingerprint(data: Dataset) -> str:
    digest = hashlib.sha256()
    for values in (data.texts, data.labels):
        digest.update(json.dumps(values, ensure_ascii=True).encode())
    return digest.hexdigest()


def _origin(data: Dataset, fingerprint: str, seed: int) -> dict[str, Any]:
    """What a saved folder tells of where its model comes from."""
    return {
        "data": {"name": data.name, "rows": len(data), "sha256": fingerprint},
        "seed": seed,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("numpy", "scipy", "scikit-learn", "keras", "tensorflow", "jax", "tokenizers"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _described(task: Task) -> str:
    if isinstance(task, Value):
        return f"values: {task.centre:.4g} on average, {task.spread:.4g} around it"
    several = " (any number of them a text)" if isinstance(task, LabelSet) else ""
    return f"labels: {_listed(task.labels)}{several}"


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:10]) + (f", ... ({len(labels):,} in all)" if len(labels) > 10 else "")
