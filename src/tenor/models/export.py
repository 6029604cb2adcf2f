"""A network in Keras -> the same in ONNX, proven equal before it is handed on."""

import numpy as np
import numpy.typing as npt

from tenor.errors import TenorError, missing_extra
from tenor.models import exported
from tenor.models.exported import FLOAT32, INT8, Exported
from tenor.models.family import Arrays
from tenor.models.network import Network
from tenor.tasks import Floats, Value
from tenor.text.encoded import Encoded

TOLERANCE = 1e-4
"""How far a probability, or a value in units of its spread, may be from the one that Keras gives."""
_LARGEST = 2_000_000_000  # bytes; a file of ONNX is a message of Protocol Buffers, which ends at 2 GiB
_ROWS = 24


def export(network: Network, encoded: Encoded) -> Exported:
    """The network as ONNX, once it has said the same of `encoded` as Keras.

    Raises:
        TenorError: It has not; the weights are larger than 2 GB; or ONNX or ONNX Runtime is not installed.
    """
    weights = network.arrays()
    made = _make(network, {FLOAT32: _convert(network)}, weights)
    difference = np.abs(_said(network, encoded) - _said(made, encoded)).max(initial=0.0)
    if not difference <= TOLERANCE:  # not a number is no proof either
        raise TenorError(
            f"the ONNX graph is up to {difference:.2g} away from the network, so it is not kept.",
            "Predictions go through Keras. Please report this.",
        )
    return made


def quantised(network: Network, plain: Exported) -> Exported:
    """`plain` with a graph in int8 beside it, which predicts: kernels and tables are rounded to 8 bits.

    It is smaller and quicker and not quite equal: measure it before it is kept. The float32 graph stays.
    """
    files = {FLOAT32: plain.files[FLOAT32], INT8: _convert(network, int8=True)}
    return _make(network, files, plain.weights)


def any_rows(network: Network, seed: int = 0) -> Encoded:
    """Rows of ids drawn at random, from none to as many as fit, to compare on where there are no texts."""
    random = np.random.default_rng(seed)
    lengths: npt.NDArray[np.int64] = np.geomspace(1, network.longest + 1, _ROWS).astype(np.int64) - 1
    ids = random.integers(1, network.text_encoder.size, lengths.sum()).astype(np.int32)
    return Encoded(ids, np.concatenate([[0], lengths.cumsum()]), np.arange(len(lengths)), 0)


def _make(network: Network, files: dict[str, bytes], weights: Arrays) -> Exported:
    found = Exported(network.family, network.task, network.config, network.text_encoder, weights, files)
    found.session  # noqa: B018  a graph that cannot run is found at once
    return found


def _convert(network: Network, int8: bool = False) -> bytes:
    if sum(np.asarray(variable).nbytes for variable in network.keras_model.weights) > _LARGEST:
        raise TenorError(
            "the network is larger than 2 GB, which is more than an ONNX file holds, so there is none.",
            "Predictions go through Keras.",
        )
    try:
        from tenor.models.convert import convert
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise missing_extra("writing ONNX", "deep") from None
    if not exported.installed():
        raise missing_extra("running ONNX", "deep")
    return convert(network.keras_model, int8)


def _said(model: Network | Exported, encoded: Encoded) -> Floats:
    logits = model.score(encoded)
    return logits if isinstance(model.task, Value) else model.task.probabilities(logits)
