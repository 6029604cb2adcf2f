"""Checks of single texts: without words, short, long, or in another script; and what the texts are like."""

from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np

from tenor._core.language import join_names, tr
from tenor.checks import duplicates
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding
from tenor.errors import counted
from tenor.text import chinese, scripts

_SHORT_TOKENS = 2
_RARE_SCRIPT = 0.05  # share of texts up to which a script is an exception in the data
_ONE_SCRIPT = 0.8  # share of Chinese texts in one script from which data are called simplified or traditional
_SHOWN_CHARACTERS = 40  # of a text


class TextSummary(TypedDict):
    """Lengths of texts in tokens, and shares of scripts."""

    tokens: dict[str, float]
    scripts: dict[str, float]


def check(context: CheckContext, max_length: int) -> Iterator[Finding]:
    """All checks of texts; `max_length` is the number of tokens from which networks truncate them."""
    yield from duplicates.leaked(context)
    yield from duplicates.conflicting(context)
    yield from duplicates.repeated(context)
    yield from duplicates.nearly_repeated(context)
    yield from duplicates.contained(context)
    yield from _without_words(context)
    yield from _short(context)
    yield from _long(context, max_length)
    yield from _in_other_scripts(context)
    yield from other_chinese_script(context)


def summary(context: CheckContext) -> TextSummary:
    """Lengths in tokens and shares of scripts of the data, without the test."""
    n_rows = len(context.data)
    lengths = context.lengths[:n_rows]
    low, median, high = np.percentile(lengths, (5, 50, 95)).tolist()
    counts = np.bincount(scripts.main_scripts(context.data.texts), minlength=len(scripts.SCRIPTS))
    ranked = sorted(zip((-counts).tolist(), scripts.SCRIPTS, strict=True))
    return {
        "tokens": {
            "least": int(lengths.min()),
            "percentile_5": low,
            "median": median,
            "percentile_95": high,
            "most": int(lengths.max()),
        },
        "scripts": {name: -count / n_rows for count, name in ranked if count},
    }


def _without_words(context: CheckContext) -> Iterator[Finding]:
    rows = np.flatnonzero(context.lengths[: len(context.data)] == 0).tolist()
    if rows:
        yield Finding(
            name="without-words",
            severity="warning",
            problem=tr(
                "{rows} no word, only punctuation or the like.", rows=counted(len(rows), "text has", "texts have")
            ),
            remedy=tr("Leave them out or fix them: a model can learn nothing from them."),
        ).at_rows(context.data, rows, _shown(context, rows))


def _short(context: CheckContext) -> Iterator[Finding]:
    lengths = context.lengths[: len(context.data)]
    rows = np.flatnonzero((lengths > 0) & (lengths <= _SHORT_TOKENS)).tolist()
    if rows:
        yield Finding(
            name="short",
            severity="note",
            problem=tr("{rows} 1 or 2 tokens.", rows=counted(len(rows), "text has", "texts have")),
            remedy=tr("See whether that is enough to tell the label."),
        ).at_rows(context.data, rows, _shown(context, rows))


def _long(context: CheckContext, max_length: int) -> Iterator[Finding]:
    lengths = context.lengths[: len(context.data)]
    rows = np.flatnonzero(lengths > max_length).tolist()
    if rows:
        yield Finding(
            name="long",
            severity="note",
            problem=tr(
                "{n_rows:,} of {n_lengths:,} texts are longer than {max_length} tokens, so most networks "
                "truncate them.",
                n_rows=len(rows),
                n_lengths=len(lengths),
                max_length=max_length,
            ),
            remedy=tr(
                "ngram and pretrained read all of them; for another network choose what it keeps (the "
                "setting truncation=both)."
            ),
        ).at_rows(context.data, rows, [tr("{lengths} tokens", lengths=lengths[row]) for row in rows])


def _in_other_scripts(context: CheckContext) -> Iterator[Finding]:
    script_of_text = scripts.main_scripts(context.data.texts)
    counts = np.bincount(script_of_text, minlength=len(scripts.SCRIPTS))[:-1]
    rare = np.flatnonzero((counts > 0) & (counts <= _RARE_SCRIPT * len(script_of_text)))
    rows = np.flatnonzero(np.isin(script_of_text, rare)).tolist()
    if rows:
        listed = join_names(f"{scripts.SCRIPTS[script]} {counts[script]:,}" for script in rare)
        yield Finding(
            name="other-scripts",
            severity="note",
            problem=tr(
                "{rows} written in another script than most ({listed}).",
                rows=counted(len(rows), "text is", "texts are"),
                listed=listed,
            ),
            remedy=tr("See whether they belong to the data; the script gives away a class that only they have."),
        ).at_rows(context.data, rows, [scripts.SCRIPTS[script_of_text[row]] for row in rows])


def _shown(context: CheckContext, rows: list[int]) -> list[str]:
    """The beginnings of texts."""
    return [repr(context.data.display(row).strip()[:_SHOWN_CHARACTERS]) for row in rows]


def other_chinese_script(context: CheckContext) -> Iterator[Finding]:
    """Data in Simplified Chinese and a test in Traditional Chinese, or the other way round."""
    if context.test is None or not (
        chinese.are_chinese(context.data.texts) and chinese.are_chinese(context.test.texts)
    ):
        return
    (script, share), (test_script, test_share) = (_chinese_script(part.texts) for part in (context.data, context.test))
    if script and test_script and script != test_script:
        problem = tr(
            "the data are {script} Chinese ({share:.0%} of texts), and the test is {test_script} ({test_share:.0%}).",
            script=script,
            share=share,
            test_script=test_script,
            test_share=test_share,
        )
        yield Finding(
            name="chinese-scripts",
            severity="note",
            problem=problem,
            remedy=tr(
                "Training reads both scripts as one, unless validation shows a loss or `fold_chinese=False` is set."
            ),
            count=len(context.test),
            training_message=problem,
        )


def _chinese_script(texts: Sequence[str]) -> tuple[str, float]:
    """The script of nearly all Chinese texts, and its share; an empty name if there are both, or neither."""
    variants = chinese.variants(texts)
    variants = variants[variants != 0]
    for variant, name in ((-1, tr("simplified")), (1, tr("traditional"))):
        share = float((variants == variant).mean()) if len(variants) else 0.0
        if share >= _ONE_SCRIPT:
            return name, share
    return "", 0.0
