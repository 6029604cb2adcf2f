"""One network that several processes of JAX train: each computes a share of every batch, and all keep equal weights.

Outside `together` there is one process, whatever the backend, and it computes everything.
"""

import contextlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tenor._core import regular_files
from tenor._core.regular_files import IrregularFileError

Array = npt.NDArray[Any]

_MISSING, _IRREGULAR = -1, -2  # in place of a size


@contextlib.contextmanager
def data_parallel_scope() -> Iterator[None]:
    """What is built and trained inside is one network of all processes that JAX knows (`jax.distributed.initialize`);
    all have to do the same.
    """
    devices = keras.distribution.list_devices()
    with keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False).scope():
        yield


def count() -> int:
    """Processes that compute together."""
    if keras.distribution.distribution() is None:
        return 1
    return int(_jax().process_count())


def is_first() -> bool:
    """Whether this is the process that writes what only one may write."""
    return count() == 1 or _jax().process_index() == 0


def padded_size(rows: int) -> int:
    """Rows that a batch is filled up to, so that each process has as many."""
    return -(-rows // count()) * count()


def local_rows(array: Array) -> Array:
    """The rows that this process computes."""
    each = len(array) // count()
    first = _jax().process_index() * each if count() > 1 else 0
    return array[first : first + each]


def predict(model: Any, inputs: Array) -> Array:
    """What a model says of a batch that every process has, (rows, outputs), each having computed its share."""
    if count() == 1:
        return np.asarray(model.predict_on_batch(inputs))
    layout = keras.distribution.distribution().get_data_layout(inputs.shape).backend_layout
    shared = _jax().make_array_from_process_local_data(layout, local_rows(inputs))
    states = [
        [variable.value for variable in some] for some in (model.trainable_variables, model.non_trainable_variables)
    ]
    return np.asarray(_gathering(model)(*states, shared))


def shard_map_rows(kind: Any) -> Any:
    """A recurrent layer of which each process computes its rows alone, the gradients being added up at the end.

    XLA adds up the gradients of a loop's weights over the processes in every step of the loop: 100 MB for a batch of
    200 tokens.
    """
    if count() == 1:
        return kind

    class ByRows(kind):  # type: ignore[misc]
        def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
            jax = _jax()
            layout = keras.distribution.distribution().get_data_layout(sequences.shape).backend_layout
            whole = jax.sharding.PartitionSpec()

            def local(values: Any, rows: Any) -> Any:
                with keras.StatelessScope(state_mapping=list(zip(self.variables, values, strict=True))):
                    return super(ByRows, self).call(rows, initial_state, mask, training)

            shared = jax.shard_map(
                local, mesh=layout.mesh, in_specs=(whole, layout.spec), out_specs=layout.spec, check_vma=False
            )
            return shared([variable.value for variable in self.variables], sequences)

    ByRows.__name__ = kind.__name__
    return ByRows


def broadcast(array: Array) -> Array:
    """The array that the first process gives, for all; those of the others have the same shape."""
    if count() == 1:
        return array
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.broadcast_one_to_all(array))


def broadcast_metrics(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of the first process, for all: what depends on them is then decided alike."""
    if count() == 1 or not figures:
        return dict(figures)
    values = np.array(list(figures.values()), np.float64)
    values = broadcast(values.view(np.uint32)).view(np.float64)  # JAX would round them
    return dict(zip(figures, values.tolist(), strict=True))


def read_by_first(path: Path, most: int) -> bytes:
    """What the first process reads, for all: the others need not reach the file.

    Args:
        path: Of the file.
        most: Bytes that it may have.

    Raises:
        FileNotFoundError: It is not there; in all processes.
        IrregularFileError: It is a link or no regular file, it is larger, or it cannot be read; in all processes.
    """
    if count() == 1:
        return _read(path, most)
    data, error = b"", None
    if is_first():
        try:
            data = _read(path, most)
        except (FileNotFoundError, IrregularFileError) as caught:
            error = caught
    status = _MISSING if isinstance(error, FileNotFoundError) else _IRREGULAR if error else len(data)
    size = int(broadcast_metrics({"size": status})["size"])
    if size == _MISSING:
        raise error or FileNotFoundError(path)
    if size == _IRREGULAR:
        raise error or IrregularFileError("cannot be read by the first process")
    return broadcast(np.frombuffer(data if is_first() else bytes(size), np.uint8)).tobytes()


def _read(path: Path, most: int) -> bytes:
    """Read a file. Raises like `read_by_first`."""
    try:
        return regular_files.read(path, most)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IrregularFileError(f"cannot be read: {error.strerror or error}") from None


@lru_cache(4)
def _gathering(model: Any) -> Any:
    """(trainable, other variables, inputs) -> outputs that every process has all of."""
    jax = _jax()
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())

    def outputs(trainable: Any, others: Any, inputs: Any) -> Any:
        return model.stateless_call(trainable, others, inputs, training=False)[0]

    return jax.jit(outputs, out_shardings=whole)


def _jax() -> Any:
    import jax

    return jax
