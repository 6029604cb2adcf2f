"""Checkpoints of a training run: one safetensors file, written safely and read strictly."""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from tenor._core import atomic
from tenor._core.language import mark, tr
from tenor._core.records import JsonMapping, JsonObject
from tenor._core.regular_files import IrregularFileError
from tenor.config import settings
from tenor.errors import TenorError
from tenor.models.context import CHECKPOINT, Checkpoints
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import parallel, precision
from tenor.models.neural.keras_types import Array
from tenor.models.neural.network import to_numpy
from tenor.training.run_differences import describe_differences

_METADATA_BYTES = 1 << 30  # of a checkpoint beside the weights: its header, and the step log
_REMEDY = mark("Start again (`overwrite=True`).")


class StepRecord(NamedTuple):
    """One step of training.

    Attributes:
        epoch: Number of the epoch, from 1.
        loss: Loss of the batch.
        metric: The metric of the batch.
        learning_rate: Learning rate.
        gradient_norm: Norm of the gradient before clipping.
    """

    epoch: float
    loss: float
    metric: float
    learning_rate: float
    gradient_norm: float


@dataclass
class TrainingState:
    """Position and results of a run. The checkpoint has it as JSON, under the names of these fields.

    Attributes:
        epoch: Number of the epoch, from 0.
        step: Steps of this epoch that are done.
        rows: Rows of this epoch that are done.
        loss: Sum of the loss over these rows.
        metric: Sum of the metric over these rows.
        best_loss: Smallest validation loss of an epoch so far.
        best_epoch: Number of that epoch; -1: none yet.
        seconds: Time of this epoch so far.
        steps: Steps of the whole run, where a time limit decided; None: those of the settings.
        history: One row per epoch.
    """

    epoch: int = 0
    step: int = 0
    rows: int = 0
    loss: float = 0.0
    metric: float = 0.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    seconds: float = 0.0
    steps: int | None = None
    history: list[JsonObject] = field(default_factory=list)


class Checkpoint(NamedTuple):
    """Everything that a resumed run needs.

    Attributes:
        state: Position and results.
        best: Trainable variables after the best epoch.
        step_log: All steps so far.
    """

    state: TrainingState
    best: list[Array]
    step_log: list[StepRecord]


def write(checkpoints: Checkpoints, checkpoint: Checkpoint, variables: Mapping[str, keras.Variable]) -> None:
    """Write a checkpoint, which replaces the last one.

    Args:
        checkpoints: Where it goes.
        checkpoint: Its content, besides the variables.
        variables: Name -> variable of the model or the optimizer.

    Raises:
        TenorError: It cannot be written; the last one is kept.
    """
    arrays = {name: to_numpy(variable) for name, variable in variables.items()}
    arrays |= {f"best/{index}": value for index, value in enumerate(checkpoint.best)}
    arrays["made"] = np.array(checkpoint.step_log, np.float64)
    metadata = {"run": _identity(checkpoints), "state": asdict(checkpoint.state)}
    data = safetensors.save(arrays, {"tenor": json.dumps(metadata)})
    try:
        checkpoints.folder.mkdir(parents=True, exist_ok=True)
        atomic.write(checkpoints.folder / CHECKPOINT, data)
    except OSError as error:
        kept = (checkpoints.folder / CHECKPOINT).is_file()
        if not kept:
            with contextlib.suppress(OSError):
                checkpoints.folder.rmdir()  # if it is empty
        raise TenorError(
            tr(
                "{folder}: the checkpoint cannot be written: {strerror}.",
                folder=checkpoints.folder,
                strerror=error.strerror or error,
            ),
            tr("The last one is kept. Free some space, then continue with `resume=True`.")
            if kept
            else tr("Free some space, or choose another folder (`out=...`)."),
        ) from None


def read(
    checkpoints: Checkpoints, variables: Mapping[str, keras.Variable], config_class: type[NetworkConfig]
) -> Checkpoint | None:
    """Read a checkpoint and assign its values to the variables.

    Args:
        checkpoints: Where it is.
        variables: Name -> variable of the model or the optimizer.
        config_class: The class of the run's settings; old names of settings are read as the current ones.

    Returns:
        The checkpoint; None: there is none yet.

    Raises:
        TenorError: It is damaged, or it is one of another run.
    """
    path = checkpoints.folder / CHECKPOINT
    n_values: int = sum(math.prod(variable.shape) for variable in variables.values())
    try:
        # Each value at most twice, its current value and that of the best epoch, with 8 bytes each.
        data = parallel.read_by_first(path, 2 * 8 * n_values + _METADATA_BYTES)
    except FileNotFoundError:
        return None
    except IrregularFileError as error:
        raise TenorError(tr("{path}: the checkpoint {error}.", path=path, error=error), tr(_REMEDY)) from None
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["tenor"])
        arrays, state, run = safetensors.load(data), TrainingState(**metadata["state"]), dict(metadata["run"])
    except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise TenorError(
            tr("{path}: the checkpoint is damaged: {error}.", path=path, error=error), tr(_REMEDY)
        ) from None
    if isinstance(run.get("settings"), dict):
        run["settings"] = settings.current_names(config_class, run["settings"], str(path), warn=False)
    _check_identity(path, checkpoints, run)
    for name, variable in variables.items():
        if name not in arrays or arrays[name].shape != tuple(variable.shape):
            raise TenorError(
                tr("{path}: the checkpoint is damaged: {name} is missing or has another shape.", path=path, name=name),
                tr(_REMEDY),
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])
    best = [arrays[f"best/{index}"] for index in range(sum(name.startswith("best/") for name in arrays))]
    return Checkpoint(state, best, [StepRecord._make(step) for step in arrays["made"].tolist()])


def _check_identity(path: Path, checkpoints: Checkpoints, run: JsonMapping) -> None:
    """Refuse the checkpoint of another run."""
    now = _identity(checkpoints)
    before = {key: run.get(key) for key in now}
    if before != now:
        raise TenorError(
            tr(
                "{path}: the checkpoint is of another run ({describe_differences}).",
                path=path,
                describe_differences=describe_differences(before, now),
            ),
            tr("Resume with the same data, settings, seed and backend, or start again without `resume=True`."),
        )


def _identity(checkpoints: Checkpoints) -> JsonObject:
    """What a run has to share with the checkpoint that it resumes."""
    device = " on a device" if precision.has_accelerator() else ""  # which has other batches, and rounds otherwise
    return checkpoints.run | {"backend": keras.backend.backend() + device}
