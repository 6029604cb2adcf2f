"""`tenor predict`."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenor.cli import options
from tenor.cli.source import as_text, is_text
from tenor.errors import counted, listed

if TYPE_CHECKING:
    from tenor.inference.predict_files import LabelJob
    from tenor.inference.predict_table import ConformalOptions, RowCounts
    from tenor.inference.predictor import Predictor


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
) -> None:
    """Predict the labels of one text, or of every row of a file, in order and with its columns.

    If --out is a folder (it exists, or its name ends with '/'), each file of INPUT gets its own output there, and the
    same command continues an interrupted job.
    """
    from tenor.cli import console
    from tenor.data.io import stdin, table, writer
    from tenor.data.io.formats import suffix
    from tenor.errors import DataError, SettingsError
    from tenor.inference import bundle, cache_file, predict_files, predict_table, prediction_cache, predictor
    from tenor.inference.predict_files import LabelJob

    path = Path(source)
    one_text = is_text(source, "predict")
    source = as_text(source)
    if as_json and out is not None:
        raise SettingsError(
            "--json is for what is printed, and the name of --out tells its format.",
            "Leave it out; name a .jsonl file.",
        )
    into_folder = out is not None and (on is not None or "://" in out or out.endswith("/") or Path(out).is_dir())
    options.need(out is not None, "the file in --out, and there is none", "Name one", overwrite=overwrite)
    options.need_file(not one_text, text=text is not None)
    options.need_cluster(on, workers=workers is not None, worker_cores=worker_cores != 1)
    if on is not None and out is None:
        raise SettingsError("--on labels files into a folder.", "Name it with --out.")
    if resume and out is None:
        raise SettingsError("--resume is for a file, and what is printed is not kept.", "Name the file with --out.")
    file = None if out is None or into_folder else Path(out)
    if file is not None:
        writer.require_writable(file)
        writer.refuse_input(file, [] if one_text or source == "-" else table.files(path))
        if os.path.lexists(file) and not (overwrite or resume):
            raise DataError(f"{file}: this exists already.", "Choose another --out, or replace it with --overwrite.")
    kind = suffix(file) if file else ".jsonl" if as_json else ".txt" if source == "-" else suffix(path)
    if file is None:
        kind = kind if kind in (".tsv", ".jsonl", ".ndjson", ".txt") else ".csv"
    if escape_formulas and not into_folder:
        writer.require_formulas(kind if file or not one_text else "")
    if out is None and not one_text:
        writer.refuse_printing_into([] if source == "-" else table.files(path))
    options.use_runtime(runtime, model)
    loaded = predictor.load(model)
    promise = _promise(loaded, coverage, per_class, abstain)
    if out is not None and into_folder:
        _label_files(
            loaded, LabelJob(model, source, out, text, promise, escape_formulas), overwrite, on, workers, worker_cores
        )
        return
    if one_text and out is None:
        if not source.strip():
            console.note("the text is empty; it is labelled like one that says nothing.")
        _print_one(loaded, source, as_json, promise)
        return

    if one_text:
        opened = table.Table("the text", ["text"], iter([table.Chunk(1, {"text": [source]})]))
    elif source == "-":
        opened = table.open_lines(stdin.standard_input(), stdin.NAME)
    else:
        opened = table.open_table(path)
    labeller = predict_table.RowLabeller.for_table(opened, loaded, text, promise)
    columns = [*opened.columns, *labeller.new_columns]
    if (
        file is not None
        and resume
        and not overwrite
        and file.exists()
        and not os.path.lexists(cache_file.cache_path(file))
    ):
        inputs = [] if one_text or source == "-" else table.files(path)
        predict_files.require_current(file, columns, [model / bundle.MANIFEST, *inputs])
        console.note(f"{file}: output already exists and is complete; nothing to resume.")
        return
    with console.Console(quiet=out is None) as callback:

        def tell(rows: int) -> None:
            callback.on_progress("predict", rows, 0, {})

        if file is not None:
            job = _job(model, labeller.text_column, columns, promise) | {"guard of formulas": escape_formulas}
            with (
                prediction_cache.open_cache(file, job, resume, overwrite, callback.on_message) as kept,
                writer.open_writer(file, columns, opened, labeller.new_columns, escape_formulas) as write,
            ):
                labelled = predict_table.label_table(opened, labeller, write, tell, kept)
            known = f", {kept.reused_rows:,} of them known from the interrupted run" if kept.reused_rows else ""
            callback.on_message(f"{counted(labelled.rows, 'row')}{known}{_without(labelled)}: {file}")
            return
        write = writer.text_writer(sys.stdout, kind, columns, labeller.new_columns, escape_formulas)
        predict_table.label_table(opened, labeller, write, tell)
        sys.stdout.flush()


def _label_files(
    loaded: "Predictor", job: "LabelJob", overwrite: bool, on: str | None, workers: int | None, worker_cores: int
) -> None:
    """Each file of the input into its own in a folder, here or on a cluster."""
    from tenor.cli import console
    from tenor.inference import predict_files

    left, record = predict_files.plan_job(job, overwrite)
    with contextlib.ExitStack() as stack:
        callback = stack.enter_context(console.Console())
        if record.done:
            callback.on_message(f"{counted(len(record.done), 'file is', 'files are')} labelled already.")
        if not left:
            callback.on_message(f"{job.out}: output already exists and is complete; nothing to resume.")
            through = predict_files.label_shards(loaded, left, job, record)
        elif on is None:
            through = predict_files.label_shards(loaded, left, job, record)
        else:
            from tenor.distributed import cluster
            from tenor.distributed import predict_files as predict_on_cluster

            ray = stack.enter_context(cluster.connected(on))
            through = predict_on_cluster.each(ray, left, job, record, workers, worker_cores)
        with contextlib.closing(through):
            for rows in through:
                callback.on_progress("predict", rows, 0, {})
        found = record.row_counts
        files = counted(len(record.done), "file")
        callback.on_message(f"{counted(found.rows, 'row')} in {files}{_without(found)}: {job.out}")


def _without(labelled: "RowCounts") -> str:
    """A word on rows without a text, where there are any."""
    if not labelled.empty:
        return ""
    return f", {labelled.empty:,} of them without a text (labelled like one that says nothing)"


def _job(model: Path, column: str, columns: list[str], promise: "ConformalOptions | None") -> dict[str, Any]:
    """What two runs have in common that give the same: by names for people, for the journal."""
    from dataclasses import asdict

    from tenor._core.version import VERSION
    from tenor.inference import bundle
    from tenor.models.onnx import runtimes

    return {
        "version of Tenor": VERSION,
        "model": bundle.version(model),
        "runtime": runtimes.runtime_name(),
        "column of texts": column,
        "set of columns": columns,
        "coverage": None if promise is None else asdict(promise),
    }


def _promise(loaded: "Predictor", coverage: float | None, per_class: bool, abstain: bool) -> "ConformalOptions | None":
    """What is asked for besides labels; says where every label is in the sets because too few texts were held out."""
    from tenor.cli import console
    from tenor.errors import SettingsError
    from tenor.evaluation.conformal import DEFAULT_COVERAGE
    from tenor.inference.predict_table import ConformalOptions

    if coverage is None and not (per_class or abstain):
        return None
    if abstain and not loaded.bundle.task.has_labels:
        raise SettingsError("--abstain: the model predicts numbers.", "Use --coverage, which gives an interval.")
    promise = ConformalOptions(DEFAULT_COVERAGE if coverage is None else coverage, per_class, abstain)
    if told := loaded.check_coverage(promise.coverage, per_class):
        console.note(told)
    return promise


def _print_one(loaded: "Predictor", text: str, as_json: bool, promise: "ConformalOptions | None") -> None:
    """A value, a label and its score, or a line for each of several labels; then the interval or the set."""
    from tenor.cli import console
    from tenor.inference import predict_table

    task = loaded.bundle.task
    if not task.has_labels:
        columns = predict_table.new_column_names([], loaded, "", promise)
        found = [column[0] for column in predict_table.new_column_values(loaded, [text], promise)]
        line = "\t".join("" if value is None else f"{value:.6g}" for value in found)
        print(json.dumps(dict(zip(columns, found, strict=True))) if as_json else line)
        return
    ([labels], [held]) = predict_table.predict_labels(loaded, [text], promise)
    rows: Any = [scored._asdict() for scored in labels]
    if not task.is_multilabel:
        rows = rows[0] if rows else {"label": None, "score": None}
    names = [scored.label for scored in held]
    if as_json:
        if promise is not None:
            rows = {"labels": rows, "set": names} if task.is_multilabel else rows | {"set": names}
        print(json.dumps(rows, ensure_ascii=False))
        return
    console.show(*([f"{scored.label}\t{scored.score:.4f}" for scored in labels] or ["no label"]))
    if promise is not None:
        console.show(f"{promise.coverage:.6g}\t{listed(names, len(names)) or 'empty set'}")
