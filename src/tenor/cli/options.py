"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Text = Annotated[str | None, typer.Option(help="Column of the texts.")]
Label = Annotated[str | None, typer.Option(help="Column of the labels.")]
Task = Annotated[
    str | None, typer.Option(help="binary, multiclass, multilabel or regression. [default: told from the labels]")
]
LabelSeparator = Annotated[
    str | None, typer.Option(help="What stands between the labels of a text, such as ';', where they are no lists.")
]
Slices = Annotated[
    list[str] | None,
    typer.Option("--slice", help="A column by whose values the rows are measured apart; may be repeated."),
]
DropUnlabelled = Annotated[bool, typer.Option("--drop-unlabelled", help="Leave out rows without a label.")]
DropEmpty = Annotated[bool, typer.Option("--drop-empty", help="Leave out rows with an empty text.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="A setting of the family, as key=value; may be repeated.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that was interrupted.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a trained model.")]
