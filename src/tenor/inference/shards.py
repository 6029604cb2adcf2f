"""The files of a job that labels many files."""

from dataclasses import dataclass
from pathlib import Path

from tenor._core.language import join_names, tr
from tenor.data.io import table
from tenor.data.io.formats import COMPRESSED_WRITTEN, FORMATS, WRITTEN, suffix
from tenor.data.io.missing import no_such_file
from tenor.errors import DataError
from tenor.inference import locations


@dataclass(frozen=True)
class Shard:
    """One file of a job.

    Attributes:
        source: Its path or URL.
        name: Name of the labelled file.
        size: Bytes.
        version: Changes with the file: its time of change, or its tag.
    """

    source: str
    name: str
    size: int
    version: str


def list_shards(source: str) -> list[Shard]:
    """The files of a path, a pattern or a folder, also as a URL. Raises DataError if there are none."""
    shards = _remote_shards(source) if locations.is_remote(source) else _local_shards(source)
    if not shards:
        raise DataError(
            tr("{source}: there are no files of tables.", source=source),
            tr("Give files ending in {formats}.", formats=join_names(FORMATS)),
        )
    return shards


def list_distinct_shards(source: str) -> list[Shard]:
    """The files, like `list_shards`. Raises DataError where two labelled files would have the same name."""
    shards = list_shards(source)
    sources: dict[str, str] = {}
    for shard in shards:
        if shard.name in sources:
            raise DataError(
                tr(
                    "{sources} and {source} would both become {name}.",
                    sources=sources[shard.name],
                    source=shard.source,
                    name=shard.name,
                ),
                tr("Rename one, or label the files separately."),
            )
        sources[shard.name] = shard.source
    return shards


def _remote_shards(source: str) -> list[Shard]:
    system, path = locations.file_system(source)
    if any(mark in path for mark in "*?["):
        paths = system.glob(path)
    else:
        paths = system.ls(path, detail=False) if system.isdir(path) else [path]
    shards = []
    for each in sorted(paths):
        if suffix(Path(each)) not in FORMATS or Path(each).name.startswith("_"):
            continue
        info = system.info(each)
        version = next((str(info[key]) for key in ("ETag", "etag", "LastModified", "mtime") if key in info), "")
        shards.append(Shard(system.unstrip_protocol(each), _labelled_name(Path(each)), int(info["size"]), version))
    return shards


def _local_shards(source: str) -> list[Shard]:
    path = Path(source)
    if not path.exists() and not table.is_pattern(path):
        raise no_such_file(path)
    shards = []
    for each in sorted(table.files(path)):
        status = each.stat()
        shards.append(Shard(str(each), _labelled_name(each), status.st_size, str(status.st_mtime_ns)))
    return shards


def _labelled_name(path: Path) -> str:
    """The name of the labelled file: that of the input, or `.jsonl` where its format cannot be written."""
    compressed = path.suffix if path.suffix.lower() in COMPRESSED_WRITTEN else ""
    name = path.name.removesuffix(compressed)
    return (name if Path(name).suffix.lower() in WRITTEN else f"{Path(name).stem}.jsonl") + compressed
