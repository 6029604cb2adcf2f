"""Encoded texts and labels -> a network with fitted weights."""

import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import keras

from tenor._core.callbacks import Callback
from tenor._core.records import JsonObject
from tenor.models.context import FitContext
from tenor.models.family import NetworkFamily
from tenor.models.linear.head import LabelledFeatures, random_folds
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import precision
from tenor.models.neural.network import Network, PretrainedWeights
from tenor.tasks import Task
from tenor.text.encoded import TextEncoder
from tenor.training import compiled_networks, losses
from tenor.training.joint_model import JointModel
from tenor.training.objective import EncodedExamples, LabelObjective
from tenor.training.trainer import Trainer

_FEW_TEXTS = 1_000  # with at most this many texts, the head is fitted again after the whole network
_MIN_TEXTS_TO_CHOOSE = 200  # with fewer, a head that fits closely would leave the encoder nothing to learn


@dataclass(frozen=True)
class NetworkJob:
    """A network to train, with everything that a process needs for it.

    Attributes:
        family: Its family.
        task: The task.
        config: The family's settings, all filled in.
        text_encoder: The encoder that turned the texts into ids.
        seed: Seed of everything random.
        init: A pretrained encoder to start from.
        train: Training examples.
        validation: Examples that choose the best epoch.
        head_examples: Examples to fit the head to before the whole network; None: do not.
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
    """The result of a `NetworkJob`.

    Attributes:
        network: The network, in float32.
        history: One row per epoch, or per regularisation of the head that was tried.
        steps: One row per step.
    """

    network: Network
    history: list[JsonObject]
    steps: list[dict[str, float]]


def train_network(job: NetworkJob, context: FitContext) -> TrainedNetwork:
    """Train a network in this process. Inside `parallel.data_parallel_scope`, this process trains its share.

    Args:
        job: The network to train.
        context: Callback, checkpoints and time limit. Seed and first weights come from `job`.
    """
    started_at, callback = time.perf_counter(), context.callback
    context = replace(context, seed=job.seed)
    keras_model = build_model(job.family, job.config, job.task, job.seed, job.init)
    network = Network(
        family=job.family, task=job.task, config=job.config, text_encoder=job.text_encoder, keras_model=keras_model
    )
    features = job.train.encoded.features
    joint = JointModel.build(network, 0 if features is None else features.shape[1])
    if getattr(job.config, "tune", None) == "frozen":
        history = _fit_head(joint, job.train, job.seed, callback)
        network = joint.current_network()
        return TrainedNetwork(replace(network, keras_model=to_float32(network)), history, [])
    if job.head_examples is not None:
        enough = len(job.head_examples.targets) >= _MIN_TEXTS_TO_CHOOSE
        _fit_head(joint, job.head_examples, job.seed, callback, choose=enough)
    joint = compiled_networks.take_equal(joint)
    trainer = Trainer(LabelObjective(joint, job.train, job.validation), job.config, context)
    trainer.train(None if context.seconds is None else started_at + context.seconds)
    network = replace(joint.current_network(), config=trainer.config)
    can_keep = compiled_networks.can_keep(joint)
    network = replace(network, keras_model=to_float32(network, copy=can_keep))
    if can_keep:
        compiled_networks.keep(joint)
    has_default_loss = job.config.loss == losses.default_loss(job.task) and not job.config.focal
    if has_default_loss and len(job.train.targets) <= _FEW_TEXTS:
        # A few steps are enough for features that separate the classes. A regularised head uses them better.
        joint = replace(joint, network=network)
        _fit_head(joint, job.train, job.seed, callback, choose=False)
        network = joint.current_network()
    return TrainedNetwork(network, trainer.state.history, trainer.step_table())


def build_model(
    family: NetworkFamily, config: NetworkConfig, task: Task, seed: int, init: PretrainedWeights | None = None
) -> keras.Model:
    """Build a Keras model in the precision of training, with its first weights.

    Args:
        family: The network's family.
        config: The family's settings, all filled in.
        task: The task.
        seed: Seed of random weights and of dropout.
        init: A pretrained encoder to start from; None: the family's own first weights.
    """
    keras_model = _build(family, config, task, precision.dtype_policy(config), seed)
    if init is not None:
        for variable in keras_model.weights:
            if variable.path in init.arrays:
                variable.assign(init.arrays[variable.path])
    elif family.initialise is not None:
        family.initialise(config, keras_model)
    return keras_model


def to_float32(network: Network, copy: bool = False) -> keras.Model:
    """The network's Keras model in float32, which all predictions use: itself if it is float32, unless `copy`."""
    if precision.dtype_policy(network.config) == "float32" and not copy:
        return network.keras_model
    keras_model = _build(network.family, network.config, network.task, "float32", 0)
    for variable, value in zip(keras_model.weights, network.keras_model.weights, strict=True):
        variable.assign(value)
    return keras_model


def _build(family: NetworkFamily, config: NetworkConfig, task: Task, policy: str, seed: int) -> keras.Model:
    with seeded(seed), precision.use_dtype_policy(policy):
        return family.build(config, task)


def _fit_head(
    joint: JointModel, examples: EncodedExamples, seed: int, callback: Callback, choose: bool = True
) -> list[JsonObject]:
    """Fit the head alone, on features that the network computes once for each text.

    A frozen encoder needs nothing more. Otherwise the head is fitted first, so that a random head does not distort the
    encoder (Kumar et al., 2022, "Fine-Tuning can Distort Pretrained Features"), and with few texts again at the end.
    """
    values, task, encoded = joint.network.features(examples.encoded, callback), joint.network.task, examples.encoded
    features = LabelledFeatures(values, examples.targets, task, examples.weights, encoded.features)
    head = features.fit_frozen(random_folds(len(features), seed)) if choose else features.fit_tuned()
    joint.assign_head(head.weights)
    return head.candidates


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the source from which Keras draws the seeds of weights and dropout; restore the random state at the end.

    `keras.utils.set_random_seed` would load TensorFlow, whatever the backend.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
