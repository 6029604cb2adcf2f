"""Options that several commands have."""

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from tenor._core.language import tr
from tenor._core.records import Json, JsonMapping, JsonObject
from tenor.cli import completion

if TYPE_CHECKING:
    from tenor.data.io import file_options as io_options
    from tenor.data.io.file_options import FileOptions

Text = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of the texts; repeatable for rows of several texts, e.g. a title and a body.",
        autocompletion=completion.columns,
    ),
]
Features = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        "--features",
        help="Column with a number, category or date beside the text, e.g. price or store:category; repeatable, or "
        "'all'.",
        autocompletion=completion.columns,
    ),
]
Pair = Annotated[
    bool | None,
    typer.Option(
        "--pair/--no-pair",
        help="Whether the relation of two texts is the label, as with duplicate questions. [default: by the names of "
        "the columns]",
    ),
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of the labels. Repeat it for columns of 0 and 1, which together are sets of labels.",
        autocompletion=completion.columns,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(metavar="[.|,]", help="Decimal mark of numbers such as 4,362, where the column does not show it."),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Encoding of text files, e.g. cp1252 or big5. [default: recognised]"),
]
Quoting = Annotated[
    str | None,
    typer.Option(
        metavar="[minimal|none]",
        help="Quotes in delimited files: minimal (around fields) or none (they are characters). [default: recognised]",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line names the columns; without names they are 1, 2, 3. [default: recognised]",
    ),
]
Sheet = Annotated[
    str | None, typer.Option(metavar="NAME", help="Sheet of an Excel file. [default: the first one with rows]")
]
Query = Annotated[
    str | None,
    typer.Option(metavar="SQL", help="Query that reads the data, if they are the URL of a database."),
]
Task = Annotated[
    str | None,
    typer.Option(
        help="Task: binary, multiclass, multilabel or regression. [default: inferred from the labels]",
        autocompletion=completion.tasks,
    ),
]
LabelSeparator = Annotated[
    str | None, typer.Option(help="Separator for multi-label cells, e.g. ';'. Not needed for list columns.")
]
Slices = Annotated[
    list[str] | None,
    typer.Option(
        "--slice",
        help="Column whose values define slices, each evaluated separately; repeatable.",
        autocompletion=completion.columns,
    ),
]
DropUnlabelled = Annotated[bool, typer.Option("--drop-unlabelled", help="Drop rows without a label.")]
DropEmpty = Annotated[bool, typer.Option("--drop-empty", help="Drop rows with an empty text.")]
MissingLabel = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL",
        help="Label that stands for a missing one, e.g. '?'; repeatable. Drops these rows and rows without a label.",
    ),
]
UnknownLabels = Annotated[
    Literal["error", "wrong", "drop"],
    typer.Option(help="Test rows with a label that is not in the training data: refuse, count as wrong, or drop them."),
]
EscapeFormulas = Annotated[
    bool,
    typer.Option(
        "--escape-formulas",
        help="In .csv and .tsv, put ' before text that a spreadsheet would evaluate as a formula (= + - @).",
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Setting of the family, as key=value; repeatable.", autocompletion=completion.settings),
]
Lang = Annotated[
    Literal["en", "zh"] | None,
    typer.Option(help="Language of messages, reports and pages; or set TENOR_LANG. [default: that of the locale]"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Folder of a trained model.", autocompletion=completion.models)
]
Runtime = Annotated[
    str | None,
    typer.Option(
        help="Runtime of networks: onnxruntime, or openvino (bfloat16 if the processor supports it); or set "
        "TENOR_RUNTIME. [default: onnxruntime]"
    ),
]
RunData = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="Labelled texts: a file, a quoted pattern, a folder, '-' for standard input, or a built-in name. "
        "The run file may name them instead.",
        autocompletion=completion.datasets,
    ),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MORE",
        help="Further labelled texts, a filled review file, or corrections (a file or URL); repeatable. Where a text "
        "stands in several sources, the last label counts.",
    ),
]
Test = Annotated[str | None, typer.Option(help="Labelled test texts. [default: hold out a part of DATA]")]
ClassWeight = Annotated[str | None, typer.Option(help="Class weights: 'balanced', or e.g. 'spam=5,urgent=2'.")]
Seed = Annotated[int | None, typer.Option(help="Random seed. [default: 0]")]
TestSize = Annotated[float | None, typer.Option(help="Share of DATA held out for testing. [default: 0.2]")]
Validation = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE|FILE",
        help="Validation data for model selection and calibration: a fraction of the training texts, e.g. 0.1, or "
        "a file. [default: depends on the family]",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        help="Group column, e.g. an author: rows with equal values stay in the same split.",
        autocompletion=completion.columns,
    ),
]
Time = Annotated[
    str | None,
    typer.Option(help="Time column: the latest rows are held out.", autocompletion=completion.columns),
]
On = Annotated[
    str | None,
    typer.Option(metavar="ray", help="Run on a Ray cluster: ray (RAY_ADDRESS, or this machine) or ray://HOST:PORT."),
]
Workers = Annotated[int | None, typer.Option(help="Number of workers. [default: as many as the cluster has cores for]")]
WorkerCores = Annotated[int, typer.Option(help="Cores per worker.")]
Log = Annotated[
    list[str] | None,
    typer.Option(help="Log metrics live to tensorboard or mlflow; repeatable."),
]
RunFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Run file in TOML. Options given here override it; its paths are relative to the current folder.",
    ),
]


def file_options(
    encoding: str | None = None,
    quoting: str | None = None,
    header: bool | None = None,
    sheet: str | None = None,
    query: str | None = None,
) -> JsonObject:
    """How files are written, as far as options say so. Raises SettingsError if one is not possible."""
    values = asdict(files(encoding, quoting, header, sheet, query))
    del values["names"]
    return {name: value for name, value in values.items() if value is not None}


def files(
    encoding: str | None,
    quoting: str | None,
    header: bool | None,
    sheet: str | None,
    query: str | None,
    names: tuple[str, ...] = (),
) -> "FileOptions":
    """How files are written. Raises SettingsError if a value is unknown."""
    from tenor.data.io.file_options import FileOptions

    return FileOptions(
        encoding=encoding,
        quoting=cast("io_options.Quoting", quoting),
        header=header,
        sheet=sheet,
        query=query,
        names=names,
    )


def use_runtime(runtime: str | None, *models: Path) -> None:
    """Run networks with this runtime, in this process and in those that it starts.

    Raises:
        SettingsError: The runtime is unknown, or no model has a network.
    """
    from tenor.errors import SettingsError
    from tenor.inference import bundle
    from tenor.models.onnx import runtimes

    if runtime is None:
        return
    os.environ[runtimes.VARIABLE] = runtime
    runtimes.require_known_runtime()
    existing = [folder for folder in models if bundle.version(folder)]  # loading reports the others
    if existing and not any(map(bundle.has_onnx_graph, existing)):
        raise SettingsError(
            tr(
                "--runtime is for networks as ONNX, and there is none in {models}.",
                models=tr(" or ").join(map(str, models)),
            ),
            tr("Leave it out: n-grams need no runtime. A network gets its graph with: tenor export MODEL"),
        )


def fraction_or_file(value: str | None) -> float | str | None:
    """The value of --validation: a fraction, or a file. Raises SettingsError if it is empty."""
    from tenor.errors import SettingsError

    if value is None:
        return None
    if not value.strip():
        raise SettingsError(tr("--validation is empty."), tr("Give a fraction of the texts, such as 0.1, or a file."))
    try:
        fraction = float(value)
    except ValueError:
        return value
    return fraction if math.isfinite(fraction) else value  # a file may be called nan


def merged(run_file: Path | None, **options: Json) -> JsonObject:
    """The values of a run file and of options, which override them; an option that is not given is None or False.

    Raises:
        SettingsError: The run file cannot be read.
    """
    from tenor.config import settings

    return (settings.read_toml(run_file) if run_file else {}) | given(**options)


def column_names(names: list[str] | None) -> str | list[str] | None:
    """The value of a repeatable option for columns: one name alone, several in a list."""
    return names[0] if names and len(names) == 1 else names or None


def given(**options: Json) -> JsonObject:
    """The options that are given: those that are neither None nor False."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def require_data(context: typer.Context, values: JsonMapping) -> None:
    """Print the usage and exit if neither the command nor its run file names the data."""
    if "data" not in values:
        context.fail(tr("Missing argument 'DATA'. Name the data there, or in a run file (--config) as data = \"...\"."))


def require(condition: bool, purpose: str, remedy: str, **given: bool) -> None:
    """Refuse options that would do nothing.

    Args:
        condition: Whether the options have an effect.
        purpose: What they are for, and that it is missing.
        remedy: How to add it.
        given: For each option, whether it is given.

    Raises:
        SettingsError: One is given, and the condition is false.
    """
    from tenor.errors import SettingsError

    for option in [f"--{name.replace('_', '-')}" for name, is_given in given.items() if is_given and not condition]:
        raise SettingsError(
            tr("{option} is for {purpose}.", option=option, purpose=purpose),
            tr("{remedy}, or leave out {option}.", remedy=remedy, option=option),
        )


def require_cluster(on: str | None, **given: bool) -> None:
    """Raise SettingsError if an option of a cluster is given (true) without a cluster."""
    require(on is not None, tr("a cluster, and there is no --on"), tr("Add --on ray"), **given)


def require_file(is_file: bool, **given: bool) -> None:
    """Raise SettingsError if an option of files is given (true), and the input is a text."""
    require(is_file, tr("a file, and INPUT is a text"), tr("Give a file"), **given)


def class_weight(value: str | None) -> str | dict[str, float] | None:
    """The value of --class-weight. A class with a comma is quoted like a field of CSV."""
    import csv

    from tenor.errors import SettingsError

    if value is None or value == "balanced":
        return value
    weights = {}
    try:
        items = next(csv.reader([value], skipinitialspace=True)) or [""]
    except csv.Error:  # for example a line end
        items = [value]
    for item in items:
        label, equals, weight = item.rpartition("=")
        try:
            weights[label.strip()] = float(weight)
        except ValueError:
            equals = ""
        if not equals:
            raise SettingsError(
                tr("--class-weight: {item!r} is not of the form class=number.", item=item),
                tr("Write balanced, or spam=5,urgent=2."),
            )
    return weights
