"""`tenor explain`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options
from tenor.cli.source import as_text, is_text

Option = typer.Option

_TOP = 10
_FIRST = 20


def explain(
    model: options.Model,
    source: Annotated[
        str | None,
        typer.Argument(metavar="[INPUT]", help="A text, a file, or '-' with one text per line; optional with --data."),
    ] = None,
    label: Annotated[
        list[str] | None, Option(help="Label to explain; repeatable. [default: the predicted labels]")
    ] = None,
    data: Annotated[
        str | None, Option(help="Texts, e.g. the training texts: list what supports each label most in them.")
    ] = None,
    nearest: Annotated[
        str | None, Option(help="Texts, e.g. the training texts: list those that are most similar for the model.")
    ] = None,
    attention: Annotated[bool, Option("--attention", help="Also show the attention of a network.")] = False,
    top: Annotated[
        int | None,
        Option(min=1, help="Number of words or n-grams per label; half as many nearest texts. [default: 10]"),
    ] = None,
    first: Annotated[
        int | None, Option(min=1, help="Number of texts of a file to explain, from its start. [default: 20]")
    ] = None,
    text: options.Text = None,
    html: Annotated[Path | None, Option(help="Also write everything as one HTML file.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file in --html.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print everything as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Show which words support or oppose a label, and how faithful that is to the model."""
    from tenor.cli import console, explanation_text
    from tenor.errors import SettingsError
    from tenor.explanation import page, page_file, report
    from tenor.inference import predictor
    from tenor.inference.predict_file import TextInput

    if source is None and data is None:
        raise SettingsError(tr("there is nothing to explain."), tr("Give a text or a file, or --data with texts."))
    if source is None and (label or nearest or attention):
        raise SettingsError(
            tr("--label, --nearest and --attention are about a text, and there is none."),
            tr("Give a text or a file, too."),
        )
    one_text = source is not None and is_text(source, "explain")
    options.require(
        html is not None,
        tr("the page in --html, and there is none"),
        tr("Add it"),
        overwrite=overwrite,
    )
    has_reference = data is not None or nearest is not None
    options.require(has_reference, tr("--data and --nearest, and there is neither"), tr("Add one"), top=top is not None)
    options.require_file(source is not None and not one_text, first=first is not None)
    options.require_file(has_reference or not one_text, text=text is not None)
    given = None if source is None else TextInput(Path(source), as_text(source) if one_text else None)
    if html is not None:
        page_file.check_target(html, given.files() if given else [], overwrite)
    loaded, columns = predictor.load(model), options.column_names(text)
    texts = given.first_texts(loaded, columns, first or _FIRST, console.note) if given else []
    request = report.ExplainRequest(
        labels=label, data=data, nearest_in=nearest, text_column=columns, with_attention=attention, limit=top or _TOP
    )
    with console.Console(quiet=as_json) as callback:
        result = report.build_report(loaded, model, texts, request, callback)
    if html is not None:
        page_file.write(html, page.render(result))
    if as_json:
        print(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    explanation_text.show_report(result)
    if html is not None:
        console.show(tr("page: {html}", html=html))
