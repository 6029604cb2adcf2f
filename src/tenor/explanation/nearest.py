"""The reference texts that are most similar to a text, for a model: by the cosine of the features behind its logits.

A saved model holds no training texts, so they are read again from a file.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.data.fields import Fields
from tenor.explanation.reference_texts import ReferenceTexts
from tenor.inference.predictor import Predictor
from tenor.tasks import Label

_BLOCK = 1024  # reference texts


class Neighbour(NamedTuple):
    """A reference text: its row in its file, from 1, its label if it has one, and the cosine, at most 1."""

    row: int
    text: str
    label: Label
    similarity: float


def nearest_texts(
    predictor: Predictor,
    texts: Sequence[str],
    reference: ReferenceTexts,
    limit: int = 5,
    callback: Callback | None = None,
) -> list[list[Neighbour]]:
    """The most similar reference texts of each text, the nearest first. Those with nothing in common are left out.

    Args:
        predictor: The model.
        texts: The texts.
        reference: The texts to choose from.
        limit: Neighbours per text, at most.
        callback: Receives progress.
    """
    texts = predictor.as_rows(texts)
    if not texts:
        return []
    features = predictor.bundle.model.represent(predictor.bundle.fold(texts))
    rows, cosines = np.zeros((len(texts), 0), np.int64), np.zeros((len(texts), 0), np.float32)
    for at in range(0, len(reference.texts), _BLOCK):
        block = predictor.bundle.model.represent(predictor.bundle.fold(reference.texts[at : at + _BLOCK]))
        similarity = features @ block.T
        similarity = similarity.toarray() if hasattr(similarity, "toarray") else similarity
        cosines = np.concatenate([cosines, similarity], axis=1)
        block_rows = np.broadcast_to(np.arange(at, at + similarity.shape[1]), similarity.shape)
        rows = np.concatenate([rows, block_rows], axis=1)
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :limit]
        rows, cosines = np.take_along_axis(rows, best, axis=1), np.take_along_axis(cosines, best, axis=1)
        if callback is not None:
            callback.on_progress(tr("nearest"), min(at + _BLOCK, len(reference.texts)), len(reference.texts), {})
    return [
        [_neighbour(reference, row, cosine, predictor.fields) for row, cosine in zip(*pair, strict=True) if cosine > 0]
        for pair in zip(rows.tolist(), cosines.tolist(), strict=True)
    ]


def _neighbour(reference: ReferenceTexts, row: int, cosine: float, fields: Fields) -> Neighbour:
    label = reference.labels[row] if reference.labels else None
    return Neighbour(reference.rows[row], fields.display(reference.texts[row]), label, min(cosine, 1.0))
