"""The objective of pretraining: predict masked tokens.

15% of the tokens of a row are predicted. Of these, 80% are replaced by the mask token, 10% by a random token, and 10%
stay (Devlin et al., 2019). An encoder with random weights predicts 40% (Wettig et al., 2023, "Should You Mask 15% in
Masked Language Modeling?"), and frequent tokens less often (Mikolov et al., 2013, "Distributed Representations of Words
and Phrases"), since it has few texts to learn words from, and `the` teaches it little.

Training predicts a masked token among the masked tokens of its batch and some random ones. The logarithm of the
probability that a candidate is among them is subtracted from its logit (sampled softmax: Jean et al., 2015). Without
this, most of the time would go into the other logits. Validation predicts among all tokens. The choice of masked and
candidate tokens is a function of (seed, epoch, batch), so a resumed run ends with the same weights.
"""

import math

import keras
import numpy as np
import numpy.typing as npt

from tenor.models.neural import compiled, masked_head, optimizers, precision
from tenor.models.neural.network import Network
from tenor.text.batches import Batch
from tenor.text.encoded import PADDING, Encoded, TextEncoder
from tenor.text.vocabulary import UNKNOWN
from tenor.training import network_training
from tenor.training.objective import BatchArrays

_SHARE, _MASK, _RANDOM = 0.15, 0.8, 0.1
_SHARE_FROM_SCRATCH = 0.4
_FREQUENT = 1e-4  # share of all tokens; a token f times as frequent is masked sqrt(f) times less often than it occurs
_CANDIDATES = 512  # random candidates of a batch, beside its masked tokens
_EXCLUDED = 1e4  # is subtracted from the logit of a candidate that is a duplicate or is never masked
_VALIDATION_SEED = 1 << 31


class MaskedTokenObjective:
    """Predict masked tokens. Attributes and methods are those of `Objective`.

    Attributes:
        full_model: Predicts among all tokens, with the weights of `keras_model`.
        vocabulary_size: Number of token ids.
    """

    learning_rate_scale: optimizers.LearningRateScale | None = None

    def __init__(self, network: Network, train: Encoded, validation: Encoded, seed: int) -> None:
        """Take the network to train, the rows to train on, those to evaluate on, which may be none, and a seed."""
        self.network, self.encoded, self.validation, self.seed = network, train, validation, seed
        self.max_row_length = network.max_row_length
        with network_training.seeded(seed):
            self.keras_model, self.full_model = masked_head.build_models(
                network.keras_model, precision.dtype_policy(network.config)
            )
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.metric = keras.metrics.SparseCategoricalAccuracy("accuracy")
        self.full_model.compile(
            loss=self.loss,
            weighted_metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
            jit_compile=keras.backend.backend() == "jax",
        )
        self._mask_id, self._never_masked = (
            masked_head.mask_id(network.text_encoder),
            _never_masked(network.text_encoder),
        )
        self.vocabulary_size = network.text_encoder.size
        frequency = np.bincount(train.ids, minlength=self.vocabulary_size) / max(len(train.ids), 1)
        if network.family.initialise is None:
            self._share = _SHARE_FROM_SCRATCH
            self._odds = np.sqrt(_FREQUENT / np.maximum(frequency, _FREQUENT))
        else:
            self._share, self._odds = _SHARE, np.ones(self.vocabulary_size)
        masked_frequency = frequency * self._odds
        masked_frequency[self._never_masked] = 0
        self._masked_share = np.minimum(masked_frequency / max(masked_frequency.sum(), 1e-9), 1 - 1e-9)

    def batch_arrays(self, batch: Batch, random: np.random.Generator) -> BatchArrays:
        """Mask tokens of a batch and draw the candidates that training predicts among."""
        masked = self._mask(self.encoded, batch, random)
        targets, weights = masked.targets, masked.weights
        drawn_shape = batch.size, math.ceil(_CANDIDATES / batch.size)
        drawn = random.integers(1, self.vocabulary_size, drawn_shape, dtype=np.int32)
        candidates = np.concatenate([targets, drawn], axis=1)
        tokens, first, inverse = np.unique(candidates, return_index=True, return_inverse=True)
        # The probability that a token is a candidate: that it is masked or drawn at least once.
        log_absent = (weights > 0).sum() * np.log1p(-self._masked_share[tokens])
        log_absent += drawn.size * math.log1p(-1 / self.vocabulary_size)
        log_probability = np.full(candidates.size, _EXCLUDED, np.float32)
        excluded = np.isin(tokens, self._never_masked)
        log_probability[first] = np.where(excluded, _EXCLUDED, np.log(-np.expm1(log_absent)))
        target_positions = first[inverse.reshape(candidates.shape)[:, : targets.shape[1]]].astype(np.int32)
        inputs = [*masked.inputs, candidates, log_probability.reshape(candidates.shape)]
        return BatchArrays(inputs, target_positions, weights)

    def _mask(self, encoded: Encoded, batch: Batch, random: np.random.Generator) -> BatchArrays:
        """Ids with masked tokens and the positions of these, the tokens that they hide, and weights."""
        ids = np.pad(encoded.pad(batch.rows, batch.width), ((0, batch.size - len(batch.rows)), (0, 0)))
        n_positions = max(1, round(batch.width * self._share))
        maskable = ~np.isin(ids, self._never_masked)
        # Drawn by their odds without replacement (Efraimidis and Spirakis, 2006); ids that are never masked come last.
        draws = np.where(maskable, random.exponential(size=ids.shape) / self._odds[ids], np.inf)
        positions = np.argsort(draws, axis=1, kind="stable")[:, :n_positions]
        n_masked = np.minimum(np.ceil(maskable.sum(axis=1) * self._share), n_positions)
        weights = (np.arange(n_positions) < n_masked[:, None]).astype(np.float32)
        targets = np.take_along_axis(ids, positions, axis=1)
        draw = random.random(positions.shape)
        random_ids = random.integers(1, self.vocabulary_size, positions.shape)
        shown = np.where(draw < _MASK, self._mask_id, np.where(draw < _MASK + _RANDOM, random_ids, targets))
        np.put_along_axis(ids, positions, np.where(weights > 0, shown, targets).astype(np.int32), axis=1)
        weights *= weights.size / max(weights.sum(), 1.0)
        return BatchArrays([ids, positions.astype(np.int32)], targets, weights)

    def baseline_loss(self) -> None:
        """None: the texts have no labels."""
        return None

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on the validation texts, always with the same tokens masked."""
        if not len(self.validation.lengths):
            return {}
        random = np.random.default_rng((self.seed, _VALIDATION_SEED))
        loss_sum = accuracy_sum = count = 0.0
        for batch in self.network.sequential_batches(self.validation.lengths, self.network.config.batch_tokens):
            inputs, targets, weights = self._mask(self.validation, batch, random)
            compiled.trace_test_step(self.full_model, (inputs, targets, weights))
            metrics = self.full_model.test_on_batch(inputs, targets, sample_weight=weights, return_dict=True)
            self.full_model.reset_metrics()
            n_masked = float((weights > 0).sum())
            loss_sum += metrics["loss"] * n_masked
            accuracy_sum += metrics["accuracy"] * n_masked
            count += n_masked
        count = max(count, 1.0)
        return {"validation_loss": float(loss_sum / count), "validation_accuracy": float(accuracy_sum / count)}


def _never_masked(encoder: TextEncoder) -> npt.NDArray[np.int32]:
    """Ids that are never masked: padding, unknown words of a vocabulary, the special tokens around a text."""
    special = encoder.encode([""], 8, "end").ids
    return np.unique(np.concatenate([[PADDING], special if len(special) else [UNKNOWN]])).astype(np.int32)
