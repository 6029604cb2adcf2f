"""A check for tokens that give the label away: in most texts of one class, and in hardly any other text."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tenor._core.language import join_names, tr
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding
from tenor.data.labels import MAX_NUMERIC_CLASSES
from tenor.text import document_frequency, normalise
from tenor.text.document_frequency import Buckets, DocumentFrequency
from tenor.text.field_buckets import BITS
from tenor.text.ngrams import NgramCounts
from tenor.text.tokenise import tokenise

_MIN_ROWS = 10  # of a class
_MIN_PRECISION = 0.99  # share of the texts with the token that are of the class
_MIN_RECALL = 0.5  # share of the texts of the class that have the token
_MOST_SHOWN = 5  # tokens in the sentence; the rows have all of them


def check(context: CheckContext) -> Iterator[Finding]:
    """The revealing tokens of all classes of a single-label task, in one finding; those with the most texts first."""
    classes, targets = np.unique(context.data.labels, return_inverse=True)
    if not 1 < len(classes) <= max(MAX_NUMERIC_CLASSES, len(targets) / 2):
        return
    n_rows = len(context.data)
    offsets = context.tokens.row_offsets[: n_rows + 1]
    buckets = context.tokens.buckets[: offsets[-1]]
    rows = np.repeat(np.arange(n_rows), np.diff(offsets))
    in_class = np.bincount(targets, minlength=len(classes))
    frequency = DocumentFrequency.of(NgramCounts(offsets, buckets, context.tokens.counts[: offsets[-1]]))
    is_frequent = frequency.texts >= max(_MIN_ROWS, _MIN_RECALL * in_class.min())
    frequent, in_all = frequency.buckets[is_frequent], frequency.texts[is_frequent]
    label, token, inside = _count_by_class(buckets, targets[rows], frequent)
    revealing = (inside >= _MIN_PRECISION * in_all[token]) & (inside >= _MIN_RECALL * in_class[label])
    revealing &= in_class[label] >= _MIN_ROWS
    revealed = np.flatnonzero(revealing)
    if not len(revealed):
        return
    descriptions: list[str] = []
    tokens_in: dict[int, list[str]] = {}
    for index in revealed[np.argsort(-inside[revealed], kind="stable")]:
        bucket, of_class, count = frequent[token[index]], label[index], inside[index]
        with_token = rows[buckets == bucket].tolist()
        spelling = repr(_spelling(context.data.texts[with_token[0]], int(bucket)))
        descriptions.append(
            tr(
                "{spelling} is in {count:,} of the {in_class:,} texts of {classes!s} and in {in_all:,} others",
                spelling=spelling,
                count=count,
                in_class=in_class[of_class],
                classes=classes[of_class],
                in_all=in_all[token[index]] - count,
            )
        )
        for row in with_token:
            tokens_in.setdefault(row, []).append(spelling)
    one = len(descriptions) == 1
    more = (
        tr("; ... ({n_descriptions:,} in all)", n_descriptions=len(descriptions))
        if len(descriptions) > _MOST_SHOWN
        else ""
    )
    finding = Finding(
        name="telling-token",
        severity="note",
        problem=tr("{descriptions}: it gives the label away.", descriptions=descriptions[0])
        if one
        else tr(
            "{n_descriptions:,} words give the label away: {descriptions}{more}.",
            n_descriptions=len(descriptions),
            descriptions=tr("; ").join(descriptions[:_MOST_SHOWN]),
            more=more,
        ),
        remedy=tr(
            "If new texts will have {it} too, nothing is wrong; if not, take {it} out of the texts.",
            it="it" if one else "them",
        ),
    )
    sorted_rows = sorted(tokens_in)
    details = [] if one else [join_names(tokens_in[row]) for row in sorted_rows]
    yield replace(finding.at_rows(context.data, sorted_rows, details), count=len(descriptions))


def _count_by_class(
    buckets: Buckets, targets: npt.NDArray[np.int64], frequent: Buckets
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """In how many texts of a class a frequent bucket occurs: class, position in `frequent`, and texts, where any."""
    column = document_frequency.find(buckets, frequent)
    cells, counts = np.unique(targets[column >= 0] * len(frequent) + column[column >= 0], return_counts=True)
    label, token = np.divmod(cells, max(len(frequent), 1))
    return label, token, counts


def _spelling(text: str, bucket: int) -> str:
    """The token of a text that is counted in this bucket, in lower case."""
    tokens = tokenise([text])
    position = int(np.flatnonzero(tokens.hashes >> np.uint64(64 - BITS) == bucket)[0])
    return normalise.fold(tokens.joined[tokens.begin[position] : tokens.end[position]]).text()
