"""`.jsonl` and `.ndjson`: one JSON object a line."""

import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

from tenor.data.lines import Lines
from tenor.data.rows import CHUNK_ROWS, Table, chunked
from tenor.errors import DataError, Location

Row = dict[str, Any]


def read(lines: Lines) -> Table:
    """Open a file of objects. The columns are those of the first rows; a later one may leave out some of them."""
    with contextlib.closing(_objects(lines)) as objects:
        head = itertools.islice(objects, CHUNK_ROWS)
        columns = list(dict.fromkeys(key for row in head for key in row))
    if not lines.row:
        raise DataError(f"{lines.name}: the file is empty.", "Give a file with one JSON object a line.")

    def values() -> Iterator[list[Any]]:
        for row in _objects(lines):
            new = [key for key in row if key not in columns]
            if new:
                raise DataError(
                    f"the key {new[0]!r} is not in the first rows.",
                    "Give every row the same keys, with null where there is no value.",
                    Location(lines.name, lines.row),
                )
            yield [row.get(column) for column in columns]

    return Table(lines.name, columns, chunked(values(), columns))


def decode(text: str, at: Location, remedy: str) -> Any:
    """The value of a JSON text. Raises DataError where it is none, or an object has a key twice."""
    try:
        return _JSON.decode(text)
    except DataError as error:
        raise DataError(error.problem, error.remedy, at) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON: {error}.", remedy, at) from None


def require_object(value: Any, at: Location) -> Row:
    """The value, where it is an object of whole characters; else DataError."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError("there is half of a surrogate pair.", "Write the character whole.", at) from None
    if not isinstance(value, dict):
        raise DataError("this is JSON but not an object.", 'Give objects such as {"text": "..."}.', at)
    return value


def _objects(lines: Lines) -> Generator[Row, None, None]:
    with lines.read() as decoded:
        for line in decoded:
            if line.strip():
                lines.row += 1
                at = Location(lines.name, lines.row)
                yield require_object(decode(line, at, "Give one JSON object a line."), at)


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise DataError(f"the key {twice!r} stands twice in an object.", "Give each key once.")
    return row


_JSON = json.JSONDecoder(object_pairs_hook=_unique)
