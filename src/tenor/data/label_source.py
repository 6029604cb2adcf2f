"""Labels that are not in a list: on disk, or counted on other machines."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor.data.blocks import Rows, row_blocks, select_rows
from tenor.tasks import Label, Targets

Codes = npt.NDArray[np.int32]
Encode = Callable[[Any], Targets]
"""Labels -> (labels, ...) targets, as `encode` of a task."""


class LabelSource(Sequence[Label]):
    """Labels, and what depends on where they are. Its own methods are for labels in memory."""

    def counts(self) -> Mapping[Label, int]:
        """How many rows each label has. For numbers on disk, the least and the greatest stand for all."""
        return Counter(self)

    def distinct(self) -> list[Label]:
        """The different labels, in the order in which they come first."""
        return list(dict.fromkeys(self))

    @property
    def class_codes(self) -> Codes | None:
        """(rows,) a number for each label on disk if every row has one class; None for other labels."""
        return None

    def take(self, rows: Rows) -> Sequence[Label]:
        """The labels of the chosen rows, in that order."""
        return [self[row] for row in rows]

    def encode(self, encode: Encode) -> Targets:
        """What `encode` makes of the labels; on disk if they are."""
        return encode(self)

    def rename(self, names: Mapping[Label, Label]) -> "LabelSource":
        """The labels with other names; those that `names` lacks stay."""
        return MemoryLabels([names.get(label, label) for label in self])


class MemoryLabels(LabelSource):
    """Labels in a list or another sequence in memory, wrapped without a copy."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self._labels = labels

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: Any) -> Label:
        return self._labels[index]

    def __iter__(self) -> Iterator[Label]:
        return iter(self._labels)

    def take(self, rows: Rows) -> list[Label]:
        """The labels of the chosen rows, in that order, in a list."""
        return [self._labels[row] for row in rows]

    def encode(self, encode: Encode) -> Targets:
        """What `encode` makes of the labels."""
        return encode(self._labels)


class CodedLabels(LabelSource):
    """Labels as numbers of a few values.

    Attributes:
        codes: (rows,) int32, on disk.
        values: The label of each code.
    """

    def __init__(self, codes: Codes, values: list[Label]) -> None:
        self.codes, self.values = codes, values

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> Label: ...
    @overload
    def __getitem__(self, index: slice) -> list[Label]: ...
    def __getitem__(self, index: int | slice) -> Label:
        if isinstance(index, slice):
            return [self.values[code] for code in self.codes[index].tolist()]
        return self.values[self.codes[index]]

    def __iter__(self) -> Iterator[Label]:
        for block in row_blocks(self.codes):
            yield from map(self.values.__getitem__, block.tolist())
            disk_arrays.drop_pages(self.codes)

    def counts(self) -> dict[Label, int]:
        """How many rows each label has. Labels without a row are left out."""
        return {value: count for value, count in zip(self.values, self._totals().tolist(), strict=True) if count}

    def distinct(self) -> list[Label]:
        """The different labels, those without a row too."""
        return self.values

    @property
    def class_codes(self) -> Codes | None:
        """(rows,) the code of each label if every row has one class; None for sets of labels."""
        return self.codes if all(isinstance(value, str) for value in self.values) else None

    def take(self, rows: Rows) -> "CodedLabels":
        """The labels of the chosen rows, in that order, on disk."""
        return CodedLabels(select_rows(self.codes, rows), self.values)

    def encode(self, encode: Encode) -> Targets:
        """What `encode` makes of the labels, on disk. It sees each label that has a row once."""
        present = np.flatnonzero(self._totals())
        table = encode([self.values[code] for code in present])
        position = np.zeros(len(self.values), np.int64)
        position[present] = np.arange(len(present))
        return disk_arrays.store(
            (table[position[block]] for block in row_blocks(self.codes)), table.dtype, table.shape[1:]
        )

    def rename(self, names: Mapping[Label, Label]) -> "CodedLabels":
        """The labels with other names, on disk; those that `names` lacks stay."""
        renamed = [names.get(value, value) for value in self.values]
        position = {value: code for code, value in enumerate(dict.fromkeys(renamed))}
        code_of = np.array([position[value] for value in renamed], np.int32)
        codes = disk_arrays.store((code_of[block] for block in row_blocks(self.codes)), np.int32)
        return CodedLabels(codes, list(position))

    def _totals(self) -> Rows:
        """(values,) how many rows each value has."""
        totals = np.zeros(len(self.values), np.int64)
        for block in row_blocks(self.codes):
            totals += np.bincount(block, minlength=len(totals))
        return totals


class NumberLabels(LabelSource):
    """Numbers to predict.

    Attributes:
        values: (rows,) float64, on disk.
    """

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Label:
        return self.values[index]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Targets:
        """The numbers as an array, so that NumPy need not read them one by one."""
        values = np.asarray(self.values, dtype)
        return values.copy() if copy else values

    def counts(self) -> dict[float, int]:
        """The least and the greatest number, which stand for all."""
        return Counter([self.values.min(), self.values.max()])

    def take(self, rows: Rows) -> "NumberLabels":
        """The numbers of the chosen rows, in that order, on disk."""
        return NumberLabels(select_rows(self.values, rows))

    def encode(self, encode: Encode) -> Targets:
        """What `encode` makes of the numbers, as float32 on disk."""
        return disk_arrays.store((encode(block) for block in row_blocks(self.values)), np.float32)


class LabelCounts(LabelSource):
    """Labels whose rows are on other machines: how many rows each has. They are sorted by label."""

    def __init__(self, counts: dict[Label, int]) -> None:
        self._counts = counts

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __getitem__(self, index: Any) -> Label:
        ends = np.cumsum(list(self._counts.values()))
        return list(self._counts)[int(np.searchsorted(ends, range(len(self))[index], "right"))]

    def counts(self) -> dict[Label, int]:
        """How many rows each label has."""
        return self._counts


def label_source(labels: Sequence[Label]) -> LabelSource:
    """The labels with the methods of a `LabelSource`: themselves, or a list wrapped without a copy."""
    return labels if isinstance(labels, LabelSource) else MemoryLabels(labels)
