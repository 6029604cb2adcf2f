"""Rows of ids and their labels -> a network with fitted weights."""

import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from tenor._core.callbacks import Callback
from tenor.models.base import Loss, NetworkConfig
from tenor.models.context import FitContext
from tenor.models.family import NetworkFamily
from tenor.models.linear import head
from tenor.models.neural import losses, parallel, precision
from tenor.models.neural.network import Network, PretrainedWeights
from tenor.tasks import Floats, Regression, Targets, Task
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded, TextEncoder
from tenor.training.trainer import Trainer

_FEW_TEXTS = 1_000  # up to so many, the head is fitted once more after the whole network


class EncodedExamples(NamedTuple):
    """Labelled texts as ids.

    Attributes:
        encoded: Their ids.
        targets: What `task.encode` makes of their labels.
        weights: (texts,) how much each counts.
    """

    encoded: Encoded
    targets: Targets
    weights: Floats


@dataclass(frozen=True)
class NetworkJob:
    """A network to train: all that a process needs for it.

    Attributes:
        family: Its family.
        task: What is predicted.
        config: The family's settings, filled in.
        text_encoder: How texts became ids.
        seed: Seed of everything random.
        init: A pretrained encoder to start from.
        train: What to learn from.
        validation: What the best epoch is chosen on.
        head_examples: What the head is fitted to before the whole network is; None where it is not.
    """

    family: NetworkFamily
    task: Task
    config: NetworkConfig
    text_encoder: TextEncoder
    seed: int
    init: PretrainedWeights | None
    train: EncodedExamples
    validation: EncodedExamples
    head_examples: EncodedExamples | None


class TrainedNetwork(NamedTuple):
    """What came of it.

    Attributes:
        network: The network, in float32.
        history: A row for each epoch, or for each strength of the head that was tried.
        steps: A row for each step.
    """

    network: Network
    history: list[dict[str, Any]]
    steps: list[dict[str, Any]]


def train_network(work: NetworkJob, context: FitContext) -> TrainedNetwork:
    """Train the network in this process, or its share where processes train it together.

    Args:
        work: What to train.
        context: Who hears of progress, where checkpoints go, and how much time there is; seed and first weights are
            those of `work`.
    """
    begin, callback = time.perf_counter(), context.callback
    context = replace(context, seed=work.seed)
    keras_model = build_model(work.family, work.config, work.task, work.seed, work.init)
    network = Network(work.family, work.task, work.config, work.text_encoder, keras_model)
    if getattr(work.config, "tune", None) == "frozen":
        history = _fit_head(network, work.train, work.seed, callback)
        return TrainedNetwork(replace(network, keras_model=in_float32(network)), history, [])
    if work.head_examples is not None:
        _fit_head(network, work.head_examples, work.seed, callback)
    loop = Trainer(_Labels(network, work.train, work.validation), work.config, context)
    loop.train(None if context.seconds is None else begin + context.seconds)
    network = replace(network, config=loop.config)
    network = replace(network, keras_model=in_float32(network))
    usual = work.config.loss == default_loss(work.task) and not work.config.focal
    if usual and len(work.train.targets) <= _FEW_TEXTS:
        # Few steps make features that tell classes apart; a regularised head makes more of them than theirs did.
        _fit_head(network, work.train, work.seed, callback, choose=False)
    return TrainedNetwork(network, loop.state.history, loop.step_table())


def default_loss(task: Task) -> Loss:
    """The loss of a task where no other is asked for."""
    return "cross-entropy" if task.has_labels else "mean-squared-error"


def build_model(
    family: NetworkFamily, config: NetworkConfig, task: Task, seed: int, start: PretrainedWeights | None = None
) -> Any:
    """A new Keras model, in the precision that training computes with, with the weights that training starts from."""
    keras_model = _build(family, config, task, precision.dtype_policy(config), seed)
    if start is not None:
        for variable in keras_model.weights:
            if variable.path in start.arrays:
                variable.assign(start.arrays[variable.path])
    elif family.initialise is not None:
        family.initialise(config, keras_model)
    return keras_model


def in_float32(network: Network) -> Any:
    """The Keras model as one that computes in float32, as every prediction does."""
    if precision.dtype_policy(network.config) == "float32":
        return network.keras_model
    keras_model = _build(network.family, network.config, network.task, "float32", 0)
    for variable, value in zip(keras_model.weights, network.keras_model.weights, strict=True):
        variable.assign(value)
    return keras_model


def _build(family: NetworkFamily, config: NetworkConfig, task: Task, policy: str, seed: int) -> Any:
    with seeded(seed), precision.use_dtype_policy(policy):
        return family.build(config, task)


def _fit_head(
    network: Network, part: EncodedExamples, seed: int, callback: Callback, choose: bool = True
) -> list[dict[str, Any]]:
    """Fit the head alone, on features of each text that are computed once.

    That is all where the encoder is frozen. Else it comes first, so that a head that knows nothing does not distort the
    encoder (Kumar et al., 2022, "Fine-Tuning can Distort Pretrained Features"), and of few texts last again.
    """
    features = network.features(part.encoded, callback)
    found, tried = head.fit(features, part.targets, network.task, part.weights, seed, choose)
    for variable, value in zip(network.keras_model.get_layer("logits").weights, found, strict=True):
        variable.assign(parallel.broadcast(value))
    return tried


class _Labels:
    """The labels of each text."""

    def __init__(self, network: Network, learned: EncodedExamples, held: EncodedExamples) -> None:
        self.network, self.task, self.keras_model = network, network.task, network.keras_model
        self.encoded, self.held = learned.encoded, held
        self.max_row_length = network.max_row_length
        self.loss, self.metric = _loss(network.config, network.task), _metric(network.task)
        scale = network.family.learning_rate_scale
        self.learning_rate_scale = None if scale is None else scale(network.config)
        self.targets = learned.targets
        text = self.encoded.row_to_text
        self.share = learned.weights[text] / self.encoded.rows_of_text[text]
        self.share /= self.share.mean()

    def batch_arrays(self, batch: Batch, _: np.random.Generator) -> tuple[Any, Any, Any]:
        # Every batch of a width has the same number of rows, so that it has the same shape: those that are missing
        # are empty texts of weight 0.
        rows, missing = len(batch.rows), batch.size - len(batch.rows)
        ids = np.pad(self.encoded.pad(batch.rows, batch.width), ((0, missing), (0, 0)))
        desired = np.zeros((batch.size, self.task.n_outputs), np.float32)
        desired[:rows] = self.task.output_targets(self.targets[self.encoded.row_to_text[batch.rows]])
        weight = np.zeros(batch.size, np.float32)
        weight[:rows] = self.share[batch.rows]
        return ids, desired, weight * (batch.size / rows)

    def evaluate(self) -> dict[str, float]:
        targets = self.held.targets
        if not len(targets):
            return {}
        logits = self.network.score(self.held.encoded)
        found = {"loss": float(self.task.losses(targets, logits).mean()), **self.task.training_metrics(targets, logits)}
        return {f"validation_{name}": value for name, value in found.items()}


def _loss(config: NetworkConfig, task: Task) -> losses.Loss:
    if config.loss == "cross-entropy":
        return losses.cross_entropy(task.activation, config.label_smoothing, config.focal)
    errors = {
        "mean-squared-error": losses.squared_error,
        "mean-absolute-error": losses.absolute_error,
        "huber": losses.huber,
    }
    return errors[str(config.loss)](task.activation)


def _metric(task: Task) -> Any:
    """What is followed in training: the share of right decisions; of numbers the mean error, in their unit."""
    if isinstance(task, Regression):
        spread = task.std
        return keras.metrics.MeanMetricWrapper(
            lambda desired, logits: ops.abs(desired - logits)[:, 0] * spread, "mean_absolute_error"
        )
    if task.activation == "sigmoid":  # what is desired may be a probability
        return keras.metrics.MeanMetricWrapper(
            lambda desired, logits: ops.mean(ops.cast(ops.equal(desired >= 0.5, logits > 0), "float32"), -1), "accuracy"
        )
    return keras.metrics.CategoricalAccuracy("accuracy")


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed what Keras draws the seeds of weights and dropout from, and give the process its own random state back.

    `keras.utils.set_random_seed` would load TensorFlow whatever the backend is.
    """
    before = random.getstate()
    random.seed(seed)
    yield
    random.setstate(before)
