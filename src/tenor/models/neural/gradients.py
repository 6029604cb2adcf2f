"""Integrated gradients: the contribution of each id of a text to a network's logits.

Sundararajan et al. (2017), "Axiomatic Attribution for Deep Networks". The vectors of a text's ids move in a straight
line from those of a baseline, an empty text of the same length, to their own. The gradient is integrated along this
line, from alpha = 0 to 1. The contributions then sum to the difference of the scores at both ends, up to a known error
of the integration (`gap`). A score is a weighted sum of logits; the weights are called directions.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tenor.models.attribution import Attribution, Shares, mark_read_characters, share_by_character
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import compiled, masked_head
from tenor.models.neural.integration_path import IntegrationPath
from tenor.models.neural.keras_types import Array
from tenor.models.tabular import row_encoder
from tenor.tasks import Floats
from tenor.text.batches import Batch
from tenor.text.encoded import PADDING, Encoded, TextEncoder
from tenor.text.gram_ids import NgramVocabulary

_PANELS = 4  # of the integral at first; they are halved until a text's gap is small
_HALVINGS = 7
_GAP = 0.02  # of the difference between both ends, or of 1 if that is smaller
_SIMPSON = np.array([1, 4, 1]) / 6
_NO_LIMIT = 1 << 40  # tokens


class DifferentiableModel(Protocol):
    """A network, as far as integrated gradients need it."""

    @property
    def config(self) -> NetworkConfig:
        """The family's settings."""

    @property
    def text_encoder(self) -> TextEncoder:
        """The encoder that turns texts into ids."""

    @property
    def feature_kernel(self) -> Floats | None:
        """(features, outputs) weights of the features beside the texts."""

    @property
    def integration_path(self) -> IntegrationPath:
        """The network along the line."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The texts as ids."""

    def sequential_batches(self, lengths: npt.NDArray[np.int64], tokens: int) -> list[Batch]:
        """Batches of rows of these lengths, with at most `tokens` tokens each."""


def attribute(model: DifferentiableModel, texts: Sequence[str], directions: Floats) -> list[Attribution]:
    """Attribute the score of each text to its characters.

    The baseline is made of mask tokens if the encoder was trained with them, of unknown words if it has a vocabulary,
    and of vectors of zeros if ids are a set of n-grams.

    Args:
        model: The network.
        texts: The texts.
        directions: (texts, outputs) weights of the logits.
    """
    encoder, config = model.text_encoder, model.config
    encoded = model.encode(texts)
    offsets = encoded.row_offsets[np.searchsorted(encoded.row_to_text, np.arange(len(texts) + 1))]
    spans = [encoder.spans(text, config.max_length, config.inference_truncation) for text in texts]
    baseline_ids = encoded.ids.copy()
    for offset, text_spans in zip(offsets, spans, strict=False):
        at = offset + text_spans.at
        second_offset = row_encoder.second_offset(encoder)
        is_second = (baseline_ids[at] >= second_offset) & (second_offset > 0)
        baseline_ids[at] = model.integration_path.baseline_id + second_offset * is_second
    rows = _Rows(encoded, replace(encoded, ids=baseline_ids), directions[encoded.row_to_text])
    end_scores, contributions = _integrate(model, rows)
    of_features = row_encoder.attribute_features(encoder, encoded, model.feature_kernel, directions)
    results = []
    for index, (text, text_spans) in enumerate(zip(texts, spans, strict=True)):
        shares = contributions[offsets[index] : offsets[index + 1]] / encoded.rows_of_text[index]
        characters = share_by_character(
            text_spans, shares, len(text), share_by_character(text_spans, shares, len(text))
        )
        whole = text_spans
        if encoded.n_truncated:
            whole = encoder.spans(text, _NO_LIMIT, config.inference_truncation)
        base, score = end_scores[index].tolist()
        gap = score - base - float(characters.sum())
        was_read = mark_read_characters(text_spans, whole, len(text))
        results.append(Attribution(characters, was_read, base, gap, of_features[index]))
    return results


def baseline_id(encoder: TextEncoder) -> int:
    """The id of the baseline's tokens."""
    encoder = row_encoder.of_text(encoder)
    return PADDING if isinstance(encoder, NgramVocabulary) else masked_head.mask_id(encoder)


class _Rows(NamedTuple):
    """Rows of ids, those of their baselines, and (rows, outputs) weights of the logits."""

    encoded: Encoded
    baseline: Encoded
    directions: Floats


class _Points(NamedTuple):
    """Points on the lines of rows: (points,) indices of the rows, and (points,) positions from 0 to 1."""

    row: npt.NDArray[np.int64]
    alpha: Shares


def _integrate(model: DifferentiableModel, rows: _Rows) -> tuple[Shares, Shares]:
    """Scores at both ends of each text's line, (texts, 2), and the contribution of each id in its row, (ids,).

    Simpson's rule over panels of the line. The scores at both ends of a panel tell the error of its integral, so panels
    are halved only where the score changes.
    """
    encoded, n_rows, n_points = rows.encoded, len(rows.encoded.lengths), 2 * _PANELS + 1
    row, alpha = np.repeat(np.arange(n_rows), n_points), np.tile(np.linspace(0, 1, n_points), n_rows)
    scores, shares = _evaluate(model, rows, _Points(row, alpha))
    totals = np.array([each.sum() for each in shares])
    index = np.arange(len(row)).reshape(n_rows, n_points)
    end_scores = encoded.mean_by_text(scores[index[:, [0, -1]]])
    tolerance = _GAP * np.maximum(np.abs(end_scores[:, 1] - end_scores[:, 0]), 1)
    panels = np.stack([index[:, :-1:2], index[:, 1::2], index[:, 2::2]], axis=-1).reshape(-1, 3)  # left, middle, right
    for _ in range(_HALVINGS):
        left, right = panels[:, 0], panels[:, 2]
        panel_text = encoded.row_to_text[row[left]]
        error = np.abs(scores[right] - scores[left] - (alpha[right] - alpha[left]) * (totals[panels] @ _SIMPSON))
        error /= encoded.rows_of_text[panel_text]
        order = np.lexsort((error, panel_text))
        sums, text = error[order].cumsum(), panel_text[order]
        sums_before = np.append(0, sums)[np.searchsorted(text, text)]
        to_halve = np.zeros(len(panels), bool)
        to_halve[order] = sums - sums_before > tolerance[text]  # the largest errors of a text, until the rest is small
        if not to_halve.any():
            break
        old, new = panels[to_halve], len(row) + np.arange(2 * to_halve.sum()).reshape(-1, 2)
        row = np.append(row, row[old[:, :2]])
        alpha = np.append(alpha, (alpha[old[:, :2]] + alpha[old[:, 1:]]) / 2)
        new_scores, new_shares = _evaluate(model, rows, _Points(row[new].ravel(), alpha[new].ravel()))
        scores, shares = np.append(scores, new_scores), shares + new_shares
        totals = np.append(totals, [each.sum() for each in new_shares])
        halves = np.stack([old[:, 0], new[:, 0], old[:, 1], old[:, 1], new[:, 1], old[:, 2]], axis=1)
        panels = np.concatenate([panels[~to_halve], halves.reshape(-1, 3)])
    contributions = np.zeros(len(encoded.ids))
    for panel in panels:
        width, panel_row = alpha[panel[2]] - alpha[panel[0]], row[panel[0]]
        of_row = contributions[encoded.row_offsets[panel_row] : encoded.row_offsets[panel_row + 1]]
        for point, weight in zip(panel, _SIMPSON, strict=True):
            of_row += width * weight * shares[point]
    return end_scores, contributions


def _evaluate(model: DifferentiableModel, rows: _Rows, points: _Points) -> tuple[Shares, list[Array]]:
    """Scores at points, (points,), and the contributions of the ids of each point's row by the gradient there."""
    scores, shares = np.zeros(len(points.row)), [np.zeros(0)] * len(points.row)
    path, lengths = model.integration_path, rows.encoded.lengths[points.row]
    for batch in compiled.pad_batch_sizes(model.sequential_batches(lengths, model.config.batch_tokens)):
        padded = np.resize(batch.rows, batch.size)
        row = points.row[padded]
        ids = rows.encoded.pad(row, batch.width)
        baseline, alpha = rows.baseline.pad(row, batch.width), points.alpha[padded].astype(np.float32)
        of_batch, batch_shares = path.at(ids, baseline, alpha, rows.directions[row])
        for position, point in enumerate(batch.rows):
            scores[point], shares[point] = of_batch[position], batch_shares[position, : lengths[point]]
    return scores, shares
