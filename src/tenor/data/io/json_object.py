"""JSON (`.json`) that begins with an object: one object a line, or one object around all rows.

Around rows, `{"data": [{...}, ...]}` has a list of objects under a key, and `{"17": {...}, "23": {...}}` a row under
each key. `{"pos": ["...", "..."], "neg": [...]}` has the texts of each label, `{"a fine film": "pos"}` the label of
each text. pandas and Hugging Face write whole columns: `{"text": [...], "label": [...]}`,
`{"text": {"0": ...}, "label": {"0": ...}}`, and with the names apart `{"columns": [...], "data": [[...], ...]}`.
"""

import contextlib
from collections.abc import Iterator

from tenor._core.language import tr
from tenor._core.records import Json
from tenor.data import column_names, column_values
from tenor.data.io import json_lines, json_list
from tenor.data.io.chunks import Cell, Table, chunked
from tenor.data.io.json_list import WrappedObjects
from tenor.data.io.json_text import Row, decode
from tenor.data.io.lines import Lines, until_fault
from tenor.errors import DataError, Location


def read(lines: Lines) -> Table:
    """Open JSON whose first character is `{`. Raises DataError as the readers of its forms."""
    if _has_object_lines(lines):
        return json_lines.read(lines)
    objects = WrappedObjects(lines)
    first = next(iter(objects), None)
    if first is not None:
        table = json_list.read_objects(objects, first, lines)
        table.notes.append(tr("{name}: the rows are the objects under {key!r}.", name=lines.name, key=objects.key))
        return table
    if _is_by_key(objects.other):
        named = list(objects.other.values())
        table = json_list.read_objects(named, named[0], lines)
        table.notes.append(
            tr("{name}: the rows are the objects under {number:,} keys.", name=lines.name, number=len(named))
        )
        return table
    if (labelled := _of_texts_by_label(objects.other, lines)) is not None:
        return labelled
    if (pairs := _labels_by_text(objects.other)) is not None:
        return _labelled(pairs, tr("{name}: the keys are texts, and their values are labels.", name=lines.name), lines)
    rows = _columns(objects.other)
    if rows is None:
        return json_lines.read(lines)
    columns, values = rows
    if len(set(columns)) != len(columns):
        raise DataError(tr("{name}: a column occurs twice.", name=lines.name), tr("Give each column its own name."))
    return Table(lines.name, columns, chunked(values, columns), notes=lines.notes)


def read_lines(lines: Lines) -> Table:
    """Open JSON Lines. A single object with the texts of each label is read like JSON around all rows.

    Raises:
        DataError: The file is empty, or its first rows are not objects.
    """
    with lines.read() as decoded:
        filled = (line.strip() for line in until_fault(decoded) if line.strip())
        first, second = next(filled, ""), next(filled, "")
    with contextlib.suppress(DataError):  # which json_lines raises with the right row
        parts = decode(first, Location(lines.name), "") if not second and first.endswith("]}") else None
        if isinstance(parts, dict) and (labelled := _of_texts_by_label(parts, lines)) is not None:
            return labelled
    return json_lines.read(lines)


def _of_texts_by_label(parts: Row, lines: Lines) -> Table | None:
    """The table of an object with the texts of each label; None for others."""
    if (rows := _texts_by_label(parts)) is None:
        return None
    return _labelled(rows, tr("{name}: the keys are labels, and their lists have the texts.", name=lines.name), lines)


def _labelled(rows: Iterator[list[Cell]], note: str, lines: Lines) -> Table:
    columns = ["text", "label"]
    return Table(lines.name, columns, chunked(rows, columns), notes=[*lines.notes, note])


def _has_object_lines(lines: Lines) -> bool:
    """Whether the first line ends like an object, and another begins like one."""
    with lines.read() as decoded:
        filled = (line.strip() for line in until_fault(decoded) if line.strip())
        first, second = next(filled, ""), next(filled, "")
    return first.endswith("}") and second.startswith("{")


def _is_by_key(parts: Row) -> bool:
    """Whether an object has a row under each key, such as `{"17": {"text": ...}, "23": {"text": ...}}`.

    As a table of whole columns, the keys inside would be numbers of rows, and those around them names.
    """
    values = [value for value in parts.values() if isinstance(value, dict)]
    if len(values) < 2 or len(values) != len(parts) or any(isinstance(each, dict) for each in values[0].values()):
        return False
    names = set.intersection(*(set(value) for value in values))
    are_names = any(column_names.role(name) in ("text", "label") for name in names)
    return are_names and not any(column_names.role(key) in ("text", "label") for key in parts)


def _texts_by_label(parts: Row) -> Iterator[list[Cell]] | None:
    """The rows of an object with the texts of each label, `{"pos": ["...", "..."], "neg": [...]}`; None for others.

    As a table of whole columns, its lists have equal lengths and a key has a usual name, or values repeat as labels do.
    """
    values = list(parts.values())
    if len(values) < 2 or not all(isinstance(value, list) for value in values):
        return None
    lists = [value for value in values if isinstance(value, list)]
    if not all(isinstance(text, str) for texts in lists for text in texts) or not any(lists):
        return None
    if len(set(map(len, lists))) == 1:
        are_names = any(column_names.role(key) in ("text", "label", "id") for key in parts)
        if are_names or any(column_values.are_repeated(texts) for texts in lists):
            return None
    return ([text, label] for label, texts in parts.items() if isinstance(texts, list) for text in texts)


def _labels_by_text(parts: Row) -> Iterator[list[Cell]] | None:
    """The rows of an object with the label of each text, `{"a fine film": "pos", ...}`; None for others."""
    values, texts = list(parts.values()), list(parts)
    are_names = all(isinstance(value, (str, int)) for value in values)
    if not are_names or not column_values.are_texts(texts) or not column_values.are_classes(values):
        return None
    return ([text, label] for text, label in parts.items())


def _columns(parts: Row) -> tuple[list[str], Iterator[list[Cell]]] | None:
    """The columns and rows of an object that holds whole columns; None for another object."""
    names, data = parts.get("columns"), parts.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        width = len(names)
        if all(len(row) == width for row in data):
            return [str(name) for name in names], iter(data)
    values = list(parts.values())
    are_lists = len(values) > 1 and all(isinstance(value, list) for value in values)
    if are_lists and values[0] and len(set(map(len, values))) == 1:
        return list(parts), map(list, zip(*values, strict=True))
    if len(values) > 1 and all(isinstance(value, dict) for value in values):
        keys: list[Json] = list(values[0])
        if keys and all(list(value) == keys for value in values):
            return list(parts), map(list, zip(*(value.values() for value in values), strict=True))
    return None
