"""Files -> the same files with labels, one by one, in a folder: a job that can be cut off and goes on.

Each output appears under its name when it is whole, and the job's record (`_labelled.json`) says which are through, and
of what: the model, what was asked for, and each input's size and time of change. Paths may be those of any file system
that fsspec knows (`s3://...`), where its package is installed.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tenor import bundle, files, labelling
from tenor.data import table, writer
from tenor.data.formats import COMPRESSED, FORMATS, WRITTEN, suffix
from tenor.errors import DataError, missing_extra
from tenor.labelling import Labelled, Promise
from tenor.predictor import Predictor

RECORD = "_labelled.json"


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Attributes:
        model: Folder of the model.
        source: A file, a pattern of files, or a folder; also as a URL.
        out: Folder of the labelled files; also as a URL.
        text: Column of the texts; None finds it.
        promise: What is asked for besides labels.
    """

    model: Path
    source: str
    out: str
    text: str | None = None
    promise: Promise | None = None


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
class Record:
    """Which files of a job are through.

    Attributes:
        place: The record's path or URL.
        identity: What the job is.
        done: Name of the labelled file -> its input, and how many rows it has, and how many of them without a text.
    """

    place: str
    identity: dict[str, Any]
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, shard: Shard, labelled: Labelled) -> None:
        """A file is through."""
        self.done[shard.name] = {**asdict(shard), **labelled._asdict()}
        _write(
            self.place,
            json.dumps(
                {**self.identity, "files": dict(sorted(self.done.items()))}, ensure_ascii=False, indent=1
            ).encode(),
        )

    @property
    def labelled(self) -> Labelled:
        each = self.done.values()
        return Labelled(sum(one["rows"] for one in each), sum(one.get("empty", 0) for one in each))


def plan(job: Job, overwrite: bool = False) -> tuple[list[Shard], Record]:
    """What is left to do, and what is through.

    Raises:
        DataError: There is no input, two of them have one name, the folder holds something else or another job, or an
            input has changed since it was labelled.
    """
    shards = _named(job.source)
    identity = {
        "model": hashlib.sha256((job.model / bundle.MANIFEST).read_bytes()).hexdigest(),
        "text": job.text,
        "promise": asdict(job.promise) if job.promise else None,
    }
    record = Record(_join(job.out, RECORD), identity)
    if not _is_remote(job.out):
        folder = Path(job.out)
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder}: this is no folder.", "Name one, where each file of INPUT gets its own.")
        if any(Path(shard.source).parent.resolve() == folder.resolve() for shard in shards):
            raise DataError(f"{folder}: this is the folder of the input.", "Choose another --out.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{folder}: no folder can be made: {error.strerror}.", "Choose another --out.") from None
    before = _read(record.place)
    if overwrite:
        return shards, record
    if before is None:
        taken = [shard.name for shard in shards if _exists(_join(job.out, shard.name))]
        if taken:
            raise DataError(
                f"{_join(job.out, taken[0])}: this exists already.", "Choose another --out, or replace it: --overwrite."
            )
        return shards, record
    record.done = before.pop("files")
    if before != identity:
        changed = " and ".join(name for name in identity if before.get(name) != identity[name])
        raise DataError(
            f"{job.out}: these were labelled with another {changed}.", "Choose another --out, or --overwrite them."
        )
    left = []
    for shard in shards:
        through = record.done.get(shard.name)
        if through is None or not _exists(_join(job.out, shard.name)):
            left.append(shard)
        elif through | asdict(shard) != through:
            raise DataError(
                f"{shard.source}: this has changed since it was labelled.", "Choose another --out, or --overwrite it."
            )
    return left, record


def label(predictor: Predictor, shard: Shard, job: Job) -> Labelled:
    """Label one file. Raises DataError where it cannot be read or written."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory())) if _remote(shard.source, job.out) else None
        path = local(shard.source, scratch or Path())
        target = scratch / "out" / shard.name if _is_remote(job.out) and scratch else Path(job.out) / shard.name
        target.parent.mkdir(exist_ok=True)
        source = table.open_table(path)
        text = labelling.text_column(source, predictor, job.text)
        added = labelling.new_columns(source.columns, predictor, source.name, job.promise)
        columns = [*source.columns, *added]
        with writer.open_writer(target, columns, source, added) as write:
            labelled = labelling.label(source, predictor, text, added, write, lambda _: None, job.promise)
        if _is_remote(job.out):
            system, place = _system(_join(job.out, shard.name))
            system.put_file(str(target), place)
        return labelled


def each(predictor: Predictor, shards: Sequence[Shard], job: Job, record: Record) -> Generator[int]:
    """Label the files one after the other; after each, how many rows are through."""
    for shard in shards:
        record.add(shard, label(predictor, shard, job))
        yield record.labelled.rows


def listed(source: str) -> list[Shard]:
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


def absolute(place: str) -> str:
    """A path or URL as it is named from any folder."""
    return place if _is_remote(place) else str(Path(place).absolute())


def local(source: str, scratch: Path) -> Path:
    """A file by its path or URL, on this machine: one of elsewhere is fetched into the folder `scratch`."""
    return _fetched(source, scratch) if _is_remote(source) else Path(source)


def _named(source: str) -> list[Shard]:
    """The files, each with another name for what is written."""
    shards = listed(source)
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
        return Path(place).exists()
    system, path = _system(place)
    return bool(system.exists(path))


def _read(place: str) -> dict[str, Any] | None:
    if not _exists(place):
        return None
    if _is_remote(place):
        system, path = _system(place)
        data = system.cat_file(path)
    else:
        data = Path(place).read_bytes()
    try:
        found = json.loads(data)
        return {**found, "files": dict(found["files"])}
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{place}: this is no record of a job.", "Choose another --out, or --overwrite it.") from None


def _write(place: str, data: bytes) -> None:
    if not _is_remote(place):
        files.write(Path(place), data)
        return
    system, path = _system(place)
    system.pipe_file(path, data)
