"""A report as one file of HTML: no script, nothing fetched; for light and dark screens, narrow ones, and paper.

What speaks for a label is blue and underlined, what speaks against it orange and underlined with dots, so that it can
be told apart without colours too.
"""

import html
from collections.abc import Callable

from tenor._core.printable import printable_lines
from tenor.explanation import words
from tenor.explanation.faithfulness import Faithfulness
from tenor.explanation.nearest import Neighbour
from tenor.explanation.report import ExplainedText, ExplanationReport
from tenor.explanation.strongest import TopFeature
from tenor.explanation.texts import Evidence, Span
from tenor.explanation.words import Language

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --page: #fff; --line: #d0d7de;
  --for: 37 99 235; --against: 217 93 14; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9aa4af; --page: #0f1419; --line: #30363d;
    --for: 74 134 255; --against: 240 128 48; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; } .soft { color: var(--soft); font-size: .9rem; }
.soft .for, .soft .against { color: var(--ink); border-radius: .2rem; padding: .1em .2em; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.9; padding: .75rem 1rem; margin: .5rem 0;
  border: 1px solid var(--line); border-radius: .5rem; }
.text span { border-radius: .2rem; padding: .1em 0; }
.for { background: rgb(var(--for) / calc(var(--s) * .6)); border-bottom: 2px solid rgb(var(--for) / var(--s)); }
.against { background: rgb(var(--against) / calc(var(--s) * .6));
  border-bottom: 2px dotted rgb(var(--against) / var(--s)); }
.unread { color: var(--soft); text-decoration: line-through; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0 2rem;
  align-items: start; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; font-weight: 600; } th, td { padding: .15rem .5rem .15rem 0; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.word { overflow-wrap: anywhere; } td.bar { width: 40%; min-width: 4rem; }
td.bar i { display: block; height: .8em; margin-top: .35em; width: calc(var(--s) * 100%); border-radius: .15rem; }
i.for { background: rgb(var(--for)); } i.against { background: rgb(var(--against)); }
details { margin: .5rem 0; } summary { cursor: pointer; }
@media print { body { max-width: none; padding: 0; } h2 { break-after: avoid; } .text { break-inside: avoid; }
  .text span, td.bar i { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
"""
_SHOWN = 8  # words of each kind in the lists
_FULL = 1000  # characters of a nearest text


def render(report: ExplanationReport, language: Language = "en") -> str:
    """The page, in English or Chinese."""
    t = words.translator(language)
    title = t("Why {} says what it says").format(report.model)
    legend = t(
        "What speaks {} a label is blue, what speaks {} it orange and dotted; the stronger, the deeper. Point at a "
        "word to see its weight in units of the logit."
    )
    shown = (f'<span class="{kind}" style="--s:.7">{t(kind)}</span>' for kind in ("for", "against"))
    parts = [
        f'<!doctype html>\n<html lang="{"en" if language == "en" else "zh-Hans"}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f'<h1>{escape(title)}</h1><p class="soft">{t("Family")} {escape(report.family)}</p>',
        f'<p class="soft">{escape(legend).format(*shown)}</p>',
    ]
    if len(report.texts) > 1:
        over = t("Over these {} texts").format(f"{len(report.texts):,}")
        parts.append(f"<p>{over}: {escape(faithfulness_sentence(report.faithfulness, language))}</p>")
    for number, text in enumerate(report.texts, 1):
        parts.append(f"<h2>{t('Text')}{f' {number}' if len(report.texts) > 1 else ''}</h2>{_text(text, language)}")
    if report.strongest:
        told = t("In {}. Weight: what it adds to the logit, the mean over the texts that it stands in.")
        parts.append(f"<h2>{t('Strongest over many texts')}</h2>")
        parts.append(f"<p class='soft'>{escape(told.format(report.looked_at))}</p><div class='columns'>")
        parts += [_strongest(label, strong, t) for label, strong in report.strongest.items()]
        parts.append("</div>")
    return "\n".join([*parts, "</main></body></html>\n"])


def escape(text: str) -> str:
    """A text as HTML, as people can be shown it."""
    return html.escape(printable_lines(text))


def faithfulness_sentence(found: Faithfulness, language: Language = "en") -> str:
    """The figures in a sentence."""
    told = (
        "without the strongest words the score falls by {:.3f}, without as many at random by {:.3f} (1, 5, 10, 20 and "
        "50% of the words, mean)."
    )
    return words.translator(language)(told).format(found.strongest, found.random)


def _text(text: ExplainedText, language: Language) -> str:
    t, explanation = words.translator(language), text.explanation
    parts = []
    for evidence in explanation.labels:
        parts += [
            f"<h3>{escape(headline(evidence))}</h3>",
            highlighted_text(explanation.text, evidence.spans, explanation.unread),
        ]
        parts.append(f"<div class='columns'>{_words(explanation.text, evidence, t)}</div>")
    if explanation.unread:
        count = sum(end - begin for begin, end in explanation.unread)
        told = t(
            "Struck out: {:,} of {:,} characters that the model did not read, because the text is too long for it."
        )
        parts.append(f"<p class='soft'>{told.format(count, len(explanation.text))}</p>")
    parts.append(
        f"<p class='soft'>{t('Faithfulness')}: {escape(faithfulness_sentence(text.faithfulness, language))}</p>"
    )
    if text.attention:
        told = t(
            "The mean over heads and tokens of each block. It shows how the network works, not why it decides as it "
            "does."
        )
        parts.append(f"<details><summary>{t('Where its attention goes')}</summary><p class='soft'>{told}</p>")
        for number, block in enumerate(text.attention, 1):
            painted_block = highlighted_text(explanation.text, block, explanation.unread)
            parts.append(f"<p class='soft'>{t('Block')} {number}</p>{painted_block}")
        parts.append("</details>")
    if text.nearest:
        rows = "".join(map(_neighbour, text.nearest))
        heads = (t("cosine"), t("row"), t("label"), t("text"))
        head = "<th class='number'>{}<th class='number'>{}<th>{}<th>{}".format(*heads)
        parts.append(f"<h3>{t('Nearest known texts')}</h3><table><tr>{head}</tr>{rows}</table>")
    return "\n".join(parts)


def headline(evidence: Evidence) -> str:
    """The label and its score, or the value."""
    return f"{evidence.score:.6g}" if evidence.label is None else f"{evidence.label}  {evidence.score:.4f}"


def highlighted_text(text: str, spans: tuple[Span, ...], unread: tuple[tuple[int, int], ...]) -> str:
    largest = max((abs(span.weight) for span in spans), default=0.0) or 1.0
    marks = [(span.begin, span.end, _mark(span.weight, largest)) for span in spans if span.weight]
    struck = [(begin, end, '<span class="unread">') for begin, end in unread]
    parts, at = [], 0
    for begin, end, mark in sorted(marks + struck):
        begin = max(begin, at)  # of a word that was cut in two, each half has its own mark
        parts += [escape(text[at:begin]), mark, escape(text[begin:end]), "</span>"]
        at = end
    return f'<div class="text" dir="auto">{"".join(parts)}{escape(text[at:])}</div>'


def _mark(weight: float, largest: float) -> str:
    kind = "for" if weight > 0 else "against"
    return f'<span class="{kind}" style="--s:{abs(weight) / largest:.2f}" title="{weight:+.3f}">'


def _words(text: str, evidence: Evidence, t: Callable[[str], str]) -> str:
    speaks_for, against = top_words(text, evidence, _SHOWN)
    largest = max((abs(weight) for _, weight in [*speaks_for, *against]), default=1.0)
    parts = []
    for kind, rows in (("for", speaks_for), ("against", against)):
        cells = "".join(
            f"<tr><td class='word'>{escape(word)}<td class='bar'><i class='{kind}' "
            f"style='--s:{abs(weight) / largest:.2f}'></i><td class='number'>{weight:+.3f}</tr>"
            for word, weight in rows
        )
        head = f"<th>{t(kind)}<th>{t('strength')}<th class='number'>{t('weight')}"
        parts.append(f"<table><tr>{head}</tr>{cells}</table>" if cells else "")
    return "".join(parts)


def top_words(text: str, evidence: Evidence, limit: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The words that add most for the label, and those that add most against it; each word once, with its sum."""
    sums: dict[str, float] = {}
    for begin, end, weight in evidence.spans:
        word = text[begin:end].strip() or "␣"
        sums[word] = sums.get(word, 0.0) + weight
    ranked = sorted(sums.items(), key=lambda pair: -pair[1])
    speaks_for = [pair for pair in ranked[:limit] if pair[1] > 0]
    return speaks_for, [pair for pair in ranked[::-1][:limit] if pair[1] < 0]


def _neighbour(neighbour: Neighbour) -> str:
    label = "" if neighbour.label is None else str(neighbour.label)
    text = neighbour.text[:_FULL] + "…" * (len(neighbour.text) > _FULL)
    return (
        f"<tr><td class='number'>{neighbour.similarity:.3f}<td class='number'>{neighbour.row:,}"
        f"<td>{escape(label)}<td class='word' dir='auto'>{escape(text)}</tr>"
    )


def _strongest(label: str, strong: list[TopFeature], t: Callable[[str], str]) -> str:
    rows = "".join(
        f"<tr><td class='word'>{escape(each.spelling)}<td class='number'>{each.weight:+.3f}"
        f"<td class='number'>{each.texts:,}</tr>"
        for each in strong
    )
    head = f"<th>{t('for it')}<th class='number'>{t('weight')}<th class='number'>{t('texts')}"
    return f"<div><h3>{escape(label)}</h3><table><tr>{head}</tr>{rows}</table></div>"
