"""Which corrections can become training data, and how they are written as such."""

from pathlib import Path

from tenor._core.language import tr
from tenor.data.correction_store import CorrectionStore
from tenor.data.io.chunks import Chunk


def text_fault(text: str) -> str | None:
    """Why a text cannot become training data; None: it can."""
    if not text.strip():
        return tr("the text is empty.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return tr("the text has a character that a text file cannot hold.")
    return None


def export(store: CorrectionStore, out: Path, model: str | None, escape_formulas: bool = False) -> int:
    """Write the corrections of a model as training data, the last one of each text.

    Args:
        store: The corrections.
        out: File to write, with the columns `text` and `label` and others.
        model: Name of the model; None if the store has only one.
        escape_formulas: Write text that a spreadsheet would take for a formula such that it does not.

    Returns:
        The number of rows.

    Raises:
        TenorError: There are no such corrections, or the file cannot be written.
    """
    from tenor.data.io import writer

    source = store.table(model)
    rows = 0
    with writer.open_writer(out, source.columns, result_columns=["label"], escape_formulas=escape_formulas) as write:
        for chunk in source.chunks:
            write(Chunk(chunk.row, chunk.columns))
            rows += len(chunk)
    return rows
