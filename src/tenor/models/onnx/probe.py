"""Probes: rows of ids with the logits of a network and its graphs, for comparison on other machines.

The rows are drawn at random: nothing of the training texts is in them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import numpy as safetensors

from tenor._core.language import tr
from tenor._core.tensor_file import Array
from tenor.tasks import Floats
from tenor.text.encoded import Encoded

PROBE = "probe.safetensors"
"""The file in a model's folder."""
NETWORK = "network"
"""The name of the network's own logits in it."""
_SEED, _ROWS, _MOST_ROWS = 7, 24, 1_024
_SHORT, _LONGEST = 32, 128  # tokens: a check takes a fraction of a second, also with a large network


class Origin(NamedTuple):
    """Where a model was loaded from.

    Attributes:
        folder: Its folder.
        manifest: SHA-256 of the folder's manifest.
        prefix: What its files' names begin with: `1.` of the second model of a blend.
    """

    folder: Path
    manifest: str
    prefix: str = ""


@dataclass(frozen=True)
class Probe:
    """Rows, and their logits where the model was made.

    Attributes:
        rows: The rows of ids; each is a text.
        logits: (rows, outputs) by source: `NETWORK`, and each graph by its file name.
    """

    rows: Encoded
    logits: Mapping[str, Floats]

    def to_bytes(self) -> bytes:
        """The probe as a file."""
        lengths = self.rows.lengths.astype(np.int64)
        return bytes(safetensors.save({"ids": self.rows.ids, "lengths": lengths, **self.logits}))


def draw(longest: int, size: int) -> Encoded:
    """Random rows of 0 to 32 ids, and one row of the largest length, or 128.

    Args:
        longest: Ids in the longest row of the model.
        size: Ids run from 0, which is padding, to `size - 1`.
    """
    lengths: npt.NDArray[np.int64] = np.geomspace(1, min(longest, _SHORT) + 1, _ROWS).astype(np.int64) - 1
    lengths[-1] = min(longest, _LONGEST)
    ids = np.random.default_rng(_SEED).integers(1, size, lengths.sum()).astype(np.int32)
    return _rows(ids, lengths)


def read(data: bytes, graphs: Iterable[str], outputs: int, longest: int, size: int) -> Probe:
    """The probe that `Probe.to_bytes` wrote.

    Args:
        data: The file.
        graphs: Names of the model's graphs.
        outputs: Outputs of the model.
        longest: Ids in the longest row of the model.
        size: Ids of the model's encoder.

    Raises:
        ValueError: It is not a probe of this model.
        SafetensorError: It is not a file of safetensors.
    """
    arrays: dict[str, Array] = safetensors.load(data)
    names = {"ids", "lengths", NETWORK, *graphs}
    if set(arrays) != names:
        wrong = sorted(set(arrays) ^ names)[0]
        raise ValueError(
            tr(
                "{probe}: {wrong!r} is {what}",
                probe=PROBE,
                wrong=wrong,
                what=tr("not expected") if wrong in arrays else tr("missing"),
            )
        )
    ids, lengths = arrays.pop("ids"), arrays.pop("lengths")
    if (ids.dtype, ids.ndim, lengths.dtype, lengths.ndim) != (np.dtype(np.int32), 1, np.dtype(np.int64), 1):
        raise ValueError(tr("{probe}: the rows are not lists of whole numbers", probe=PROBE))
    if not 0 < len(lengths) <= _MOST_ROWS or lengths.min() < 0 or lengths.max() > longest or lengths.sum() != len(ids):
        raise ValueError(tr("{probe}: the lengths of the rows do not fit", probe=PROBE))
    if len(ids) and not (ids.min() > 0 and ids.max() < size):
        raise ValueError(tr("{probe}: an id is not one of the model's", probe=PROBE))
    for name, logits in arrays.items():
        if logits.dtype != np.float32 or logits.shape != (len(lengths), outputs) or not np.isfinite(logits).all():
            raise ValueError(
                tr(
                    "{probe}: the logits of {name!r} are not finite numbers, {outputs} for each row",
                    probe=PROBE,
                    name=name,
                    outputs=outputs,
                )
            )
    return Probe(_rows(ids, lengths), arrays)


def _rows(ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> Encoded:
    return Encoded(ids, np.concatenate([[0], lengths.cumsum()]), np.arange(len(lengths)), 0)
