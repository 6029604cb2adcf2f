"""Fit a neural family: labelled texts -> a network as an ONNX graph, with its logits on held-out texts."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from tenor._core.callbacks import Callback
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.errors import TenorError
from tenor.models.base import Examples, Fitted, HeldOut
from tenor.models.context import FitContext
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import compiled
from tenor.models.neural.network import Network, PretrainedWeights
from tenor.models.onnx import export
from tenor.models.onnx.onnx_network import OnnxNetwork
from tenor.models.tabular import row_encoder
from tenor.tasks import Targets
from tenor.text import batches
from tenor.text.encoded import Encoded, TextEncoder
from tenor.training import losses, network_training, truncation
from tenor.training.network_training import NetworkJob, TrainedNetwork
from tenor.training.objective import EncodedExamples

_SMALLEST_BATCH = 1024  # tokens
_EPOCH_BATCHES, _RUN_BATCHES = 100, 300
_MOST_EPOCHS = 10
_THRESHOLDS_SHARE = 0.1  # of the texts: validation for the thresholds of labels, unless the settings name a share
_CALIBRATION_TEXTS = 500  # from this many texts in each half of the validation texts on, calibration has its own half
_FEWEST_CALIBRATION, _MOST_CALIBRATION = 100, 2_000  # texts that are held out for calibration alone
_COMPARED = 64  # texts on which an ONNX graph is compared with its network
_HEAD_TEXTS = 1_000  # texts that the head is fitted to before the whole network

Config = TypeVar("Config", bound=NetworkConfig)


class NetworkTrainer(Protocol):
    """Trains a network in this process, like `network_training.train_network`, or on other machines."""

    def __call__(self, job: NetworkJob, context: FitContext, /) -> TrainedNetwork:
        """Train the network of `job`."""


def fit(
    family: NetworkFamily,
    examples: Examples,
    config: NetworkConfig,
    context: FitContext,
    train_network: NetworkTrainer = network_training.train_network,
) -> Fitted:
    """Train a network and keep the weights of its best epoch.

    Args:
        family: Its family.
        examples: Labelled texts. Their validation examples, or a share of the texts (`config.validation`), choose the
            best epoch and serve calibration; with enough of them, each purpose gets one half.
        config: The family's settings.
        context: Seed, callback, checkpoints, first weights, and the time limit for all but the ONNX graph.
        train_network: Trains the network.

    Raises:
        SettingsError: The loss does not serve the task.
        TenorError: The checkpoint to resume from is damaged or belongs to another run.
    """
    started_at, task = time.perf_counter(), examples.task
    config = replace(config.for_texts(len(examples)), loss=losses.choose_loss(config, task))
    split = _split(examples, config, context.seed)
    config, encoder = fit_text_encoder(family, config, split.train.texts, context.init, examples.fields)
    encoded = _encode(split, config, encoder)
    for note in config.notes:
        context.callback.on_message(note)
    _report_truncation(encoded, len(examples), config, context.callback)
    config = choose_batch_size(config, encoded.train.lengths, encoder.max_row_length(config.max_length))
    encoded_at = time.perf_counter()

    job = NetworkJob(
        family=family,
        task=task,
        config=config,
        text_encoder=encoder,
        seed=context.seed,
        init=context.init,
        train=EncodedExamples(encoded.train, split.train.targets, split.train.weights),
        validation=EncodedExamples(encoded.validation, split.validation.targets, split.validation.weights),
        head_examples=_head_examples(family, split.train, config, encoder, context.seed),
    )
    remaining = None if context.seconds is None else started_at + context.seconds - time.perf_counter()
    network, history, steps = train_network(job, replace(context, seconds=remaining))
    trained_at = time.perf_counter()

    calibration = split.calibration
    model = _export(network, calibration.texts if len(calibration) else split.train.texts, context.callback)
    exported_at = time.perf_counter()
    held_out = None
    if len(calibration):
        chose_epoch = calibration is split.validation and not _is_frozen(config)
        held_out = HeldOut(calibration.targets, model.score(encoded.calibration), chose_epoch)
    timing = {
        "encode_s": encoded_at - started_at,
        "fit_s": trained_at - encoded_at,
        "export_s": exported_at - trained_at,
        "calibrate_s": time.perf_counter() - exported_at,
    }
    return Fitted(
        task=task,
        model=model,
        config=network.config,
        timing=timing,
        history=history,
        held_out=held_out,
        steps=steps,
    )


class _Split(NamedTuple):
    """Examples to train on, to choose the best epoch on, and to calibrate on; the last two may be the same object."""

    train: Examples
    validation: Examples
    calibration: Examples


class _EncodedSplit(NamedTuple):
    """The texts of a `_Split` as ids; the last two are the same object where those of the split are."""

    train: Encoded
    validation: Encoded
    calibration: Encoded


def _split(examples: Examples, config: NetworkConfig, seed: int) -> _Split:
    share = config.validation
    if examples.task.is_multilabel:
        share = share or _THRESHOLDS_SHARE
    train, validation = examples.train_validation_split(share, seed)
    calibration = validation
    if not _is_frozen(config) and len(validation) >= 2 * _CALIBRATION_TEXTS:
        validation, calibration = validation.split(0.5, seed)
    elif not share and not len(validation) and config.calibration * len(examples) >= _FEWEST_CALIBRATION:
        train, calibration = examples.split(min(config.calibration, _MOST_CALIBRATION / len(examples)), seed)
    return _Split(train, validation, calibration)


def _encode(split: _Split, config: NetworkConfig, encoder: TextEncoder) -> _EncodedSplit:
    tokens = config.max_length
    train = encoder.encode(split.train.texts, tokens, config.truncation)
    validation = calibration = encoder.encode(split.validation.texts, tokens, config.inference_truncation)
    if split.calibration is not split.validation:
        calibration = encoder.encode(split.calibration.texts, tokens, config.inference_truncation)
    return _EncodedSplit(train, validation, calibration)


def _report_truncation(encoded: _EncodedSplit, n_texts: int, config: NetworkConfig, callback: Callback) -> None:
    n_truncated = encoded.train.n_truncated + encoded.validation.n_truncated
    if encoded.calibration is not encoded.validation:
        n_truncated += encoded.calibration.n_truncated
    truncation.report(n_truncated, n_texts, config, callback)


def _head_examples(
    family: NetworkFamily, train: Examples, config: NetworkConfig, encoder: TextEncoder, seed: int
) -> EncodedExamples | None:
    """Examples to fit the head to before the whole network; None: the whole network is trained at once.

    A network from random weights has dropout in all layers, and a head that was fitted without it would be wrong.
    """
    if _is_frozen(config) or family.initialise is None:
        return None
    sample = train.take(_stratified_sample(train.task.strata(train.targets), _HEAD_TEXTS, seed))
    encoded = encoder.encode(sample.texts, config.max_length, config.truncation)
    return EncodedExamples(encoded, sample.targets, sample.weights)


def _is_frozen(config: NetworkConfig) -> bool:
    """Whether only the head is trained."""
    return getattr(config, "tune", None) == "frozen"


def _export(network: Network, texts: Sequence[str], callback: Callback) -> Network | OnnxNetwork:
    """The network as an ONNX graph, compared on texts of all lengths; if that fails, the network itself."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(len(order), _COMPARED)).astype(int)]
    try:
        return export.export(network, network.encode([texts[row] for row in chosen]))
    except TenorError as error:
        callback.on_message(str(error))
        return network


def fit_text_encoder(
    family: NetworkFamily,
    config: Config,
    texts: Sequence[str],
    init: PretrainedWeights | None = None,
    fields: Fields = SINGLE_TEXT,
) -> tuple[Config, TextEncoder]:
    """Fit the encoder of texts, or take that of a pretrained encoder.

    Args:
        family: The network's family.
        config: The family's settings.
        texts: Training texts.
        init: A pretrained encoder to start from.
        fields: The columns of a row.

    Returns:
        The settings with the family's choices filled in, and the encoder.
    """
    if fields.is_single_text:
        return (config, init.text_encoder) if init is not None else family.encode(config, texts)
    if init is not None:
        return config, row_encoder.build(init.text_encoder, texts, fields, has_room=False)
    n_ids: int | None = getattr(config, "vocabulary", None)
    one_less: dict[str, Any] = (
        {} if n_ids is None else {"vocabulary": n_ids - 1}
    )  # a word is left out for the separator
    filled, encoder = family.encode(replace(config, **one_less), row_encoder.FieldTexts(texts, fields))
    filled = filled if n_ids is None else replace(filled, vocabulary=n_ids)
    rows = row_encoder.build(encoder, texts, fields, has_room=n_ids is not None)
    return (filled, rows) if family.mark_second_text is None else family.mark_second_text(filled, rows)


def choose_batch_size(config: Config, lengths: npt.NDArray[np.int64], max_row_length: int) -> Config:
    """Choose the size of a batch, and the number of epochs unless the settings name it, by the amount of data.

    Args:
        config: The settings.
        lengths: (rows,) ids in each row.
        max_row_length: Ids in the longest row that the encoder makes.
    """
    tokens = min(config.batch_tokens, max(_SMALLEST_BATCH, int(lengths.sum()) // _EPOCH_BATCHES))
    config = replace(config, batch_tokens=tokens)
    if config.epochs is None:
        if compiled.any_shape() and batches.sorts_by_length(lengths, tokens):
            n_batches = len(batches.length_sorted_batches(lengths, tokens, 0, 0))
        else:
            n_batches = len(batches.sequential_batches(lengths, tokens, batches.choose_widths(lengths, max_row_length)))
        epochs = min(max(math.ceil(_RUN_BATCHES / max(n_batches, 1)), config.min_epochs), _MOST_EPOCHS)
        config = replace(config, epochs=epochs)
    return config


def _stratified_sample(strata: Targets, size: int, seed: int) -> npt.NDArray[np.int64]:
    """Choose rows at random, in rising order: `size`, or all if there are fewer, but at least one of each stratum."""
    order = np.random.default_rng(seed).permutation(len(strata))
    one_of_each = np.unique(strata[order], return_index=True)[1]
    sample = np.concatenate([order[one_of_each], np.delete(order, one_of_each)])
    return np.sort(sample[: max(size, len(one_of_each))])
