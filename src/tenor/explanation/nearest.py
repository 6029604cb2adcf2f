"""The known texts that are most like a text to a model: by the cosine of the features that its logits are made of.

Nothing of the training texts is in a model, so they are read again, from a file.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tenor._core.callbacks import Callback
from tenor.explanation.known import ReferenceTexts
from tenor.inference.predictor import Predictor, check_texts

_BLOCK = 1024


class Neighbour(NamedTuple):
    """A known text: its row in its file, from 1, its label if it has one, and the cosine of the angle, at most 1."""

    row: int
    text: str
    label: Any
    similarity: float


def nearest_texts(
    predictor: Predictor,
    texts: Sequence[str],
    reference: ReferenceTexts,
    limit: int = 5,
    callback: Callback | None = None,
) -> list[list[Neighbour]]:
    """The known texts that are most like each text, the likest first; those with nothing in common are left out.

    Args:
        predictor: The model.
        texts: The texts.
        reference: The texts to choose from.
        limit: How many to find for each text.
        callback: Hears of progress.
    """
    texts = check_texts(texts)
    if not texts:
        return []
    wanted = predictor.bundle.model.represent(texts)
    rows, cosines = np.zeros((len(texts), 0), np.int64), np.zeros((len(texts), 0), np.float32)
    for at in range(0, len(reference.texts), _BLOCK):
        block = predictor.bundle.model.represent(reference.texts[at : at + _BLOCK])
        found = wanted @ block.T
        found = found.toarray() if hasattr(found, "toarray") else found
        cosines = np.concatenate([cosines, found], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(np.arange(at, at + found.shape[1]), found.shape)], axis=1)
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :limit]
        rows, cosines = np.take_along_axis(rows, best, axis=1), np.take_along_axis(cosines, best, axis=1)
        if callback is not None:
            callback.on_progress("nearest", min(at + _BLOCK, len(reference.texts)), len(reference.texts), {})
    return [
        [
            Neighbour(
                reference.rows[row],
                reference.texts[row],
                reference.labels[row] if reference.labels else None,
                min(cosine, 1.0),
            )
            for row, cosine in zip(*pair, strict=True)
            if cosine > 0
        ]
        for pair in zip(rows.tolist(), cosines.tolist(), strict=True)
    ]
