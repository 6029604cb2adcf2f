"""Checks of the other columns: one that gives the label away, and rows sorted by label."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.checks.finding import Finding
from tenor.data.dataset import Dataset

_MIN_ROWS = 20  # with fewer rows a column may predict the labels by chance
_MIN_GAIN = 0.95  # share of the most frequent label's errors that a revealing column avoids
_MAX_ROWS = 100_000
_DIGITS = re.compile(r"\d+")

Classes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


def check(
    labels: Sequence[str], columns: Mapping[str, Sequence[object]], features: Collection[str] = ()
) -> Iterator[Finding]:
    """Look for columns that reveal the labels.

    Args:
        labels: The label of each row.
        columns: The other columns, by name.
        features: Those of them that the model reads.
    """
    targets = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    if len(targets) < _MIN_ROWS or targets.max(initial=0) == 0:
        return
    for name in features:
        yield from _revealing_feature(targets, name, columns[name])
    columns = {name: values for name, values in columns.items() if name not in features}
    for name, values in columns.items():
        gain, how = _gain_of_column(targets, values)
        if gain >= _MIN_GAIN:
            yield Finding(
                name="telling-column",
                severity="note",
                problem=tr(
                    "the column {name!r} gives the label away: {how} tells {gain:.1%} of what guessing gets wrong.",
                    name=name,
                    how=how,
                    gain=gain,
                ),
                remedy=tr("Tenor reads the text column alone; do not put this column into the text."),
                count=1,
            )
    if _gain_of_neighbour(targets, np.arange(len(targets), dtype=np.float64)) >= _MIN_GAIN:
        yield Finding(
            name="sorted",
            severity="note",
            problem=tr("the rows are sorted by label."),
            remedy=tr("Tenor splits at random; shuffle the rows before you cut the file yourself."),
            count=len(targets),
        )


def revealing_features(data: Dataset) -> Iterator[Finding]:
    """Look for features that reveal the labels alone, in up to a hundred thousand rows."""
    if data.fields.is_single_text or not data.fields.features:
        return
    step = -(-len(data) // _MAX_ROWS)
    rows = [data.fields.split(data.texts[row]) for row in range(0, len(data), step)]
    targets = np.unique([data.labels[row] for row in range(0, len(data), step)], return_inverse=True)[1]
    targets = targets.astype(np.int64)
    if len(targets) < _MIN_ROWS or targets.max(initial=0) == 0:
        return
    for at, field in enumerate(data.fields.columns):
        if field.kind != "text":
            values = [row[at] for row in rows]
            numbers = [float(value) if value else None for value in values] if field.kind == "number" else values
            yield from _revealing_feature(targets, field.name, numbers)


def _revealing_feature(targets: Classes, name: str, values: Sequence[object]) -> Iterator[Finding]:
    gain, how = _gain_of_column(targets, values)
    if gain >= _MIN_GAIN:
        problem = tr(
            "the feature {name!r} gives the label away: {how} tells {gain:.1%} of what guessing gets wrong.",
            name=name,
            how=how,
            gain=gain,
        )
        yield Finding(
            name="telling-feature",
            severity="warning",
            problem=problem,
            remedy=tr(
                "See whether new rows will have it; if it is known only with the label, leave it out of `features=...`."
            ),
            count=1,
            training_message=problem,
        )


def _gain_of_column(targets: Classes, values: Sequence[object]) -> tuple[float, str]:
    """How well a column predicts the labels, and by what: its value, its range, or its value without digits."""
    numbers = [
        np.nan if value is None else value for value in values if isinstance(value, (int, float)) or value is None
    ]
    if len(numbers) == len(values):
        return _gain_of_neighbour(targets, np.array(numbers, np.float64)), tr("its range")
    strings = [str(value) for value in values]
    if len(set(strings)) <= len(strings) / 2:
        return _gain_of_value(targets, strings), tr("its value")
    return _gain_of_value(targets, [_DIGITS.sub("0", value) for value in strings]), tr("its value without digits")


def _gain_of_value(targets: Classes, values: Sequence[str]) -> float:
    """Learn the most frequent label of each value on one half of the rows, and predict the other half."""
    numbers = np.unique(values, return_inverse=True)[1]
    if numbers.max() == 0 or numbers.max() >= len(values) / 2:
        return 0.0
    learned, predicted = _halves(len(targets))
    counts: dict[int, Counter[int]] = {}
    for value, target in zip(numbers[learned].tolist(), targets[learned].tolist(), strict=True):
        counts.setdefault(value, Counter())[target] += 1
    guesses = {value: of_value.most_common(1)[0][0] for value, of_value in counts.items()}
    guess = np.array([guesses.get(value, -1) for value in numbers[predicted].tolist()])
    return _gain(targets, learned, predicted, guess)


def _gain_of_neighbour(targets: Classes, values: npt.NDArray[np.float64]) -> float:
    """Predict for each row of one half the label of the row with the next smaller value in the other half."""
    learned, predicted = _halves(len(targets))
    learned = learned[np.isfinite(values[learned])]
    if not len(learned):
        return 0.0
    order = learned[np.argsort(values[learned], kind="stable")]
    position = np.searchsorted(values[order], values[predicted], side="right") - 1
    return _gain(targets, learned, predicted, targets[order[np.maximum(position, 0)]])


def _halves(rows: int) -> tuple[Rows, Rows]:
    order = np.random.default_rng(0).permutation(rows)
    return order[: rows // 2], order[rows // 2 :]


def _gain(targets: Classes, learned: Rows, predicted: Rows, guess: Classes) -> float:
    """The share of errors of the most frequent label that a guess avoids."""
    most_frequent = np.bincount(targets[learned]).argmax()
    errors = float((targets[predicted] != most_frequent).mean())
    return (errors - float((targets[predicted] != guess).mean())) / errors if errors else 0.0
