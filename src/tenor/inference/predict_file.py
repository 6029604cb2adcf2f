"""Labels for one table in one file: an interrupted run continues, a complete one is kept."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from tenor._core.callbacks import Callback
from tenor._core.language import mark, tr
from tenor._core.records import JsonObject
from tenor._core.version import VERSION
from tenor.data import row_reader
from tenor.data.field_columns import ColumnNames
from tenor.data.fields import Fields
from tenor.data.io import stdin, table, writer
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.formats import suffix
from tenor.data.io.table import Chunk, Table
from tenor.errors import DataError
from tenor.inference import bundle, cache_file, json_row, prediction_cache
from tenor.inference.predict_files import require_current
from tenor.inference.predict_table import (
    ConformalOptions,
    RowCounts,
    RowLabeller,
    describe_columns,
    first_texts,
    label_table,
)
from tenor.inference.predictor import Predictor
from tenor.inference.review import ReviewOptions, ReviewRows
from tenor.models.onnx import runtimes


@dataclass(frozen=True)
class TextInput:
    """Texts to label.

    Attributes:
        path: A file, a folder, a pattern of files or the URL of a database; `-` for standard input.
        text: A single text instead; None: `path` is read.
        options: How the files are written.
    """

    path: Path | DatabaseUrl
    text: str | None = None
    options: FileOptions = RECOGNISED

    @property
    def is_stdin(self) -> bool:
        """Whether the texts come from standard input."""
        return self.text is None and str(self.path) == "-"

    def files(self) -> list[Path]:
        """The files that are read; none for a single text and for standard input."""
        return [] if self.text is not None or self.is_stdin else table.files(self.path)

    def open(self, fields: Fields) -> Table:
        """The texts as a table for a model with these fields. Raises DataError if it cannot be read.

        With one field, a text is a row, and so is each line of standard input. With more, a row is a JSON object.
        """
        if not fields.is_single_text:
            if self.text is not None:
                return json_row.open_row(self.text, fields)
            return table.open_table(self.path, self.options)
        if self.text is not None:
            return Table(tr("the text"), ["text"], iter([Chunk(1, {"text": [self.text]})]))
        if self.is_stdin:
            return table.open_lines(stdin.standard_input(), stdin.NAME, self.options)
        return table.open_table(self.path, self.options)

    def first_texts(
        self,
        predictor: Predictor,
        column: ColumnNames,
        limit: int,
        on_message: Callable[[str], object] = lambda _: None,
    ) -> list[str]:
        """The texts of the first rows. An empty or missing one is an empty text.

        Args:
            predictor: A model; its training data had the same column, if `column` is not given.
            column: Column of the texts, or a column for each text field; None: they are detected.
            limit: Number of rows.
            on_message: Receives messages about empty fields.

        Raises:
            DataError: The texts cannot be read, or their column is not clear.
        """
        if self.text is not None and predictor.fields.is_single_text:
            return [self.text]
        source = self.open(predictor.fields)
        reader = row_reader.for_table(source, predictor.fields, column)
        texts = first_texts(source, reader, limit)
        for note in reader.notes():
            on_message(tr("{place}: {problem}", place=source.name, problem=note))
        return texts


@dataclass(frozen=True)
class FileJob:
    """A job that labels one table.

    Attributes:
        model: Folder of the model.
        source: The texts.
        out: The file to write.
        text: Column of the texts, or a column for each text field; None: they are detected.
        conformal: Sets or intervals besides labels; None: no sets.
        escape_formulas: Guard `.csv` and `.tsv` for spreadsheets, as `writer.open_writer` does.
        review: Also write the rows to look at; None: do not.
    """

    model: Path
    source: TextInput
    out: Path
    text: ColumnNames = None
    conformal: ConformalOptions | None = None
    escape_formulas: bool = False
    review: ReviewOptions | None = None

    def check(self, overwrite: bool, resume: bool) -> None:
        """Refuse a file that cannot be written.

        Raises:
            DataError: It is an input, it has no known format, or it exists and is neither replaced nor resumed.
            SettingsError: Its format has no cells that a spreadsheet would compute.
        """
        writer.require_writable(self.out)
        writer.refuse_input(self.out, self.source.files())
        if os.path.lexists(self.out) and not (overwrite or resume):
            raise DataError(
                tr("{out}: this exists already.", out=self.out),
                tr("Choose another `out=...`, or replace it with `overwrite=True`."),
            )
        if self.escape_formulas:
            writer.require_formulas(suffix(self.out))

    def identity(self, labeller: RowLabeller, columns: list[str]) -> JsonObject:
        """Properties that must be equal to keep the predictions of an interrupted run, by names for people."""
        return {
            mark("version of Tenor"): VERSION,
            mark("model"): bundle.version(self.model),
            mark("runtime"): runtimes.runtime_name(),
            mark("column of texts"): [column or "" for column in labeller.reader.columns],
            mark("set of columns"): columns,
            mark("coverage"): None if self.conformal is None else asdict(self.conformal),
            mark("guard of formulas"): self.escape_formulas,
        }


class LabelledFile(NamedTuple):
    """The result of a job: the rows, and how many of their predictions an interrupted run had made."""

    counts: RowCounts
    reused_rows: int


def label_file(
    job: FileJob, predictor: Predictor, overwrite: bool, resume: bool, callback: Callback
) -> LabelledFile | None:
    """Label a table.

    Args:
        job: The job, after `FileJob.check`.
        predictor: The model.
        overwrite: Start again.
        resume: Continue an interrupted run.
        callback: Receives messages and progress.

    Returns:
        What was written; None if the file is complete already.

    Raises:
        DataError: The texts cannot be read, the file is complete and out of date, or the interrupted run was another.
        WriteError: The file cannot be written.
    """
    source = job.source.open(predictor.fields)
    labeller = RowLabeller.for_table(source, predictor, job.text, job.conformal)
    columns = [*source.columns, *labeller.new_columns]
    is_interrupted = os.path.lexists(cache_file.cache_path(job.out))
    if resume and not overwrite and job.out.exists() and not is_interrupted:
        require_current(job.out, columns, [job.model / bundle.MANIFEST, *job.source.files()])
        return None
    for note in describe_columns(source, labeller.reader, job.text):
        callback.on_message(note)
    review = None if job.review is None else ReviewRows(labeller, source, job.review)
    with (
        prediction_cache.open_cache(
            job.out, job.identity(labeller, columns), resume, overwrite, callback.on_message
        ) as cache,
        writer.open_writer(job.out, columns, source, labeller.new_columns, job.escape_formulas) as write,
    ):

        def write_and_review(chunk: Chunk) -> None:
            write(chunk)
            if review is not None:
                review.add(chunk)

        counts = label_table(
            source, labeller, write_and_review, lambda rows: callback.on_progress(tr("predict"), rows, 0, {}), cache
        )
    if review is not None:
        review.write(callback)
    for note in labeller.reader.notes():
        callback.on_message(tr("{place}: {problem}", place=source.name, problem=note))
    return LabelledFile(counts, cache.reused_rows)
