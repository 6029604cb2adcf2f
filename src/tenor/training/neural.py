"""Fitting a neural family: labelled texts -> a network as ONNX, with what it says of texts held out."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core.callbacks import Callback
from tenor.config.settings import require
from tenor.errors import TenorError, counted
from tenor.models.base import Examples, Fitted, HeldOut, Loss, NetworkConfig
from tenor.models.context import FitContext
from tenor.models.family import NetworkFamily
from tenor.models.neural.network import Network, PretrainedWeights
from tenor.models.onnx import export
from tenor.models.onnx.onnx_network import OnnxNetwork
from tenor.tasks import Targets, Task
from tenor.text import batches
from tenor.text.encoded import COVERS_WHOLE_TEXT, TextEncoder
from tenor.training import network_training
from tenor.training.network_training import EncodedExamples, NetworkJob, TrainedNetwork

_SMALLEST_BATCH = 1024  # tokens
_EPOCH_BATCHES, _RUN_BATCHES = 100, 300
_MOST_EPOCHS = 10
_THRESHOLDS_SHARE = 0.1  # of the texts, where thresholds of labels are chosen and no validation part was asked for
_CALIBRATION_TEXTS = 500  # where half of the texts held out are so many, they choose no epoch: calibration has its own
_FEWEST_FRESH, _MOST_FRESH = 100, 2_000  # texts that are held out to calibrate on alone
_COMPARED = 64  # texts on which an ONNX graph is compared with its network
_HEAD_TEXTS = 1_000  # texts that a head is fitted to before the whole network is
_KEPT = {
    "end": "their end",
    "start": "their start",
    "both": "a quarter from the start, the rest from the end",
    **dict.fromkeys(COVERS_WHOLE_TEXT, "all of them"),
}

NetworkTrainer = Callable[[NetworkJob, FitContext], TrainedNetwork]
"""What trains a network, here or elsewhere: as `network_training.train_network` does."""


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
        examples: Labelled texts; their validation, or a part of them (`config.validation`), chooses the best epoch and
            is there to calibrate on; where it is large enough, each on a half of it.
        config: The family's settings.
        context: Seed, callback, checkpoints, first weights, and the time for all of this but the ONNX graph.
        train_network: Trains the network, here or elsewhere.

    Raises:
        SettingsError: The loss is of another task.
        TenorError: The checkpoint to resume from is damaged or belongs to another run.
    """
    begin, seed, callback = time.perf_counter(), context.seed, context.callback
    task = examples.task
    config = replace(config.for_texts(len(examples)), loss=_loss_name(config, task))
    share = config.validation
    if task.is_multilabel:
        share = share or _THRESHOLDS_SHARE
    tune = getattr(config, "tune", None)
    learned, held_out = examples.train_validation_split(share, seed)
    fresh = held_out  # to calibrate on
    if tune != "frozen" and len(held_out) >= 2 * _CALIBRATION_TEXTS:
        held_out, fresh = held_out.split(0.5, seed)
    elif not share and not len(held_out) and config.calibration * len(examples) >= _FEWEST_FRESH:
        learned, fresh = examples.split(min(config.calibration, _MOST_FRESH / len(examples)), seed)
    config, encoder = fit_text_encoder(family, config, learned.texts, context.init)
    tokens = config.max_length
    encoded = encoder.encode(learned.texts, tokens, config.truncation)
    held = encoder.encode(held_out.texts, tokens, config.inference_truncation)
    new = held if fresh is held_out else encoder.encode(fresh.texts, tokens, config.inference_truncation)
    cut = encoded.n_truncated + held.n_truncated + (new.n_truncated if new is not held else 0)
    if cut and not {config.truncation, config.inference_truncation} <= set(COVERS_WHOLE_TEXT):
        of = f"of {len(examples):,} texts"
        callback.on_message(f"{counted(cut, f'{of} is', f'{of} are')} longer than {tokens} tokens; {_told(config)}.")
    config = choose_batch_size(config, encoded.lengths, encoder.max_row_length(tokens))
    after_encoding = time.perf_counter()

    few = None
    # Not where features are dropped all through the encoder: a head that has never seen that is wrong in training.
    if tune != "frozen" and family.initialise is not None:
        some = learned.take(_sample(task.strata(learned.targets), _HEAD_TEXTS, seed))
        few = EncodedExamples(encoder.encode(some.texts, tokens, config.truncation), some.targets, some.weights)
    work = NetworkJob(
        *(family, task, config, encoder, seed, context.init),
        *(
            EncodedExamples(encoded, learned.targets, learned.weights),
            EncodedExamples(held, held_out.targets, held_out.weights),
            few,
        ),
    )
    left = None if context.seconds is None else begin + context.seconds - time.perf_counter()
    network, history, steps = train_network(work, replace(context, seconds=left))
    after_fit = time.perf_counter()
    model = _exported(network, fresh.texts if len(fresh) else learned.texts, callback)
    after_export = time.perf_counter()
    scored = None
    if len(fresh):
        scored = HeldOut(fresh.targets, model.score(new), fresh is held_out and tune != "frozen")
    timing = {
        "encode_s": after_encoding - begin,
        "fit_s": after_fit - after_encoding,
        "export_s": after_export - after_fit,
        "calibrate_s": time.perf_counter() - after_export,
    }
    return Fitted(task, model, network.config, timing, history, scored, steps=steps)


def _exported(network: Network, texts: Sequence[str], callback: Callback) -> Network | OnnxNetwork:
    """The network as ONNX, compared on texts of all lengths; where that fails, the network, and a word why."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(len(order), _COMPARED)).astype(int)]
    try:
        return export.export(network, network.encode([texts[row] for row in chosen]))
    except TenorError as error:
        callback.on_message(str(error))
        return network


def _told(config: NetworkConfig) -> str:
    """What is kept of long texts, in words."""
    if config.inference_truncation == config.truncation:
        return f"kept: {_KEPT[config.truncation]}"
    return f"training keeps {_KEPT[config.truncation]}; predictions read {_KEPT[config.inference_truncation]}"


def fit_text_encoder(
    family: NetworkFamily, config: Any, texts: Sequence[str], start: PretrainedWeights | None = None
) -> tuple[Any, TextEncoder]:
    """The settings with what the family chooses filled in, and the encoder of the texts."""
    if start is not None:
        return config, start.text_encoder
    return family.encode(config, texts)


def choose_batch_size(config: NetworkConfig, lengths: Any, longest: int) -> NetworkConfig:
    """Settle the size of a batch and the number of epochs by the amount of data."""
    tokens = min(config.batch_tokens, max(_SMALLEST_BATCH, int(lengths.sum()) // _EPOCH_BATCHES))
    config = replace(config, batch_tokens=tokens)
    if config.epochs is None:
        batches_made = len(batches.sequential_batches(lengths, tokens, batches.choose_widths(lengths, longest)))
        epochs = min(max(math.ceil(_RUN_BATCHES / max(batches_made, 1)), config.fewest_epochs), _MOST_EPOCHS)
        config = replace(config, epochs=epochs)
    return config


def _sample(strata: Targets, size: int, seed: int) -> npt.NDArray[np.int64]:
    """`size` rows or all, rising; more where there are more strata, since each has a row."""
    order = np.random.default_rng(seed).permutation(len(strata))
    firsts = np.unique(strata[order], return_index=True)[1]
    sample = np.concatenate([order[firsts], np.delete(order, firsts)])
    return np.sort(sample[: max(size, len(firsts))])


def _loss_name(config: NetworkConfig, task: Task) -> Loss:
    """The loss asked for, or the task's own. Raises SettingsError where it is that of another task."""
    if config.loss is None:
        return network_training.default_loss(task)
    numbers = not task.has_labels
    fitting = config.loss != "cross-entropy" if numbers else config.loss in ("cross-entropy", "mean-squared-error")
    require(fitting, "loss", f"is {config.loss}, which does not serve the task {task.kind}")
    return config.loss
