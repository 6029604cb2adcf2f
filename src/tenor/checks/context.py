"""What the checks look at: the data, the test, and what several checks need of their texts, computed once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tenor.data import split
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.text import containment, duplicates, ngrams
from tenor.text.ngrams import NgramCounts


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
        """(rows of the data,) groups for one side of a split: near duplicates, and a text with its container."""
        near = self.near[: len(self.data)]
        return split.merge_groups([near, near[self.container]])

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
        return all(isinstance(label, str) for label in self.data.labels)


def members(groups: Groups) -> dict[int, list[int]]:
    """The rows of each group of two or more, by the number of the group."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    ends = sizes.cumsum()
    several = np.flatnonzero(sizes > 1)
    return {int(group): order[ends[group] - sizes[group] : ends[group]].tolist() for group in several}
