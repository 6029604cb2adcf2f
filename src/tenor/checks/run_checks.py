"""All checks of a table, and the cleaned table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.checks import columns, labels, mislabelled, repair, texts, total_rows
from tenor.checks.context import CheckContext
from tenor.checks.finding import CheckReport, Finding
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.data import known_labels, label_columns, later_sources, review_file, row_reader, sources
from tenor.data.io import annotations, table, writer
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.limits import MemoryBudget, sizes_of
from tenor.data.io.line_numbers import LineNumbers
from tenor.data.io.table import Chunk, Table
from tenor.data.review_file import ReviewRow
from tenor.errors import DataError, Location, SettingsError, counted
from tenor.models.network_config import NetworkConfig
from tenor.tasks import Kind, Label


@dataclass(frozen=True)
class CheckConfig:
    """What to check, and how.

    Attributes:
        data: A path, or the name of a built-in dataset.
        test: Labelled texts for the evaluation.
        text: Column of the texts, or the columns of several text fields; None: detect it.
        features: Columns of numbers, categories and dates to read beside the text, or `all`; None: none.
        pair: Whether the relation of two text fields is the label; None: by their names.
        label: Column of the labels; None: detect it.
        task: The task; None: infer it from the labels.
        label_separator: Separator of the labels in one cell.
        missing_labels: Labels that stand for a missing one, as in training: the checks leave these rows out.
        labels: Also look for wrong labels.
        max_length: Number of tokens from which networks truncate a text.
        review: File for the rows whose label may be wrong, with a column for the right one; None: write none.
        fix: File for the cleaned table; None: write none.
        also: Filled review files, or other sources with later labels, whose labels the cleaned table gets.
        merge: A label -> the label that the cleaned table gets instead.
        overwrite: Replace these files if they exist.
        seed: Seed of everything random.
        decimal: The decimal mark of numbers in the labels, `.` or `,`; None: recognised where the numbers show it.
        encoding: The encoding of text files, such as `cp1252`; None: recognised.
        quoting: What quotes in delimited files are: `minimal` (around fields) or `none` (characters); None: recognised.
        header: Whether the first line of delimited files and sheets names the columns; None: recognised.
        sheet: The sheet of a workbook; None: the first one with rows.
        query: The SQL query that reads `data`, if that is the URL of a database.
    """

    former_names: ClassVar[Mapping[str, str]] = {"maximum_tokens": "max_length"}

    data: str
    test: str | None = None
    text: str | Sequence[str] | None = None
    features: str | Sequence[str] | None = None
    pair: bool | None = None
    label: str | Sequence[str] | None = None
    task: Kind | None = None
    label_separator: str | None = None
    missing_labels: tuple[str, ...] = ()
    labels: bool = False
    max_length: int = NetworkConfig.max_length
    review: str | None = None
    fix: str | None = None
    also: tuple[str, ...] = ()
    merge: JsonObject | None = None
    overwrite: bool = False
    seed: int = 0
    decimal: str | None = None
    encoding: str | None = None
    quoting: Literal["minimal", "none"] | None = None
    header: bool | None = None
    sheet: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        settings.check_types(self)
        settings.require(self.max_length >= 1, "max_length", tr("must be 1 or more"))
        settings.require(0 <= self.seed < 2**32, "seed", tr("must be between 0 and 2^32 - 1"))
        for option, fixes in (("also", self.also), ("merge", self.merge)):
            settings.require(
                self.fix is not None or not fixes, option, tr("changes the cleaned table"), tr("Name it: `fix=OUT`.")
            )
        settings.require(
            self.labels or self.review is None,
            "review",
            tr("writes rows whose label may be wrong"),
            tr("Use `labels=True`."),
        )


@dataclass(frozen=True)
class _TableRows:
    """The rows of the data as the file has them.

    Attributes:
        path: The file or folder; None for a built-in dataset.
        context: The rows that have a text and a label, and the test.
        raw_labels: Labels of those rows as the file has them.
        other_columns: The other columns of those rows.
        empty: Numbers of rows without a text.
        unlabelled: Numbers of rows without a label.
        files: How the file is written.
        line_numbers: The line of each row in a delimited file or a sheet; None for other formats.
    """

    path: Path | DatabaseUrl | None
    context: CheckContext
    raw_labels: list[object]
    other_columns: dict[str, list[object]]
    empty: list[int]
    unlabelled: list[int]
    files: FileOptions = RECOGNISED
    line_numbers: LineNumbers | None = None

    def line(self, row: int) -> int | None:
        """The line of a row in a delimited file; None for other formats."""
        return None if self.line_numbers is None else self.line_numbers.line(row)

    def table(self) -> Table:
        """The rows, read again."""
        if self.path is not None:
            return table.open_table(self.path, self.files)
        data = self.context.data
        columns = {data.text_column: list(data.texts), data.label_column: list(data.labels)}
        return Table(data.name, list(columns), iter([Chunk(1, columns)]))


def run_checks(config: CheckConfig, callback: Callback | None = None) -> CheckReport:
    """Check a table, and write the cleaned table if `config` names a file for it.

    Raises:
        TenorError: The data cannot be read, or the cleaned file cannot be written.
    """
    run = RunConfig(
        data=config.data,
        test=config.test,
        text=config.text,
        features=config.features,
        pair=config.pair,
        label=config.label,
        task=config.task,
        label_separator=config.label_separator,
        missing_labels=config.missing_labels,
        seed=config.seed,
        decimal=config.decimal,
        encoding=config.encoding,
        quoting=config.quoting,
        header=config.header,
        sheet=config.sheet,
        query=config.query,
        drop_unlabelled=True,
        drop_empty=True,
        on_disk=False,
    )
    if "-" in (config.data, config.test):
        raise DataError(
            tr("a check reads its data twice, and standard input can be read only once."), tr("Give a file.")
        )
    located = [sources.locate(name) for name in sources.train_and_test_sources(run) if name is not None]
    path = None if isinstance(located[0], str) else located[0]
    inputs = [file for source in located if not isinstance(source, str) for file in table.files(source)]
    inputs += [Path(source) for source in config.also if "://" not in source]
    if config.fix is not None and config.review is not None:
        writer.require_distinct(Path(config.fix), Path(config.review), "fix", "review")
    for out in filter(None, (config.fix, config.review)):
        repair.check_output(Path(out), inputs, config.overwrite)
    callback = callback or Callback()
    rows = _read(run, path, callback)
    suspects = None
    if config.labels and rows.context.single_label:
        data = rows.context.data
        suspects = mislabelled.find_suspects(data, rows.context.near[: len(data)], config.seed)
    findings = [_with_lines(finding, rows) for finding in _findings(rows, config, suspects)]
    findings.sort(key=lambda finding: -finding.rank)
    if config.review is not None:
        _write_review(rows, suspects or [], Path(config.review))
    repaired = None if config.fix is None else _repair(rows, config, run, callback)
    return CheckReport(_summary(rows), findings, repaired)


def _with_lines(finding: Finding, rows: _TableRows) -> Finding:
    """The finding with the line of each row, where the file has such lines."""
    lines = [] if finding.part == "test" else [line for row in finding.rows if (line := rows.line(row)) is not None]
    return replace(finding, lines=lines)


def _repair(rows: _TableRows, config: CheckConfig, run: RunConfig, callback: Callback) -> repair.Repaired:
    """Write the cleaned table, with the labels of later sources."""
    context, raw_labels = rows.context, list(rows.raw_labels)
    if config.merge and not context.single_label:
        raise SettingsError(tr("`merge=...` works only in tasks with one class per text."), tr("Leave it out."))
    data = context.data
    merged = later_sources.add(replace(run, also=config.also), data, callback)
    labels = list(merged.labels[: len(data)])
    changed = [row for row, label in enumerate(labels) if label != data.labels[row]]
    for row in changed:
        raw_labels[row] = _raw_label(labels[row], data.class_names)
    if len(merged) > len(data):
        callback.on_message(tr("new rows are left out: a cleaned table has only rows of {name}.", name=data.name))
    planned = repair.plan(
        CheckContext(replace(data, labels=labels), context.test),
        raw_labels,
        rows.empty,
        rows.unlabelled,
        {old: str(new) for old, new in (config.merge or {}).items()},
        {data.row_number(row): _raw_label(labels[row], data.class_names) for row in changed},
    )
    assert config.fix is not None
    return repair.write(planned, rows.table(), data.label_column, Path(config.fix))


def _raw_label(label: Label, names: Sequence[str]) -> Label:
    """A label as the file has it: its number if the file has numbers, whose names stand elsewhere."""
    return str(names.index(label)) if label in names else label


def _write_review(rows: _TableRows, suspects: Sequence[mislabelled.Suspect], out: Path) -> None:
    """Write the rows whose label may be wrong, the most likely first, with all columns of the table."""
    data, source = rows.context.data, rows.table()
    review_file.require_writable(out, source.columns, source.name)
    suspect_rows = {data.row_number(suspect.row) for suspect in suspects}
    cells: dict[int, list[object]] = {}
    for chunk in source.chunks:
        for at in range(len(chunk)):
            if chunk.row + at in suspect_rows:
                cells[chunk.row + at] = [chunk.columns[column][at] for column in source.columns]
    numbers = [data.row_number(suspect.row) for suspect in suspects]
    review_file.write(
        out,
        source.columns,
        [
            ReviewRow(number, cells[number], suspect.suggested, round(suspect.score, 6), line=rows.line(number))
            for number, suspect in zip(numbers, suspects, strict=True)
        ],
    )


def _read(run: RunConfig, path: Path | DatabaseUrl | None, callback: Callback) -> _TableRows:
    data, test = sources.read_train_and_test(run, callback)
    if test is not None and data.kind != "regression":
        names = {name for label in data.labels for name in ((label,) if isinstance(label, str) else label)}
        test, note = known_labels.match_spellings(test, sorted(names))
        if note:
            callback.on_message(note)
    context = CheckContext(data, test)
    if path is None:
        return _TableRows(None, context, list(data.labels), {}, [], [])
    files = sources.options_of(run).files
    opened = table.open_table(path, files)
    line_numbers = opened.line_numbers
    if line_numbers is not None:
        line_numbers.track()
    opened = annotations.accepted(opened)
    if data.label_columns:
        opened = label_columns.join(opened, data.label_columns)
    values: dict[str, list[object]] = {column: [] for column in opened.columns}
    empty: list[int] = []
    unlabelled: list[int] = []
    usable = set(data.row_numbers)
    memory = MemoryBudget(opened.name, tr("Check fewer rows at a time."))
    reader = row_reader.for_table(opened, data.fields, data.text_column if data.fields.is_single_text else None)
    texts = {field.name for field in data.fields.texts}
    for chunk in opened.chunks:
        for row, text in enumerate(reader.read(opened, chunk), chunk.row):
            if row not in usable:
                (unlabelled if text and text.strip() else empty).append(row)
        for column, of_column in chunk.columns.items():
            if column not in texts:
                memory.add(sizes_of(of_column), chunk.row)
                values[column] += [value for row, value in enumerate(of_column, chunk.row) if row in usable]
    for column in texts:
        del values[column]
    raw_labels = annotations.to_labels(values.pop(data.label_column), Location(opened.name))
    return _TableRows(
        path=path,
        context=context,
        raw_labels=raw_labels,
        # In a folder of class folders the path holds the label.
        other_columns={} if isinstance(path, Path) and path.is_dir() else values,
        empty=empty,
        unlabelled=unlabelled,
        files=files,
        line_numbers=line_numbers,
    )


def _findings(
    rows: _TableRows, config: CheckConfig, suspects: Sequence[mislabelled.Suspect] | None
) -> Iterator[Finding]:
    context, data = rows.context, rows.context.data
    for numbers, what, option in ((rows.empty, "text", "drop_empty"), (rows.unlabelled, "label", "drop_unlabelled")):
        if numbers:
            yield Finding(
                name=f"no-{what}",
                severity="note" if what == "label" and config.missing_labels else "error",
                problem=tr(
                    "{numbers} no {what}.", numbers=counted(len(numbers), "row has", "rows have"), what=tr(what)
                ),
                remedy=tr(
                    "Give them one, or leave them out: `fix=OUT`, or `{option}=True` in training.", option=option
                ),
                count=len(numbers),
                rows=numbers,
            )
    yield from texts.check(context, config.max_length)
    yield from total_rows.check(data)
    if context.single_label:
        yield from labels.check(context, rows.raw_labels)
        yield from columns.check(data.labels, rows.other_columns, [field.name for field in data.fields.features])
        if config.labels:
            yield from mislabelled.check(data, suspects)
    elif config.labels:
        yield Finding(
            name="labels-not-checked",
            severity="note",
            problem=tr("`labels=True` works only in tasks with one class per text."),
            remedy=tr("Leave out `labels=True`."),
        )


def _summary(rows: _TableRows) -> JsonObject:
    context = rows.context
    n_rows = len(context.data) + len(rows.empty) + len(rows.unlabelled)
    summary: JsonObject = {"name": context.data.name, "rows": n_rows}
    if context.test is not None:
        summary["test_rows"] = len(context.test)
    if context.single_label:
        summary["classes"] = dict(Counter(context.data.labels).most_common())
    return summary | texts.summary(context)
