"""Labels for many files, one by one, into a folder: a job that can be interrupted and continues.

Each output appears under its name when it is complete. The job's record (`_labelled.json`) says which files are done,
and identifies the job: the model, the options, and each input's size and time of change.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tenor._core import atomic
from tenor._core.language import join_names, tr
from tenor._core.records import JsonObject
from tenor.data import row_reader
from tenor.data.field_columns import ColumnNames
from tenor.data.io import parts, table, writer
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.formats import suffix
from tenor.errors import DataError
from tenor.inference import bundle, job_record, locations
from tenor.inference.job_record import RECORD, JobRecord
from tenor.inference.predict_table import (
    ConformalOptions,
    RowCounts,
    RowLabeller,
    describe_columns,
    label_table,
)
from tenor.inference.predictor import Predictor
from tenor.inference.shards import Shard, list_distinct_shards


@dataclass(frozen=True)
class LabelJob:
    """A job that labels many files.

    Attributes:
        model: Folder of the model.
        source: A file, a pattern of files, or a folder; also as a URL.
        out: Folder of the labelled files; also as a URL.
        text: Column of the texts, or a column for each text field; None: they are detected.
        conformal: Sets or intervals besides labels; None: no sets.
        escape_formulas: Guard `.csv` and `.tsv` for spreadsheets, as `writer.open_writer` does.
        files: How the files are written.
    """

    model: Path
    source: str
    out: str
    text: ColumnNames = None
    conformal: ConformalOptions | None = None
    escape_formulas: bool = False
    files: FileOptions = RECOGNISED

    def output(self, name: str) -> str:
        """The path or URL of a file in the folder of labelled files."""
        return locations.join(self.out, name)

    def identity(self) -> JsonObject:
        """Properties that must be equal to keep the files of an earlier start, by names for people."""
        manifest = (atomic.existing_path(self.model) / bundle.MANIFEST).read_bytes()
        return {
            "model": hashlib.sha256(manifest).hexdigest(),
            "text": list(self.text) if isinstance(self.text, tuple) else self.text,
            "promise": asdict(self.conformal) if self.conformal else None,
            "escape_formulas": self.escape_formulas or None,
        }


def plan_job(job: LabelJob, overwrite: bool = False) -> tuple[list[Shard], JobRecord]:
    """Which files are left to do, and the record of those that are done.

    Args:
        job: The job.
        overwrite: Replace what is in the folder.

    Raises:
        DataError: There is no input, two inputs have the same name, the folder holds something else or another job, or
            an input has changed since it was labelled.
    """
    shards = list_distinct_shards(job.source)
    record = JobRecord(job.output(RECORD), job.identity())
    if not locations.is_remote(job.out):
        _make_folder(Path(job.out), shards)
    if overwrite:
        record.write()
        return shards, record
    before = job_record.read(record.path)
    changed = [] if before is None else [name for name, value in record.identity.items() if before.get(name) != value]
    if before is None or (changed and not before["files"]):
        _require_free(job, shards)
        record.write()  # marks the files as those of this job, in case it is killed
        return shards, record
    if changed:
        raise DataError(
            tr("{out}: these were labelled with another {changed}.", out=job.out, changed=tr(" and ").join(changed)),
            tr("Choose another `out=...`, or replace them: `overwrite=True`."),
        )
    record.done = before["files"]
    return [shard for shard in shards if not _is_done(job, shard, record)], record


def _make_folder(folder: Path, shards: Sequence[Shard]) -> None:
    """Make the folder of the labelled files, and remove files that a killed job left half written."""
    if folder.exists() and not folder.is_dir():
        raise DataError(
            tr("{folder}: this is not a folder.", folder=folder),
            tr("Give a folder; it gets an output for each file of INPUT."),
        )
    parts.refuse_saved_model(folder, folder)
    parts.refuse_saved_model(folder.parent, folder)
    if any(Path(shard.source).parent.resolve() == folder.resolve() for shard in shards):
        raise DataError(
            tr("{folder}: this is the folder of the input.", folder=folder), tr("Choose another `out=...`.")
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            tr("{folder}: the folder cannot be created: {strerror}.", folder=folder, strerror=error.strerror),
            tr("Choose another `out=...`."),
        ) from None
    atomic.remove_leftovers(*(folder / name for name in (RECORD, *(shard.name for shard in shards))))


def _require_free(job: LabelJob, shards: Sequence[Shard]) -> None:
    """Raise DataError where a labelled file would replace something."""
    taken = [shard.name for shard in shards if locations.exists(job.output(shard.name))]
    if taken:
        raise DataError(
            tr("{output}: this exists already.", output=job.output(taken[0])),
            tr("Choose another `out=...`, or replace it: `overwrite=True`."),
        )


def _is_done(job: LabelJob, shard: Shard, record: JobRecord) -> bool:
    """Whether a file is done. Raises DataError where its input has changed since."""
    done = record.done.get(shard.name)
    if done is None or not locations.exists(job.output(shard.name)):
        return False
    if done | asdict(shard) != done:
        raise DataError(
            tr("{source}: this has changed since it was labelled.", source=shard.source),
            tr("Choose another `out=...`, or replace it: `overwrite=True`."),
        )
    return True


def label_shard(predictor: Predictor, shard: Shard, job: LabelJob) -> RowCounts:
    """Label one file.

    Raises:
        DataError: It cannot be read.
        WriteError: Its output cannot be written.
    """
    is_remote = locations.is_remote(job.out)
    with contextlib.ExitStack() as stack:
        scratch = Path()
        if is_remote or locations.is_remote(shard.source):
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = locations.local_path(shard.source, scratch)
        target = scratch / "out" / shard.name if is_remote else Path(job.out) / shard.name
        with locations.reporting_write_errors(str(target.parent)):
            target.parent.mkdir(exist_ok=True)
        source = table.open_table(path, job.files)
        labeller = RowLabeller.for_table(source, predictor, job.text, job.conformal)
        columns = [*source.columns, *labeller.new_columns]
        with writer.open_writer(target, columns, source, labeller.new_columns, job.escape_formulas) as write:
            counts = label_table(source, labeller, write)
        if is_remote:
            locations.upload(target, job.output(shard.name))
        return counts


def describe_first_file(predictor: Predictor, shards: Sequence[Shard], job: LabelJob) -> list[str]:
    """Sentences on what is recognised in the first file; none for a remote file."""
    if not shards or locations.is_remote(shards[0].source):
        return []
    source = table.open_table(Path(shards[0].source), job.files)
    return describe_columns(source, row_reader.for_table(source, predictor.fields, job.text), job.text)


def label_shards(predictor: Predictor, shards: Sequence[Shard], job: LabelJob, record: JobRecord) -> Generator[int]:
    """Label the files one after the other. Yields the number of rows that are done after each."""
    for shard in shards:
        record.mark_done(shard, label_shard(predictor, shard, job))
        yield record.row_counts.rows


def require_current(out: Path, columns: Sequence[str], sources: Sequence[Path]) -> None:
    """Raise DataError where a labelled file has other columns than labelling would write, or is out of date.

    Args:
        out: The labelled file.
        columns: The columns that it would get.
        sources: The files that it depends on: the input, and the manifest of the model.
    """
    remedy = tr("Use it, or start again (`overwrite=True`, without `resume=True`).")
    if suffix(out) != ".txt" and out.stat().st_size:  # text files have no header
        existing = table.open_table(out, FileOptions(header=True)).columns
        if existing != list(columns):
            raise DataError(
                tr(
                    "{out}: this is complete, and has other columns: {existing}.",
                    out=out,
                    existing=join_names(existing),
                ),
                remedy,
            )
    for source in sources:
        if source.is_file() and source.stat().st_mtime_ns > out.stat().st_mtime_ns:
            raise DataError(
                tr("{out}: this is complete, and {source} has changed since.", out=out, source=source), remedy
            )
