"""Files -> the same files with labels, one by one, in a folder: a job that can be cut off and goes on.

Each output appears under its name when it is whole, and the job's record (`_labelled.json`) says which are through, and
of what: the model, what was asked for, and each input's size and time of change. Paths may be those of any file system
that fsspec knows (`s3://...`), where its package is installed.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tenor._core import atomic, records, regular_files
from tenor._core.records import RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.data.io import table, writer
from tenor.data.io.formats import COMPRESSED, FORMATS, WRITTEN, suffix
from tenor.errors import DataError, WriteError, missing_extra
from tenor.inference import bundle, predict_table
from tenor.inference.predict_table import ConformalOptions, RowCounts
from tenor.inference.predictor import Predictor

RECORD = "_labelled.json"
_LARGEST_RECORD = 256 << 20  # bytes
_MOST = 1 << 62  # rows, or bytes, of a file


@dataclass(frozen=True)
class LabelJob:
    """What is asked for.

    Attributes:
        model: Folder of the model.
        source: A file, a pattern of files, or a folder; also as a URL.
        out: Folder of the labelled files; also as a URL.
        text: Column of the texts; None finds it.
        conformal: What is asked for besides labels.
        escape_formulas: Guard `.csv` and `.tsv` for spreadsheets, as `writer.open_writer` does.
    """

    model: Path
    source: str
    out: str
    text: str | None = None
    conformal: ConformalOptions | None = None
    escape_formulas: bool = False


@dataclass(frozen=True)
class Shard:
    """One file of a job.

    Attributes:
        source: Its path or URL.
        name: Name of the labelled file.
        size: Bytes.
        version: What tells this state of it from others: when it was changed, or its tag.
    """

    source: str
    name: str
    size: int
    version: str


@dataclass
class JobRecord:
    """Which files of a job are through.

    Attributes:
        path: The record's path or URL.
        identity: What the job is.
        done: Name of the labelled file -> its input, and how many rows it has, and how many of them without a text.
    """

    path: str
    identity: dict[str, Any]
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def mark_done(self, shard: Shard, labelled: RowCounts) -> None:
        """A file is through. Raises WriteError where that cannot be written."""
        self.done[shard.name] = {**asdict(shard), **labelled._asdict()}
        self.write()

    def write(self) -> None:
        """Write the record. Raises WriteError where that is not possible."""
        held = {**self.identity, "files": dict(sorted(self.done.items()))}
        _write(self.path, json.dumps(held, ensure_ascii=True, indent=1).encode())

    @property
    def row_counts(self) -> RowCounts:
        each = self.done.values()
        return RowCounts(sum(one["rows"] for one in each), sum(one.get("empty", 0) for one in each))


def plan_job(job: LabelJob, overwrite: bool = False) -> tuple[list[Shard], JobRecord]:
    """What is left to do, and what is through.

    Raises:
        DataError: There is no input, two of them have one name, the folder holds something else or another job, or an
            input has changed since it was labelled.
    """
    shards = _named(job.source)
    identity = {
        "model": hashlib.sha256((atomic.present(job.model) / bundle.MANIFEST).read_bytes()).hexdigest(),
        "text": job.text,
        "promise": asdict(job.conformal) if job.conformal else None,
        "escape_formulas": job.escape_formulas or None,
    }
    record = JobRecord(_join(job.out, RECORD), identity)
    if not _is_remote(job.out):
        folder = Path(job.out)
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder}: this is no folder.", "Name one, where each file of INPUT gets its own.")
        if any(Path(shard.source).parent.resolve() == folder.resolve() for shard in shards):
            raise DataError(f"{folder}: this is the folder of the input.", "Choose another `out=...`.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"{folder}: no folder can be made: {error.strerror}.", "Choose another `out=...`."
            ) from None
        atomic.remove_parts(*(folder / name for name in (RECORD, *(shard.name for shard in shards))))
    if overwrite:
        record.write()
        return shards, record
    before = _read(record.path)
    changed = [] if before is None else [name for name in identity if before.get(name) != identity[name]]
    if before is None or (changed and not before["files"]):
        taken = [shard.name for shard in shards if _exists(_join(job.out, shard.name))]
        if taken:
            raise DataError(
                f"{_join(job.out, taken[0])}: this exists already.",
                "Choose another `out=...`, or replace it: `overwrite=True`.",
            )
        record.write()  # or what a killed job has written would be taken for somebody's
        return shards, record
    if changed:
        raise DataError(
            f"{job.out}: these were labelled with another {' and '.join(changed)}.",
            "Choose another `out=...`, or replace them: `overwrite=True`.",
        )
    record.done = before["files"]
    left = []
    for shard in shards:
        through = record.done.get(shard.name)
        if through is None or not _exists(_join(job.out, shard.name)):
            left.append(shard)
        elif through | asdict(shard) != through:
            raise DataError(
                f"{shard.source}: this has changed since it was labelled.",
                "Choose another `out=...`, or replace it: `overwrite=True`.",
            )
    return left, record


def label_shard(predictor: Predictor, shard: Shard, job: LabelJob) -> RowCounts:
    """Label one file. Raises DataError where it cannot be read or written."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory())) if _remote(shard.source, job.out) else None
        path = local_path(shard.source, scratch or Path())
        target = scratch / "out" / shard.name if _is_remote(job.out) and scratch else Path(job.out) / shard.name
        with _writing(str(target.parent)):
            target.parent.mkdir(exist_ok=True)
        source = table.open_table(path)
        text = predict_table.find_text_column(source, predictor, job.text)
        added = predict_table.new_column_names(source.columns, predictor, source.name, job.conformal)
        columns = [*source.columns, *added]
        with writer.open_writer(target, columns, source, added, job.escape_formulas) as write:
            labelled = predict_table.label_table(source, predictor, text, added, write, lambda _: None, job.conformal)
        if _is_remote(job.out):
            with _writing(_join(job.out, shard.name)):
                system, place = _system(_join(job.out, shard.name))
                system.put_file(str(target), place)
        return labelled


def require_current(out: Path, columns: Sequence[str], sources: Sequence[Path]) -> None:
    """Raise DataError where a labelled file is not what labelling would write: it has other columns, or is older.

    Args:
        out: The labelled file.
        columns: The columns that it would get.
        sources: What it comes from: the input, and the manifest of the model.
    """
    remedy = "Use it, or start again (`overwrite=True`, without `resume=True`)."
    if suffix(out) != ".txt" and out.stat().st_size:  # those have no header
        there = table.open_table(out).columns
        if there != list(columns):
            raise DataError(f"{out}: this is complete, and has other columns: {', '.join(there)}.", remedy)
    for source in sources:
        if source.is_file() and source.stat().st_mtime_ns > out.stat().st_mtime_ns:
            raise DataError(f"{out}: this is complete, and {source} has changed since.", remedy)


def label_shards(predictor: Predictor, shards: Sequence[Shard], job: LabelJob, record: JobRecord) -> Generator[int]:
    """Label the files one after the other; after each, how many rows are through."""
    for shard in shards:
        record.mark_done(shard, label_shard(predictor, shard, job))
        yield record.row_counts.rows


def list_shards(source: str) -> list[Shard]:
    """The files that a path, a pattern or a folder names, also as a URL. Raises DataError where there are none."""
    if _is_remote(source):
        system, place = _system(source)
        if any(mark in place for mark in "*?["):
            found = system.glob(place)
        else:
            found = system.ls(place, detail=False) if system.isdir(place) else [place]
        known = sorted(each for each in found if suffix(Path(each)) in FORMATS and not Path(each).name.startswith("_"))
        shards = []
        for each in known:
            info = system.info(each)
            version = next((str(info[key]) for key in ("ETag", "etag", "LastModified", "mtime") if key in info), "")
            shards.append(Shard(system.unstrip_protocol(each), _name(Path(each)), int(info["size"]), version))
    else:
        path = Path(source)
        if not path.exists() and not table.is_pattern(path):
            raise DataError(f"{source}: there is no such file.", "Check the path.")
        shards = [_local(each) for each in sorted(table.files(path))]
    if not shards:
        raise DataError(f"{source}: there are no files of tables.", f"Give files ending in {', '.join(FORMATS)}.")
    return shards


def absolute_path(place: str) -> str:
    """A path or URL as it is named from any folder."""
    return place if _is_remote(place) else str(Path(place).absolute())


def local_path(source: str, scratch: Path) -> Path:
    """A file by its path or URL, on this machine: one of elsewhere is fetched into the folder `scratch`."""
    return _fetched(source, scratch) if _is_remote(source) else Path(source)


def _named(source: str) -> list[Shard]:
    """The files, each with another name for what is written."""
    shards = list_shards(source)
    names: dict[str, str] = {}
    for shard in shards:
        if shard.name in names:
            raise DataError(
                f"{names[shard.name]} and {shard.source} would both become {shard.name}.", "Rename one, or label apart."
            )
        names[shard.name] = shard.source
    return shards


def _local(path: Path) -> Shard:
    status = path.stat()
    return Shard(str(path), _name(path), status.st_size, str(status.st_mtime_ns))


def _name(path: Path) -> str:
    """The name of the labelled file: that of the input, or, where its format cannot be written, one of JSONL."""
    compressed = path.suffix if path.suffix.lower() in COMPRESSED else ""
    name = path.name.removesuffix(compressed)
    return (name if Path(name).suffix.lower() in WRITTEN else f"{Path(name).stem}.jsonl") + compressed


def _is_remote(place: str) -> bool:
    return "://" in place


def _remote(*places: str) -> bool:
    return any(map(_is_remote, places))


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if _is_remote(folder) else str(Path(folder) / name)


def _system(place: str) -> tuple[Any, str]:
    """(file system, path there) of a URL."""
    try:
        import fsspec
    except ImportError:
        raise missing_extra(f"{place}: a path of another file system", "ray") from None
    try:
        system, path = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise DataError(f"{place}: {error}.", "Install its package, or copy the files here.") from None
    return system, str(path)


def _fetched(place: str, folder: Path) -> Path:
    system, path = _system(place)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / Path(path).name
    system.get_file(path, str(target))
    return target


def _exists(place: str) -> bool:
    if not _is_remote(place):
        return os.path.lexists(place)
    system, path = _system(place)
    return bool(system.exists(path))


def _read(place: str) -> dict[str, Any] | None:
    """The record of a job, None where there is none. Raises DataError where it is something else."""
    if not _exists(place):
        return None
    try:
        if _is_remote(place):
            system, path = _system(place)
            if (size := system.size(path) or 0) > _LARGEST_RECORD:
                raise IrregularFileError(f"is {size:,} bytes long, and {_LARGEST_RECORD:,} are allowed")
            data = system.cat_file(path)
        else:
            data = regular_files.read(Path(place), _LARGEST_RECORD)
        found = records.parse(data, RECORD, halves=True)
        through = found.record("files")
        for name in through.values:
            _check_shard(through.record(name))
    except RecordError as error:
        problem = error.detail
    except IrregularFileError as error:
        problem = f"it {error}"
    except OSError as error:
        problem = f"it cannot be read: {error.strerror or error}"
    else:
        return found.values
    raise DataError(
        f"{place}: this is no record of a job: {problem}.", "Choose another `out=...`, or replace it: `overwrite=True`."
    )


def _check_shard(record: records.Record) -> None:
    """Raise RecordError where a file's part of the record is not what `Record.add` writes."""
    for key in ("source", "name", "version"):
        record.text(key)
    for key in ("size", "rows"):
        record.whole(key, 0, _MOST)
    if "empty" in record.values:  # older versions kept none
        record.whole("empty", 0, _MOST)


def _write(place: str, data: bytes) -> None:
    with _writing(place):
        if _is_remote(place):
            system, path = _system(place)
            system.pipe_file(path, data)
        else:
            atomic.write(Path(place), data)


@contextlib.contextmanager
def _writing(place: str) -> Iterator[None]:
    """Say in words what the system has against writing there."""
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{place}: this cannot be written: {error.strerror or error}.",
            "What is through is kept. Free some space, or check the folder, and give the same command again.",
        ) from None
