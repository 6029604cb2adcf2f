"""The record of a job that labels many files: which of them are done, and for which model and options."""

import json
from dataclasses import asdict, dataclass, field

from tenor._core import records
from tenor._core.language import tr
from tenor._core.records import JsonObject, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor.errors import DataError
from tenor.inference import locations
from tenor.inference.predict_table import RowCounts
from tenor.inference.shards import Shard

RECORD = "_labelled.json"
"""Name of the record in the folder of the labelled files."""
_LARGEST_RECORD = 256 << 20  # bytes
_LARGEST_COUNT = 1 << 62  # rows, or bytes, of a file


@dataclass
class JobRecord:
    """Which files of a job are done.

    Attributes:
        path: The record's path or URL.
        identity: What identifies the job: the model and the options.
        done: Name of the labelled file -> its shard, and its `RowCounts`.
    """

    path: str
    identity: JsonObject
    done: dict[str, JsonObject] = field(default_factory=dict)

    def mark_done(self, shard: Shard, counts: RowCounts) -> None:
        """Add a file that is done, and write the record. Raises WriteError where that is not possible."""
        self.done[shard.name] = {**asdict(shard), **counts._asdict()}
        self.write()

    def write(self) -> None:
        """Write the record. Raises WriteError where that is not possible."""
        content = {**self.identity, "files": dict(sorted(self.done.items()))}
        locations.write_bytes(self.path, json.dumps(content, ensure_ascii=True, indent=1).encode())

    @property
    def row_counts(self) -> RowCounts:
        """The rows of all files that are done."""
        totals = {name: sum(file.get(name, 0) for file in self.done.values()) for name in RowCounts._fields}
        return RowCounts(**totals)


def read(path: str) -> JsonObject | None:
    """The record at a path or URL; None if it does not exist. Raises DataError if the file is not such a record."""
    if not locations.exists(path):
        return None
    try:
        record = records.parse(locations.read_bytes(path, _LARGEST_RECORD), RECORD, allow_surrogates=True)
        files = record.record("files")
        for name in files.values:
            _check_file(files.record(name))
    except RecordError as error:
        problem = error.detail
    except IrregularFileError as error:
        problem = tr("it {error}", error=error)
    except OSError as error:
        problem = tr("it cannot be read: {strerror}", strerror=error.strerror or error)
    else:
        return record.values
    raise DataError(
        tr("{path}: this is not the record of a job: {problem}.", path=path, problem=problem),
        tr("Choose another `out=...`, or replace it: `overwrite=True`."),
    )


def _check_file(record: records.Record) -> None:
    """Raise RecordError where a file is not recorded as `JobRecord.mark_done` does it."""
    for key in ("source", "name", "version"):
        record.string(key)
    for key in ("size", "rows"):
        record.integer(key, 0, _LARGEST_COUNT)
    for key in ("empty", "abstained"):
        if key in record.values:  # older versions did not record it
            record.integer(key, 0, _LARGEST_COUNT)
