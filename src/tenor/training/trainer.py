"""The training loop of a network: schedule, early stopping, checkpoints and exact resume.

A run is a function of (texts, settings, seed). The order of batches is computed from (seed, epoch), and the random
state of dropout is a variable of the model. A checkpoint holds the weights, the optimizer, that random state and the
position. So a run that was killed and resumed ends with the same weights as one that was not.
"""

import sys
import time
from dataclasses import replace

import keras
import numpy as np

from tenor._core.language import tr, tr_number
from tenor.models.context import Checkpoints, FitContext
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import compiled, optimizers, parallel
from tenor.models.neural.keras_types import Array
from tenor.models.neural.network import to_numpy
from tenor.text import batches
from tenor.text.batches import Batch
from tenor.training import checkpoint
from tenor.training.checkpoint import Checkpoint, StepRecord, TrainingState
from tenor.training.objective import BatchArrays, Objective

_STEPS_TO_LEARN = 50  # batches; fewer may not show whether a network learns
_REPORTED_COMPILE_S = 1.0  # less is not worth a message
_LEARNED = 0.99  # share of the loss of a constant prediction that a network must be below by then


class Trainer:
    """One run of training.

    Attributes:
        config: The settings; with a time limit, `steps` becomes the number of steps that fit in.
        state: Position and results.
        step_log: All steps so far.
    """

    def __init__(self, objective: Objective, config: NetworkConfig, context: FitContext) -> None:
        """Take the objective, settings with `epochs` filled in, and the seed, callback and checkpoints of a context."""
        assert config.epochs is not None
        self.config, self.state = config, TrainingState()
        self.step_log: list[StepRecord] = []
        self._objective, self._model = objective, objective.keras_model
        self._seed, self._epochs = context.seed, config.epochs
        self._callback, self._checkpoints = context.callback, context.checkpoints
        lengths = objective.encoded.lengths
        self._sorts_by_length = compiled.any_shape() and batches.sorts_by_length(lengths, config.batch_tokens)
        self._widths = batches.choose_widths(
            lengths, objective.max_row_length, compiled.shape_compile_cost() / config.epochs
        )
        self._best: list[Array] = []  # trainable variables after the best epoch
        self._total_steps = 0
        self._compile_time: compiled.CompileTime | None = compiled.CompileTime()  # None: it was reported
        self._checkpoint_pause_s = 0.0  # until writing checkpoints takes no more than its share of the time

    def train(self, deadline: float | None = None) -> None:
        """Train the model and give it the weights of its best epoch.

        Args:
            deadline: The value of `time.perf_counter` at which training has to end; the run makes as many steps as fit
                in. None: all steps.

        Raises:
            TenorError: A checkpoint cannot be written, is damaged, or belongs to another run.
        """
        self._compile()
        if self._checkpoints and self._checkpoints.resume:
            self._restore(self._checkpoints)
        if self.state.steps is not None:
            self._set_total_steps(self.state.steps)
        elif deadline is not None:
            self._limit_steps(deadline)
        try:
            self._train_epochs()
        except KeyboardInterrupt:
            if self._checkpoints:
                self._checkpoints.announce_resume(self._callback)
            raise
        for variable, value in zip(self._model.trainable_variables, self._best, strict=True):
            variable.assign(value)

    def step_table(self) -> list[dict[str, float]]:
        """One row per step: its number, epoch, loss, metric, learning rate and norm of the gradient."""
        numbered = enumerate(self.step_log, 1)
        return [{"step": number, "epoch": int(step.epoch), **self._step_metrics(step)} for number, step in numbered]

    def _compile(self) -> None:
        self._total_steps = min(self._n_batches(self._epochs), self.config.steps or sys.maxsize)
        frequencies = self._token_frequencies()
        if self._model.compiled:  # by an earlier run of an equal network
            self._model.optimizer.restart(self.config, self._total_steps, frequencies)
        else:
            self._model.compile(
                optimizers.build_optimizer(
                    self.config, self._total_steps, self._objective.learning_rate_scale, frequencies
                ),
                self._objective.loss,
                weighted_metrics=[self._objective.metric],
                jit_compile=keras.backend.backend() == "jax",
            )
            self._model.optimizer.build(self._model.trainable_variables)
        first = self._parts_of(self._batches(0)[0], np.random.default_rng(0))[0]
        self._training_step = compiled.TrainingStep(self._model, self._objective.metric.name, (*first,))

    def _token_frequencies(self) -> Array:
        """(ids,) occurrences of each token of the training rows per batch; those of one that does not occur count 1."""
        counts = np.bincount(self._objective.encoded.ids)
        return np.asarray(np.maximum(counts, 1) / len(self._batches(0)), np.float32)

    def _limit_steps(self, deadline: float) -> None:
        """Set the total of steps to what fits in before the deadline.

        The run times one or two batches of each shape, then restores all variables.
        """
        before = {name: to_numpy(variable) for name, variable in self._variables().items()}
        by_shape: dict[tuple[int, int], list[Batch]] = {}
        for batch in self._batches(0):
            by_shape.setdefault(self._shape(batch), []).append(batch)
        epoch_s = 0.0
        for number, same_shape in enumerate(by_shape.values()):
            self._callback.on_progress(tr("first steps"), number, len(by_shape), {})
            for batch in (same_shape[0], same_shape[-1]):  # the first step of a shape is slow
                started_at = time.perf_counter()
                self._step(batch)
                step_s = time.perf_counter() - started_at
            epoch_s += step_s * len(same_shape)
        self._training_step.synchronise()
        for name, variable in self._variables().items():
            variable.assign(before[name])
        self.state, self.step_log = TrainingState(), []
        mean_step_s = epoch_s / len(self._batches(0))
        fitting = parallel.broadcast_metrics({"steps": (deadline - time.perf_counter()) / mean_step_s})["steps"]
        self.state.steps = max(1, min(self._total_steps, int(fitting)))
        self._set_total_steps(self.state.steps)

    def _set_total_steps(self, steps: int) -> None:
        if steps < self._total_steps:
            self.config, self._total_steps = replace(self.config, steps=steps), steps
            self._model.optimizer.set_total_steps(round(self.config.warmup * steps), steps)

    def _train_epochs(self) -> None:
        state, saved_at, last = self.state, time.perf_counter(), time.perf_counter()
        steps_done = self._n_batches(state.epoch) + state.step
        while state.epoch < self._epochs and steps_done < self._total_steps and not self._is_out_of_patience():
            name = tr("epoch {epoch}/{epochs}", epoch=state.epoch + 1, epochs=self._epochs)
            epoch_batches = self._batches(state.epoch)
            while state.step < len(epoch_batches) and steps_done < self._total_steps:
                self._step(epoch_batches[state.step])
                steps_done += 1
                self._callback.log_metrics("step", steps_done, self._step_metrics(self.step_log[-1]))
                now = time.perf_counter()
                state.seconds, last = state.seconds + now - last, now
                n_rows = len(self._objective.encoded.lengths)
                self._callback.on_progress(name, state.rows, n_rows, self._epoch_metrics())
                if self._checkpoints and now - saved_at >= max(
                    self._checkpoints.min_interval_s, self._checkpoint_pause_s
                ):
                    self._save(self._checkpoints)
                    saved_at = time.perf_counter()
            self._end_epoch(name)
            self._report_compile_time()
            if self._checkpoints:
                self._save(self._checkpoints)
            if steps_done - len(epoch_batches) < _STEPS_TO_LEARN <= steps_done:
                self._report_no_learning(steps_done)
            saved_at = last = time.perf_counter()
        if steps_done < _STEPS_TO_LEARN:
            self._report_no_learning(steps_done)

    def _report_compile_time(self) -> None:
        """Report after the first epoch how long the training step was compiled, if that took a second or more."""
        if self._compile_time is None:
            return
        seconds, self._compile_time = self._compile_time.compiled, None
        if sum(seconds.values()) >= _REPORTED_COMPILE_S:
            self._callback.on_message(
                tr_number(
                    "compiling the training step took {seconds:.0f} s, for {number} shape of batches.",
                    "compiling the training step took {seconds:.0f} s, for {number} shapes of batches.",
                    len(seconds),
                    seconds=sum(seconds.values()),
                )
            )

    def _report_no_learning(self, steps_done: int) -> None:
        """Report, with the remedy, when the same prediction for every text would be as good."""
        if not self.state.history:
            return
        last, baseline = self.state.history[-1], self._objective.baseline_loss()
        loss: float = last["validation_loss"] if "validation_loss" in last else last["loss"]
        if baseline is None or loss < _LEARNED * baseline:
            return
        rate = tr("smaller") if loss > baseline / _LEARNED else tr("larger")
        self._callback.on_message(
            tr(
                "the network has not learned yet: after {steps_done} batches its loss is {loss:.3f}, and "
                "predicting the same for every text has {baseline:.3f}. Try a {rate} `learning_rate` (it "
                "is {learning_rate:g}), or the optimizer `adam` with its own.",
                steps_done=steps_done,
                loss=loss,
                baseline=baseline,
                rate=rate,
                learning_rate=self.config.learning_rate,
            )
        )

    def _n_batches(self, epochs: int) -> int:
        """The number of batches in the first epochs."""
        return sum(len(self._batches(epoch)) for epoch in range(epochs))

    def _shape(self, batch: Batch) -> tuple[int, int]:
        """(width, rows) of a batch, both rounded where every step has another shape."""
        if self._sorts_by_length:
            return next(width for width in self._widths if width >= batch.width), 0
        return batch.width, batch.size

    def _batches(self, epoch: int) -> list[Batch]:
        lengths, tokens = self._objective.encoded.lengths, self.config.batch_tokens
        if self._sorts_by_length:
            shuffled = batches.length_sorted_batches(lengths, tokens, self._seed, epoch)
        else:
            shuffled = batches.shuffled_batches(lengths, tokens, self._widths, self._seed, epoch)
        parts = self.config.gradient_accumulation
        return [batch._replace(size=parts * parallel.padded_size(-(-batch.size // parts))) for batch in shuffled]

    def _is_out_of_patience(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.state.epoch - 1 - self.state.best_epoch >= patience

    def _step(self, batch: Batch) -> None:
        state, random = self.state, np.random.default_rng((self._seed, self.state.epoch, self.state.step))
        results, shares, started_at = [], [], time.perf_counter()
        for inputs, targets, weights in self._parts_of(batch, random):
            results.append(self._training_step.step(inputs, targets, weights))
            shares.append(float(weights.sum()))
        if self._compile_time is not None:
            self._compile_time.add(self._shape(batch), time.perf_counter() - started_at)
        result = results[-1]  # the last part applies the gradient of the batch
        loss = float(np.mean([part.loss for part in results]))
        metric = float(np.average([part.metric for part in results], weights=shares)) if any(shares) else 0.0
        self.step_log.append(
            StepRecord(
                epoch=state.epoch + 1,
                loss=loss,
                metric=metric,
                learning_rate=result.learning_rate,
                gradient_norm=result.gradient_norm,
            )
        )
        rows = len(batch.rows)
        state.step += 1
        state.rows += rows
        state.loss += loss * rows
        state.metric += metric * rows

    def _parts_of(self, batch: Batch, random: np.random.Generator) -> list[BatchArrays]:
        """The arrays of this process for each part of a batch; the mean of their losses is that of the batch."""
        parts, result = self.config.gradient_accumulation, []
        for rows in np.array_split(batch.rows, parts):
            part = batch._replace(rows=rows, size=batch.size // parts)
            arrays = self._objective.batch_arrays(part, random)
            share = np.float32(parts * len(rows) / len(batch.rows))
            weighted = arrays._replace(weights=arrays.weights * share)
            result.append(BatchArrays(*keras.tree.map_structure(parallel.local_rows, tuple(weighted))))
        return result

    def _step_metrics(self, step: StepRecord) -> dict[str, float]:
        names = "loss", self._objective.metric.name, "learning_rate", "gradient_norm"
        # float32 has no more than 7 digits.
        return {name: float(f"{value:.7g}") for name, value in zip(names, step[1:], strict=True)}

    def _epoch_metrics(self) -> dict[str, float]:
        """Means over the rows of this epoch so far."""
        rows = max(self.state.rows, 1)
        return {
            "loss": self.state.loss / rows,
            self._objective.metric.name: self.state.metric / rows,
            "texts_per_s": self.state.rows / max(self.state.seconds, 1e-9),
        }

    def _end_epoch(self, name: str) -> None:
        state = self.state
        self._training_step.synchronise()
        validation = parallel.broadcast_metrics(self._objective.evaluate())
        metrics = {**self._epoch_metrics(), **validation}
        self._callback.log_metrics("epoch", state.epoch + 1, metrics)
        loss = validation.get("validation_loss", metrics["loss"])
        if not validation or loss < state.best_loss or not self._best:
            state.best_loss, state.best_epoch = loss, state.epoch
            self._best = [to_numpy(variable) for variable in self._model.trainable_variables]
        state.history.append({"epoch": state.epoch + 1, **metrics})
        self._callback.on_epoch_end(name, metrics)
        state.epoch, state.step, state.rows = state.epoch + 1, 0, 0
        state.loss, state.metric, state.seconds = 0.0, 0.0, 0.0

    def _variables(self) -> dict[str, keras.Variable]:
        """Name in a checkpoint -> variable."""
        named = {f"model/{index}": variable for index, variable in enumerate(self._model.variables)}
        return named | {f"optimizer/{index}": value for index, value in enumerate(self._model.optimizer.variables)}

    def _save(self, checkpoints: Checkpoints) -> None:
        if not parallel.is_first():
            return
        started_at = time.perf_counter()
        self._training_step.synchronise()
        checkpoint.write(checkpoints, Checkpoint(self.state, self._best, self.step_log), self._variables())
        self._checkpoint_pause_s = (time.perf_counter() - started_at) / checkpoints.max_time_share

    def _restore(self, checkpoints: Checkpoints) -> None:
        restored = checkpoint.read(checkpoints, self._variables(), type(self.config))
        if restored is None:
            self._callback.on_message(tr("there is no checkpoint yet, so the run starts from the beginning."))
            return
        self.state, self._best, self.step_log = restored
        self._callback.on_message(
            tr("resumed at epoch {epoch}, batch {step}.", epoch=self.state.epoch + 1, step=self.state.step + 1)
        )
