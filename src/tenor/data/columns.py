"""Which column holds the texts and which the labels: the one named, one with a usual name, or as its values tell."""

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


def require_column(columns: list[str], wanted: str, name: str, option: str) -> str:
    """The column `wanted`, or a DataError that lists the columns that there are."""
    if wanted not in columns:
        listed = suggest(wanted, columns).replace("Known:", "Columns:")
        remedy = f"{listed} Name one with `{option}=...`.{header_hint(columns, name)}"
        raise DataError(f"{name}: there is no column {wanted!r}.", remedy)
    return wanted


def detect_columns(columns: list[str], chunk: Chunk, name: str, text: str | None, label: str | None) -> tuple[str, str]:
    """Find the two columns by their usual names, or, of two columns, by which is longer.

    Args:
        columns: The columns that there are.
        chunk: The first rows.
        name: The table's name for messages.
        text: Column of the texts if it is known.
        label: Column of the labels if it is known.

    Raises:
        DataError: It is not clear which they are.
    """
    free = [column for column in columns if column not in (text, label)]
    found_text = text or _by_name(free, TEXT_NAMES)
    found_label = label or _by_name([column for column in free if column != found_text], LABEL_NAMES)
    rest = [column for column in free if column not in (found_text, found_label)]
    if found_text is None and found_label is None and len(rest) == 2:
        found_text = max(rest, key=lambda column: sum(len(str(value)) for value in chunk.columns[column]))
        rest.remove(found_text)
    if found_text is None and len(rest) == 1:
        found_text = rest.pop()
    if found_label is None and len(rest) == 1:
        found_label = rest.pop()
    if found_text is None or found_label is None:
        missing = "text" if found_text is None else "label"
        asked = (
            "them with `text=...` and `label=...`" if found_text is found_label is None else f"it with `{missing}=...`"
        )
        raise DataError(
            f"{name}: it is not clear which column holds the {missing}s.",
            f"Columns: {listed(columns)}. Name {asked}.{header_hint(columns, name)}",
        )
    return found_text, found_label


def detect_text_column(columns: list[str], name: str, wanted: str | None, trained: str | None = None) -> str:
    """The column of the texts: the one asked for, that of the training data, one of the usual names, or the only one.

    Args:
        columns: The columns that there are.
        name: The table's name for messages.
        wanted: The column asked for.
        trained: The column in the training data of a model.

    Raises:
        DataError: None of these is there.
    """
    if wanted is not None:
        return require_column(columns, wanted, name, "text")
    for usual in (trained, *TEXT_NAMES):
        if usual in columns:
            return str(usual)
    if len(columns) == 1:
        return columns[0]
    raise DataError(
        f"{name}: it is not clear which column holds the texts.",
        f"Columns: {listed(columns)}. Name it with `text=...`.{header_hint(columns, name)}",
    )


def header_hint(columns: list[str], name: str) -> str:
    """A sentence, after a blank, for the remedy where no column has a usual name, as in a file without a header."""
    if not header_may_be_data(columns, name):
        return ""
    return " If the file has no header, put a line with names above its first row, such as text,label."


def header_may_be_data(columns: list[str], name: str) -> bool:
    """Whether the header of a delimited file could be its first row: no column has a usual name."""
    known = _by_name(columns, TEXT_NAMES) or _by_name(columns, LABEL_NAMES)
    return known is None and (name == stdin.NAME or suffix(Path(name)) in (".csv", ".tsv"))


def _by_name(columns: list[str], names: tuple[str, ...]) -> str | None:
    lowered = {column.lower(): column for column in columns}
    return next((lowered[name] for name in names if name in lowered), None)
