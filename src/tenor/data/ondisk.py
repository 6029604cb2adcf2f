"""Texts and labels on disk, in the place of lists, where there are too many rows for memory."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

BLOCK_ROWS = 1 << 12  # rows that are looked at together
_FAR = 1 << 8  # texts that are read together where they lie far apart: the system maps many pages around each
_STEP = np.uint64(0x9E3779B97F4A7C15)


class DiskTexts(Sequence[str]):
    """Texts in UTF-8, one after the other.

    Attributes:
        hashes: (texts,) 64-bit hash of each text without the blanks around it.
    """

    def __init__(self, data: disk_arrays.Array, ends: Rows, hashes: Hashes, rows: Rows | None = None) -> None:
        """Take the bytes, (texts + 1,) where each text begins, the hashes, and which texts are meant; None: all."""
        self._data, self._ends, self._rows, self.hashes = data, ends, rows, hashes

    def __len__(self) -> int:
        return len(self.hashes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if not isinstance(index, slice):
            at = range(len(self))[index]
            return self._read(at, at + 1)[0]
        begin, end, step = index.indices(len(self))
        if step != 1:
            return [self[row] for row in range(begin, end, step)]
        return [text for at in range(begin, end, BLOCK_ROWS) for text in self._read(at, min(at + BLOCK_ROWS, end))]

    def __iter__(self) -> Iterator[str]:
        for at in range(0, len(self), BLOCK_ROWS):
            yield from self._read(at, min(at + BLOCK_ROWS, len(self)))

    def _read(self, begin: int, end: int) -> list[str]:
        rows = np.arange(begin, end) if self._rows is None else self._rows[begin:end]
        if not len(rows):
            return []
        first, last = int(rows.min()), int(rows.max())
        near = last - first < 4 * BLOCK_ROWS
        if not near and len(rows) > _FAR:
            middle = (begin + end) // 2
            return self._read(begin, middle) + self._read(middle, end)
        if near:  # read what lies between, too
            ends = self._ends[first : last + 2]
            data = self._data[ends[0] : ends[-1]].tobytes()
            spans = zip(
                (ends[rows - first] - ends[0]).tolist(), (ends[rows - first + 1] - ends[0]).tolist(), strict=True
            )
            texts = [data[one:other].decode("utf-8", "surrogatepass") for one, other in spans]
        else:
            spans = zip(self._ends[rows].tolist(), self._ends[rows + 1].tolist(), strict=True)
            texts = [self._data[one:other].tobytes().decode("utf-8", "surrogatepass") for one, other in spans]
        disk_arrays.drop_pages(self._data, self._ends, *([] if self._rows is None else [self._rows]))
        return texts

    def take(self, rows: Rows) -> "DiskTexts":
        """The chosen texts, in that order. Their hashes are mixed anew, so each parting by hashes is a new draw."""
        chosen = rows if self._rows is None else select_rows(self._rows, rows)
        hashes = disk_arrays.store(map(remix, row_blocks(select_rows(self.hashes, rows))), np.uint64)
        return DiskTexts(self._data, self._ends, hashes, disk_arrays.store(row_blocks(chosen), np.int64))


class CodedLabels(Sequence[Any]):
    """Labels as numbers of a few values.

    Attributes:
        codes: (rows,) int32.
        values: The values.
    """

    def __init__(self, codes: npt.NDArray[np.int32], values: list[Any]) -> None:
        self.codes, self.values = codes, values

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self.values[code] for code in self.codes[index].tolist()]
        return self.values[self.codes[index]]

    def __iter__(self) -> Iterator[Any]:
        for part in row_blocks(self.codes):
            yield from map(self.values.__getitem__, part.tolist())
            disk_arrays.drop_pages(self.codes)

    def counts(self) -> dict[Any, int]:
        """How many rows each value has; values without a row are left out."""
        return {value: count for value, count in zip(self.values, self.totals().tolist(), strict=True) if count}

    def totals(self) -> Rows:
        """(values,) how many rows each value has."""
        totals = np.zeros(len(self.values), np.int64)
        for part in row_blocks(self.codes):
            totals += np.bincount(part, minlength=len(totals))
        return totals


class RemoteTexts(Sequence[str]):
    """Texts that are on other machines.

    Attributes:
        lengths: Characters of some of them.
    """

    def __init__(self, count: int, lengths: list[int]) -> None:
        self._count, self.lengths = count, lengths

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        raise IndexError("these texts are on other machines")


class LabelCounts(Sequence[Any]):
    """Labels whose rows are on other machines: how many each value has. Its order is that of the values."""

    def __init__(self, counts: dict[Any, int]) -> None:
        self._counts = counts

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __getitem__(self, index: Any) -> Any:
        ends = np.cumsum(list(self._counts.values()))
        return list(self._counts)[int(np.searchsorted(ends, range(len(self))[index], "right"))]

    def counts(self) -> dict[Any, int]:
        """How many rows each value has."""
        return self._counts


def select_labels(labels: Any, rows: Rows) -> Any:
    """The labels of the chosen rows; `labels` are CodedLabels, or numbers in an array."""
    if isinstance(labels, CodedLabels):
        return CodedLabels(select_rows(labels.codes, rows), labels.values)
    return select_rows(labels, rows)


def encode_labels(labels: Any, encode: Callable[[Any], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """What `encode` makes of labels, which are CodedLabels or numbers in an array; on disk."""
    if not isinstance(labels, CodedLabels):
        return disk_arrays.store((encode(part) for part in row_blocks(labels)), np.float32)
    present = np.flatnonzero(labels.totals())
    table = encode([labels.values[code] for code in present])
    place = np.zeros(len(labels.values), np.int64)
    place[present] = np.arange(len(present))
    return disk_arrays.store((table[place[part]] for part in row_blocks(labels.codes)), table.dtype, table.shape[1:])


def select_rows(values: npt.NDArray[Any], rows: Rows) -> npt.NDArray[Any]:
    """`values[rows]`, on disk."""

    def chosen() -> Iterator[npt.NDArray[Any]]:
        for part in row_blocks(rows):
            yield values[part]
            disk_arrays.drop_pages(values)

    return disk_arrays.store(chosen(), values.dtype, values.shape[1:])


def row_blocks(values: npt.NDArray[Any], size: int = 1 << 16) -> Iterator[npt.NDArray[Any]]:
    """An array in runs of rows, whose memory is given back."""
    for at in range(0, len(values), size):
        yield values[at : at + size]
        disk_arrays.drop_pages(values)


def text_hash(text: str) -> int:
    """A 64-bit hash of a text without the blanks around it, the same on every machine."""
    data = text.strip().encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def remix(hashes: Hashes) -> Hashes:
    """Other hashes, as good as new ones (the finaliser of splitmix64: Steele et al., 2014)."""
    hashes = hashes + _STEP
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
