"""`tenor corrections`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options
from tenor.cli.command import Command, Group

app = typer.Typer(
    cls=Group,
    help="Corrected predictions from 'tenor serve --corrections'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("export", cls=Command)
def export(
    where: Annotated[str, typer.Argument(metavar="WHERE", help="The file or URL that the server uses.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Output file: a table with the columns text and label.")],
    model: Annotated[str | None, typer.Option(help="Name of the model, if there are several.")] = None,
    escape_formulas: options.EscapeFormulas = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
    lang: options.Lang = None,
) -> None:
    """Write corrections as training data: the last correction of each text."""
    from tenor.cli import console
    from tenor.data.correction_store import CorrectionStore
    from tenor.data.io import writer
    from tenor.data.io.formats import suffix
    from tenor.errors import DataError, counted
    from tenor.serving import corrections

    writer.require_writable(out)
    if escape_formulas:
        writer.require_formulas(suffix(out))
    if "://" not in where:
        writer.refuse_input(out, [Path(where)])
    if os.path.lexists(out) and not overwrite:
        raise DataError(
            tr("{out}: this exists already.", out=out), tr("Choose another --out, or replace it with --overwrite.")
        )
    store = CorrectionStore(where, create=False)
    try:
        rows = corrections.export(store, out, model, escape_formulas)
    finally:
        store.close()
    console.note(tr("{place}: {problem}", place=counted(rows, "row"), problem=out))


@app.callback()
def _group() -> None:
    """Keeps `export` a command of its own, as others may come."""
