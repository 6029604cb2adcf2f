"""What a network learns: the batches of a step, the loss, and the metrics on validation texts."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import keras
import numpy as np
from keras import ops

from tenor.models.network_config import NetworkConfig
from tenor.models.neural import losses, optimizers
from tenor.models.neural.keras_types import Array
from tenor.tasks import Floats, Regression, Targets, Task
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded
from tenor.training.joint_model import JointModel

_BASELINE_TEXTS = 2_000


class BatchArrays(NamedTuple):
    """The arrays of one batch.

    Attributes:
        inputs: The inputs of the Keras model, (rows, ...) each.
        targets: (rows, ...).
        weights: (rows, ...) weight of each target in the loss; 0 for rows that pad the batch.
    """

    inputs: Array | Sequence[Array]
    targets: Array
    weights: Array


class Objective(Protocol):
    """What a run trains, and on which rows.

    Attributes:
        keras_model: The model.
        encoded: The training rows.
        max_row_length: Ids in the longest row.
        loss: (targets, outputs) -> losses.
        metric: The Keras metric that training reports.
        learning_rate_scale: Path of a variable -> its factor on the learning rate; None: 1 for all.
    """

    keras_model: keras.Model
    encoded: Encoded
    max_row_length: int
    loss: losses.Loss
    metric: keras.metrics.Metric
    learning_rate_scale: optimizers.LearningRateScale | None

    def batch_arrays(self, batch: Batch, random: np.random.Generator) -> BatchArrays:
        """The arrays of a batch. Their shapes depend on `batch.width` and `batch.size` alone."""

    def evaluate(self) -> dict[str, float]:
        """Metrics on the validation texts, `validation_loss` first; empty without such texts."""

    def baseline_loss(self) -> float | None:
        """The loss of the same prediction for every text, on the texts of `evaluate`, else on the training texts.

        None: the rows have no labels.
        """


class EncodedExamples(NamedTuple):
    """Labelled texts as ids.

    Attributes:
        encoded: The ids of the texts.
        targets: The result of `task.encode` for their labels.
        weights: (texts,) weight of each text.
    """

    encoded: Encoded
    targets: Targets
    weights: Floats


class LabelObjective:
    """Predict the labels of texts. Attributes and methods are those of `Objective`."""

    def __init__(self, joint: JointModel, train: EncodedExamples, validation: EncodedExamples) -> None:
        """Take the network to train, the texts to train on, and those to evaluate on, which may be none."""
        network = joint.network
        self.joint, self.task, self.keras_model = joint, network.task, joint.keras_model
        self.encoded, self.targets, self.validation = train.encoded, train.targets, validation
        self.max_row_length = network.max_row_length
        self._n_evaluations = network.config.epochs or 1
        self.loss, self.metric = _loss(network.config, network.task), _metric(network.task)
        scale = network.family.learning_rate_scale
        self.learning_rate_scale = None if scale is None else scale(network.config)
        text = self.encoded.row_to_text
        self._row_weights = train.weights[text] / self.encoded.rows_of_text[text]
        self._row_weights /= self._row_weights.mean()

    def batch_arrays(self, batch: Batch, random: np.random.Generator) -> BatchArrays:
        """Ids (rows, width), perhaps features (rows, features), targets (rows, outputs) and weights (rows,)."""
        # All batches of a width have the same shape: empty texts of weight 0 pad them to `batch.size` rows.
        rows, missing = len(batch.rows), batch.size - len(batch.rows)
        ids = np.pad(self.encoded.pad(batch.rows, batch.width), ((0, missing), (0, 0)))
        targets = np.zeros((batch.size, self.task.n_outputs), np.float32)
        targets[:rows] = self.task.output_targets(self.targets[self.encoded.row_to_text[batch.rows]])
        weights = np.zeros(batch.size, np.float32)
        weights[:rows] = self._row_weights[batch.rows]
        inputs: Array | Sequence[Array] = ids
        if self.encoded.features is not None:
            features = np.zeros((batch.size, self.encoded.features.shape[1]), np.float32)
            features[:rows] = self.encoded.features[self.encoded.row_to_text[batch.rows]].toarray()
            inputs = [ids, features]
        return BatchArrays(inputs, targets, weights * (batch.size / max(rows, 1)))

    def evaluate(self) -> dict[str, float]:
        """Loss and metrics of the task on the validation texts."""
        targets = self.validation.targets
        if not len(targets):
            return {}
        network = self.joint.current_network()
        # The number of epochs decides, so that a resumed run computes what an unbroken one does.
        network.expect_predictions(self.validation.encoded, self._n_evaluations)
        logits = network.score(self.validation.encoded)
        loss = float(self.task.losses(targets, logits).mean())
        metrics = {"loss": loss, **self.task.training_metrics(targets, logits)}
        return {f"validation_{name}": value for name, value in metrics.items()}

    def baseline_loss(self) -> float | None:
        """The loss of predicting the label rates, or the mean, for every text; from at most 2,000 training texts."""
        rows = np.linspace(0, len(self.targets) - 1, min(len(self.targets), _BASELINE_TEXTS)).astype(int)
        targets = self.task.output_targets(self.targets[rows])
        logits = _constant_logits(targets, self.task)
        if len(self.validation.targets):
            same = np.tile(logits, (len(self.validation.targets), 1))
            return float(self.task.losses(self.validation.targets, same).mean())
        losses = self.loss(ops.convert_to_tensor(targets), ops.convert_to_tensor(np.tile(logits, (len(rows), 1))))
        return float(ops.mean(losses))


def _constant_logits(targets: Floats, task: Task) -> Floats:
    """The logits of the label rates, or the mean of numbers, (outputs,). Absent labels get a small rate."""
    n_rows, n_outputs = targets.shape
    if task.activation == "softmax":
        return np.asarray(np.log((targets.sum(axis=0) + 1) / (n_rows + n_outputs)), np.float32)
    if task.activation == "sigmoid":
        rates = (targets.sum(axis=0) + 0.5) / (n_rows + 1)
        return np.asarray(np.log(rates / (1 - rates)), np.float32)
    return np.asarray(targets.mean(axis=0), np.float32)


def _loss(config: NetworkConfig, task: Task) -> losses.Loss:
    if config.loss == "cross-entropy":
        return losses.cross_entropy(task.activation, config.label_smoothing, config.focal)
    of_errors = {
        "mean-squared-error": losses.squared_error,
        "mean-absolute-error": losses.absolute_error,
        "huber": losses.huber,
    }
    return of_errors[str(config.loss)](task.activation)


def _metric(task: Task) -> keras.metrics.Metric:
    """The metric that training reports: accuracy, or the mean absolute error in the unit of the target."""
    if isinstance(task, Regression):
        std = task.std
        return keras.metrics.MeanMetricWrapper(
            lambda targets, logits: ops.abs(targets - logits)[:, 0] * std, "mean_absolute_error"
        )
    if task.activation == "sigmoid":  # a target may be a probability
        return keras.metrics.MeanMetricWrapper(
            lambda targets, logits: ops.mean(ops.cast(ops.equal(targets >= 0.5, logits > 0), "float32"), -1), "accuracy"
        )
    return keras.metrics.CategoricalAccuracy("accuracy")
