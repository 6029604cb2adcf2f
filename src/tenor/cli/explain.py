"""`tenor explain`."""

import json
import os
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tenor.cli import options
from tenor.cli.source import as_text, is_text

if TYPE_CHECKING:
    from tenor.explanation.report import ExplainedText, ExplanationReport
    from tenor.inference.predictor import Predictor

Option = typer.Option

_WORDS = 8
_TOP = 10
_FIRST = 20
_COLOURS = {"for": "rgb(70,130,250)", "against": "rgb(230,120,30)"}
_BOLD = 0.5  # from this share of the largest weight on


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
    lang: Annotated[Literal["en", "zh"] | None, Option(help="Language of the page in --html. [default: en]")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file in --html.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print everything as one line of JSON.")] = False,
) -> None:
    """Show which words support or oppose a label, and how faithful that is to the model."""
    from tenor.cli import console
    from tenor.data.io import table, writer
    from tenor.errors import DataError, SettingsError
    from tenor.explanation import page, report
    from tenor.inference import predictor

    if source is None and data is None:
        raise SettingsError("there is nothing to explain.", "Give a text or a file, or --data with texts.")
    if source is None and (label or nearest or attention):
        raise SettingsError(
            "--label, --nearest and --attention are about a text, and there is none.", "Give a text or a file, too."
        )
    one_text = source is not None and is_text(source, "explain")
    options.need(
        html is not None, "the page in --html, and there is none", "Add it", lang=lang is not None, overwrite=overwrite
    )
    known = data is not None or nearest is not None
    options.need(known, "--data and --nearest, and there is neither", "Add one", top=top is not None)
    options.need_file(source is not None and not one_text, first=first is not None)
    options.need_file(known or not one_text, text=text is not None)
    if html is not None and source is not None and not one_text and source != "-":
        writer.refuse_input(html, table.files(Path(source)))
    if html is not None and os.path.lexists(html) and not overwrite:
        raise DataError(f"{html}: this exists already.", "Choose another --html, or replace it with --overwrite.")
    loaded = predictor.load(model)
    texts = [] if source is None else [as_text(source)] if one_text else _read(source, loaded, text, first or _FIRST)
    request = report.ExplainRequest(
        labels=label, data=data, nearest_in=nearest, text_column=text, with_attention=attention, limit=top or _TOP
    )
    with console.Console(quiet=as_json) as callback:
        told = report.build_report(loaded, model, texts, request, callback)
    if html is not None:
        _write(html, page.render(told, lang or "en"))
    if as_json:
        print(json.dumps(told.as_dict(), ensure_ascii=False))
        return
    _print(told)
    if html is not None:
        console.show(f"page: {html}")


def _read(source: str, loaded: "Predictor", column: str | None, first: int) -> list[str]:
    """The first texts of a file; an empty or missing one is an empty text."""
    from tenor.data.io import stdin, table
    from tenor.inference import predict_table

    opened = table.open_lines(stdin.standard_input(), stdin.NAME) if source == "-" else table.open_table(Path(source))
    return predict_table.first_texts(opened, predict_table.find_text_column(opened, loaded, column), first)


def _write(path: Path, content: str) -> None:
    from tenor._core import atomic
    from tenor.errors import DataError

    try:
        atomic.write(path, content.encode("utf-8", "backslashreplace"))  # half a surrogate pair is no UTF-8
    except OSError as error:
        raise DataError(
            f"{path}: the page cannot be written: {error.strerror or error}.", "Choose another --html."
        ) from None


def _print(told: "ExplanationReport") -> None:
    from rich.console import Console

    from tenor._core.printable import printable_row
    from tenor.explanation import page

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def show(line: Any = "") -> None:
        console.print(printable_row(line) if isinstance(line, str) else line)

    for number, text in enumerate(told.texts):
        if number:
            show()
        _print_text(show, text)
    if len(told.texts) > 1:
        show()
        show(f"over these {len(told.texts):,} texts: {page.faithfulness_sentence(told.faithfulness)}")
    for number, (label, strong) in enumerate(told.strongest.items()):
        if number or told.texts:
            show()
        show(f"strongest for {label} in {told.looked_at} (weight, texts)")
        for each in strong:
            show(f"  {each.weight:+.3f}  {each.texts:>7,}  {each.spelling}")


def _print_text(show: Callable[[Any], None], text: "ExplainedText") -> None:
    from tenor.cli.console import pad
    from tenor.explanation import page

    explanation = text.explanation
    for evidence in explanation.labels:
        show(page.headline(evidence))
        show(_painted(explanation.text, evidence.spans))
        for kind, rows in zip(_COLOURS, page.top_words(explanation.text, evidence, _WORDS), strict=True):
            if rows:
                show(f"{pad(kind, 7)}  " + ", ".join(f"{word} {weight:+.3f}" for word, weight in rows))
    for begin, end in explanation.unread:
        show(f"not read: characters {begin + 1:,} to {end:,} of {len(explanation.text):,}; the text is too long.")
    show(f"faithfulness: {page.faithfulness_sentence(text.faithfulness)}")
    for number, block in enumerate(text.attention, 1):
        ranked = sorted(block, key=lambda span: -span.weight)[:_WORDS]
        shares = ", ".join(f"{explanation.text[begin:end]} {share:.1%}" for begin, end, share in ranked)
        show(f"attention, block {number}: {shares}")
    for neighbour in text.nearest:
        label = "" if neighbour.label is None else f"  {neighbour.label}"
        show(f"near {neighbour.similarity:.3f}  row {neighbour.row:,}{label}  {' '.join(neighbour.text[:100].split())}")


def _painted(text: str, spans: Any) -> Any:
    """The text in the colours of a terminal: strong words bold, words that add next to nothing plain."""
    from rich.text import Text as Painted

    from tenor._core.printable import printable

    largest = max((abs(span.weight) for span in spans), default=0.0) or 1.0
    shown = [printable(character) for character in text]  # one that is escaped is longer
    places = list(accumulate(map(len, shown), initial=0))
    painted = Painted("".join(shown))
    for begin, end, weight in spans:
        share = abs(weight) / largest
        if share >= 0.1:
            kind = "for" if weight > 0 else "against"
            painted.stylize(f"{_COLOURS[kind]}{' bold' * (share >= _BOLD)}", places[begin], places[end])
    return painted
