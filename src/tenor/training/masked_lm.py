"""Masked-language training of an encoder on texts without labels, so that training starts from more than chance.

15% of the tokens of a row are to be named; of these 80% are replaced by the mask, 10% by any token, and 10% are left as
they are (Devlin et al., 2019). That an encoder profits from texts of its domain: Gururangan et al. (2020), "Don't Stop
Pretraining". An encoder that starts from nothing names 40% (Wettig et al., 2023, "Should You Mask 15% in Masked
Language Modeling?") and frequent tokens less often than others (Mikolov et al., 2013, "Distributed Representations of
Words and Phrases"), since it has few texts to learn words from and little to learn from `the`.

A masked token is named among those that are masked in its batch and some drawn ones, each with its logit less the
logarithm of the chance to be there (sampled softmax: Jean et al., 2015), since most of the time would go into the other
logits; texts held out are measured among all tokens. What is masked and drawn is a function of (seed, epoch, batch), so
a resumed run ends with the same weights.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tenor.config.settings import require
from tenor.errors import DataError
from tenor.models.base import Fitted
from tenor.models.context import FitContext
from tenor.models.family import NetworkFamily
from tenor.models.neural import masked_head, optimizers, precision
from tenor.models.neural.network import Network
from tenor.tasks import SingleLabel
from tenor.text.batches import Batch
from tenor.text.encoded import PADDING, Encoded, TextEncoder
from tenor.text.vocabulary import UNKNOWN
from tenor.training import network_training, neural
from tenor.training.trainer import Trainer

_SHARE, _MASK, _RANDOM = 0.15, 0.8, 0.1
_SHARE_FROM_NOTHING = 0.4
_FREQUENT = 1e-4  # of all tokens; one that is f times as frequent is masked sqrt(f) times less often than it occurs
_DRAWN = 512  # tokens, among which those of a batch are named, besides themselves
_ABSENT = 1e4  # what the logit of a token is lowered by where it is there twice, or never masked
_EPOCHS = 3
_VALIDATION_SEED = 1 << 31

NO_TASK = SingleLabel(("", " "))
"""Stands for the labels of an encoder, which has none: the head that it gives is not kept."""


def fit(family: NetworkFamily, texts: Sequence[str], config: Any, context: FitContext) -> Fitted:
    """Train the encoder of a family to name masked tokens, and keep the weights of the best epoch.

    Args:
        family: `transformer` or `pretrained`.
        texts: At least two; a part of them, `config.validation`, chooses the best epoch; where that is 0 the last is
            kept. Long ones are read whole, in windows.
        config: The family's settings.
        context: Seed, callback, checkpoints, and the weights to go on from.

    Raises:
        DataError: There are too few texts.
        TenorError: The checkpoint to resume from is damaged or belongs to another run.
    """
    begin, seed, init = time.perf_counter(), context.seed, context.init
    if len(texts) < 2:
        raise DataError("one text, or none, is too few to learn from.", "Give many; thousands are usual.")
    require(getattr(config, "tune", None) in (None, "all"), "tune", "must be all: pretraining trains all blocks")
    epochs = config.epochs or _EPOCHS
    order = np.random.default_rng(seed).permutation(len(texts))
    held_out = math.ceil(len(texts) * config.validation)
    parts = [[texts[row] for row in rows] for rows in (np.sort(order[held_out:]), np.sort(order[:held_out]))]
    config, encoder = neural.fit_text_encoder(
        family, replace(config, truncation="windows", epochs=epochs), parts[0], init
    )
    encoded, held = (encoder.encode(part, config.max_length, config.truncation) for part in parts)
    config = neural.choose_batch_size(config, encoded.lengths, encoder.max_row_length(config.max_length))
    after_encoding = time.perf_counter()

    network = Network(
        family, NO_TASK, config, encoder, network_training.build_model(family, config, NO_TASK, seed, init)
    )
    loop = Trainer(_MaskedTokens(network, encoded, held, seed), config, context)
    loop.train()
    network = replace(network, keras_model=network_training.in_float32(network))
    timing = {"encode_s": after_encoding - begin, "fit_s": time.perf_counter() - after_encoding}
    return Fitted(NO_TASK, network, config, timing, loop.state.history, steps=loop.step_table())


class _MaskedTokens:
    """The tokens that were masked."""

    learning_rate_scale: optimizers.LearningRateScale | None = None

    def __init__(self, network: Network, encoded: Encoded, held: Encoded, seed: int) -> None:
        self.network, self.encoded, self.held, self.seed = network, encoded, held, seed
        self.max_row_length = network.max_row_length
        with network_training.seeded(seed):
            self.keras_model, self.whole = masked_head.build_models(
                network.keras_model, precision.dtype_policy(network.config)
            )
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.metric = keras.metrics.SparseCategoricalAccuracy("accuracy")
        self.whole.compile(
            loss=self.loss,
            weighted_metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
            jit_compile=keras.backend.backend() == "jax",
        )
        self.mask, self.fixed = masked_head.mask_id(network.text_encoder), _fixed(network.text_encoder)
        self.size = network.text_encoder.size
        frequency = np.bincount(encoded.ids, minlength=self.size) / max(len(encoded.ids), 1)
        if network.family.initialise is None:
            self.share = _SHARE_FROM_NOTHING
            self.odds = np.sqrt(_FREQUENT / np.maximum(frequency, _FREQUENT))
        else:
            self.share, self.odds = _SHARE, np.ones(self.size)
        masked_often = frequency * self.odds
        masked_often[self.fixed] = 0
        self.masked_share = np.minimum(masked_often / max(masked_often.sum(), 1e-9), 1 - 1e-9)

    def batch_arrays(self, batch: Batch, random: np.random.Generator) -> tuple[Any, Any, Any]:
        (ids, positions), targets, weights = self._arrays(self.encoded, batch, random)
        drawn = random.integers(1, self.size, (batch.size, math.ceil(_DRAWN / batch.size)), dtype=np.int32)
        tokens = np.concatenate([targets, drawn], axis=1)
        each, first, place = np.unique(tokens, return_index=True, return_inverse=True)
        # The chance of a token to be there at least once, of those that are masked and of those that are drawn.
        absent = (weights > 0).sum() * np.log1p(-self.masked_share[each]) + drawn.size * math.log1p(-1 / self.size)
        log_chance = np.full(tokens.size, _ABSENT, np.float32)
        log_chance[first] = np.where(np.isin(each, self.fixed), _ABSENT, np.log(-np.expm1(absent)))
        named = first[place.reshape(tokens.shape)[:, : targets.shape[1]]].astype(np.int32)
        return [ids, positions, tokens, log_chance.reshape(tokens.shape)], named, weights

    def _arrays(self, encoded: Encoded, batch: Batch, random: np.random.Generator) -> tuple[Any, Any, Any]:
        ids = np.pad(encoded.pad(batch.rows, batch.width), ((0, batch.size - len(batch.rows)), (0, 0)))
        asked = max(1, round(batch.width * self.share))
        free = ~np.isin(ids, self.fixed)
        # Drawn by their odds without replacement (Efraimidis and Spirakis, 2006); what is fixed comes last.
        draws = np.where(free, random.exponential(size=ids.shape) / self.odds[ids], np.inf)
        positions = np.argsort(draws, axis=1, kind="stable")[:, :asked]
        wanted = np.minimum(np.ceil(free.sum(axis=1) * self.share), asked)
        weights = (np.arange(asked) < wanted[:, None]).astype(np.float32)
        targets = np.take_along_axis(ids, positions, axis=1)
        draw = random.random(positions.shape)
        tokens = random.integers(1, self.size, positions.shape)
        shown = np.where(draw < _MASK, self.mask, np.where(draw < _MASK + _RANDOM, tokens, targets))
        np.put_along_axis(ids, positions, np.where(weights > 0, shown, targets).astype(np.int32), axis=1)
        weights *= weights.size / max(weights.sum(), 1.0)
        return [ids, positions.astype(np.int32)], targets, weights

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on the texts held out, always with the same tokens masked."""
        if not len(self.held.lengths):
            return {}
        random = np.random.default_rng((self.seed, _VALIDATION_SEED))
        losses = right = count = 0.0
        for batch in self.network.sequential_batches(self.held.lengths, self.network.config.batch_tokens):
            inputs, targets, weights = self._arrays(self.held, batch, random)
            found = self.whole.test_on_batch(inputs, targets, sample_weight=weights, return_dict=True)
            self.whole.reset_metrics()
            named = float((weights > 0).sum())
            losses, right, count = losses + found["loss"] * named, right + found["accuracy"] * named, count + named
        count = max(count, 1.0)
        return {"validation_loss": float(losses / count), "validation_accuracy": float(right / count)}


def _fixed(encoder: TextEncoder) -> npt.NDArray[np.int32]:
    """Ids that are never masked: padding, unknown tokens of a vocabulary, the special tokens around a text."""
    around = encoder.encode([""], 8, "end").ids
    return np.unique(np.concatenate([[PADDING], around if len(around) else [UNKNOWN]])).astype(np.int32)
