"""One row of several fields as a JSON object, on the command line and over HTTP: `{"title": ..., "body": ...}`."""

import json
from collections.abc import Mapping

from tenor._core.language import mark, tr
from tenor._core.records import Json
from tenor.config.settings import suggest
from tenor.data import field_values
from tenor.data.fields import Field, Fields
from tenor.data.io.chunks import Chunk, Table
from tenor.errors import DataError, listed

_NAME = mark("the text")


def example(fields: Fields) -> str:
    """An object with the fields of a model, for messages."""
    shown = [f"{json.dumps(each.name, ensure_ascii=False)}: ..." for each in fields.columns[:4]]
    return f"{{{', '.join(shown)}{', ...' * (len(fields.columns) > len(shown))}}}"


def open_row(text: str, fields: Fields) -> Table:
    """An object of JSON as a table of one row.

    Raises:
        DataError: It is not an object, or has a field that the model does not read.
    """
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(
            tr("the model reads the fields {names}, and this is a text.", names=listed(_names(fields))),
            tr("Give a file with these columns, or a JSON object: '{example}'.", example=example(fields)),
        )
    for name in value:
        require_field(name, fields)
    return Table(tr(_NAME), list(value), iter([Chunk(1, {name: [each] for name, each in value.items()})]))


def to_row(values: Mapping[str, Json], fields: Fields) -> tuple[str, list[str]]:
    """An object as a row, and the names of the fields that it lacks, which are empty.

    Raises:
        DataError: A field is unknown, or a value is not of its kind.
    """
    known = set(_names(fields))
    for name in values:
        if name not in known:
            require_field(name, fields)
    row = fields.join([_string(values.get(each.name), each) for each in fields.columns])
    return row, [name for name in _names(fields) if name not in values]


def require_field(name: str, fields: Fields) -> None:
    """Raise DataError where the model does not read a field of this name."""
    if name not in (names := _names(fields)):
        known = suggest(name, names, mark("The model reads: {known}."))
        raise DataError(tr("the model does not read a field {name!r:.100}.", name=name), known)


def _names(fields: Fields) -> list[str]:
    return [each.name for each in fields.columns]


def _string(value: Json, field: Field) -> str:
    if field.kind == "text":
        text = "" if value is None else value if isinstance(value, str) else None
    else:
        text = field_values.to_string(value, field)
    if text is None:
        kind = {"text": tr("a string"), "number": tr("a number"), "date": tr("a date such as 2024-03-01")}
        raise DataError(
            tr("the field {name!r} has a value of another kind.", name=field.name),
            tr("Give {kind}, or null where there is none.", kind=kind.get(field.kind, tr("a string or a number"))),
        )
    return text
