"""Texts in memory, on disk or on other machines: one interface for what depends on where they are."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, overload

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor._core.language import tr
from tenor.data import split
from tenor.data.blocks import BLOCK_ROWS, Hashes, Rows, Scalar, remix, row_blocks, select_rows, text_hash
from tenor.data.split import Groups, Strata
from tenor.tasks import Targets, Task

Transform = Callable[[list[str]], list[str]]
"""Texts -> as many texts."""

_FAR = 1 << 8  # texts that are read together if they lie far apart: the system maps many pages around each


class TextSource(Sequence[str]):
    """Texts, and what depends on where they are. Its own methods are for texts in memory."""

    on_disk: ClassVar[bool] = False
    """Whether there are too many texts for memory, so that arrays with a row for each belong on disk too."""

    @property
    def hashes(self) -> Hashes:
        """(texts,) 64-bit hash of each text without the whitespace around it."""
        return np.array([text_hash(text) for text in self], np.uint64)

    def take(self, rows: Rows) -> Sequence[str]:
        """The chosen texts, in that order."""
        return [self[row] for row in rows]

    def take_rows(self, values: npt.NDArray[Scalar], rows: Rows) -> npt.NDArray[Scalar]:
        """The chosen rows of an array that has one for each text; on disk if the texts are."""
        return values[rows]

    def strata(self, targets: Targets, task: Task) -> Strata:
        """(texts,) the stratum of each text for `hold_out`."""
        return task.strata(targets)

    def hold_out(self, strata: Strata, share: float, seed: int, groups: Groups | None = None) -> tuple[Rows, Rows]:
        """Split the rows into those kept and about `share` of them held out, as `split.hold_out` does."""
        return split.hold_out(self, strata, share, seed, groups)

    def map(self, transform: Transform) -> Sequence[str]:
        """The texts that `transform` makes of blocks of texts, as many as it gets."""
        return transform(list(self))

    def lengths(self, most: int) -> Sequence[int]:
        """Characters of up to about `most` texts, taken evenly."""
        return [len(text) for text in self[:: -(-len(self) // most)]]


class MemoryTexts(TextSource):
    """Texts in a list or another sequence in memory, wrapped without a copy."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: Any) -> Any:
        return self._texts[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def take(self, rows: Rows) -> list[str]:
        """The chosen texts, in that order, in a list."""
        return [self._texts[row] for row in rows]


class DiskTexts(TextSource):
    """Texts on disk, as UTF-8.

    Args:
        data: (bytes,) the texts, one after the other.
        ends: (texts + 1,) where each text begins, and at last where the last one ends.
        hashes: (texts,) hash of each of the texts chosen.
        rows: The texts chosen; None: all.
        transform: Changes texts when they are read; None: they are read unchanged.
    """

    on_disk = True

    def __init__(
        self,
        data: disk_arrays.Array,
        ends: Rows,
        hashes: Hashes,
        rows: Rows | None = None,
        transform: Transform | None = None,
    ) -> None:
        self._data, self._ends, self._rows, self._hashes = data, ends, rows, hashes
        self._transform = transform

    @property
    def hashes(self) -> Hashes:
        """(texts,) 64-bit hash of each text without the whitespace around it, on disk."""
        return self._hashes

    def __len__(self) -> int:
        return len(self._hashes)

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
        return texts if self._transform is None else self._transform(texts)

    def map(self, transform: Transform) -> "DiskTexts":
        """The same texts on disk, which `transform` changes when they are read."""
        return DiskTexts(self._data, self._ends, self._hashes, self._rows, transform)

    def take(self, rows: Rows) -> "DiskTexts":
        """The chosen texts, in that order, on disk. New hashes make each further split by hashes a new draw."""
        chosen = rows if self._rows is None else select_rows(self._rows, rows)
        hashes = disk_arrays.store(map(remix, row_blocks(select_rows(self._hashes, rows))), np.uint64)
        chosen = disk_arrays.store(row_blocks(chosen), np.int64)
        return DiskTexts(self._data, self._ends, hashes, chosen, self._transform)

    def take_rows(self, values: npt.NDArray[Scalar], rows: Rows) -> npt.NDArray[Scalar]:
        """`values[rows]`, on disk."""
        return select_rows(values, rows)

    def strata(self, targets: Targets, task: Task) -> Strata:
        """The targets themselves."""
        return targets

    def hold_out(self, strata: Strata, share: float, seed: int, groups: Groups | None = None) -> tuple[Rows, Rows]:
        """Split the rows by their hashes, in the same memory for any number of texts. Groups other than equal texts
        are not looked at.
        """
        labels = np.asarray(strata)
        one_class_each = labels.ndim == 1 and labels.dtype == np.int32  # else sets of labels, or numbers
        return split.hold_out_by_hash(
            self._hashes, labels if one_class_each else np.broadcast_to(0, len(self)), share, seed
        )


class RemoteTexts(TextSource):
    """Texts on other machines. Only their number and a sample of their lengths are known here.

    Args:
        count: How many texts there are.
        lengths: Characters of some of them.
    """

    def __init__(self, count: int, lengths: list[int]) -> None:
        self._count, self._lengths = count, lengths

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: object) -> str:
        raise IndexError(tr("these texts are on other machines"))

    def lengths(self, most: int) -> list[int]:
        """Characters of the sample of texts."""
        return self._lengths


def text_source(texts: Sequence[str]) -> TextSource:
    """The texts with the methods of a `TextSource`: themselves, or a list wrapped without a copy."""
    return texts if isinstance(texts, TextSource) else MemoryTexts(texts)
