"""`.json`: a list of objects, also as Label Studio exports its tasks; held in memory, since it is one JSON text."""

from typing import Any

from tenor.data import label_studio
from tenor.data.json_lines import decode, require_object
from tenor.data.lines import Lines
from tenor.data.rows import Table, chunked
from tenor.errors import DataError, Location


def read(lines: Lines) -> Table:
    """Open a list of objects. The columns are all keys; a key that an object leaves out is None there."""
    name = lines.name
    remedy = 'Give a list of objects such as [{"text": "..."}], or one object a line.'
    values = decode(lines.whole().strip(), Location(name), remedy)
    if not isinstance(values, list):
        raise DataError(f"{name}: this is JSON but not a list.", remedy)
    if not values:
        raise DataError(f"{name}: the list is empty.", remedy)
    objects = [require_object(value, Location(name, row)) for row, value in enumerate(values, 1)]
    if label_studio.is_export(objects):
        objects = label_studio.rows(objects, name)
    columns = list(dict.fromkeys(key for row in objects for key in row))
    values = ([_value(row.get(column)) for column in columns] for row in objects)
    return Table(name, columns, chunked(values, columns))


def _value(value: Any) -> Any:
    """The value, or the choices of Label Studio's short export: a string where there is one, a list of several."""
    if isinstance(value, dict) and list(value) == ["choices"] and isinstance(value["choices"], list):
        return label_studio.as_label(value["choices"])
    return value
