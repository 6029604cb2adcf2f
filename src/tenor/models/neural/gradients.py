"""Integrated gradients: what each id of a text adds to a network's logits.

Sundararajan et al. (2017), "Axiomatic Attribution for Deep Networks". The vectors of a text's ids are moved in a
straight line from those of a text that says nothing to their own; the gradient is integrated along that line. What the
ids add then sums to the difference between both ends, and by how far it does not is known (`gap`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tenor.models.attribution import Attribution, Shares, read_characters, spread
from tenor.models.neural import compiled, masked_head
from tenor.tasks import Floats
from tenor.text.encoded import PADDING, Encoded
from tenor.text.gram_ids import NgramVocabulary

if TYPE_CHECKING:
    from tenor.models.neural.network import Network

Step = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any]]
"""(ids, vectors at the beginning, way to those at the end, (rows,) how far along it, directions) -> what the model says
(rows,), and what each id adds if the gradient is the same all along the way (rows, time)."""

_LAYERS = ("embedding", "embeddings")
_PANELS = 4  # of the integral at first; they are halved until a text's gap is small
_HALVINGS = 7
_GAP = 0.02  # of the difference between both ends, or of 1 where that is less
_SIMPSON = np.array([1, 4, 1]) / 6
_WHOLE = 1 << 40  # tokens: no text is cut


class IntegrationPath:
    """The way from nothing to a text, through one network.

    Args:
        model: From ids (batch, time) to logits (batch, outputs).
        baseline_id: The id whose vector says nothing; 0: a vector of zeros.
    """

    def __init__(self, model: keras.Model, blank: int) -> None:
        self.baseline_id = blank
        self._embed = next(layer for layer in model.layers if layer.name in _LAYERS)
        self._step = _step(keras.Model([model.input, self._embed.output], model.output))

    def ends(self, ids: npt.NDArray[np.int32], blanked: npt.NDArray[np.int32]) -> tuple[Any, Any]:
        """The vectors at the beginning, and the way to those at the end: (rows, time, width) each.

        Args:
            ids: (rows, time).
            blanked: The same with `blank` in place of every id of the text.
        """
        end = self._embed(ids, training=False)
        begin = self._embed(blanked, training=False)
        if self.baseline_id == 0:
            begin = begin * 0
        begin = ops.where(ops.convert_to_tensor(ids != blanked)[:, :, None], begin, end)
        return begin, end - begin

    def at(self, ids: npt.NDArray[np.int32], ends: tuple[Any, Any], place: Floats, directions: Floats) -> Any:
        """What the model says at some places of the way, from 0 to 1, and what ids add by the gradient there.

        Args:
            ids: (rows, time).
            ends: What `ends` gives for them.
            place: (rows,).
            directions: (rows, outputs) weights of the logits.
        """
        said, added = self._step(ids, *ends, ops.convert_to_tensor(place), ops.convert_to_tensor(directions))
        return np.asarray(said, np.float64), np.asarray(added, np.float64)


def _step(rest: keras.Model) -> Step:
    if keras.backend.backend() == "jax":
        return _jax_step(rest)
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(ids: Any, begin: Any, way: Any, place: Any, directions: Any) -> tuple[Any, Any]:
        values = begin + way * place[:, None, None]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            said = ops.sum(rest([ids, values], training=False) * directions, axis=1)
        return said, ops.sum(tape.gradient(said, values) * way, axis=2)

    return step  # type: ignore[no-any-return]


def _jax_step(rest: keras.Model) -> Step:
    import jax

    weights = [variable.value for variable in rest.trainable_variables]
    others = [variable.value for variable in rest.non_trainable_variables]

    @jax.jit
    def step(weights: Any, others: Any, ids: Any, begin: Any, way: Any, place: Any, directions: Any) -> Any:
        def total(values: Any) -> tuple[Any, Any]:
            logits, _ = rest.stateless_call(weights, others, [ids, values], training=False)
            said = ops.sum(logits * directions, axis=1)
            return ops.sum(said), said

        (_, said), slope = jax.value_and_grad(total, has_aux=True)(begin + way * place[:, None, None])
        return said, ops.sum(slope * way, axis=2)

    def exact(*inputs: Any) -> Any:
        with compiled.full_float32_matmul():
            return step(weights, others, *inputs)

    return exact


def attribute(network: "Network", texts: Sequence[str], directions: Floats) -> list[Attribution]:
    """What the characters of each text add to a weighted sum of its logits; the weights are `directions`, (texts,
    outputs).

    Nothing is said by masked tokens where the encoder was trained with such; by unknown tokens where the vocabulary has
    them; by vectors of zeros where ids are a set of n-grams.
    """
    encoder, config = network.text_encoder, network.config
    encoded = network.encode(texts)
    first = encoded.row_offsets[np.searchsorted(encoded.row_to_text, np.arange(len(texts) + 1))]
    spans = [encoder.spans(text, config.max_length, config.inference_truncation) for text in texts]
    blanked = encoded.ids.copy()
    for begin, found in zip(first, spans, strict=False):
        blanked[begin + found.at] = network.integration_path.baseline_id
    ends, added = _integrate(network, encoded, replace(encoded, ids=blanked), directions[encoded.row_to_text])
    results = []
    for row, (text, found) in enumerate(zip(texts, spans, strict=True)):
        shares = added[first[row] : first[row + 1]] / encoded.rows_of_text[row]
        characters = spread(found, shares, len(text), spread(found, shares, len(text)))
        whole = found if not encoded.n_truncated else encoder.spans(text, _WHOLE, config.inference_truncation)
        base, said = ends[row].tolist()
        gap = said - base - float(characters.sum())
        results.append(Attribution(characters, read_characters(found, whole, len(text)), base, gap))
    return results


def baseline_id(encoder: Any) -> int:
    """The id that stands for nothing."""
    return PADDING if isinstance(encoder, NgramVocabulary) else masked_head.mask_id(encoder)


def _integrate(network: "Network", encoded: Encoded, blanked: Encoded, directions: Floats) -> tuple[Shares, Shares]:
    """What the model says at both ends of each text's way, (texts, 2), and what each id adds in its row, (ids,).

    Simpson's rule over panels of the way. What the model says at both ends of a panel tells how far the integral over
    it is off, so that panels are halved where the model comes to its answer and nowhere else.
    """
    rows, steps = len(encoded.lengths), 2 * _PANELS + 1
    row, place = np.repeat(np.arange(rows), steps), np.tile(np.linspace(0, 1, steps), rows)
    said, added = _along(network, encoded, blanked, row, place, directions)
    total = np.array([each.sum() for each in added])
    point = np.arange(len(row)).reshape(rows, steps)
    both = encoded.mean_by_text(said[point[:, [0, -1]]])
    allowed = _GAP * np.maximum(np.abs(both[:, 1] - both[:, 0]), 1)
    panels = np.stack([point[:, :-1:2], point[:, 1::2], point[:, 2::2]], axis=-1).reshape(-1, 3)
    for _ in range(_HALVINGS):
        left, right = panels[:, 0], panels[:, 2]
        owner = encoded.row_to_text[row[left]]
        error = np.abs(said[right] - said[left] - (place[right] - place[left]) * (total[panels] @ _SIMPSON))
        error /= encoded.rows_of_text[owner]
        order = np.lexsort((error, owner))
        sums, text = error[order].cumsum(), owner[order]
        before = np.append(0, sums)[np.searchsorted(text, text)]
        halved = np.zeros(len(panels), bool)
        halved[order] = sums - before > allowed[text]  # of a text, the largest errors; the others are small enough
        if not halved.any():
            break
        old, new = panels[halved], len(row) + np.arange(2 * halved.sum()).reshape(-1, 2)
        row = np.append(row, row[old[:, :2]])
        place = np.append(place, (place[old[:, :2]] + place[old[:, 1:]]) / 2)
        found, more = _along(network, encoded, blanked, row[new].ravel(), place[new].ravel(), directions)
        said, added = np.append(said, found), added + more
        total = np.append(total, [each.sum() for each in more])
        halves = np.stack([old[:, 0], new[:, 0], old[:, 1], old[:, 1], new[:, 1], old[:, 2]], axis=1)
        panels = np.concatenate([panels[~halved], halves.reshape(-1, 3)])
    shares = np.zeros(len(encoded.ids))
    for panel in panels:
        width, of = place[panel[2]] - place[panel[0]], row[panel[0]]
        part = shares[encoded.row_offsets[of] : encoded.row_offsets[of + 1]]
        for one, weight in zip(panel, _SIMPSON, strict=True):
            part += width * weight * added[one]
    return both, shares


def _along(
    network: "Network",
    encoded: Encoded,
    blanked: Encoded,
    row: npt.NDArray[np.int64],
    place: Shares,
    directions: Floats,
) -> tuple[Shares, list[Shares]]:
    """What the model says at places of the ways of rows, (places,), and what each id of the row adds there."""
    said, added = np.zeros(len(row)), [np.zeros(0)] * len(row)
    path = network.integration_path
    lengths = encoded.lengths[row]
    for batch in compiled.pad_batch_sizes(network.sequential_batches(lengths, network.config.batch_tokens)):
        chosen = np.resize(batch.rows, batch.size)
        rows = row[chosen]
        ids = encoded.pad(rows, batch.width)
        ends = path.ends(ids, blanked.pad(rows, batch.width))
        found, shares = path.at(ids, ends, place[chosen].astype(np.float32), directions[rows])
        for at, one in enumerate(batch.rows):
            said[one], added[one] = found[at], shares[at, : encoded.lengths[row[one]]]
    return said, added
