"""Detecting the columns of the texts and labels: by their name, or by the length of their values."""

from pathlib import Path

from tenor.config.settings import suggest
from tenor.data.io import stdin
from tenor.data.io.chunks import Chunk
from tenor.data.io.formats import suffix
from tenor.errors import DataError, listed

TEXT_NAMES = (
    "text",
    "texts",
    "review",
    "sentence",
    "content",
    "comment",
    "文本",
    "内容",
    "评论",
    "句子",
    "data",
    "review_text",
    "message",
    "tweet",
    "body",
    "utterance",
    "文本内容",
    "评论内容",
    "正文",
    "留言",
)
LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "category",
    "sentiment",
    "target",
    "标签",
    "类别",
    "分类",
    "情感",
    "intent",
    "意图",
)


def require_column(columns: list[str], column: str, name: str, option: str) -> str:
    """The column, or a DataError that lists the columns of the table.

    Args:
        columns: The columns of the table.
        column: The requested column.
        name: The table's name for messages.
        option: The option that named the column, for messages.
    """
    if column not in columns:
        known = suggest(column, columns).replace("Known:", "Columns:")
        parts = [part.strip() for part in column.split(",")]
        if len(parts) > 1 and set(parts) <= set(columns):
            known = f"Name each column on its own: {' '.join(f'`{option}={part!r}`' for part in parts)}."
            raise DataError(f"{name}: there is no column {column!r}.", known)
        remedy = f"{known} Name one with `{option}=...`.{header_hint(columns, name)}"
        raise DataError(f"{name}: there is no column {column!r}.", remedy)
    return column


def detect_columns(columns: list[str], chunk: Chunk, name: str, text: str | None, label: str | None) -> tuple[str, str]:
    """Detect the columns of texts and labels by usual names, or of two columns take the longer one as the texts.

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
    free = [column for column in columns if column not in (text, label)]
    text_column = text or _by_name(free, TEXT_NAMES)
    label_column = label or _by_name([column for column in free if column != text_column], LABEL_NAMES)
    rest = [column for column in free if column not in (text_column, label_column)]
    if text_column is None and label_column is None and len(rest) == 2:
        text_column = max(rest, key=lambda column: sum(len(str(value)) for value in chunk.columns[column]))
        rest.remove(text_column)
    if text_column is None and len(rest) == 1:
        text_column = rest.pop()
    if label_column is None and len(rest) == 1:
        label_column = rest.pop()
    if text_column is None or label_column is None:
        missing = "text" if text_column is None else "label"
        which = (
            "them with `text=...` and `label=...`"
            if text_column is label_column is None
            else f"it with `{missing}=...`"
        )
        raise DataError(
            f"{name}: it is not clear which column holds the {missing}s.",
            f"Columns: {listed(columns)}. Name {which}.{header_hint(columns, name)}",
        )
    return text_column, label_column


def detect_text_column(columns: list[str], name: str, text: str | None, default_text: str | None = None) -> str:
    """Detect the column of the texts: the requested one, that of the training data, a usual name, or the only one.

    Args:
        columns: The columns of the table.
        name: The table's name for messages.
        text: The requested column; None: detect it.
        default_text: The column in the training data of a model.

    Raises:
        DataError: The table has no such column, or the column is ambiguous.
    """
    if text is not None:
        return require_column(columns, text, name, "text")
    for usual in (default_text, *TEXT_NAMES):
        if usual in columns:
            return str(usual)
    if len(columns) == 1:
        return columns[0]
    raise DataError(
        f"{name}: it is not clear which column holds the texts.",
        f"Columns: {listed(columns)}. Name it with `text=...`.{header_hint(columns, name)}",
    )


def header_hint(columns: list[str], name: str) -> str:
    """A sentence for the remedy, after a blank, if the file may lack a header; else nothing."""
    if not header_may_be_data(columns, name):
        return ""
    return " If the file has no header, put a line with names above its first row, such as text,label."


def header_may_be_data(columns: list[str], name: str) -> bool:
    """Whether the header of a delimited file could be a row of data: no column has a usual name."""
    known = _by_name(columns, TEXT_NAMES) or _by_name(columns, LABEL_NAMES)
    return known is None and (name == stdin.NAME or suffix(Path(name)) in (".csv", ".tsv"))


def has_text_name(columns: list[str]) -> bool:
    """Whether a column has a usual name of texts."""
    return _by_name(columns, TEXT_NAMES) is not None


def _by_name(columns: list[str], names: tuple[str, ...]) -> str | None:
    lowered = {column.lower(): column for column in columns}
    return next((lowered[name] for name in names if name in lowered), None)
