"""Fitting a neural family: loss, schedule, early stopping, checkpoints and exact resume.

The run is a function of (texts, settings, seed) alone: the order of batches comes from (seed, epoch), the random state
of dropout is a variable of the model, and a checkpoint holds the weights, the optimizer, that random state and the
position. So a run that was killed and resumed ends with the weights of one that was not.
"""

import contextlib
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from tenor import files
from tenor.data.split import hold_out
from tenor.errors import TenorError
from tenor.evaluation.metrics import log_loss
from tenor.models import head, losses, optimizers, precision
from tenor.models.family import Family, Fitted, NetworkConfig, Targets
from tenor.models.network import Network, to_numpy
from tenor.tasks import Task
from tenor.text import batches, vocabulary
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded, TextEncoder
from tenor.watch import Watcher

CHECKPOINT = "checkpoint.safetensors"

_SMALLEST_BATCH = 1024  # tokens
_EPOCH_BATCHES, _RUN_BATCHES = 100, 300
_MOST_EPOCHS = 10
_KEPT = {"end": "their end", "start": "their start", "both": "half from both ends"}


@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints go.

    Attributes:
        folder: The folder; it is made when the first checkpoint is written.
        resume: Go on from the checkpoint that is there.
        run: What the run is made of (settings, seed, fingerprint of the data); resuming another one is refused.
        every_s: Seconds between checkpoints; one is also written after every epoch.
    """

    folder: Path
    resume: bool
    run: dict[str, Any]
    every_s: float = 20.0


@dataclass
class _State:
    """Position of a run and what it has found so far; all of it but the arrays goes into the checkpoint as JSON."""

    epoch: int = 0
    step: int = 0
    rows: int = 0
    loss: float = 0.0
    right: float = 0.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def fit(
    family: Family,
    texts: Sequence[str],
    targets: Targets,
    task: Task,
    config: NetworkConfig,
    seed: int,
    watcher: Watcher,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train a network and keep the weights of its best epoch.

    Args:
        family: A family with `build`.
        texts: Training texts; a part of them, `config.validation`, chooses the best epoch.
        targets: (texts,) classes.
        task: The task.
        config: The family's settings.
        seed: Seed of everything random.
        watcher: Hears of progress.
        checkpoints: Where checkpoints go; None keeps none.

    Raises:
        TenorError: The checkpoint to resume from is damaged or belongs to another run.
    """
    begin = time.perf_counter()
    labels = [task.labels[target] for target in targets]
    rows, held_rows = hold_out(texts, labels, config.validation, seed)
    config, encoder = _encoder(family, config, [texts[row] for row in rows])
    encoded, held = (
        encoder.encode([texts[row] for row in part], config.maximum_tokens, config.keep) for part in (rows, held_rows)
    )
    if encoded.cut + held.cut and config.keep != "windows":
        watcher.say(
            f"{encoded.cut + held.cut:,} of {len(texts):,} texts are longer than {config.maximum_tokens} tokens; "
            f"kept: {_KEPT[config.keep]}."
        )
    config = _fill(config, encoded.lengths, encoder.longest(config.maximum_tokens))
    after_encoding = time.perf_counter()

    network = Network(family, task, config, encoder, _build(family, config, task, precision.policy(config), seed))
    if family.initialise is not None:
        family.initialise(config, network.keras_model)
    if getattr(config, "tune", None) == "frozen":
        history = _fit_head(network, encoded, held, targets[np.concatenate([rows, held_rows])], seed, watcher)
    else:
        run = _Run(network, seed, watcher, checkpoints)
        run.train(encoded, targets[rows][encoded.text], held, targets[held_rows])
        history = run.state.history
    if precision.policy(config) != "float32":
        trained = network.keras_model
        network = replace(network, keras_model=_build(family, config, task, "float32", seed))
        for variable, value in zip(network.keras_model.weights, trained.weights, strict=True):
            variable.assign(value)
    timing = {"encode_s": after_encoding - begin, "fit_s": time.perf_counter() - after_encoding}
    return Fitted(network, config, timing, history)


def _encoder(family: Family, config: Any, texts: Sequence[str]) -> tuple[Any, TextEncoder]:
    if family.encode is not None:
        return family.encode(config, texts)
    return config, vocabulary.build(texts, config.vocabulary)


def _fit_head(
    network: Network, encoded: Encoded, held: Encoded, targets: Targets, seed: int, watcher: Watcher
) -> list[dict[str, Any]]:
    """Fit the head alone. The encoder is frozen, so the features of each text are computed once."""
    features = [network.features(part, watcher) for part in (encoded, held)]
    kernel, bias, tried = head.fit(np.concatenate(features), targets, network.task.outputs, seed)
    for variable, value in zip(network.keras_model.get_layer("logits").weights, (kernel, bias), strict=True):
        variable.assign(value)
    return tried


def _build(family: Family, config: NetworkConfig, task: Task, policy: str, seed: int) -> Any:
    assert family.build is not None
    with _seeded(seed), precision.used(policy):
        return family.build(config, task)


def _fill(config: NetworkConfig, lengths: Any, longest: int) -> NetworkConfig:
    """Settle the size of a batch and the number of epochs by the amount of data."""
    tokens = min(config.batch_tokens, max(_SMALLEST_BATCH, int(lengths.sum()) // _EPOCH_BATCHES))
    config = replace(config, batch_tokens=tokens)
    if config.epochs is None:
        batches_made = len(batches.in_order(lengths, tokens, longest))
        epochs = min(max(math.ceil(_RUN_BATCHES / max(batches_made, 1)), config.fewest_epochs), _MOST_EPOCHS)
        config = replace(config, epochs=epochs)
    return config


class _Run:
    """One run of training: the compiled model, the state, the best weights."""

    def __init__(
        self,
        network: Network,
        seed: int,
        watcher: Watcher,
        checkpoints: Checkpoints | None,
    ) -> None:
        assert network.config.epochs is not None
        self.network, self.task, self.config, self.seed = network, network.task, network.config, seed
        self.epochs = network.config.epochs
        self.watcher, self.checkpoints = watcher, checkpoints
        self.model = network.keras_model
        self.state = _State()
        self.best: list[Any] = []

    def train(self, encoded: Encoded, targets: Targets, held: Encoded, held_targets: Targets) -> None:
        lengths = encoded.lengths
        steps = len(self._batches(lengths, 0)) * self.epochs
        rate = self.network.family.rate
        self.model.compile(
            optimizers.make(self.config, steps, rate(self.config) if rate else None),
            _loss(self.config, self.task),
            weighted_metrics=[_accuracy(self.task)],
            jit_compile=keras.backend.backend() == "jax",
        )
        self.model.optimizer.build(self.model.trainable_variables)
        if self.checkpoints and self.checkpoints.resume:
            self._restore(self.checkpoints)
        try:
            self._epochs(encoded, targets, held, held_targets)
        except KeyboardInterrupt:
            if self.checkpoints and (self.checkpoints.folder / CHECKPOINT).exists():
                self.watcher.say("interrupted; the same command with --resume goes on from the last checkpoint.")
            raise
        for variable, value in zip(self.model.trainable_variables, self.best, strict=True):
            variable.assign(value)

    def _epochs(self, encoded: Encoded, targets: Targets, held: Encoded, held_targets: Targets) -> None:
        lengths = encoded.lengths
        state, saved, last = self.state, time.perf_counter(), time.perf_counter()
        while state.epoch < self.epochs and not self._stale():
            name = f"epoch {state.epoch + 1}/{self.epochs}"
            order = self._batches(lengths, state.epoch)
            while state.step < len(order):
                self._step(order[state.step], encoded, targets)
                now = time.perf_counter()
                state.seconds, last = state.seconds + now - last, now
                self.watcher.progress(name, state.rows, len(targets), self._means())
                if self.checkpoints and now - saved >= self.checkpoints.every_s:
                    self._save(self.checkpoints)
                    saved = time.perf_counter()
            self._end_epoch(name, held, held_targets)
            if self.checkpoints:
                self._save(self.checkpoints)
            saved = last = time.perf_counter()

    def _batches(self, lengths: Any, epoch: int) -> list[Batch]:
        return batches.shuffled(lengths, self.config.batch_tokens, self.network.longest, self.seed, epoch)

    def _stale(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.state.epoch - 1 - self.state.best_epoch >= patience

    def _step(self, batch: Batch, encoded: Encoded, targets: Targets) -> None:
        # Every batch of a width has the same number of rows, so that it has the same shape: those that are missing
        # are empty texts of weight 0.
        rows, missing = len(batch.rows), batch.size - len(batch.rows)
        ids = np.pad(encoded.pad(batch.rows, batch.width), ((0, missing), (0, 0)))
        wanted = np.zeros((batch.size, self.task.outputs), np.float32)
        chosen = targets[batch.rows]
        wanted[np.arange(rows), chosen if self.task.outputs > 1 else 0] = 1 if self.task.outputs > 1 else chosen
        weight = np.zeros(batch.size, np.float32)
        weight[:rows] = 1 / encoded.rows_of_text[encoded.text[batch.rows]]
        weight *= batch.size / weight.sum()
        self.model.reset_metrics()
        found = self.model.train_on_batch(ids, wanted, sample_weight=weight)
        self.state.step += 1
        self.state.rows += rows
        self.state.loss += float(found[0]) * rows
        self.state.right += float(found[1]) * rows

    def _means(self) -> dict[str, float]:
        rows = max(self.state.rows, 1)
        return {
            "loss": self.state.loss / rows,
            "accuracy": self.state.right / rows,
            "texts_per_s": self.state.rows / max(self.state.seconds, 1e-9),
        }

    def _end_epoch(self, name: str, held: Encoded, held_targets: Targets) -> None:
        state = self.state
        row: dict[str, Any] = {"epoch": state.epoch + 1, **self._means()}
        loss = row["loss"]
        if len(held_targets):
            probabilities = self.task.probabilities(self.network.score(held))
            loss = log_loss(held_targets, probabilities)
            row["validation_loss"] = loss
            row["validation_accuracy"] = float((probabilities.argmax(axis=1) == held_targets).mean())
        if loss < state.best_loss or not self.best:
            state.best_loss, state.best_epoch = loss, state.epoch
            self.best = [to_numpy(variable) for variable in self.model.trainable_variables]
        state.history.append(row)
        self.watcher.finished(name, {key: value for key, value in row.items() if key != "epoch"})
        state.epoch, state.step, state.rows = state.epoch + 1, 0, 0
        state.loss, state.right, state.seconds = 0.0, 0.0, 0.0

    def _variables(self) -> dict[str, Any]:
        named = {f"model/{index}": variable for index, variable in enumerate(self.model.variables)}
        return named | {f"optimizer/{index}": value for index, value in enumerate(self.model.optimizer.variables)}

    def _save(self, checkpoints: Checkpoints) -> None:
        arrays = {name: to_numpy(variable) for name, variable in self._variables().items()}
        arrays |= {f"best/{index}": value for index, value in enumerate(self.best)}
        about = {"run": checkpoints.run, "state": asdict(self.state)}
        data = safetensors.save(arrays, {"tenor": json.dumps(about)})
        try:
            checkpoints.folder.mkdir(parents=True, exist_ok=True)
            files.write(checkpoints.folder / CHECKPOINT, data)
        except OSError as error:
            raise TenorError(
                f"{checkpoints.folder}: the checkpoint cannot be written: {error.strerror or error}.",
                "The one before is kept. Make room and go on with --resume.",
            ) from None

    def _restore(self, checkpoints: Checkpoints) -> None:
        path = checkpoints.folder / CHECKPOINT
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self.watcher.say("there is no checkpoint yet, so the run starts from the beginning.")
            return
        try:
            length = int.from_bytes(data[:8], "little")
            about = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["tenor"])
            arrays, state, run = safetensors.load(data), _State(**about["state"]), dict(about["run"])
        except (ValueError, KeyError, TypeError, SafetensorError) as error:
            raise TenorError(
                f"{path}: the checkpoint is damaged: {error}.", "Start afresh (--overwrite, in Python overwrite=True)."
            ) from None
        differing = [key for key, value in checkpoints.run.items() if run.get(key) != value]
        if differing:
            raise TenorError(
                f"{path}: the checkpoint is of another run ({', '.join(differing)} differ).",
                "Resume with the same data, settings and seed, or start afresh without --resume.",
            )
        for name, variable in self._variables().items():
            variable.assign(arrays[name])
        self.best = [arrays[f"best/{index}"] for index in range(sum(name.startswith("best/") for name in arrays))]
        self.state = state
        self.watcher.say(f"resumed at epoch {self.state.epoch + 1}, batch {self.state.step + 1}.")


def _loss(config: NetworkConfig, task: Task) -> losses.Loss:
    if config.loss == "mean-squared-error":
        return losses.squared_error(ops.sigmoid if task.outputs == 1 else ops.softmax)
    return losses.cross_entropy(config.label_smoothing, config.focal)


def _accuracy(task: Task) -> Any:
    if task.outputs == 1:
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    return keras.metrics.CategoricalAccuracy("accuracy")


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what Keras draws initial weights from, and give the process its own random states back."""
    python, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    yield
    random.setstate(python)
    np.random.set_state(numpy)
