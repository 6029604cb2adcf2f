"""Detecting the columns of the texts and labels: by their names, and by their values where names leave a choice."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tenor._core.language import mark, tr
from tenor._core.printable import shortened
from tenor.config.settings import suggest
from tenor.data import column_values as values
from tenor.data.column_names import LABEL_NAMES, TEXT_NAMES, Role, names_class_number, role, usual_rank, words
from tenor.data.io import dialect, stdin
from tenor.data.io.chunks import Cell, Chunk, Table
from tenor.data.io.formats import suffix
from tenor.errors import DataError, listed

_CLEARLY_LONGER = 1.5  # times the mean length of the next candidate


def require_column(columns: list[str], column: str, name: str, option: str) -> str:
    """The column, or a DataError that lists the columns of the table.

    Args:
        columns: The columns of the table.
        column: The requested column.
        name: The table's name for messages.
        option: The option that named the column, for messages.
    """
    if column not in columns:
        known = suggest(column, columns, mark("Columns: {known}."))
        parts = [part.strip() for part in column.split(",")]
        if len(parts) > 1 and set(parts) <= set(columns):
            known = tr(
                "Name each column on its own: {parts}.",
                parts=" ".join(f"`{option}={shortened(part)!r}`" for part in parts),
            )
            raise DataError(tr("{name}: there is no column {column!r}.", name=name, column=column), known)
        remedy = tr(
            "{known} Name one with `{option}=...`.{header_hint}",
            known=known,
            option=option,
            header_hint=header_hint(columns, name),
        )
        raise DataError(tr("{name}: there is no column {column!r}.", name=name, column=column), remedy)
    return column


def detect_columns(columns: list[str], chunk: Chunk, name: str, text: str | None, label: str | None) -> tuple[str, str]:
    """Detect the columns of texts and labels by usual names, by parts of names, or by their values.

    A column of identifiers is never taken.

    Args:
        columns: The columns of the table.
        chunk: The first rows.
        name: The table's name for messages.
        text: Column of the texts if it is known.
        label: Column of the labels if it is known.

    Returns:
        The column of the texts and the column of the labels.

    Raises:
        DataError: The columns are ambiguous.
    """
    free = [column for column in _usable(columns, chunk) if column not in (text, label)]
    text_column = text or _text_by_name(free, chunk)
    rest = [column for column in free if column != text_column]
    label_column = label or _label_by_name(rest, chunk)
    rest = [column for column in rest if column != label_column]
    if text_column is None:
        text_column = _text_by_values(rest, chunk, of_two=label_column is None)
        rest = [column for column in rest if column != text_column]
    if label_column is None and text_column is not None:
        label_column = _label_by_values(rest, chunk)
    if text_column is None or label_column is None:
        missing = "text" if text_column is None else "label"
        which = (
            tr("them with `text=...` and `label=...`")
            if text_column is label_column is None
            else tr("it with `{missing}=...`", missing=missing)
        )
        others = [column for column in columns if column != text]
        raise DataError(
            tr("{name}: it is not clear which column holds the {missing}s.", name=name, missing=tr(missing)),
            tr(
                "Columns: {others}. Name {which}.{header_hint}",
                others=listed(others),
                which=which,
                header_hint=header_hint(columns, name),
            ),
        )
    return text_column, label_column


def same_label_column(columns: list[str], trained: str, name: str) -> str:
    """The column that holds the labels as in the training data: no other one is taken for the truth.

    Case, blanks and `_` may differ. Files whose format has no names of columns have `text` and `label`.

    Args:
        columns: The columns of the table.
        trained: The column in the training data.
        name: The table's name for messages.

    Raises:
        DataError: There is no such column.
    """
    same = [column for column in columns if words(column) == words(trained)]
    if len(same) == 1:
        return same[0]
    if columns == ["text", "label"]:
        return "label"
    raise DataError(
        tr(
            "{name}: there is no column {trained!r}, which holds the labels in the training data.",
            name=name,
            trained=trained,
        ),
        tr(
            "Columns: {columns}. Add the labels; if another column has them, name it with `label=...`.",
            columns=listed(columns),
        ),
    )


def detect_text_column(source: Table, text: str | None, default_text: str | None = None) -> str:
    """Detect the column of the texts: the requested one, that of the training data, or one that looks like texts.

    Args:
        source: The table.
        text: The requested column; None: detect it.
        default_text: The column in the training data of a model.

    Raises:
        DataError: The table has no such column, or the column is ambiguous.
    """
    columns, name = source.columns, source.name
    if text is not None:
        return require_column(columns, text, name, "text")
    if default_text in columns:
        return str(default_text)
    if len(columns) == 1:
        return columns[0]
    first = source.peek() or Chunk(1, {column: [] for column in columns})
    free = _usable(columns, first)
    detected = _text_by_name(free, first) or _text_by_values(free, first, of_two=False)
    if detected is None:
        raise DataError(
            tr("{name}: it is not clear which column holds the texts.", name=name),
            tr(
                "Columns: {columns}. Name it with `text=...`.{header_hint}",
                columns=listed(columns),
                header_hint=header_hint(columns, name),
            ),
        )
    return detected


def header_hint(columns: list[str], name: str) -> str:
    """A sentence for the remedy, after a blank, on a separator that is not read, or a missing header; else nothing."""
    if len(columns) == 1 and (hint := dialect.separator_hint(columns)):
        return f" {hint}"
    if not header_may_be_data(columns, name) or columns == list(map(str, range(1, len(columns) + 1))):
        return ""
    return tr(
        " If the file has no header, say so with `header=False`, or put a line with names above its "
        "first row, such as text,label."
    )


def header_may_be_data(columns: list[str], name: str) -> bool:
    """Whether the header of a delimited file could be a row of data: no column has a usual name."""
    is_known = any(usual_rank(column, (*TEXT_NAMES, *LABEL_NAMES)) is not None for column in columns)
    return not is_known and (name == stdin.NAME or suffix(Path(name)) in (".csv", ".tsv"))


def has_text_name(columns: list[str]) -> bool:
    """Whether a column has a usual name of texts."""
    return bool(_usual(columns, TEXT_NAMES))


def _usable(columns: list[str], chunk: Chunk) -> list[str]:
    """The columns that can hold texts or labels: not those without values, and not identifiers."""
    return [column for column in columns if not _is_id(column, chunk.columns[column])]


def _is_id(column: str, cells: Sequence[Cell]) -> bool:
    """Whether a column has the name or the values of identifiers, or has no values."""
    named = role(column)
    if named == "id":
        return not (names_class_number(column) and values.are_repeated(cells))
    return named is None and (values.count_rows(cells) or values.are_missing(cells))


def _text_by_name(columns: Sequence[str], chunk: Chunk) -> str | None:
    usual = _usual(columns, TEXT_NAMES)
    readable = [column for column in usual if values.are_words(chunk.columns[column])]
    if usual:
        return (readable or usual)[0]
    return _longest(_with_role(columns, "text", chunk, values.are_words), chunk)


def _label_by_name(columns: Sequence[str], chunk: Chunk) -> str | None:
    if usual := _usual(columns, LABEL_NAMES):
        return usual[0]
    candidates = _with_role(columns, "label", chunk, values.are_classes)
    candidates += [column for column in columns if names_class_number(column) and not candidates]
    return candidates[0] if len(candidates) == 1 else None


def _text_by_values(columns: Sequence[str], chunk: Chunk, of_two: bool) -> str | None:
    """The column of words that is clearly the longest; the only column; with `of_two` one of two.

    Of two columns, it is the one without equal values, or the longer one.
    """
    if of_two and len(columns) == 2:
        # Labels repeat, and they may be longer than the texts.
        distinct = [column for column in columns if not values.have_equal(chunk.columns[column])]
        if len(distinct) == 1 and values.are_words(chunk.columns[distinct[0]]):
            return distinct[0]
    if len(columns) == 1 or (of_two and len(columns) == 2):
        return max(columns, key=lambda column: values.mean_length(chunk.columns[column]))
    candidates = [column for column in columns if role(column) in (None, "text")]
    return _longest([column for column in candidates if values.are_words(chunk.columns[column])], chunk)


def _label_by_values(columns: Sequence[str], chunk: Chunk) -> str | None:
    """The only column, or the only one whose values repeat as classes do and whose name does not speak against it."""
    if len(columns) == 1:
        return columns[0]
    candidates = [column for column in columns if role(column) is None and values.are_classes(chunk.columns[column])]
    return candidates[0] if len(candidates) == 1 else None


def _usual(columns: Sequence[str], names: tuple[str, ...]) -> list[str]:
    """The columns with a usual name, in the order of these names."""
    ranks = {column: rank for column in columns if (rank := usual_rank(column, names)) is not None}
    return sorted(ranks, key=lambda column: ranks[column])


def _with_role(
    columns: Sequence[str], expected: Role, chunk: Chunk, fits: Callable[[Sequence[Cell]], bool]
) -> list[str]:
    """The columns whose names say a role, without those whose values contradict it if others are left."""
    named = [column for column in columns if role(column) == expected]
    return [column for column in named if fits(chunk.columns[column])] or named


def _longest(columns: Sequence[str], chunk: Chunk) -> str | None:
    """The column of clearly the longest values; None if there is none."""
    lengths = sorted(((values.mean_length(chunk.columns[column]), column) for column in columns), reverse=True)
    if not lengths:
        return None
    is_clear = len(lengths) == 1 or lengths[0][0] > _CLEARLY_LONGER * lengths[1][0]
    return lengths[0][1] if is_clear else None
