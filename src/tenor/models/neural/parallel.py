"""Training one network in several JAX processes: each computes a share of every batch, and all keep equal weights.

Outside `data_parallel_scope` there is one process, whatever the backend, and it computes everything.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import keras
import numpy as np

from tenor._core import regular_files
from tenor._core.language import tr
from tenor._core.regular_files import IrregularFileError
from tenor.models.neural.keras_types import Array, Tensor

_MISSING, _IRREGULAR = -1, -2  # stand for the size of a file that cannot be read


@contextlib.contextmanager
def data_parallel_scope() -> Iterator[None]:
    """Build and train one network in all processes of `jax.distributed.initialize`; all run the same code inside."""
    devices = keras.distribution.list_devices()
    with keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False).scope():
        yield


def count() -> int:
    """The number of processes that train together."""
    if keras.distribution.distribution() is None:
        return 1
    return int(_jax().process_count())


def is_first() -> bool:
    """Whether this is the process that writes files."""
    return count() == 1 or _jax().process_index() == 0


def padded_size(rows: int) -> int:
    """The number of rows of a batch once it is padded so that each process has equally many."""
    return -(-rows // count()) * count()


def local_rows(array: Array) -> Array:
    """The rows of a batch that this process computes."""
    n_local = len(array) // count()
    first = _jax().process_index() * n_local if count() > 1 else 0
    return array[first : first + n_local]


def predict(model: keras.Model, inputs: Array) -> Array:
    """Predict a batch that all processes have; each computes its share, and all get the whole result.

    Args:
        model: The model.
        inputs: (rows, ...).

    Returns:
        (rows, outputs).
    """
    if count() == 1:
        return np.asarray(model.predict_on_batch(inputs))
    layout = keras.distribution.distribution().get_data_layout(inputs.shape).backend_layout
    shared = _jax().make_array_from_process_local_data(layout, local_rows(inputs))
    variables = [
        [variable.value for variable in group] for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    return np.asarray(_predict_and_gather(model)(*variables, shared))


def shard_map_rows(layer: type[keras.layers.Layer]) -> type[keras.layers.Layer]:
    """A recurrent layer whose processes compute their rows alone and add up the gradients once, at the end.

    Without it, XLA adds up the gradients over all processes in each time step: 100 MB for a batch of 200 tokens.
    """
    if count() == 1:
        return layer

    class RowSharded(layer):  # type: ignore[misc]
        def call(
            self, sequences: Tensor, initial_state: Tensor = None, mask: Tensor = None, training: bool = False
        ) -> Tensor:
            jax = _jax()
            layout = keras.distribution.distribution().get_data_layout(sequences.shape).backend_layout
            replicated = jax.sharding.PartitionSpec()

            def local_call(values: list[Tensor], rows: Tensor) -> Tensor:
                with keras.StatelessScope(state_mapping=list(zip(self.variables, values, strict=True))):
                    return super(RowSharded, self).call(rows, initial_state, mask, training)

            sharded = jax.shard_map(
                local_call, mesh=layout.mesh, in_specs=(replicated, layout.spec), out_specs=layout.spec, check_vma=False
            )
            return sharded([variable.value for variable in self.variables], sequences)

    RowSharded.__name__ = layer.__name__
    return RowSharded


def broadcast(array: Array) -> Array:
    """The array of the first process, in all processes; they all pass arrays of the same shape."""
    if count() == 1:
        return array
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.broadcast_one_to_all(array))


def broadcast_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of the first process, in all processes, so that all decide the same."""
    if count() == 1 or not metrics:
        return dict(metrics)
    values = np.array(list(metrics.values()), np.float64)
    values = broadcast(values.view(np.uint32)).view(np.float64)  # JAX would round float64
    return dict(zip(metrics, values.tolist(), strict=True))


def read_by_first(path: Path, max_bytes: int) -> bytes:
    """Read a file in the first process and give its content to all; the others need no access to it.

    Args:
        path: The file.
        max_bytes: Its largest size.

    Raises:
        FileNotFoundError: It does not exist; in all processes.
        IrregularFileError: It is not a plain file, is larger, or cannot be read; in all processes.
    """
    if count() == 1:
        return _read(path, max_bytes)
    data, error = b"", None
    if is_first():
        try:
            data = _read(path, max_bytes)
        except (FileNotFoundError, IrregularFileError) as caught:
            error = caught
    status = _MISSING if isinstance(error, FileNotFoundError) else _IRREGULAR if error else len(data)
    size = int(broadcast_metrics({"size": status})["size"])
    if size == _MISSING:
        raise error or FileNotFoundError(path)
    if size == _IRREGULAR:
        raise error or IrregularFileError(tr("cannot be read by the first process"))
    return broadcast(np.frombuffer(data if is_first() else bytes(size), np.uint8)).tobytes()


def _read(path: Path, max_bytes: int) -> bytes:
    """Read a file. Raises like `read_by_first`."""
    try:
        return regular_files.read(path, max_bytes)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IrregularFileError(tr("cannot be read: {strerror}", strerror=error.strerror or error)) from None


@lru_cache(4)
def _predict_and_gather(model: keras.Model) -> Callable[..., Tensor]:
    """(trainable variables, other variables, inputs) -> outputs of all rows, in every process."""
    jax = _jax()
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    replicated = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())

    def outputs(trainable: list[Tensor], non_trainable: list[Tensor], inputs: Tensor) -> Tensor:
        return model.stateless_call(trainable, non_trainable, inputs, training=False)[0]

    return jax.jit(outputs, out_shardings=replicated)  # type: ignore[no-any-return]


def _jax() -> ModuleType:
    import jax

    return jax
