"""An explanation on a terminal: the texts in colours, and tables of words."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from rich.console import Console
from rich.text import Text

from tenor._core.language import join_names, mark, tr
from tenor._core.printable import printable, printable_row
from tenor.cli.layout import pad
from tenor.explanation import page
from tenor.explanation.report import ExplainedText, ExplanationReport
from tenor.explanation.texts import Explanation, Span, spans_in

_MAX_WORDS = 8
_COLOURS = {mark("for"): "rgb(70,130,250)", mark("against"): "rgb(230,120,30)"}
_MIN_SHARE = 0.1  # of the largest weight, from which on a word has a colour
_BOLD_SHARE = 0.5  # from which on it is bold


def show_report(report: ExplanationReport) -> None:
    """Print an explanation to standard output."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def show(line: str | Text = "") -> None:
        console.print(printable_row(line) if isinstance(line, str) else line)

    for number, text in enumerate(report.texts):
        if number:
            show()
        _print_text(show, text)
    if len(report.texts) > 1:
        show()
        show(
            tr(
                "over these {n_texts:,} texts: {faithfulness_sentence}",
                n_texts=len(report.texts),
                faithfulness_sentence=page.faithfulness_sentence(report.faithfulness),
            )
        )
    for number, (label, features) in enumerate(report.strongest.items()):
        if number or report.texts:
            show()
        show(tr("strongest for {label} in {looked_at} (weight, texts)", label=label, looked_at=report.looked_at))
        for each in features:
            show(f"  {each.weight:+.3f}  {each.texts:>7,}  {each.spelling}")


def _print_text(show: Callable[[str | Text], None], text: ExplainedText) -> None:
    explanation = text.explanation
    for evidence in explanation.labels:
        show(page.headline(evidence))
        _print_fields(show, explanation, evidence.spans)
        for kind, rows in zip(_COLOURS, page.top_words(explanation.text, evidence, _MAX_WORDS), strict=True):
            if rows:
                show(f"{pad(tr(kind), 7)}  " + join_names(f"{word} {weight:+.3f}" for word, weight in rows))
        if evidence.features:
            features = ((page.feature_name(feature), feature.weight) for feature in evidence.features)
            show(f"{pad(tr('fields'), 7)}  " + join_names(f"{name} {weight:+.3f}" for name, weight in features))
    for begin, end in explanation.unread:
        show(
            tr(
                "not read: characters {begin:,} to {end:,} of {n_text:,}; the text is too long.",
                begin=begin + 1,
                end=end,
                n_text=len(explanation.text),
            )
        )
    show(
        tr("faithfulness: {faithfulness_sentence}", faithfulness_sentence=page.faithfulness_sentence(text.faithfulness))
    )
    for number, block in enumerate(text.attention, 1):
        ranked = sorted(block, key=lambda span: -span.weight)[:_MAX_WORDS]
        shares = join_names(f"{explanation.text[begin:end]} {share:.1%}" for begin, end, share in ranked)
        show(tr("attention, block {number}: {shares}", number=number, shares=shares))
    for neighbour in text.nearest:
        label = "" if neighbour.label is None else f"  {neighbour.label}"
        show(
            tr(
                "near {similarity:.3f}  row {row:,}{label}  {split}",
                similarity=neighbour.similarity,
                row=neighbour.row,
                label=label,
                split=" ".join(neighbour.text[:100].split()),
            )
        )


def _print_fields(show: Callable[[str | Text], None], explanation: Explanation, spans: Sequence[Span]) -> None:
    """Print each text field, with its name where there are several."""
    largest = max((abs(span.weight) for span in spans), default=0.0) or 1.0
    if explanation.fields.is_single_text:
        show(_coloured(explanation.text, spans, largest))
        return
    for part in explanation.parts:
        moved = [Span(begin - part.begin, end - part.begin, weight) for begin, end, weight in spans_in(spans, part)]
        coloured = _coloured(explanation.text[part.begin : part.end], moved, largest)
        show(Text(printable_row(f"{part.name}: ")) + coloured)


def _coloured(text: str, spans: Sequence[Span], largest: float) -> Text:
    """The text in colours: strong words bold, words with next to no weight plain."""
    characters = [printable(character) for character in text]  # an escaped one is longer
    offsets = list(accumulate(map(len, characters), initial=0))
    coloured = Text("".join(characters))
    for begin, end, weight in spans:
        share = abs(weight) / largest
        if share >= _MIN_SHARE:
            kind = "for" if weight > 0 else "against"
            coloured.stylize(f"{_COLOURS[kind]}{' bold' * (share >= _BOLD_SHARE)}", offsets[begin], offsets[end])
    return coloured
