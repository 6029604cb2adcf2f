"""The steps of training a network: schedule, early stopping, checkpoints and exact resume.

The run is a function of (texts, settings, seed) alone: the order of batches comes from (seed, epoch), the random state
of dropout is a variable of the model, and a checkpoint holds the weights, the optimizer, that random state and the
position. So a run that was killed and resumed ends with the weights of one that was not.
"""

import json
import math
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from tenor._core import atomic
from tenor._core.regular_files import IrregularFileError
from tenor.config import settings
from tenor.errors import TenorError
from tenor.models.base import NetworkConfig
from tenor.models.context import CHECKPOINT, Checkpoints, FitContext
from tenor.models.neural import compiled, optimizers, parallel, precision
from tenor.models.neural.network import to_numpy
from tenor.text import batches
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded

_METADATA_BYTES = 1 << 30  # of a checkpoint beside the weights: its header, and what each step was
_AFRESH = "Start again (`overwrite=True`)."


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
    steps: int | None = None  # of the whole run, where the time for it decided
    history: list[dict[str, Any]] = field(default_factory=list)


class Objective(Protocol):
    """What a run trains, and on what.

    Attributes:
        keras_model: The model.
        encoded: The rows to learn from.
        max_row_length: Ids in the longest row.
        loss: (targets, outputs) -> loss.
        metric: Keras metric that is followed.
        learning_rate_scale: Path of a variable -> share of the learning rate that it gets; None: all of it.
    """

    keras_model: Any
    encoded: Encoded
    max_row_length: int
    loss: Any
    metric: Any
    learning_rate_scale: optimizers.LearningRateScale | None

    def batch_arrays(self, batch: Batch, random: np.random.Generator) -> tuple[Any, Any, Any]:
        """Inputs, targets and weights of a batch, of shapes that depend on `batch.width` and `batch.size` alone."""

    def evaluate(self) -> dict[str, float]:
        """Figures on the texts held out, `validation_loss` first; empty where there are none."""


class Trainer:
    """One run of training: the compiled model, the state, the best weights."""

    def __init__(
        self,
        objective: Objective,
        config: NetworkConfig,
        context: FitContext,
    ) -> None:
        assert config.epochs is not None
        self.objective, self.config, self.seed, self.epochs = objective, config, context.seed, config.epochs
        self.callback, self.checkpoints = context.callback, context.checkpoints
        self.model = objective.keras_model
        self.state = _State()
        self.widths = batches.choose_widths(
            objective.encoded.lengths, objective.max_row_length, compiled.shape_compile_cost() / config.epochs
        )
        self.best: list[Any] = []
        # Of each step: epoch, loss, metric, learning rate, norm of the gradient.
        self.step_log: list[tuple[float, ...]] = []
        self.total_steps = 0  # of the whole run
        self.pause = 0.0  # seconds until writing a checkpoint takes no more than its share of the time

    def train(self, until: float | None = None) -> None:
        """Train the model and give it the weights of its best epoch.

        Args:
            until: When it has to be ready, as `time.perf_counter` tells it; fewer steps are made then, if they have to
                be.
        """
        self.total_steps = min(len(self._batches(0)) * self.epochs, self.config.steps or sys.maxsize)
        self.model.compile(
            optimizers.build_optimizer(self.config, self.total_steps, self.objective.learning_rate_scale),
            self.objective.loss,
            weighted_metrics=[self.objective.metric],
            jit_compile=keras.backend.backend() == "jax",
        )
        self.model.optimizer.build(self.model.trainable_variables)
        first = self.objective.batch_arrays(self._batches(0)[0], np.random.default_rng(0))
        self.training = compiled.TrainingStep(self.model, self.objective.metric.name, first)
        if self.checkpoints and self.checkpoints.resume:
            self._restore(self.checkpoints)
        if self.state.steps is not None:
            self._set_total_steps(self.state.steps)
        elif until is not None:
            self._fit_to_deadline(until)
        try:
            self._epochs()
        except KeyboardInterrupt:
            if self.checkpoints:
                self.checkpoints.tell(self.callback)
            raise
        for variable, value in zip(self.model.trainable_variables, self.best, strict=True):
            variable.assign(value)

    def _fit_to_deadline(self, until: float) -> None:
        """Take as many steps as there is time for. Batches of each width are tried first, and what they taught is
        forgotten.
        """
        before = {name: to_numpy(variable) for name, variable in self._variables().items()}
        alike: dict[tuple[int, int], list[Batch]] = {}
        for batch in self._batches(0):
            alike.setdefault((batch.width, batch.size), []).append(batch)
        needed = 0.0
        for number, same in enumerate(alike.values()):
            self.callback.on_progress("first steps", number, len(alike), {})
            for batch in (same[0], same[-1]):  # the first of a shape is slow
                begin = time.perf_counter()
                self._step(batch)
                took = time.perf_counter() - begin
            needed += took * len(same)
        self.training.synchronise()
        for name, variable in self._variables().items():
            variable.assign(before[name])
        self.state, self.step_log = _State(), []
        each = needed / len(self._batches(0))
        fitting = parallel.broadcast_metrics({"steps": (until - time.perf_counter()) / each})["steps"]
        self.state.steps = max(1, min(self.total_steps, int(fitting)))
        self._set_total_steps(self.state.steps)

    def _set_total_steps(self, steps: int) -> None:
        if steps < self.total_steps:
            self.config, self.total_steps = replace(self.config, steps=steps), steps
            self.model.optimizer.settle(round(self.config.warmup * steps), steps)

    def _epochs(self) -> None:
        total = len(self.objective.encoded.lengths)
        state, saved, last = self.state, time.perf_counter(), time.perf_counter()
        made = len(self._batches(0)) * state.epoch + state.step
        while state.epoch < self.epochs and made < self.total_steps and not self._stale():
            name = f"epoch {state.epoch + 1}/{self.epochs}"
            order = self._batches(state.epoch)
            while state.step < len(order) and made < self.total_steps:
                self._step(order[state.step])
                made += 1
                self.callback.log_metrics("step", made, self._step_metrics(self.step_log[-1]))
                now = time.perf_counter()
                state.seconds, last = state.seconds + now - last, now
                self.callback.on_progress(name, state.rows, total, self._means())
                if self.checkpoints and now - saved >= max(self.checkpoints.every_s, self.pause):
                    self._save(self.checkpoints)
                    saved = time.perf_counter()
            self._end_epoch(name)
            if self.checkpoints:
                self._save(self.checkpoints)
            saved = last = time.perf_counter()

    def _batches(self, epoch: int) -> list[Batch]:
        made = batches.shuffled_batches(
            self.objective.encoded.lengths, self.config.batch_tokens, self.widths, self.seed, epoch
        )
        return [batch._replace(size=parallel.padded_size(batch.size)) for batch in made]

    def _stale(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.state.epoch - 1 - self.state.best_epoch >= patience

    def _step(self, batch: Batch) -> None:
        random = np.random.default_rng((self.seed, self.state.epoch, self.state.step))
        inputs, targets, weights = keras.tree.map_structure(
            parallel.local_rows, self.objective.batch_arrays(batch, random)
        )
        loss, metric, *seen = self.training.step(inputs, targets, weights)
        self.step_log.append((self.state.epoch + 1, loss, metric, *seen))
        rows = len(batch.rows)
        self.state.step += 1
        self.state.rows += rows
        self.state.loss += loss * rows
        self.state.metric += metric * rows

    def _step_metrics(self, step: tuple[float, ...]) -> dict[str, float]:
        names = "loss", self.objective.metric.name, "learning_rate", "gradient_norm"
        return {name: float(f"{value:.7g}") for name, value in zip(names, step[1:], strict=True)}  # float32 has no more

    def step_table(self) -> list[dict[str, Any]]:
        """A row for each step: its number, epoch, loss, metric, learning rate and norm of the gradient."""
        numbered = enumerate(self.step_log, 1)
        return [{"step": number, "epoch": int(step[0]), **self._step_metrics(step)} for number, step in numbered]

    def _means(self) -> dict[str, float]:
        rows = max(self.state.rows, 1)
        return {
            "loss": self.state.loss / rows,
            self.objective.metric.name: self.state.metric / rows,
            "texts_per_s": self.state.rows / max(self.state.seconds, 1e-9),
        }

    def _end_epoch(self, name: str) -> None:
        state = self.state
        self.training.synchronise()
        measured = parallel.broadcast_metrics(self.objective.evaluate())
        row: dict[str, Any] = {"epoch": state.epoch + 1, **self._means(), **measured}
        self.callback.log_metrics("epoch", state.epoch + 1, {name: row[name] for name in list(row)[1:]})
        loss = measured.get("validation_loss", row["loss"])
        if not measured or loss < state.best_loss or not self.best:
            state.best_loss, state.best_epoch = loss, state.epoch
            self.best = [to_numpy(variable) for variable in self.model.trainable_variables]
        state.history.append(row)
        self.callback.on_epoch_end(name, {key: value for key, value in row.items() if key != "epoch"})
        state.epoch, state.step, state.rows = state.epoch + 1, 0, 0
        state.loss, state.metric, state.seconds = 0.0, 0.0, 0.0

    def _variables(self) -> dict[str, Any]:
        named = {f"model/{index}": variable for index, variable in enumerate(self.model.variables)}
        return named | {f"optimizer/{index}": value for index, value in enumerate(self.model.optimizer.variables)}

    def _largest_checkpoint(self) -> int:
        """Bytes that a checkpoint of this network may have: its variables, the best weights, and some metadata."""
        numbers: int = sum(math.prod(variable.shape) for variable in self._variables().values())
        return 2 * 8 * numbers + _METADATA_BYTES

    def _save(self, checkpoints: Checkpoints) -> None:
        if not parallel.is_first():
            return
        begin = time.perf_counter()
        self.training.synchronise()
        arrays = {name: to_numpy(variable) for name, variable in self._variables().items()}
        arrays |= {f"best/{index}": value for index, value in enumerate(self.best)}
        arrays["made"] = np.array(self.step_log, np.float64)
        about = {"run": _identity(checkpoints), "state": asdict(self.state)}
        data = safetensors.save(arrays, {"tenor": json.dumps(about)})
        try:
            checkpoints.folder.mkdir(parents=True, exist_ok=True)
            atomic.write(checkpoints.folder / CHECKPOINT, data)
        except OSError as error:
            kept = (checkpoints.folder / CHECKPOINT).is_file()
            raise TenorError(
                f"{checkpoints.folder}: the checkpoint cannot be written: {error.strerror or error}.",
                "The last one is kept. Free some space, then continue with `resume=True`."
                if kept
                else "Choose another folder (`out=...`).",
            ) from None
        self.pause = (time.perf_counter() - begin) / checkpoints.share

    def _restore(self, checkpoints: Checkpoints) -> None:
        path = checkpoints.folder / CHECKPOINT
        try:
            data = parallel.read_by_first(path, self._largest_checkpoint())
        except FileNotFoundError:
            self.callback.on_message("there is no checkpoint yet, so the run starts from the beginning.")
            return
        except IrregularFileError as error:
            raise TenorError(f"{path}: the checkpoint {error}.", _AFRESH) from None
        try:
            length = int.from_bytes(data[:8], "little")
            about = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["tenor"])
            arrays, state, run = safetensors.load(data), _State(**about["state"]), dict(about["run"])
        except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
            raise TenorError(f"{path}: the checkpoint is damaged: {error}.", _AFRESH) from None
        if isinstance(run.get("settings"), dict):
            run["settings"] = settings.current_names(type(self.config), run["settings"], str(path), warn=False)
        differing = [key for key, value in _identity(checkpoints).items() if run.get(key) != value]
        if differing:
            raise TenorError(
                f"{path}: the checkpoint is of another run ({', '.join(differing)} differ).",
                "Resume with the same data, settings, seed and backend, or start again without `resume=True`.",
            )
        variables = self._variables()
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        if other := [name for name, shape in shapes.items() if name not in arrays or arrays[name].shape != shape]:
            raise TenorError(f"{path}: the checkpoint is damaged: {other[0]} is missing or has another shape.", _AFRESH)
        for name, variable in variables.items():
            variable.assign(arrays[name])
        self.best = [arrays[f"best/{index}"] for index in range(sum(name.startswith("best/") for name in arrays))]
        self.state, self.step_log = state, [tuple(step) for step in arrays["made"].tolist()]
        self.callback.on_message(f"resumed at epoch {self.state.epoch + 1}, batch {self.state.step + 1}.")


def _identity(checkpoints: Checkpoints) -> dict[str, Any]:
    device = " on a device" if precision.has_accelerator() else ""  # its batches, and its numbers, are others
    return checkpoints.run | {"backend": keras.backend.backend() + device}
