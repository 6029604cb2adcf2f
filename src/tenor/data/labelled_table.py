"""Opening a table of labelled rows: which columns are the texts, the features and the labels."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tenor._core.language import join_names, tr
from tenor._core.printable import shortened
from tenor.data import column_names, column_values, columns, feature_kinds, field_columns, field_values, row_reader
from tenor.data import label_columns as label_sets
from tenor.data.feature_kinds import FeatureSummary
from tenor.data.field_columns import ALL, feature_columns, require_columns
from tenor.data.fields import Field, FieldKind, Fields
from tenor.data.io import annotations, dialect, table
from tenor.data.io.chunks import Chunk, Table
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import FileOptions
from tenor.data.io.foreign_files import FOR_TABLES
from tenor.data.read_options import ReadOptions
from tenor.data.row_reader import RowReader
from tenor.errors import DataError, SettingsError, counted, listed

_MIN_VALUES = 10  # of a column, to say that it has no texts
_HINT_LINES = 20  # that have the same separator


class LabelledTable(NamedTuple):
    """An opened table, and how its rows are read.

    Attributes:
        table: The table; `chunks` has its rows.
        chunks: The rows from the first one on.
        reader: Reads the texts, or the rows of several fields.
        label: The column of the labels.
        may_lack_header: Whether the header could be a row of data.
        messages: What was chosen, for the user.
        label_columns: The columns of 0 and 1 that the column of the labels was joined from; empty: it is in the file.
    """

    table: Table
    chunks: Iterable[Chunk]
    reader: RowReader
    label: str
    may_lack_header: bool
    messages: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()


def open_labelled(source: Path | DatabaseUrl | Table, options: ReadOptions) -> LabelledTable:
    """Open a table and find its columns.

    Features are read once before the rows, since all values of a column decide what it is.

    Args:
        source: What `table.open_table` opens, or what it returns.
        options: The columns.

    Raises:
        DataError: A column is missing or ambiguous, or a feature is useless.
        SettingsError: `pair=True` without two text fields.
    """
    opened = annotations.accepted(source if isinstance(source, Table) else table.open_table(source, options.files))
    name = opened.name
    opened, label, label_columns = _label_column(opened, options)
    if opened.columns == ["text"] and label is None:
        first = opened.peek()
        lines = [] if first is None else [str(text) for text in first.columns["text"][:_HINT_LINES] if text]
        hint = dialect.separator_hint(lines) if len(lines) > 1 else ""
        remedy = tr("Give a file with a text and a label column.")
        raise DataError(tr("{name}: there is one column, 'text', and no labels.", name=name), hint or remedy)
    if options.fields is not None:
        return _for_fields(opened, options.fields, options, label, label_columns)
    texts = _text_columns(opened, options)
    requested = field_columns.names(options.features)
    is_all = requested == (ALL,) and ALL not in opened.columns
    taken = (*texts, *label_columns, *filter(None, [label]))
    named = [] if is_all else feature_columns(requested, opened.columns, taken, name)
    messages: tuple[str, ...] = ()
    others = [column for column in opened.columns if column not in {*texts, *(each for each, _ in named)}]
    if label is None and (label_columns := _detect_label_columns(opened, others)):
        opened = label_sets.join(opened, label_columns)
        label = label_sets.set_column(label_columns)
        messages = (
            tr(
                "sets of labels from the columns {label_columns}, which hold only 0 and 1 (`label=...` names others).",
                label_columns=listed(label_columns),
            ),
        )
    first = _first_chunk(opened)
    may_lack_header = (
        opened.has_header and not texts and label is None and columns.header_may_be_data(opened.columns, name)
    )
    hidden = {*texts[1:], *(column for column, _ in named), *label_columns}
    free = [column for column in opened.columns if column not in hidden]
    if named and not texts and len(free) <= 1:
        raise DataError(tr("{name}: there is no column of texts besides the features.", name=name), tr(FOR_TABLES))
    text, label = columns.detect_columns(free, first, name, texts[0] if texts else None, label)
    if label in (text, *texts):
        raise DataError(
            tr("{name}: the column {label!r} holds both texts and labels.", name=name, label=label),
            tr("Name two with `text=...` and `label=...`."),
        )
    if not texts:
        _require_texts(first, text, name)
        others = [column for column in free if column not in (text, label) and column not in options.taken]
        messages += _unread_texts(first, text, others)
    texts = texts or (text,)
    if is_all:
        named = feature_columns(requested, opened.columns, (*texts, label, *label_columns, *options.taken), name)
    chunks: Iterable[Chunk] = itertools.chain([first], opened.chunks)
    again: Iterable[Chunk] = ()
    if named:
        chunks, again = _read_twice(source, chunks, options.files)
    reader, on_features = new_reader(texts, named, again, options, name, is_all)
    messages += on_features
    return LabelledTable(opened, chunks, reader, label, may_lack_header, messages, tuple(label_columns))


def new_reader(
    texts: Sequence[str],
    features: Sequence[tuple[str, FieldKind | None]],
    chunks: Iterable[Chunk],
    options: ReadOptions,
    name: str,
    is_all: bool = False,
) -> tuple[RowReader, tuple[str, ...]]:
    """The reader of a table for a new model, and messages about its features.

    Args:
        texts: The columns of the text fields.
        features: The columns of the features, each with its kind if it was named with one.
        chunks: The rows, which decide the other kinds.
        options: Whether two texts are a pair.
        name: The table's name for messages.
        is_all: Whether the features are all other columns, so that useless ones are left out.

    Raises:
        DataError: A feature that was named is useless.
        SettingsError: `pair=True` without two text fields.
    """
    is_pair = _is_pair(texts, options)
    kinds, messages = _features(chunks, features, is_all, name) if features else ([], ())
    fields = Fields((*map(Field, texts), *kinds), is_pair)
    return RowReader(fields, tuple(each.name for each in fields.columns)), messages


def _label_column(opened: Table, options: ReadOptions) -> tuple[Table, str | None, Sequence[str]]:
    """The table, its column of the labels if it is known, and the columns that this was joined from."""
    labels = field_columns.names(options.label)
    for label in labels:
        columns.require_column(opened.columns, label, opened.name, "label")
    defaults = field_columns.names(options.default_label)
    if not labels and defaults and set(defaults) <= set(opened.columns):
        labels = defaults
    if not labels and len(defaults) > 1 and options.is_test:
        absent = next(column for column in defaults if column not in opened.columns)
        columns.require_column(opened.columns, absent, opened.name, "label")
    # Without names of columns, the labels are the column beside the texts.
    has_names = opened.has_header or len(opened.columns) > 2
    if not labels and defaults and options.is_test and has_names and not defaults[0].isdigit():
        labels = (columns.same_label_column(opened.columns, defaults[0], opened.name),)
    if not labels and (annotated := annotations.label_column(opened)) is not None:
        labels = (annotated,)
    if len(labels) < 2:
        return opened, labels[0] if labels else None, ()
    return label_sets.join(opened, labels), label_sets.set_column(labels), labels


def _detect_label_columns(opened: Table, free: Sequence[str]) -> list[str]:
    """Columns of only 0 and 1 that are sets of labels, if no column has the usual name of labels."""
    first = opened.peek()
    if first is None or any(column_names.role(column) == "label" for column in free):
        return []
    return label_sets.detect(first, [column for column in free if column_names.role(column) != "id"])


def _for_fields(
    opened: Table, fields: Fields, options: ReadOptions, label: str | None, label_columns: Sequence[str]
) -> LabelledTable:
    """The table for a model with several fields, which are found by name."""
    reader = row_reader.for_table(opened, fields, options.text)
    first = _first_chunk(opened)
    texts = reader.text_columns
    hidden = {*reader.columns, *label_columns}
    free = [column for column in opened.columns if column == texts[0] or column not in hidden]
    _, label = columns.detect_columns(free, first, opened.name, texts[0], label)
    return LabelledTable(
        opened, itertools.chain([first], opened.chunks), reader, label, False, label_columns=tuple(label_columns)
    )


def _text_columns(opened: Table, options: ReadOptions) -> tuple[str, ...]:
    """The columns of the text fields that are named, that the training data had, or whose names say they are a pair."""
    texts = field_columns.names(options.text)
    if texts:
        require_columns(texts, opened.columns, opened.name, "text")
        return texts
    if options.default_text in opened.columns:
        return (str(options.default_text),)
    if options.pair is not False and not columns.has_text_name(opened.columns):
        return field_columns.find_pair(opened.columns) or ()
    return ()


def _is_pair(texts: Sequence[str], options: ReadOptions) -> bool:
    """Whether the relation of two text fields is the label."""
    if options.pair and len(texts) != 2:
        raise SettingsError(
            tr(
                "`pair=True` needs two text fields, and there {are} {n_texts}: {names}.",
                are="is" if len(texts) == 1 else "are",
                n_texts=counted(len(texts), "text field"),
                names=listed(texts),
            ),
            tr("Name two columns with `text=...`, or leave it out."),
        )
    return field_columns.is_usual_pair(texts) if options.pair is None else options.pair


def _features(
    chunks: Iterable[Chunk], named: Sequence[tuple[str, FieldKind | None]], is_all: bool, name: str
) -> tuple[list[Field], tuple[str, ...]]:
    """The features with their kinds, and messages about them. Of all columns, the useless ones are left out."""
    summaries = feature_kinds.summarise(chunks, named)
    if not is_all:
        feature_kinds.require_useful(summaries, name)
    used = [each for each in summaries if each.fault() is None]
    messages = [tr("features: {used}.", used=join_names(each.describe() for each in used))] if used else []
    left_out = [_left_out(each) for each in summaries if each.fault() is not None]
    messages += [tr("left out of the features: {left_out}.", left_out=tr("; ").join(left_out))] if left_out else []
    return [each.field() for each in used], tuple(messages)


def _unread_texts(chunk: Chunk, text: str, others: Sequence[str]) -> tuple[str, ...]:
    """A message on other columns that may be texts too, where the column of the texts was detected."""
    unread = [column for column in others if column_values.are_texts(chunk.columns[column])]
    if not unread:
        return ()
    options = " ".join(f"`text={shortened(column)!r}`" for column in (unread[0], text))
    return (
        tr("not read: {unread}, which may be texts too; {options} reads both.", unread=listed(unread), options=options),
    )


def _require_texts(chunk: Chunk, text: str, name: str) -> None:
    """Raise DataError where a column that was detected as that of the texts has numbers or dates alone."""
    values = [value for value in chunk.columns[text] if not field_values.is_missing(value)]
    if len(values) >= _MIN_VALUES and all(
        field_values.number_string(value) is not None or field_values.date_string(value) is not None for value in values
    ):
        problem = tr("there is no column of texts: {text!r} has numbers or dates alone.", text=text)
        raise DataError(
            tr("{place}: {problem}", place=name, problem=problem),
            tr("Name the texts with `text=...`. {for_tables}", for_tables=tr(FOR_TABLES)),
        )


def _left_out(summary: FeatureSummary) -> str:
    return f"{shortened(summary.name)} ({summary.fault()})"


def _first_chunk(opened: Table) -> Chunk:
    first = next(opened.chunks, None)
    if first is None:
        raise DataError(
            tr("{name}: there is a header but no row.", name=opened.name),
            tr("Give a file with at least two labelled rows."),
        )
    return first


def _read_twice(
    source: Path | DatabaseUrl | Table, chunks: Iterable[Chunk], files: FileOptions
) -> tuple[Iterable[Chunk], Iterable[Chunk]]:
    """The rows two times: from the file again, or held in memory where they can be read only once."""
    if isinstance(source, Path) and str(source) != "-":
        return chunks, table.open_table(source, files).chunks
    held = list(chunks)
    return held, held
