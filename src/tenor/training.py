"""Fitting a neural family: loss, schedule, early stopping, checkpoints and exact resume.

The run is a function of (texts, settings, seed) alone: the order of batches comes from (seed, epoch), the random state
of dropout is a variable of the model, and a checkpoint holds the weights, the optimizer, that random state and the
position. So a run that was killed and resumed ends with the weights of one that was not.
"""

import contextlib
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from tenor import files
from tenor.errors import TenorError
from tenor.models import compiled, export, head, losses, optimizers, precision
from tenor.models.exported import Exported
from tenor.models.family import Examples, Family, Fitted, HeldOut, Loss, NetworkConfig
from tenor.models.network import Network, Start, to_numpy
from tenor.settings import require
from tenor.tasks import LabelSet, Targets, Task, Value
from tenor.text import batches
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded, TextEncoder
from tenor.watch import Watcher

CHECKPOINT = "checkpoint.safetensors"

_SMALLEST_BATCH = 1024  # tokens
_EPOCH_BATCHES, _RUN_BATCHES = 100, 300
_MOST_EPOCHS = 10
_THRESHOLDS_SHARE = 0.1  # of the texts, where thresholds of labels are chosen and no validation part was asked for
_CALIBRATION_TEXTS = 500  # where half of the texts held out are so many, they choose no epoch: calibration has its own
_FEWEST_FRESH, _MOST_FRESH = 100, 2_000  # texts that are held out to calibrate on alone
_COMPARED = 64  # texts on which an ONNX graph is compared with its network
_HEAD_TEXTS = 1_000  # texts that a head is fitted to before the whole network is
_FEW_TEXTS = 1_000  # up to so many, the head is fitted once more after the whole network
_KEPT = {"end": "their end", "start": "their start", "both": "half from both ends"}


@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints go.

    Attributes:
        folder: The folder; it is made when the first checkpoint is written.
        resume: Go on from the checkpoint that is there.
        run: What the run is made of (settings, seed, fingerprint of the data); resuming another one, or one of another
            backend, is refused.
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
    metric: float = 0.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def fit(
    family: Family,
    examples: Examples,
    config: NetworkConfig,
    seed: int,
    watcher: Watcher,
    checkpoints: Checkpoints | None = None,
    start: Start | None = None,
    seconds: float | None = None,
) -> Fitted:
    """Train a network and keep the weights of its best epoch.

    Args:
        family: A family with `build`.
        examples: Labelled texts; their validation, or a part of them (`config.validation`), chooses the best epoch and
            is there to calibrate on; where it is large enough, each on a half of it.
        config: The family's settings.
        seed: Seed of everything random.
        watcher: Hears of progress.
        checkpoints: Where checkpoints go; None keeps none.
        start: A pretrained encoder to start from; None starts where the family does.
        seconds: Time for all of this but the ONNX graph: the first steps are timed, and as many are made as fit in.
            None: all steps.

    Raises:
        SettingsError: The loss is of another task.
        TenorError: The checkpoint to resume from is damaged or belongs to another run.
    """
    begin = time.perf_counter()
    task = examples.task
    config = replace(config.for_texts(len(examples)), loss=_loss_name(config, task))
    share = config.validation
    if isinstance(task, LabelSet):
        share = share or _THRESHOLDS_SHARE
    tune = getattr(config, "tune", None)
    learned, held_out = examples.validated(share, seed)
    fresh = held_out  # to calibrate on
    if tune != "frozen" and len(held_out) >= 2 * _CALIBRATION_TEXTS:
        held_out, fresh = held_out.parted(0.5, seed)
    elif not share and not len(held_out) and config.calibration * len(examples) >= _FEWEST_FRESH:
        learned, fresh = examples.parted(min(config.calibration, _MOST_FRESH / len(examples)), seed)
    config, encoder = prepare(family, config, learned.texts, start)
    encoded, held = (encoder.encode(part.texts, config.maximum_tokens, config.keep) for part in (learned, held_out))
    new = held if fresh is held_out else encoder.encode(fresh.texts, config.maximum_tokens, config.keep)
    cut = encoded.cut + held.cut + (new.cut if new is not held else 0)
    if cut and config.keep != "windows":
        watcher.say(
            f"{cut:,} of {len(examples):,} texts are longer than {config.maximum_tokens} tokens; "
            f"kept: {_KEPT[config.keep]}."
        )
    config = fill(config, encoded.lengths, encoder.longest(config.maximum_tokens))
    after_encoding = time.perf_counter()

    network = Network(family, task, config, encoder, build(family, config, task, seed, start))
    if tune == "frozen":
        history, steps = _fit_head(network, encoded, learned, seed, watcher), []
    else:
        if tune is not None:
            few = learned.take(_sample(task.strata(learned.targets), _HEAD_TEXTS, seed))
            _fit_head(network, network.encode(few.texts), few, seed, watcher)
        objective = _Labels(network, encoded, learned, held, held_out)
        loop = Loop(objective, config, seed, watcher, checkpoints)
        loop.train(None if seconds is None else begin + seconds)
        config = loop.config
        history, steps = loop.state.history, loop.table()
    network = replace(network, config=config, keras_model=in_float32(network))
    if tune not in (None, "frozen") and len(learned) <= _FEW_TEXTS:
        # Few steps make features that tell classes apart; a regularised head makes more of them than theirs did.
        _fit_head(network, encoded, learned, seed, watcher, choose=False)
    after_fit = time.perf_counter()
    model = _exported(network, fresh.texts if len(fresh) else learned.texts, watcher)
    after_export = time.perf_counter()
    scored = None
    if len(fresh):
        scored = HeldOut(fresh.targets, model.score(new), fresh is held_out and tune != "frozen")
    else:
        watcher.say("nothing was held out, so probabilities are not calibrated and no coverage can be promised.")
    timing = {
        "encode_s": after_encoding - begin,
        "fit_s": after_fit - after_encoding,
        "export_s": after_export - after_fit,
        "calibrate_s": time.perf_counter() - after_export,
    }
    return Fitted(task, model, config, timing, history, scored, steps=steps)


def _exported(network: Network, texts: Sequence[str], watcher: Watcher) -> Network | Exported:
    """The network as ONNX, compared on texts of all lengths; where that fails, the network, and a word why."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(len(order), _COMPARED)).astype(int)]
    try:
        return export.export(network, network.encode([texts[row] for row in chosen]))
    except TenorError as error:
        watcher.say(str(error))
        return network


def prepare(family: Family, config: Any, texts: Sequence[str], start: Start | None = None) -> tuple[Any, TextEncoder]:
    """The settings with what the family chooses filled in, and the encoder of the texts."""
    if start is not None:
        return config, start.text_encoder
    assert family.encode is not None
    return family.encode(config, texts)


def build(family: Family, config: NetworkConfig, task: Task, seed: int, start: Start | None = None) -> Any:
    """A new Keras model, in the precision that training computes with, with the weights that training starts from."""
    keras_model = _build(family, config, task, precision.policy(config), seed)
    if start is not None:
        for variable in keras_model.weights:
            if variable.path in start.arrays:
                variable.assign(start.arrays[variable.path])
    elif family.initialise is not None:
        family.initialise(config, keras_model)
    return keras_model


def in_float32(network: Network) -> Any:
    """The Keras model as one that computes in float32, as every prediction does."""
    if precision.policy(network.config) == "float32":
        return network.keras_model
    keras_model = _build(network.family, network.config, network.task, "float32", 0)
    for variable, value in zip(keras_model.weights, network.keras_model.weights, strict=True):
        variable.assign(value)
    return keras_model


def _fit_head(
    network: Network, encoded: Encoded, learned: Examples, seed: int, watcher: Watcher, choose: bool = True
) -> list[dict[str, Any]]:
    """Fit the head alone, on features of each text that are computed once.

    That is all where the encoder is frozen. Else it comes first, so that a head that knows nothing does not distort the
    encoder (Kumar et al., 2022, "Fine-Tuning can Distort Pretrained Features"), and of few texts last again.
    """
    features = network.features(encoded, watcher)
    found, tried = head.fit(features, learned.targets, learned.task, learned.weights, seed, choose)
    for variable, value in zip(network.keras_model.get_layer("logits").weights, found, strict=True):
        variable.assign(value)
    return tried


def _sample(strata: Targets, size: int, seed: int) -> npt.NDArray[np.int64]:
    """`size` rows or all, rising; more where there are more strata, since each has a row."""
    order = np.random.default_rng(seed).permutation(len(strata))
    firsts = np.unique(strata[order], return_index=True)[1]
    sample = np.concatenate([order[firsts], np.delete(order, firsts)])
    return np.sort(sample[: max(size, len(firsts))])


def _build(family: Family, config: NetworkConfig, task: Task, policy: str, seed: int) -> Any:
    assert family.build is not None
    with seeded(seed), precision.used(policy):
        return family.build(config, task)


def fill(config: NetworkConfig, lengths: Any, longest: int) -> NetworkConfig:
    """Settle the size of a batch and the number of epochs by the amount of data."""
    tokens = min(config.batch_tokens, max(_SMALLEST_BATCH, int(lengths.sum()) // _EPOCH_BATCHES))
    config = replace(config, batch_tokens=tokens)
    if config.epochs is None:
        batches_made = len(batches.in_order(lengths, tokens, longest))
        epochs = min(max(math.ceil(_RUN_BATCHES / max(batches_made, 1)), config.fewest_epochs), _MOST_EPOCHS)
        config = replace(config, epochs=epochs)
    return config


class Objective(Protocol):
    """What a run trains, and on what.

    Attributes:
        keras_model: The model.
        encoded: The rows to learn from.
        longest: Ids in the longest row.
        loss: (targets, outputs) -> loss.
        metric: Keras metric that is followed.
        rate: Path of a variable -> share of the learning rate that it gets; None: all of it.
    """

    keras_model: Any
    encoded: Encoded
    longest: int
    loss: Any
    metric: Any
    rate: optimizers.Rate | None

    def arrays(self, batch: Batch, random: np.random.Generator) -> tuple[Any, Any, Any]:
        """Inputs, targets and weights of a batch, of shapes that depend on `batch.width` and `batch.size` alone."""

    def measure(self) -> dict[str, float]:
        """Figures on the texts held out, `validation_loss` first; empty where there are none."""


class _Labels:
    """The labels of each text."""

    def __init__(
        self, network: Network, encoded: Encoded, learned: Examples, held: Encoded, held_out: Examples
    ) -> None:
        self.network, self.task, self.keras_model = network, network.task, network.keras_model
        self.encoded, self.held, self.held_out = encoded, held, held_out
        self.longest = network.longest
        self.loss, self.metric = _loss(network.config, network.task), _metric(network.task)
        self.rate = network.family.rate(network.config) if network.family.rate else None
        self.targets = learned.targets
        self.share = learned.weights[encoded.text] / encoded.rows_of_text[encoded.text]
        self.share /= self.share.mean()

    def arrays(self, batch: Batch, _: np.random.Generator) -> tuple[Any, Any, Any]:
        # Every batch of a width has the same number of rows, so that it has the same shape: those that are missing
        # are empty texts of weight 0.
        rows, missing = len(batch.rows), batch.size - len(batch.rows)
        ids = np.pad(self.encoded.pad(batch.rows, batch.width), ((0, missing), (0, 0)))
        desired = np.zeros((batch.size, self.task.outputs), np.float32)
        desired[:rows] = self.task.desired(self.targets[self.encoded.text[batch.rows]])
        weight = np.zeros(batch.size, np.float32)
        weight[:rows] = self.share[batch.rows]
        return ids, desired, weight * (batch.size / rows)

    def measure(self) -> dict[str, float]:
        if not len(self.held_out):
            return {}
        targets, logits = self.held_out.targets, self.network.score(self.held)
        found = {"loss": float(self.task.losses(targets, logits).mean()), **self.task.measure(targets, logits)}
        return {f"validation_{name}": value for name, value in found.items()}


class Loop:
    """One run of training: the compiled model, the state, the best weights."""

    def __init__(
        self,
        objective: Objective,
        config: NetworkConfig,
        seed: int,
        watcher: Watcher,
        checkpoints: Checkpoints | None,
    ) -> None:
        assert config.epochs is not None
        self.objective, self.config, self.seed, self.epochs = objective, config, seed, config.epochs
        self.watcher, self.checkpoints = watcher, checkpoints
        self.model = objective.keras_model
        self.state = _State()
        self.best: list[Any] = []
        self.made: list[
            tuple[float, ...]
        ] = []  # of each step: epoch, loss, metric, learning rate, norm of the gradient
        self.steps = 0  # of the whole run

    def train(self, until: float | None = None) -> None:
        """Train the model and give it the weights of its best epoch.

        Args:
            until: When it has to be ready, as `time.perf_counter` tells it; fewer steps are made then, if they have to
                be.
        """
        self.steps = min(len(self._batches(0)) * self.epochs, self.config.steps or sys.maxsize)
        self.model.compile(
            optimizers.make(self.config, self.steps, self.objective.rate),
            self.objective.loss,
            weighted_metrics=[self.objective.metric],
            jit_compile=keras.backend.backend() == "jax",
        )
        self.model.optimizer.build(self.model.trainable_variables)
        compiled.train_step(self.model, self.objective.arrays(self._batches(0)[0], np.random.default_rng(0)))
        if until is not None:
            self._settle(until)
        if self.checkpoints and self.checkpoints.resume:
            self._restore(self.checkpoints)
        try:
            self._epochs()
        except KeyboardInterrupt:
            if self.checkpoints and (self.checkpoints.folder / CHECKPOINT).exists():
                self.watcher.say("interrupted; the same command with --resume goes on from the last checkpoint.")
            raise
        for variable, value in zip(self.model.trainable_variables, self.best, strict=True):
            variable.assign(value)

    def _settle(self, until: float) -> None:
        """Take as many steps as there is time for. Batches of each width are tried first, and what they taught is
        forgotten.
        """
        before = {name: to_numpy(variable) for name, variable in self._variables().items()}
        alike: dict[tuple[int, int], list[Batch]] = {}
        for batch in self._batches(0):
            alike.setdefault((batch.width, batch.size), []).append(batch)
        needed = 0.0
        for number, same in enumerate(alike.values()):
            self.watcher.progress("first steps", number, len(alike), {})
            for batch in (same[0], same[-1]):  # the first of a shape is slow
                begin = time.perf_counter()
                self._step(batch)
                took = time.perf_counter() - begin
            needed += took * len(same)
        for name, variable in self._variables().items():
            variable.assign(before[name])
        self.state, self.made = _State(), []
        each = needed / len(self._batches(0))
        steps = max(1, min(self.steps, int((until - time.perf_counter()) / each)))
        if steps < self.steps:
            self.config, self.steps = replace(self.config, steps=steps), steps
            self.model.optimizer.settle(round(self.config.warmup * steps), steps)
            if keras.backend.backend() == "jax":  # there the steps are constants of what is compiled
                self.model.make_train_function(force=True)

    def _epochs(self) -> None:
        total = len(self.objective.encoded.lengths)
        state, saved, last = self.state, time.perf_counter(), time.perf_counter()
        made = len(self._batches(0)) * state.epoch + state.step
        while state.epoch < self.epochs and made < self.steps and not self._stale():
            name = f"epoch {state.epoch + 1}/{self.epochs}"
            order = self._batches(state.epoch)
            while state.step < len(order) and made < self.steps:
                self._step(order[state.step])
                made += 1
                self.watcher.recorded("step", made, self._told(self.made[-1]))
                now = time.perf_counter()
                state.seconds, last = state.seconds + now - last, now
                self.watcher.progress(name, state.rows, total, self._means())
                if self.checkpoints and now - saved >= self.checkpoints.every_s:
                    self._save(self.checkpoints)
                    saved = time.perf_counter()
            self._end_epoch(name)
            if self.checkpoints:
                self._save(self.checkpoints)
            saved = last = time.perf_counter()

    def _batches(self, epoch: int) -> list[Batch]:
        lengths, longest = self.objective.encoded.lengths, self.objective.longest
        return batches.shuffled(lengths, self.config.batch_tokens, longest, self.seed, epoch)

    def _stale(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.state.epoch - 1 - self.state.best_epoch >= patience

    def _step(self, batch: Batch) -> None:
        random = np.random.default_rng((self.seed, self.state.epoch, self.state.step))
        inputs, targets, weights = self.objective.arrays(batch, random)
        self.model.reset_metrics()
        found = self.model.train_on_batch(inputs, targets, sample_weight=weights)
        norm, rate = to_numpy(self.model.optimizer.seen).tolist()
        self.made.append((self.state.epoch + 1, float(found[0]), float(found[1]), rate, norm))
        rows = len(batch.rows)
        self.state.step += 1
        self.state.rows += rows
        self.state.loss += float(found[0]) * rows
        self.state.metric += float(found[1]) * rows

    def _told(self, step: tuple[float, ...]) -> dict[str, float]:
        names = "loss", self.objective.metric.name, "learning_rate", "gradient_norm"
        return {name: float(f"{value:.7g}") for name, value in zip(names, step[1:], strict=True)}  # float32 has no more

    def table(self) -> list[dict[str, Any]]:
        """A row for each step: its number, epoch, loss, metric, learning rate and norm of the gradient."""
        numbered = enumerate(self.made, 1)
        return [{"step": number, "epoch": int(step[0]), **self._told(step)} for number, step in numbered]

    def _means(self) -> dict[str, float]:
        rows = max(self.state.rows, 1)
        return {
            "loss": self.state.loss / rows,
            self.objective.metric.name: self.state.metric / rows,
            "texts_per_s": self.state.rows / max(self.state.seconds, 1e-9),
        }

    def _end_epoch(self, name: str) -> None:
        state = self.state
        measured = self.objective.measure()
        row: dict[str, Any] = {"epoch": state.epoch + 1, **self._means(), **measured}
        self.watcher.recorded("epoch", state.epoch + 1, {name: row[name] for name in list(row)[1:]})
        loss = measured.get("validation_loss", row["loss"])
        if not measured or loss < state.best_loss or not self.best:
            state.best_loss, state.best_epoch = loss, state.epoch
            self.best = [to_numpy(variable) for variable in self.model.trainable_variables]
        state.history.append(row)
        self.watcher.finished(name, {key: value for key, value in row.items() if key != "epoch"})
        state.epoch, state.step, state.rows = state.epoch + 1, 0, 0
        state.loss, state.metric, state.seconds = 0.0, 0.0, 0.0

    def _variables(self) -> dict[str, Any]:
        named = {f"model/{index}": variable for index, variable in enumerate(self.model.variables)}
        return named | {f"optimizer/{index}": value for index, value in enumerate(self.model.optimizer.variables)}

    def _save(self, checkpoints: Checkpoints) -> None:
        arrays = {name: to_numpy(variable) for name, variable in self._variables().items()}
        arrays |= {f"best/{index}": value for index, value in enumerate(self.best)}
        arrays["made"] = np.array(self.made, np.float64)
        about = {"run": _identity(checkpoints), "state": asdict(self.state)}
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
        differing = [key for key, value in _identity(checkpoints).items() if run.get(key) != value]
        if differing:
            raise TenorError(
                f"{path}: the checkpoint is of another run ({', '.join(differing)} differ).",
                "Resume with the same data, settings, seed and backend, or start afresh without --resume.",
            )
        for name, variable in self._variables().items():
            variable.assign(arrays[name])
        self.best = [arrays[f"best/{index}"] for index in range(sum(name.startswith("best/") for name in arrays))]
        self.state, self.made = state, [tuple(step) for step in arrays["made"].tolist()]
        self.watcher.say(f"resumed at epoch {self.state.epoch + 1}, batch {self.state.step + 1}.")


def _identity(checkpoints: Checkpoints) -> dict[str, Any]:
    return checkpoints.run | {"backend": keras.backend.backend()}


def _loss_name(config: NetworkConfig, task: Task) -> Loss:
    """The loss asked for, or the task's own. Raises SettingsError where it is that of another task."""
    numbers = isinstance(task, Value)
    if config.loss is None:
        return "mean-squared-error" if numbers else "cross-entropy"
    fitting = config.loss != "cross-entropy" if numbers else config.loss in ("cross-entropy", "mean-squared-error")
    require(fitting, "loss", f"is {config.loss}, which does not serve the task {task.kind}")
    return config.loss


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
    if isinstance(task, Value):
        spread = task.spread
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
