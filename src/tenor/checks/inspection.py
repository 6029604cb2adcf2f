"""A table -> what may be wrong with it, and the table without it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenor._core.callbacks import Callback
from tenor.checks import columns, labels, mislabelled, repair, texts
from tenor.checks.finding import CheckReport, Finding
from tenor.checks.parts import CheckContext
from tenor.checks.repair import Repaired
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.data import sources
from tenor.data.io import table
from tenor.data.io.limits import MemoryBudget, sizes_of
from tenor.data.io.table import Chunk, Table
from tenor.errors import DataError, counted
from tenor.models.base import NetworkConfig
from tenor.tasks import Kind

_GRAVITY = ("error", "warning", "note")


@dataclass(frozen=True)
class CheckConfig:
    """What `check` is asked for.

    Attributes:
        data: A path, or the name of a built-in dataset.
        test: Labelled texts that will be measured on.
        text: Column of the texts; None finds it.
        label: Column of the labels; None finds it.
        task: The task; None tells it from the labels.
        label_separator: What stands between the labels of a text.
        labels: Look for labels that are wrong, too.
        maximum_tokens: Length from which networks cut a text.
        fix: File for the cleaned table; None writes none.
        overwrite: Replace what is there.
        seed: Seed of what is random.
    """

    data: str
    test: str | None = None
    text: str | None = None
    label: str | None = None
    task: Kind | None = None
    label_separator: str | None = None
    labels: bool = False
    maximum_tokens: int = NetworkConfig.max_length
    fix: str | None = None
    overwrite: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        settings.require(self.maximum_tokens >= 1, "maximum_tokens", "must be 1 or more")
        settings.require(0 <= self.seed < 2**32, "seed", "must be between 0 and 2^32 - 1")


@dataclass(frozen=True)
class _Source:
    """The rows of the data as they stand in the file.

    Attributes:
        path: The file or folder; None for a built-in dataset.
        parts: The rows that have a text and a label, and the test.
        written: Labels of those rows as they stand in the file.
        others: The other columns of those rows.
        empty: Numbers of rows without a text.
        unlabelled: Numbers of rows without a label.
    """

    path: Path | None
    parts: CheckContext
    written: list[Any]
    others: dict[str, list[Any]]
    empty: list[int]
    unlabelled: list[int]

    def table(self) -> Table:
        """The rows, to be read once more."""
        if self.path is not None:
            return table.open_table(self.path)
        data = self.parts.data
        columns = {data.text_column: list(data.texts), data.label_column: list(data.labels)}
        return Table(data.name, list(columns), iter([Chunk(1, columns)]))


def run_checks(asked: CheckConfig, callback: Callback | None = None) -> tuple[CheckReport, Repaired | None]:
    """Check a table, and write it cleaned where that is asked for.

    Returns:
        What was found, and what was done to the table.

    Raises:
        TenorError: The data cannot be read, or the cleaned file cannot be written.
    """
    run = RunConfig(
        asked.data,
        test=asked.test,
        text=asked.text,
        label=asked.label,
        task=asked.task,
        label_separator=asked.label_separator,
        seed=asked.seed,
        drop_unlabelled=True,
        drop_empty=True,
        on_disk=False,
    )
    if "-" in (asked.data, asked.test):
        raise DataError("a check reads its data twice, and standard input can be read once.", "Give a file.")
    located = [sources.locate(name) for name in sources.train_and_test_sources(run) if name is not None]
    path = located[0] if isinstance(located[0], Path) else None
    if asked.fix is not None:
        inputs = [file for source in located if isinstance(source, Path) for file in table.files(source)]
        repair.check_target(Path(asked.fix), inputs, asked.overwrite)
    source = _read(run, path, callback or Callback())
    found = sorted(_findings(source, asked), key=lambda finding: _GRAVITY.index(finding.severity))
    report = CheckReport(_summary(source), found)
    if asked.fix is None:
        return report, None
    planned = repair.plan(source.parts, source.written, source.empty, source.unlabelled)
    return report, repair.write(planned, source.table(), source.parts.data.label_column, Path(asked.fix))


def _read(run: RunConfig, path: Path | None, callback: Callback) -> _Source:
    data, test = sources.read_train_and_test(run, callback)
    parts = CheckContext(data, test)
    if path is None:
        return _Source(None, parts, list(data.labels), {}, [], [])
    opened = table.open_table(path)
    values: dict[str, list[Any]] = {column: [] for column in opened.columns}
    empty: list[int] = []
    unlabelled: list[int] = []
    kept = set(data.row_numbers)
    memory = MemoryBudget(opened.name, "Check fewer rows at a time.")
    for chunk in opened.chunks:
        for place, text in enumerate(chunk.columns[data.text_column]):
            if chunk.row + place not in kept:
                (unlabelled if text and text.strip() else empty).append(chunk.row + place)
        for column, of_column in chunk.columns.items():
            if column != data.text_column:
                memory.add(sizes_of(of_column), chunk.row)
                values[column] += [value for at, value in enumerate(of_column, chunk.row) if at in kept]
    del values[data.text_column]
    written = values.pop(data.label_column)
    others = {} if path.is_dir() else values  # the file's name holds the label's in a folder of class folders
    return _Source(path, parts, written, others, empty, unlabelled)


def _findings(source: _Source, asked: CheckConfig) -> Iterator[Finding]:
    parts, data = source.parts, source.parts.data
    for name, rows, what in (("no-text", source.empty, "text"), ("no-label", source.unlabelled, "label")):
        if rows:
            option = "drop_empty" if what == "text" else "drop_unlabelled"
            problem = f"{counted(len(rows), 'row has', 'rows have')} no {what}."
            remedy = f"Give them one, or leave them out: `fix=OUT`, or `{option}=True` in training."
            yield Finding(name, "error", problem, remedy, len(rows), rows)
    yield from texts.check(parts, asked.maximum_tokens)
    if parts.one_label_each:
        yield from labels.check(parts, source.written)
        yield from columns.check(data.labels, source.others)
        if asked.labels:
            yield from mislabelled.check(data, parts.near[: len(data)], asked.seed)
    elif asked.labels:
        remedy = "Leave out `labels=True`."
        yield Finding("labels-not-checked", "note", "wrong labels are looked for among single labels only.", remedy, 0)


def _summary(source: _Source) -> dict[str, Any]:
    parts = source.parts
    rows = len(parts.data) + len(source.empty) + len(source.unlabelled)
    summary: dict[str, Any] = {"name": parts.data.name, "rows": rows}
    if parts.test is not None:
        summary["test_rows"] = len(parts.test)
    if parts.one_label_each:
        summary["classes"] = dict(Counter(parts.data.labels).most_common())
    return summary | texts.summary(parts)
