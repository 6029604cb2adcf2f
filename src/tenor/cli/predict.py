"""`tenor predict`."""

import contextlib
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenor._core.language import tr
from tenor._core.records import Json
from tenor.cli import options
from tenor.cli.source import as_text, is_text
from tenor.errors import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenor._core.callbacks import Callback
    from tenor.data.field_columns import ColumnNames
    from tenor.inference.predict_file import FileJob, TextInput
    from tenor.inference.predict_files import LabelJob
    from tenor.inference.predict_table import ConformalOptions, RowCounts
    from tenor.inference.predictor import Predictor, ScoredLabel
    from tenor.inference.review import ReviewOptions


def predict(
    model: options.Model,
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A file, a quoted pattern, '-' for standard input with one text per line, or a text.",
        ),
    ],
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="Output file or folder. [default: standard output]")
    ] = None,
    text: options.Text = None,
    encoding: options.Encoding = None,
    quoting: options.Quoting = None,
    header: options.Header = None,
    sheet: options.Sheet = None,
    query: options.Query = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
    resume: options.Resume = False,
    coverage: Annotated[
        float | None,
        typer.Option(help="Also return prediction sets (for numbers intervals) with this coverage, e.g. 0.95."),
    ] = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Guarantee --coverage for each class separately.")
    ] = False,
    abstain: Annotated[
        bool,
        typer.Option("--abstain", help="Give no label unless the set has exactly one. Implies --coverage 0.95."),
    ] = False,
    review: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the rows that a person should look at, the most doubtful first, with an empty column for the "
            "right label. 'tenor train --also FILE' trains on the filled file.",
        ),
    ] = None,
    review_rows: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of rows in --review. [default: those whose prediction set does not have exactly one label]",
        ),
    ] = None,
    escape_formulas: options.EscapeFormulas = False,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray",
            help="Label the files of INPUT on a Ray cluster: ray (RAY_ADDRESS, or this machine) or "
            "ray://HOST:PORT; --out is then a folder.",
        ),
    ] = None,
    workers: options.Workers = None,
    worker_cores: options.WorkerCores = 1,
    runtime: options.Runtime = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Predict the labels of one text, or of every row of a file, in order and with its columns.

    If --out is a folder (it exists, or its name ends with '/'), each file of INPUT gets its own output there, and the
    same command continues an interrupted job.
    """
    from tenor.cli import console
    from tenor.data.io import used_options, writer
    from tenor.data.io.database import DatabaseUrl, is_url
    from tenor.errors import SettingsError
    from tenor.inference import predictor
    from tenor.inference.predict_file import FileJob, TextInput
    from tenor.inference.predict_files import LabelJob
    from tenor.inference.predict_table import RowLabeller, describe_columns
    from tenor.inference.review import ReviewOptions, review_table

    is_database = query is not None and is_url(source)
    options.require(is_database, tr("the URL of a database"), tr("Give it as INPUT"), query=query is not None)
    given_text = as_text(source) if not is_database and is_text(source, "predict") else None
    files = options.files(encoding, quoting, header, sheet, query, tuple(text or ()))
    texts = TextInput(DatabaseUrl(source) if is_database else Path(source), given_text, files)
    if as_json and out is not None:
        raise SettingsError(
            tr("--json is for what is printed, and the name of --out chooses its format."),
            tr("Leave it out; name a .jsonl file."),
        )
    options.require(
        out is not None or review is not None,
        tr("the file in --out, and there is none"),
        tr("Name one"),
        overwrite=overwrite,
    )
    of_files = {"encoding": encoding, "quoting": quoting, "header": header, "sheet": sheet}
    options.require_file(
        given_text is None, text=text is not None, **{name: value is not None for name, value in of_files.items()}
    )
    if given_text is None:
        used_options.require_used(files, [texts.path])
    options.require_cluster(on, workers=workers is not None, worker_cores=worker_cores != 1)
    if on is not None and out is None:
        raise SettingsError(tr("--on labels files into a folder."), tr("Name it with --out."))
    if resume and out is None:
        raise SettingsError(
            tr("--resume is for a file, and what is printed is not kept."), tr("Name the file with --out.")
        )
    into_folder = out is not None and (on is not None or "://" in out or out.endswith("/") or Path(out).is_dir())
    options.require(
        review is not None,
        tr("the file in --review, and there is none"),
        tr("Name one"),
        review_rows=review_rows is not None,
    )
    options.require_file(given_text is None, review=review is not None)
    if review is not None and into_folder:
        raise SettingsError(tr("--review is for one table."), tr("Name a file with --out, or leave --out out."))
    if out is None and review is None:
        kind = _printed_format(texts, as_json, escape_formulas)
    elif out is not None and not into_folder:
        if review is not None:
            writer.require_distinct(Path(out), Path(review), "out", "review")
        FileJob(model, texts, Path(out), escape_formulas=escape_formulas).check(overwrite, resume)
    options.use_runtime(runtime, model)
    loaded, columns = predictor.load(model), options.column_names(text)
    names = (*(text or ()), *filter(None, loaded.columns), *(each.name for each in loaded.fields.columns))
    texts = dataclasses.replace(texts, options=dataclasses.replace(files, names=names))
    conformal = _conformal_options(loaded, coverage, per_class, abstain)
    reviewed = None
    if review is not None:
        reviewed = ReviewOptions(Path(review), review_rows)
        conformal = _review_sets(loaded, texts, reviewed, conformal, overwrite)
    if out is None and reviewed is not None:
        with console.Console() as callback:
            opened = texts.open(loaded.fields)
            labeller = RowLabeller.for_table(opened, loaded, columns, conformal)
            for note in describe_columns(opened, labeller.reader, columns):
                callback.on_message(note)
            review_table(opened, labeller, reviewed, callback)
    elif out is None:
        if given_text is None:
            _print_table(loaded, texts, kind, columns, conformal, escape_formulas)
        else:
            [row] = texts.first_texts(loaded, None, 1, console.note)
            _print_one(loaded, row, as_json, conformal)
    elif into_folder:
        job = LabelJob(model, as_text(source), out, columns, conformal, escape_formulas, files)
        _label_files(loaded, job, overwrite, on, workers, worker_cores)
    else:
        with console.Console() as callback:
            file_job = FileJob(model, texts, Path(out), columns, conformal, escape_formulas, reviewed)
            _label_file(loaded, file_job, overwrite, resume, callback)


def _printed_format(texts: "TextInput", as_json: bool, escape_formulas: bool) -> str:
    """The suffix of the format in which labelled rows are printed. Raises an error if they must not be printed."""
    from tenor.data.io import writer
    from tenor.data.io.formats import suffix

    usual = ".txt" if texts.is_stdin else suffix(texts.path) if isinstance(texts.path, Path) else ".csv"
    kind = ".jsonl" if as_json else usual if usual in (".tsv", ".jsonl", ".ndjson", ".txt") else ".csv"
    if escape_formulas:
        writer.require_formulas(kind if texts.text is None else "")
    writer.refuse_printing_into(texts.files())
    return kind


def _conformal_options(
    predictor: "Predictor", coverage: float | None, per_class: bool, abstain: bool
) -> "ConformalOptions | None":
    """The requested sets or intervals; prints a note if too few texts were held out for them."""
    from tenor.cli import console
    from tenor.errors import SettingsError
    from tenor.evaluation.conformal import DEFAULT_COVERAGE
    from tenor.inference.predict_table import ConformalOptions

    if coverage is None and not (per_class or abstain):
        return None
    if abstain and not predictor.bundle.task.has_labels:
        raise SettingsError(
            tr("--abstain: the model predicts numbers."), tr("Use --coverage, which gives an interval.")
        )
    conformal = ConformalOptions(DEFAULT_COVERAGE if coverage is None else coverage, per_class, abstain)
    if problem := predictor.check_coverage(conformal.coverage, per_class):
        console.note(problem)
    return conformal


def _review_sets(
    predictor: "Predictor",
    texts: "TextInput",
    review: "ReviewOptions",
    conformal: "ConformalOptions | None",
    overwrite: bool,
) -> "ConformalOptions | None":
    """The prediction sets of a review: those that were requested, or the usual ones if the model has conformal scores.

    Raises:
        TenorError: The model cannot say which rows are doubtful, or the file exists, or is an input.
    """
    from tenor.data.io import writer
    from tenor.errors import DataError

    review.require_possible(predictor)
    writer.refuse_input(review.out, texts.files())
    if os.path.lexists(review.out) and not overwrite:
        raise DataError(
            tr("{out}: this exists already.", out=review.out),
            tr("Choose another --review, or replace it with --overwrite."),
        )
    if conformal is not None or predictor.bundle.conformal is None:
        return conformal
    from tenor.evaluation.conformal import DEFAULT_COVERAGE

    return _conformal_options(predictor, DEFAULT_COVERAGE, per_class=False, abstain=False)


def _label_file(predictor: "Predictor", job: "FileJob", overwrite: bool, resume: bool, callback: "Callback") -> None:
    """Label one table into one file."""
    from tenor.inference.predict_file import label_file

    result = label_file(job, predictor, overwrite, resume, callback)
    if result is None:
        callback.on_message(tr("{path}: output already exists and is complete; nothing to resume.", path=job.out))
        return
    reused = (
        tr(", {reused_rows:,} of them known from the interrupted run", reused_rows=result.reused_rows)
        if result.reused_rows
        else ""
    )
    callback.on_message(
        tr(
            "{place}: {problem}",
            place=f"{counted(result.counts.rows, 'row')}{reused}{_special_rows(result.counts)}",
            problem=job.out,
        )
    )


def _label_files(
    predictor: "Predictor", job: "LabelJob", overwrite: bool, on: str | None, workers: int | None, worker_cores: int
) -> None:
    """Label each file of the input into a file of its own, here or on a cluster."""
    from tenor.cli import console
    from tenor.inference import predict_files

    shards, record = predict_files.plan_job(job, overwrite)
    with console.Console() as callback:
        if record.done:
            callback.on_message(tr("{done} labelled already.", done=counted(len(record.done), "file is", "files are")))
        if not shards:
            callback.on_message(tr("{path}: output already exists and is complete; nothing to resume.", path=job.out))
        for note in predict_files.describe_first_file(predictor, shards, job):
            callback.on_message(note)
        if on is None or not shards:
            labelled = predict_files.label_shards(predictor, shards, job, record)
        else:
            from tenor.distributed import on_cluster

            labelled = on_cluster.label_shards(on, shards, job, record, workers, worker_cores)
        with contextlib.closing(labelled):
            for rows in labelled:
                callback.on_progress(tr("predict"), rows, 0, {})
        counts, files = record.row_counts, counted(len(record.done), "file")
        callback.on_message(
            tr(
                "{rows} in {files}{special_rows}: {out}",
                rows=counted(counts.rows, "row"),
                files=files,
                special_rows=_special_rows(counts),
                out=job.out,
            )
        )


def _special_rows(counts: "RowCounts") -> str:
    """The end of a sentence on the rows that a person should look at."""
    empty, abstained = counts.empty, counts.abstained
    parts = [
        tr(", {empty:,} of them without a text (labelled like a text without a known word)", empty=empty)
        if empty
        else "",
        tr(", {abstained:,} of them without a label, for a person to decide", abstained=abstained) if abstained else "",
    ]
    return "".join(parts)


def _print_table(
    predictor: "Predictor",
    texts: "TextInput",
    kind: str,
    text: "ColumnNames",
    conformal: "ConformalOptions | None",
    escape_formulas: bool,
) -> None:
    """Print the labelled rows."""
    from tenor.cli import console
    from tenor.data.io import writer
    from tenor.inference.predict_table import RowLabeller, describe_columns, label_table

    source = texts.open(predictor.fields)
    labeller = RowLabeller.for_table(source, predictor, text, conformal)
    if notes := describe_columns(source, labeller.reader, text):
        console.note(*notes)
    columns = [*source.columns, *labeller.new_columns]
    write = writer.text_writer(sys.stdout, kind, columns, labeller.new_columns, escape_formulas)
    counts = label_table(source, labeller, write)
    sys.stdout.flush()
    if counts.abstained:
        console.note(counted(counts.rows, "row") + _special_rows(counts))
    if notes := labeller.reader.notes():
        console.note(*notes)


def _print_one(predictor: "Predictor", text: str, as_json: bool, conformal: "ConformalOptions | None") -> None:
    """Print a value, a label and its score, or a line for each of several labels; then the interval or the set."""
    from tenor.cli import console
    from tenor.inference import predict_table

    if not text.strip():
        console.note(tr("the text is empty; it is labelled like a text without a known word."))
    task = predictor.bundle.task
    if not task.has_labels:
        columns = predict_table.new_column_names([], predictor, "", conformal)
        values = [column[0] for column in predict_table.new_column_values(predictor, [text], conformal)]
        line = "\t".join("" if value is None else f"{value:.6g}" for value in values)
        print(json.dumps(dict(zip(columns, values, strict=True))) if as_json else line)
        return
    ([labels], [label_set]) = predict_table.predict_labels(predictor, [text], conformal)
    names = [scored.label for scored in label_set]
    abstains = conformal is not None and conformal.abstain and len(names) != 1
    if as_json:
        row = _as_dict(labels, names if conformal else None, task.is_multilabel, abstains)
        print(json.dumps(row, ensure_ascii=False))
        return
    lines = [f"{'no label' if abstains else scored.label}\t{scored.score:.4f}" for scored in labels]
    console.show(*(lines or ["no label"]))  # programs read these lines, in any language
    if conformal is not None:
        console.show(f"{conformal.coverage:.6g}\t{', '.join(map(quoted, names)) or 'empty set'}")


def _as_dict(labels: "Sequence[ScoredLabel]", label_set: list[str] | None, is_multilabel: bool, abstains: bool) -> Json:
    """The labels of a text for JSON; where the model abstains, no label, but the score of the best one."""
    rows = [scored._asdict() for scored in labels]
    if is_multilabel:
        return rows if label_set is None else {"labels": [] if abstains else rows, "set": label_set}
    row = rows[0] if rows else {"label": None, "score": None}
    row |= {"label": None} if abstains else {}
    return row if label_set is None else row | {"set": label_set}
