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

from tenor.models import masked
from tenor.models.attribution import Attribution, Shares, read_characters, spread
from tenor.tasks import Floats
from tenor.text import batches
from tenor.text.encoded import PADDING, Encoded
from tenor.text.gram_ids import GramIds

if TYPE_CHECKING:
    from tenor.models.network import Network

Step = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any]]
"""(ids, vectors at the beginning, way to those at the end, (rows,) how far along it, directions) -> what the model says
(rows,), and what each id adds if the gradient is the same all along the way (rows, time)."""

_LAYERS = ("embedding", "embeddings")
_POINTS = (8, 24, 72, 216)  # of the integral; a text gets more until its gap is small
_GAP = 0.02  # of the difference between both ends, or of 1 where that is less
_WHOLE = 1 << 40  # tokens: no text is cut


class Path:
    """The way from nothing to a text, through one network.

    Args:
        model: From ids (batch, time) to logits (batch, outputs).
        blank: The id whose vector says nothing; 0: a vector of zeros.
    """

    def __init__(self, model: keras.Model, blank: int) -> None:
        self.blank = blank
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
        if self.blank == 0:
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


def quadrature(points: int) -> tuple[Shares, Shares]:
    """Places between 0 and 1 and their weights, by Gauss and Legendre."""
    places, weights = np.polynomial.legendre.leggauss(points)
    return (places + 1) / 2, weights / 2


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

    return lambda *inputs: step(weights, others, *inputs)


def attribute(network: "Network", texts: Sequence[str], directions: Floats) -> list[Attribution]:
    """What the characters of each text add to a weighted sum of its logits; the weights are `directions`, (texts,
    outputs).

    Nothing is said by masked tokens where the encoder was trained with such; by unknown tokens where the vocabulary has
    them; by vectors of zeros where ids are a set of n-grams.
    """
    encoder, config = network.text_encoder, network.config
    encoded = network.encode(texts)
    first = encoded.first[np.searchsorted(encoded.text, np.arange(len(texts) + 1))]
    spans = [encoder.spans(text, config.maximum_tokens, config.read) for text in texts]
    blanked = encoded.ids.copy()
    for begin, found in zip(first, spans, strict=False):
        blanked[begin + found.at] = network.path.blank
    ends, added = _integrate(network, encoded, replace(encoded, ids=blanked), directions[encoded.text])
    results = []
    for row, (text, found) in enumerate(zip(texts, spans, strict=True)):
        shares = added[first[row] : first[row + 1]] / encoded.rows_of_text[row]
        characters = spread(found, shares, len(text), spread(found, shares, len(text)))
        whole = found if not encoded.cut else encoder.spans(text, _WHOLE, config.read)
        base, said = ends[row].tolist()
        gap = said - base - float(characters.sum())
        results.append(Attribution(characters, read_characters(found, whole, len(text)), base, gap))
    return results


def blank_id(encoder: Any) -> int:
    """The id that stands for nothing."""
    return PADDING if isinstance(encoder, GramIds) else masked.mask_id(encoder)


def _integrate(network: "Network", encoded: Encoded, blanked: Encoded, directions: Floats) -> tuple[Shares, Shares]:
    """What the model says at both ends of each text's way, (texts, 2), and what each id adds in its row, (ids,)."""
    ends, added = np.zeros((len(encoded.lengths), 2)), np.zeros(len(encoded.ids))
    gaps = np.zeros(len(ends))
    pending = np.arange(len(ends))
    for points in _POINTS:
        places, weights = quadrature(points)
        if points == _POINTS[0]:  # both ends, too
            places, weights = np.append(places, [0.0, 1.0]), np.append(weights, [0.0, 0.0])
        for batch in batches.in_order(encoded.lengths[pending], network.config.batch_tokens, network.longest):
            rows = pending[batch.rows]
            ids, blank = encoded.pad(rows, batch.width), blanked.pad(rows, batch.width)
            said, shares = _along(network, ids, blank, places, directions[rows], batch.size)
            if points == _POINTS[0]:
                ends[rows] = said[:, -2:]
            shares = np.einsum("rpt,p->rt", shares, weights)
            for row, share in zip(rows, shares, strict=True):
                added[encoded.first[row] : encoded.first[row + 1]] = share[: encoded.lengths[row]]
            gaps[rows] = np.abs(ends[rows, 1] - ends[rows, 0] - shares.sum(axis=1))
        # A text is exact enough or not, not each of its windows.
        both, gap = encoded.mean_by_text(ends), encoded.mean_by_text(gaps[:, None])[:, 0]
        allowed = _GAP * np.maximum(np.abs(both[:, 1] - both[:, 0]), 1)
        pending = np.flatnonzero((gap > allowed)[encoded.text] & (gaps > allowed[encoded.text]))
        if not len(pending):
            break
    return both, added


def _along(
    network: "Network",
    ids: npt.NDArray[np.int32],
    blanked: npt.NDArray[np.int32],
    places: Shares,
    directions: Floats,
    size: int,
) -> tuple[Shares, Shares]:
    """What the model says at each place of each row's way, (rows, places), and what ids add there, (..., time).

    At most `size` of these at once.
    """
    row, place = (each.ravel() for each in np.indices((len(ids), len(places))))
    said, added = np.zeros(len(row)), np.zeros((len(row), ids.shape[1]))
    for at in range(0, len(row), size):
        part = row[at : at + size]
        filled = np.resize(part, network.filled(len(part), size))
        steps = np.resize(places[place[at : at + size]], len(filled)).astype(np.float32)
        path = network.path
        found = path.at(ids[filled], path.ends(ids[filled], blanked[filled]), steps, directions[filled])
        said[at : at + size], added[at : at + size] = (each[: len(part)] for each in found)
    return said.reshape(len(ids), -1), added.reshape(len(ids), len(places), -1)
