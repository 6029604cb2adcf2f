"""What the checks look at: the data, the test, and what several checks need of their texts, computed once."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tenor.data import split
from tenor.data.blocks import Rows
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.text import containment, duplicates, ngrams
from tenor.text.ngrams import NgramCounts

MIN_TEMPLATE_ROWS, MIN_TEMPLATE_SHARE = 10, 0.9
"""A class is a template if this many of its rows, and this share of them, have nearly the same text."""
_NUMBER = re.compile(r"(?<![A-Za-z_])\d+(?![A-Za-z_])")


@dataclass(frozen=True)
class CheckContext:
    """The training data, and the test if there is one.

    Attributes:
        data: Labelled texts for training.
        test: Labelled texts for testing.
    """

    data: Dataset
    test: Dataset | None = None

    @cached_property
    def texts(self) -> list[str]:
        """All texts, those of the test last."""
        return [*self.data.texts, *(self.test.texts if self.test else [])]

    @cached_property
    def equal(self) -> Groups:
        """(texts,) groups of texts that are equal but for whitespace around them."""
        return split.groups_by_text(self.texts)

    @cached_property
    def near(self) -> Groups:
        """(texts,) groups of texts that are nearly the same, or equal."""
        return split.merge_groups([self.equal, duplicates.groups(self.pairs)])

    @cached_property
    def pairs(self) -> NgramCounts:
        """Counts of hashed pairs of neighbouring tokens in all texts."""
        return duplicates.count_pairs(self.texts)

    @cached_property
    def container(self) -> Groups:
        """(rows of the data,) the row of a longer text that contains each text; its own row if there is none."""
        rows = np.arange(len(self.data))
        return containment.find_containers(self.pairs if self.test is None else ngrams.take(self.pairs, rows))

    @cached_property
    def split_groups(self) -> Groups:
        """(rows of the data,) groups for one side of a split: near duplicates, and a text with its container.

        Of a template only equal texts stay together. Otherwise no split could have the class on both sides.
        """
        near = self.near[: len(self.data)]
        groups = split.merge_groups([near, near[self.container]])
        for rows in self.templates.values():
            if np.isin(groups, groups[rows]).sum() == len(rows):
                groups[rows] = groups.max() + 1 + self.equal[rows]
        return groups

    @cached_property
    def templates(self) -> dict[str, Rows]:
        """The rows with nearly the same text in each class that has hardly others, if not all of them are equal."""
        if not self.single_label:
            return {}
        classes, targets = np.unique(np.array(self.data.labels, object), return_inverse=True)
        by_class = np.split(np.argsort(targets, kind="stable"), np.bincount(targets).cumsum()[:-1])
        forms = list(map(self._text_with_numbers, by_class))
        n_classes = Counter(forms)  # what several classes have is the text of none of them
        return {
            label: rows
            for label, of_class, form in zip(classes.tolist(), by_class, forms, strict=True)
            if len(rows := self._most_alike(of_class, form if n_classes[form] == 1 else ""))
            >= max(MIN_TEMPLATE_ROWS, MIN_TEMPLATE_SHARE * len(of_class))
            and (self.equal[rows] != self.equal[rows[0]]).any()
        }

    def _most_alike(self, rows: Rows, form: str) -> Rows:
        """The largest group of near duplicates among the rows, or the rows with a text that differs in numbers alone.

        A number changes much of a short text.
        """
        groups, counts = np.unique(self.near[rows], return_counts=True)
        near = np.asarray(rows[self.near[rows] == groups[counts.argmax()]])
        if not form:
            return near
        numbered = rows[[_without_numbers(self.data.texts[row]) == form for row in rows.tolist()]]
        return near if len(near) >= len(numbered) else numbered

    def _text_with_numbers(self, rows: Rows) -> str:
        """The text, with 0 for each number, that nearly all of the first rows have; empty if they have none."""
        texts = Counter(_without_numbers(self.data.texts[row]) for row in rows[:MIN_TEMPLATE_ROWS].tolist())
        [(text, count)] = texts.most_common(1)
        return text if count >= MIN_TEMPLATE_SHARE * texts.total() and any(map(str.isalpha, text)) else ""

    @cached_property
    def tokens(self) -> NgramCounts:
        """Counts of hashed tokens in all texts."""
        return ngrams.count(self.texts, (1,))

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(texts,) tokens in each text."""
        totals = np.concatenate([[0], self.tokens.counts.cumsum(dtype=np.int64)])
        return np.diff(totals[self.tokens.row_offsets])

    @cached_property
    def single_label(self) -> bool:
        """Whether every text has one class, not a set of labels or a number."""
        return bool(len(self.data.labels)) and all(isinstance(label, str) for label in self.data.labels)


def _without_numbers(text: str) -> str:
    return _NUMBER.sub("0", text.strip())


def members(groups: Groups) -> dict[int, list[int]]:
    """The rows of each group of two or more, by the number of the group."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    ends = sizes.cumsum()
    several = np.flatnonzero(sizes > 1)
    return {int(group): order[ends[group] - sizes[group] : ends[group]].tolist() for group in several}
